"""A year of twenty stations against the unchanged gateway, and how large its database is then, retention included.

`python -m bench.box_year DIRECTORY DAYS [SECONDS]`: every message goes over a real socket and through a commit of its
own; only the clock runs faster. SECONDS: how often stations report in a session (300). What is due once an hour or
once a minute (deleting by age and by size, thinning, finding sessions) is done once a day, by the gateway's own
operations. Prints JSON. It knows no load limits: those keep `load_megabytes` beside, at most.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.daemon import Surroundings
from gateway.model.instants import Instant
from gateway.operations import keep_house, keep_sizes
from gateway.operations.attribute_meter_frames import attribute_all
from gateway.operations.thin_meter_frames import MeterThinner
from tests.fakes.gateway_in_process import Running, running_gateway

STATIONS = 20
BETWEEN = timedelta(hours=4)  # six sessions a day
SESSION = timedelta(hours=2)
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_LOOKS = 12  # how often in the year the size is told


@dataclass
class Clock:
    """The wall clock, set by hand."""

    now: datetime = FIRST_DAY

    def __call__(self) -> Instant:
        return Instant(round(self.now.timestamp() * 1_000_000))


@dataclass
class Station:
    """One connection; asks one thing after the other."""

    socket: ClientConnection
    number: int
    transaction: int = 0
    meter: int = 0

    async def say(self, action: str, payload: object) -> Any:
        """The answer of the gateway; what it asks by itself is refused."""
        await self.socket.send(json.dumps([2, "1", action, payload]))
        while True:
            frame = json.loads(await self.socket.recv())
            if frame[0] == 2:
                await self.socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
            else:
                assert frame[0] == 3, frame
                return frame[2]

    async def begin(self, now: datetime) -> None:
        """A car is plugged in."""
        await self.status("Preparing", now)
        start = {"connectorId": 1, "idTag": f"CARD-{self.number}", "meterStart": self.meter, "timestamp": text(now)}
        self.transaction = (await self.say("StartTransaction", start))["transactionId"]
        await self.status("Charging", now)

    async def report(self, now: datetime, seconds: float) -> None:
        """What stations of the market tell of a charging car."""
        self.meter += round(11_000 * seconds / 3600)
        sampled = [
            {"value": str(self.meter), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            *({"value": f"{15.9 - self.number / 50:.2f}", "measurand": "Current.Import", "phase": phase, "unit": "A"}
              for phase in ("L1", "L2", "L3")),
            {"value": str(10_960 + self.meter % 83), "measurand": "Power.Active.Import", "unit": "W"},
        ]  # fmt: skip
        values = [{"timestamp": text(now), "sampledValue": sampled}]
        await self.say("MeterValues", {"connectorId": 1, "transactionId": self.transaction, "meterValue": values})

    async def end(self, now: datetime) -> None:
        """The car leaves."""
        stop = {"transactionId": self.transaction, "meterStop": self.meter, "timestamp": text(now), "reason": "Local"}
        await self.say("StopTransaction", stop)
        for status in ("Finishing", "Available"):
            await self.status(status, now)

    async def status(self, status: str, now: datetime) -> None:
        """Of the one connector."""
        await self.say(
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": text(now)},
        )


def text(moment: datetime) -> str:
    """As stations write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def play(directory: Path, days: int, every: timedelta) -> dict[str, Any]:
    """The sizes that were seen, in bytes, by day."""
    clock = Clock()
    around = Surroundings(web=False, wall_clock=clock)
    more = '[retention]\n[log]\nlevel = "error"\n'
    lenient = 'unknown_stations = "accept"\nunknown_tags = "accept"\n'
    seen: dict[str, int] = {}
    keep_house._PAUSE_SECONDS = keep_sizes._PAUSE_SECONDS = 0.0  # between two bites, for stations: these wait for none
    async with running_gateway(directory, ocpp=lenient, more=more, surroundings=around) as running:
        stations = [await _connected(running, number) for number in range(STATIONS)]
        thinner = MeterThinner(running.site)
        for day in range(1, days + 1):
            await _one_day(stations, clock, every)
            await attribute_all(running.site)
            await keep_house.forget(running.site)
            await keep_sizes.keep_sizes(running.site, thinner)
            if day % max(1, days // _LOOKS) == 0 or day == days:
                seen[str(day)] = sum(file.stat().st_size for file in (directory / "data").glob("gateway.db*"))
                print(f"day {day}: {seen[str(day)] / 1e6:.0f} MB", file=sys.stderr, flush=True)
        tables = await running.site.database.alone(lambda db: dict(db.execute(_TABLES).fetchall()))
        for station in stations:
            await station.socket.close()
    return {"bytes": seen, "tables": tables, "sessions": STATIONS * days * int(timedelta(days=1) / BETWEEN)}


_TABLES = "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name ORDER BY 2 DESC"


async def _connected(running: Running, number: int) -> Station:
    url = running.station_url(f"CP-{number}")
    station = Station(await connect(url, subprotocols=[Subprotocol("ocpp1.6")], proxy=None, compression=None), number)
    await station.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    return station


async def _one_day(stations: list[Station], clock: Clock, every: timedelta) -> None:
    end = clock.now + timedelta(days=1)
    while clock.now < end:
        began = clock.now
        await _all(stations, lambda station: station.begin(clock.now))
        while clock.now < began + SESSION:
            clock.now += every
            await _all(stations, lambda station: station.report(clock.now, every.total_seconds()))
        await _all(stations, lambda station: station.end(clock.now))
        clock.now = began + BETWEEN


async def _all(stations: list[Station], what: Callable[[Station], Awaitable[None]]) -> None:
    await asyncio.gather(*(what(station) for station in stations))


def main() -> int:
    """Play, print."""
    directory, days = Path(sys.argv[1]), int(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 300.0
    print(json.dumps(asyncio.run(play(directory, days, timedelta(seconds=seconds)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
