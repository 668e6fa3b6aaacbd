"""The page on a real database, in this process, with streams that never rest: a day of messages passes in a minute.

It runs in a thread of its own, beside a browser that needs the first one. A test changes what stations told by `stir`;
no station, no meter and no load limits live here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from gateway.configuration import StationSettings
from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, StationId
from gateway.operations.manage_tokens import create_token
from gateway.operations.site import Site
from gateway.pages.application import add_pages
from gateway.pages.shared_pieces import Pace
from gateway.rules.circuit_history import MINUTE, Extremes
from gateway.store import circuit_history, connectors
from gateway.store.writing import Writing
from gateway.web.application import make_application
from tests.unit.pages.streaming import streams_open
from tests.unit.web.conftest import NOON, configuration_in, open_site

STATIONS = 12
_PATIENCE_SECONDS = 30.0
_NO_REST = Pace(shortest_seconds=0.0, longest_seconds=60.0, rest=0.0)
_STATUSES = ("Preparing", "Charging", "SuspendedEVSE", "Finishing", "Faulted")
_MINUTES_OF_A_DAY = 1440

Result = TypeVar("Result")


@dataclass
class QuickSite:
    """`address`: the page's origin; `token`: a viewer's."""

    address: str
    token: str
    _site: Site
    _loop: asyncio.AbstractEventLoop
    _stirring: asyncio.Task[None] | None = None

    def stir(self) -> None:
        """From now on stations tell another status as fast as it can be stored."""

        async def begin() -> None:
            self._stirring = asyncio.create_task(self._stir())

        self.do(begin())

    def rest(self) -> None:
        """Nothing changes any more; all is as at the beginning."""

        self.do(self.end())

    async def end(self) -> None:
        """The same, for whoever is in the site's loop."""
        stirring, self._stirring = self._stirring, None
        if stirring is not None:
            stirring.cancel()
            await asyncio.gather(stirring, return_exceptions=True)
        await self._site.database.write(_all_available)

    def streams_open(self) -> int:
        """How many streams have a task."""

        async def count() -> int:
            return streams_open()

        return self.do(count())

    def do(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Have this done in the site's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE_SECONDS)

    async def _stir(self) -> None:
        number = 0
        while True:
            number += 1
            station, status = number % STATIONS, _STATUSES[number // STATIONS % len(_STATUSES)]
            await self._site.database.write(lambda db, station=station, status=status: _tell(db, station, status))  # type: ignore[misc]


def _tell(db: Writing, station: int, status: str) -> None:
    error = "GroundFailure" if status == "Faulted" else "NoError"
    connectors.record(db, StationId(f"POST-{station}"), ConnectorId(1), ConnectorState(status, error, NOON, NOON))


def _all_available(db: Writing) -> None:
    for station in range(STATIONS):
        _tell(db, station, "Available")


def _day_of_history(db: Writing) -> None:
    for minute in range(_MINUTES_OF_A_DAY):
        drawn = (5_000 + minute * 7 % 9_000, 4_000, 3_000)
        circuit_history.keep(db, NOON // MINUTE - minute, {"main": Extremes((63_000,) * 3, drawn, (10_000, 0, 0))})


@asynccontextmanager
async def _opened(directory: Path) -> AsyncIterator[QuickSite]:
    stations = tuple(StationSettings(id=f"POST-{number}", circuit="main", max_amps=16) for number in range(STATIONS))
    async with open_site(replace(configuration_in(directory), stations=stations)) as site:
        await site.database.write(_all_available)
        await site.database.write(_day_of_history)
        token = (await create_token(site, role="viewer", name="viewer", actor="test")).text
        application = make_application(site)
        add_pages(application, pace=_NO_REST)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            tcp = web.TCPSite(runner, "127.0.0.1", 0)
            await tcp.start()
            port = runner.addresses[0][1]
            yield QuickSite(f"http://127.0.0.1:{port}", token, site, asyncio.get_running_loop())
        finally:
            await runner.cleanup()


@contextmanager
def quick_site(directory: Path) -> Iterator[QuickSite]:
    """The page at rest."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="quick site", daemon=True)
    thread.start()
    door = _opened(directory)

    def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(_PATIENCE_SECONDS)

    try:
        site = run(door.__aenter__())
        try:
            yield site
        finally:
            run(site.end())
            run(door.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_SECONDS)
        loop.close()
