"""`ocpp-gateway demo`: a whole gateway on a bare machine, with simulated stations and a site meter on real sockets.

The daemon runs as always, on a configuration file in the data directory, where every other command reaches it.
This file only puts things side by side and tells what happens; it does nothing that the daemon could not do alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.configuration import Configuration, Meter, TcpTransport, load_configuration
from gateway.daemon import Addresses, AlreadyRunning, Surroundings, data_directory_held, run
from gateway.demo_ftp import ftp_beside
from gateway.demo_site import FUSE_AMPS, OUTLET_AMPS, connectors_of, rotation_of, write_configuration
from gateway.operations.manage_tags import put_tag
from gateway.operations.manage_tokens import create_token
from gateway.operations.manage_users import create_code
from gateway.operations.site import Site
from gateway.operations.watch_meters import judged
from gateway.simulated_meter import Amps, simulated_meter
from gateway.simulated_station import Habits, SimulatedStation
from gateway.store import reports_events, users
from gateway.store.migrations import UnusableDatabase
from gateway.supervision import end_tasks
from gateway.terminal.exits import OK, negative
from gateway.terminal.logging_setup import set_up_logging
from gateway.terminal.reaching import lan_address

_FAREWELL_SECONDS = 5.0
_TELL_METER_SECONDS = 10.0

_PROTOCOLS = ("HTTP", "FTP,HTTP", "FTP,FTPS,HTTP,HTTPS")  # by which they fetch and upload, in turn
_FOLLOWS_WITHIN_SECONDS = (2.0, 5.0)  # whatever the speed: limits act in the time of real sites


@dataclass(frozen=True, slots=True)
class DemoWishes:
    """How many stations; where the data stays (None: nowhere); how fast drivers live; when to stop (None: Ctrl-C).

    `broker`: host and port of a fleet manager's MQTT broker, without TLS (None: no fleet manager).
    """

    stations: int = 3
    data: Path | None = None
    speed: float = 20.0
    seconds: float | None = None
    broker: tuple[str, int] | None = None


@dataclass(slots=True)
class Bills:
    """What the gateway's journal said while the demo ran, up to the event `told_upto`."""

    told_upto: int
    closed: bool = False
    sessions: int = 0
    energy_wh: int = 0


def run_demo(wishes: DemoWishes) -> int:
    """Run until SIGINT, SIGTERM or the wished time is over; the exit code. Raises Ending when it cannot start."""
    set_up_logging("warning")
    with _directory(wishes.data) as directory:
        try:
            with data_directory_held(directory):
                file = write_configuration(
                    directory, stations=wishes.stations, broker=wishes.broker
                )  # never over that of a demo that runs
            asyncio.run(_play(load_configuration(file), file, wishes))
        except AlreadyRunning as error:
            raise negative(str(error)) from error
        except BaseExceptionGroup as group:
            foreseen, surprise = group.split((AlreadyRunning, UnusableDatabase, OSError))
            if foreseen is None or surprise is not None:
                raise
            raise negative(f"the demo cannot go on: {_innermost(foreseen)}") from group
    return OK


async def _play(configuration: Configuration, file: Path, wishes: DemoWishes) -> None:
    stop = asyncio.Event()
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, enough.set)
    started: asyncio.Future[tuple[Site, Addresses]] = loop.create_future()
    around = Surroundings(started=lambda site, addresses: started.set_result((site, addresses)))
    stations: list[SimulatedStation] = []
    async with simulated_meter(_meter_port(configuration), lambda: _site_amps(stations)), asyncio.TaskGroup() as group:
        group.create_task(run(configuration, stop=stop, surroundings=around))
        site, addresses = await started
        await _introduce(site, addresses, file, wishes.stations)
        stations += _make_stations(addresses, wishes)
        async with ftp_beside(file):
            await _live(site, stations, wishes=wishes, enough=enough)
        stop.set()


def _site_meter(configuration: Configuration) -> Meter:
    """The simulated one; site.toml of the data directory may add others."""
    return next(meter for meter in configuration.meters if meter.name == "grid")


def _meter_port(configuration: Configuration) -> int:
    transport = _site_meter(configuration).transport
    assert isinstance(transport, TcpTransport)
    return transport.port


def _make_stations(addresses: Addresses, wishes: DemoWishes) -> list[SimulatedStation]:
    url = f"ws://127.0.0.1:{addresses.stations_port}/ocpp"
    return [
        SimulatedStation(f"SIM-{number}", url, seed=number, habits=_habits(number, wishes.speed))
        for number in range(1, wishes.stations + 1)
    ]


def _site_amps(stations: list[SimulatedStation]) -> Amps:
    """What the site draws now: a building whose load wanders, and every session that runs."""
    now = asyncio.get_running_loop().time()
    site = [9.0 - phase + 4.0 * math.sin(now / (41 + 7 * phase)) for phase in range(3)]
    for number, station in enumerate(stations, 1):
        for outlet in station.outlets:
            for amps, phase in zip(outlet.meter.amps, rotation_of(number), strict=True):
                site[int(phase) - 1] += amps
    one, two, three = site
    return one, two, three


