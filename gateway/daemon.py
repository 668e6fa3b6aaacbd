"""Puts the gateway together: store, meters, stations' door, web door, loops. Started downwards, stopped upwards.

The only file that knows all parts. The data directory belongs to one daemon at a time (`gateway.lock`).
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.configuration import Configuration
from gateway.health import Health
from gateway.journal_signal import JournalSignal
from gateway.loops import Loop, loops_of
from gateway.machine_clock import machine_clock
from gateway.model.clocks import RawClock
from gateway.model.instants import Instant
from gateway.model.links import Connect
from gateway.operations import keep_house
from gateway.operations.answer_stations import answering
from gateway.operations.begin_again import heed_interrupted
from gateway.operations.clock_now import ClockNow
from gateway.operations.prove_version import given_up
from gateway.operations.reload_configuration import Reloads
from gateway.operations.site import Site
from gateway.operations.tell_refusals import Refusals
from gateway.operations.trace_frames import noting
from gateway.operations.transfer_folders import make_transfer_folders
from gateway.operations.watch_clock import note_clock
from gateway.operations.welcome_station import arriving, leaving, welcoming
from gateway.stations.bounds import Bounds
from gateway.stations.connected import Connected
from gateway.stations.server import Door, serve_stations
from gateway.stations.tls import TlsDoor
from gateway.store import commands, events, rehearsal, upstreams
from gateway.store.database import Database, open_database
from gateway.store.migrations import LARGE_DATABASE_BYTES
from gateway.store.readers import Readers
from gateway.store.writing import Writing
from gateway.supervision import end_tasks, keep_running

if TYPE_CHECKING:
    from gateway.operations.keep_tls_door import TlsCertificates
    from gateway.web.kept_port import KeptPort

logger = logging.getLogger(__name__)

DATABASE_NAME = "gateway.db"
_AGAIN_SECONDS = 5.0
_NEEDED_TO_BE_READY = ("store", "stations", "web")


class AlreadyRunning(Exception):
    """Another daemon holds the data directory; the text says which directory."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the doors are open now."""

    stations_host: str
    stations_port: int
    web_host: str
    web_port: int
    stations_tls_port: int | None = None


