"""Rounds of the power-cut tests: power on, wait until the daemon serves, load, cut, look at what is left.

What has to be there is `accounts`, what loads is `busy_stations`; this file knows the order of things and the
daemon's HTTP API.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
import urllib.request
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.power.accounts import Verdict, audit
from tests.system.power.busy_stations import Station
from tests.system.power.crash_states import copy_sparse, dump
from tests.system.power.image import Bootable
from tests.system.power.virtual_machine import Machine, Plug, powered

STATIONS = 6
_DATA = "/var/lib/ocpp-gateway"
_READY_SECONDS = 400.0  # a boot takes ten seconds on a core of its own, and the repair of a package as long again


@dataclass
class Cuts:
    """What the cuts of one test did, for its report."""

    unflushed: list[int] = field(default_factory=list)
    lost_blocks: int = 0
    boot_seconds: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)  # of the file system

    def note(self, told: dict[str, int], machine: Machine) -> None:
        """Remember one cut."""
        self.unflushed.append(told["unflushed"])
        self.lost_blocks += told["lost"]
        self.trouble += machine.file_system_trouble()


@dataclass(frozen=True)
class Rig:
    """An image behind a plug, what boots it, and a directory for everything else."""

    boot: Bootable
    plug: Plug
    image: Path
    token: str
    directory: Path
    cuts: Cuts = field(default_factory=Cuts)

    @asynccontextmanager
    async def serving(self, *, systemd: bool = False) -> AsyncIterator[Machine]:
        """A machine whose daemon is ready."""
        with powered(self.boot, self.plug, self.directory, systemd=systemd) as machine:
            await self.wait_ready(machine)
            self.cuts.boot_seconds.append(time.monotonic() - machine.powered_on)
            yield machine

    async def wait_ready(self, machine: Machine) -> None:
        """Returns when stations can be served."""
        async with asyncio.timeout(_READY_SECONDS):
            while await asyncio.to_thread(self._get, machine, "readyz", 5.0) is None:
                assert machine.process.poll() is None, f"the machine is off: {machine.said()[-2000:]}"
                await asyncio.sleep(0.1)

    def cut(self, machine: Machine, seed: int) -> int:
        """Cut the power; the moment."""
        machine.kill()
        moment = time.monotonic_ns()
        self.cuts.note(self.plug.cut(seed), machine)
        return moment

    def left(self, stations: Iterable[Station], before_ns: int, image: Path | None = None) -> Verdict:
        """What the database on the disk says of the stations' sessions. The image itself is not touched."""
        copy = self.directory / "left.img"
        copy_sparse(image or self.image, copy)
        dump(copy, _DATA, self.directory / "left")
        copy.unlink()
        return audit(self.directory / "left" / "ocpp-gateway" / "gateway.db", stations, before_ns=before_ns)

    async def told(self, machine: Machine) -> dict[int, tuple[str, str, str]]:
        """What the API tells of all sessions: (station, register at the start, register at the stop)."""
        text = await asyncio.to_thread(self._get, machine, "api/v1/transactions.csv", 60.0)
        assert text is not None, "the API does not answer"
        return {
            int(row["transaction_id"]): (row["station"], row["meter_start_wh"], row["meter_stop_wh"])
            for row in csv.DictReader(io.StringIO(text))
        }

    async def version(self, machine: Machine) -> str:
        """What version the daemon says it is; its web port opens a little after that for stations."""
        async with asyncio.timeout(_READY_SECONDS):
            while (text := await asyncio.to_thread(self._get, machine, "metrics", 60.0)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        return text.split('ocpp_gateway_build_info{version="')[1].split('"')[0]

    def _get(self, machine: Machine, path: str, timeout_seconds: float) -> str | None:
        request = urllib.request.Request(f"http://127.0.0.1:{machine.api_port}/{path}")
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
                return str(answer.read().decode())
        except OSError:
            return None


@asynccontextmanager
async def loaded(machine: Machine, stations: Iterable[Station]) -> AsyncIterator[None]:
    """The stations work until the end of the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(station.live(machine.stations_port)) for station in stations]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def all_answered(stations: Iterable[Station], more: int, *, timeout_seconds: float = 60.0) -> None:
    """Returns when every station was answered `more` times from now on."""
    due = {station.identity: station.answers + more for station in stations}
    async with asyncio.timeout(timeout_seconds):
        while any(station.answers < due[station.identity] for station in stations):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def assert_told(told: dict[int, tuple[str, str, str]], stations: Iterable[Station]) -> None:
    """Every session that was answered is in the API's answer, with its registers, and none is there twice."""
    for station in stations:
        for session in station.sessions:
            if session.transaction_id is not None:
                stop = "" if session.stopped_ns is None else str(session.meter_stop)
                row = told[session.transaction_id]
                assert row[:2] == (station.identity, str(session.meter_start))
                assert row[2] == stop or session.stopped_ns is None, f"{session} {row}"
    starts = [row[:2] for row in told.values()]
    assert len(starts) == len(set(starts)), "a session is there twice"