async def _introduce(site: Site, addresses: Addresses, file: Path, stations: int) -> None:
    for number in range(1, stations + 1):
        for tag in _tags(number):
            await put_tag(site, tag, {"note": f"demo driver at SIM-{number}"}, actor="demo")
    token = (await create_token(site, role="installer", name="demo", actor="demo")).text
    page = f"http://127.0.0.1:{addresses.web_port}"
    web = f"{page}/api/v1"
    meter_port = _meter_port(site.configuration)
    print(
        f"""A charging site with simulated stations. Ctrl-C ends it.

  web page             {page}/welcome
  {await _first_login(site)}
  stations connect to  ws://{lan_address()}:{addresses.stations_port}/ocpp/<any id>
                       (listening on 0.0.0.0: real stations in this network may join, any card charges)
  main fuse            {FUSE_AMPS} A per phase, shared by a building and the simulated stations
  site meter           127.0.0.1:{meter_port} (Modbus TCP, simulated: a building and the stations)
  FTP for stations     ftp://{lan_address()}:{site.configuration.firmware.ftp_port} (logins are given out with each job)
  API                  {web}
  OpenAPI              {web}/openapi.json
  installer token      {token}

Try:
  curl -H "Authorization: Bearer {token}" {web}/stations
  ocpp-gateway status --config {file}
  ocpp-gateway meters --config {file}
  ocpp-gateway limits --config {file}
  ocpp-gateway why SIM-1 --config {file}
  ocpp-gateway diagnostics ask SIM-1 --wait --config {file}
  ocpp-gateway call SIM-1 TriggerMessage '{{"requestedMessage": "Heartbeat"}}' --config {file}
""",
        flush=True,
    )


async def _first_login(site: Site) -> str:
    if await site.database.write(users.count):  # of a demo that ran here before
        return "log in               as before (with --data, what people made is kept)"
    code = (await create_code(site, role="installer", user_id=None, actor="demo")).text
    return f"one-time code        {code} (makes your own login)"


async def _live(site: Site, stations: list[SimulatedStation], *, wishes: DemoWishes, enough: asyncio.Event) -> None:
    bills = Bills(await reports_events.newest_id(site.readers))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(station.run()) for station in stations]
        group.create_task(_tell_sessions(site, bills))
        tasks.append(group.create_task(_tell_meter(site)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wishes.seconds):
                await enough.wait()
        print("ending: drivers leave, the last sessions are billed ...", flush=True)
        for farewell in [group.create_task(station.wind_down(_FAREWELL_SECONDS)) for station in stations]:
            await farewell
        await end_tasks(tasks)
        bills.closed = True
        site.journal_signal.announce()  # the teller looks a last time
    _sum_up(stations, bills)


async def _tell_meter(site: Site) -> None:
    meter = _site_meter(site.configuration)
    while True:
        await asyncio.sleep(_TELL_METER_SECONDS)
        now = judged(site, meter)
        amps = now.reading.measured.amps if now.reading else (None, None, None)
        told = "  ".join(f"L{phase} {value:.1f} A" for phase, value in enumerate(amps, 1) if value is not None)
        print(f"{_moment()}  site meter {meter.name}  {told if now.trust == 'fresh' else now.reason}", flush=True)


async def _tell_sessions(site: Site, bills: Bills) -> None:
    seen, last_look = -1, False
    while not last_look:
        seen = await site.journal_signal.newer_than(seen)
        last_look = bills.closed  # before looking: what is committed by now will be seen
        await _tell_new(site, bills)


async def _tell_new(site: Site, bills: Bills) -> None:
    """Print the starts and stops that were recorded since the last look."""
    complete = False
    while not complete:
        events, complete = await reports_events.page(
            site.readers, after=bills.told_upto, limit=200, streams=("tx",), station=None
        )
        for event in events:
            bills.told_upto = int(str(event["event_id"]))
            _tell(event, bills)


def _tell(event: dict[str, object], bills: Bills) -> None:
    data = event["data"]
    assert isinstance(data, dict)
    moment = _moment()
    where = f"{event['station']} connector {event['connector']}"
    if event["kind"] == "transaction.started":
        print(f"{moment}  {where}  session {data['transaction_id']} starts, {data['id_tag']}", flush=True)
    elif event["kind"] == "transaction.ended":
        bills.sessions += 1
        bills.energy_wh += int(data["energy_wh"])
        energy = f"{data['energy_wh'] / 1000:.2f} kWh"
        print(f"{moment}  {where}  session {data['transaction_id']} ends, {energy}, {data['reason']}", flush=True)


def _moment() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _sum_up(stations: list[SimulatedStation], bills: Bills) -> None:
    ended = [session for station in stations for session in station.sessions if session.energy_wh is not None]
    believed_wh = sum(session.energy_wh or 0 for session in ended)
    print(f"billed: {bills.sessions} sessions, {bills.energy_wh / 1000:.2f} kWh")
    print(f"the simulated stations' own count: {len(ended)} sessions, {believed_wh / 1000:.2f} kWh", flush=True)


def _habits(number: int, speed: float) -> Habits:
    return Habits(
        connectors=connectors_of(number),
        speed=speed,
        mean_session_seconds=5400.0,
        mean_pause_seconds=300.0,
        id_tags=_tags(number),
        most_amps=OUTLET_AMPS,
        follows_within_seconds=_FOLLOWS_WITHIN_SECONDS,
        file_transfer_protocols=_PROTOCOLS[(number - 1) % len(_PROTOCOLS)],
        transfers=True,
    )


def _tags(number: int) -> tuple[str, ...]:
    return tuple(f"DEMO-{number}{letter}" for letter in "ABC")


def _innermost(error: BaseException) -> BaseException:
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@contextlib.contextmanager
def _directory(wished: Path | None) -> Iterator[Path]:
    if wished is None:
        with tempfile.TemporaryDirectory(prefix="ocpp-gateway-demo-") as temporary:
            yield Path(temporary)
        return
    try:
        wished.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise negative(f"--data: cannot make {wished}: {error.strerror}") from error
    yield wished.absolute()