def wall_clock() -> Instant:
    """The machine's clock."""
    return Instant(time.time_ns() // 1000)


def random_id() -> str:
    """128 random bits as text, unique over restarts (message ids, command ids)."""
    return secrets.token_hex(16)


@dataclass(slots=True)
class Surroundings:
    """What tests replace: the clocks, the source of ids, and whether the web door opens."""

    wall_clock: Callable[[], Instant] = wall_clock
    clock: Callable[[], RawClock] = machine_clock  # what the machine says of the wall clock
    new_id: Callable[[], str] = random_id
    web: bool = True  # and the doors for firmware and uploads
    started: Callable[[Site, Addresses], None] | None = field(default=None)
    connect_upstream: Connect | None = None  # None: over MQTT
    patient: bool = False  # the port for people, and that with TLS, may come later
    hold: Callable[[Path], AbstractContextManager[None]] | None = None  # None: the data directory is this run's own
    reloads: Reloads = field(default_factory=Reloads)
    web_port: KeptPort | None = None  # held open for the next run


async def run(
    configuration: Configuration,
    *,
    ready: Callable[[Addresses], None] | None = None,
    stop: asyncio.Event | None = None,
    surroundings: Surroundings | None = None,
) -> None:
    """Run the gateway until `stop` is set or the task is cancelled: AlreadyRunning, UnusableDatabase, OSError."""
    around = surroundings or Surroundings()
    stop = stop or asyncio.Event()
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(_open_site(configuration, around))
        await stack.enter_async_context(_meters(site))
        rehearsal.no_way_back(configuration.data.directory)  # the next line opens a door
        doors = await stack.enter_async_context(_open_stations_doors(site, patient=around.patient))
        web_port = await stack.enter_async_context(_open_web_door(site, around)) if around.web else 0
        addresses = Addresses(
            configuration.ocpp.host, doors.port, configuration.web.host, web_port, stations_tls_port=doors.tls_port
        )
        await stack.enter_async_context(_loops(site, around, doors))
        if ready is not None:
            ready(addresses)
        if around.started is not None:
            around.started(site, addresses)
        logger.info("stations: ws://%s:%d/ocpp/<id>", addresses.stations_host, doors.port)
        if doors.tls_port is not None:
            logger.info("stations: wss://%s:%d/ocpp/<id>", addresses.stations_host, doors.tls_port)
        await stop.wait()
        logger.info("stopping")


@contextmanager
def data_directory_held(directory: Path) -> Iterator[None]:
    """Hold the data directory for this process. Raises AlreadyRunning."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o750)
    handle = os.open(directory / "gateway.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another gateway is running on {directory}") from error
        yield
    finally:
        os.close(handle)


@asynccontextmanager
async def _open_site(configuration: Configuration, around: Surroundings) -> AsyncIterator[Site]:
    directory = configuration.data.directory
    with (around.hold or data_directory_held)(directory):
        database = await open_database(directory / DATABASE_NAME)
        readers = Readers(database.path)
        latest_known, interrupted = await database.write(lambda db: (events.latest_time(db), commands.running(db)))
        site = Site(
            configuration=configuration,
            database=database,
            readers=readers,
            connected=Connected(),
            wall_clock=around.wall_clock,
            new_id=around.new_id,
            journal_signal=JournalSignal(),
            health=Health(_NEEDED_TO_BE_READY if around.web else _NEEDED_TO_BE_READY[:2]),
            clock_quality=ClockNow(around.clock),
            latest_known=latest_known,
            reloads=around.reloads,
        )
        try:
            with site.log.listening():
                _share_folders(directory)
                _follow_commits(site, database)
                await note_clock(site)
                await heed_interrupted(site, interrupted, now=site.wall_clock())
                await database.write(lambda db: _begin(db, site))
                yield site
        finally:
            await keep_house.store_last_words(site)
            await readers.close()
            await database.close()


def _share_folders(directory: Path) -> None:
    try:
        make_transfer_folders(directory)
    except OSError as error:  # whoever needs them tries again, and tells in health
        logger.error("folders for firmware and uploads cannot be made: %s", error)


def _follow_commits(site: Site, database: Database) -> None:
    def committed(failure: str | None) -> None:
        site.health.report("store", failure)
        if failure is None:
            site.journal_signal.announce()

    database.committed = committed


def _begin(db: Writing, site: Site) -> None:
    now = site.wall_clock()
    keep_house.judge_age_at(db, now)
    data: dict[str, object] = {"commands_interrupted": commands.end_interrupted(db, now=now)}
    if (words := given_up()) is not None:
        data["given_up"] = words
    upstreams.keep_only(db, [upstream.name for upstream in site.configuration.upstreams])
    events.append(db, "gateway.started", happened_at=now, recorded_at=now, data=data)


@dataclass(frozen=True, slots=True)
class _StationsDoors:
    port: int
    tls_port: int | None = None
    loops: Mapping[str, Loop] = field(default_factory=dict)


@asynccontextmanager
async def _meters(site: Site) -> AsyncIterator[None]:
    """Site meters are read for the length of the block; nobody waits for them, and without any nothing is loaded."""
    if not site.configuration.meters:
        yield
        return
    from gateway.operations.read_meters import loops_of
    from gateway.operations.sample_site import sample_site
    from gateway.operations.watch_meters import watch_meters

    async def start_reading() -> None:
        for name, loop in (await loops_of(site)).items():
            tasks.append(group.create_task(keep_running(name, loop, site.health), name=name))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep_running("meter lines", start_reading, site.health), name="meter lines")]
        for name, loop in (("meter watch", watch_meters), ("site samples", sample_site)):
            tasks.append(group.create_task(keep_running(name, partial(loop, site), site.health), name=name))
        try:
            yield
        finally:
            await end_tasks(tasks)


@asynccontextmanager
async def _open_stations_doors(site: Site, *, patient: bool) -> AsyncIterator[_StationsDoors]:
    """The plain port first, so that nothing about certificates keeps stations waiting; then the one with TLS."""
    refusals = Refusals(site)
    serve = _serving(site, refusals)
    async with serve(site.configuration.ocpp.port, None) as port:
        site.health.report("stations", None)
        tls = site.configuration.ocpp.tls
        if tls is None:
            yield _StationsDoors(port)
            return
        # the library for certificates is slow to import, and stations are answered meanwhile
        keep_tls_door = await asyncio.to_thread(importlib.import_module, "gateway.operations.keep_tls_door")
        certificates: TlsCertificates = keep_tls_door.TlsCertificates(site, tls)
        await certificates.look()
        serve_tls = partial(serve, tls.port, TlsDoor(context=certificates.current, failed=refusals.handshake))
        loops: dict[str, Loop] = {"certificates of the TLS port": lambda _: certificates.watch()}
        async with AsyncExitStack() as stack:
            try:
                tls_port = await stack.enter_async_context(serve_tls())
            except OSError:
                if not patient:
                    raise
                tls_port, loops["stations tls port"] = None, lambda site: _open_later(site, serve_tls)
            yield _StationsDoors(port, tls_port, loops)


async def _open_later(site: Site, serve_tls: Callable[[], AbstractAsyncContextManager[int]]) -> None:
    """Try the port with TLS again and again; what keeps it from opening leaves the plain one alone."""
    while True:
        try:
            async with serve_tls() as port:
                site.health.report("stations tls port", None)
                logger.info("stations: port %d with TLS is open now", port)
                await asyncio.Event().wait()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            site.health.report("stations tls port", f"cannot be opened: {reason}")
        await asyncio.sleep(_AGAIN_SECONDS)


def _serving(site: Site, refusals: Refusals) -> Callable[[int, TlsDoor | None], AbstractAsyncContextManager[int]]:
    """A function that opens one port of the stations' door."""
    ocpp = site.configuration.ocpp
    door = Door(
        admit=welcoming(site, refusals),
        answer=answering(site),
        arrived=arriving(site),
        left=leaving(site),
        new_id=site.new_id,
        wall_clock=site.wall_clock,
        trace=noting(site.frames, site.configuration.log, site.wall_clock),
    )
    bounds = Bounds(
        max_frame_bytes=ocpp.max_frame_bytes,
        answering_queue=ocpp.answering_queue,
        ping_interval_seconds=ocpp.ping_interval_seconds,
    )

    def serve(port: int, tls: TlsDoor | None) -> AbstractAsyncContextManager[int]:
        return serve_stations(host=ocpp.host, port=port, door=door, connected=site.connected, bounds=bounds, tls=tls)

    return serve


@asynccontextmanager
async def _open_web_door(site: Site, around: Surroundings) -> AsyncIterator[int]:
    # In threads, because importing the web framework and reading the page's texts take as long as all of the start
    # before it: stations are answered meanwhile.
    await asyncio.to_thread(importlib.import_module, "gateway.pages.application")
    from gateway.pages.application import add_pages
    from gateway.web.application import make_application, serve

    application = make_application(site)
    await asyncio.to_thread(add_pages, application)
    async with serve(site, application, patient=around.patient, kept=around.web_port) as port:
        if port:
            site.health.report("web", None)
        yield port


@asynccontextmanager
async def _loops(site: Site, around: Surroundings, doors: _StationsDoors) -> AsyncIterator[None]:
    named = await loops_of(site, doors=around.web, connect_upstream=around.connect_upstream)
    named |= doors.loops
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(keep_running(name, lambda loop=loop: loop(site), site.health), name=name)  # type: ignore[misc]
            for name, loop in named.items()
        ]
        if site.database.path.stat().st_size > LARGE_DATABASE_BYTES:
            tasks.append(group.create_task(keep_house.check_integrity(site), name="integrity"))
        try:
            yield
        finally:
            await end_tasks(tasks)
