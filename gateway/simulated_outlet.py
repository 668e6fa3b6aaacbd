"""The physical side of a simulated station: connectors, their meters, and the log of what was billed.

The meter integrates power over loop time, so that an hour of virtual time is an hour of energy. This file does not know
the protocol's messages; it only words samples as OCPP 1.6 `sampledValue` entries.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.simulated_charging import LEAST_AMPS, VOLTS, Running

Object = dict[str, object]


@dataclass(slots=True)
class Session:
    """What the station believes: the truth that tests hold beside the gateway's bill. Energy in Wh, as registered."""

    connector: int
    id_tag: str
    start_at: datetime
    start_wh: int
    transaction_id: int | None = None  # None until answered, -1 when the start had to be given up
    authorization: str | None = None  # idTagInfo.status of StartTransaction.conf
    stop_at: datetime | None = None
    stop_wh: int | None = None
    reason: str | None = None
    settled: bool = False  # the stop was answered

    @property
    def known_id(self) -> int:
        """The transaction id to write, -1 while there is none (errata 3.18)."""
        return -1 if self.transaction_id is None else self.transaction_id

    @property
    def energy_wh(self) -> int | None:
        """What was charged, None while it runs."""
        return None if self.stop_wh is None else self.stop_wh - self.start_wh


@dataclass(slots=True)
class Meter:
    """An energy meter with three phases; `amps` flow since `read_at` (loop seconds)."""

    energy_wh: float
    read_at: float
    amps: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def read(self, loop_seconds: float, speed: float) -> int:
        """The register in whole Wh at this loop time; `speed` is how many seconds pass in one."""
        self.energy_wh += self.watts() * (loop_seconds - self.read_at) * speed / 3600
        self.read_at = loop_seconds
        return int(self.energy_wh)

    def watts(self) -> float:
        """Active power now."""
        return sum(self.amps) * VOLTS

    def sample(self, measurands: list[str], context: str) -> list[Object]:
        """`sampledValue` entries for the wanted measurands; currents and voltages per phase."""
        found: list[Object] = []
        for measurand in measurands:
            if measurand == "Energy.Active.Import.Register":
                found.append(_entry(measurand, str(int(self.energy_wh)), "Wh", context) | {"location": "Outlet"})
            elif measurand == "Power.Active.Import":
                found.append(_entry(measurand, f"{self.watts():.0f}", "W", context))
            elif measurand == "Current.Import":
                found += [
                    _entry(measurand, f"{amps:.1f}", "A", context) | {"phase": f"L{phase}"}
                    for phase, amps in enumerate(self.amps, 1)
                ]
            elif measurand == "Voltage":
                found += [
                    _entry(measurand, f"{VOLTS:.1f}", "V", context) | {"phase": f"L{phase}-N"} for phase in (1, 2, 3)
                ]
        return found


@dataclass(slots=True)
class Outlet:
    """One connector. `visited` while a driver is at it; `ending` wakes the session, `end_reason` tells it why."""

    number: int
    meter: Meter
    random: random.Random  # each connector its own, or the network's timing would decide who draws which number
    status: str = "Available"
    status_at: datetime | None = None
    reported: str | None = None
    operative: bool = True
    visited: bool = False
    id_tag: str | None = None  # of the newest driver
    session: Session | None = None
    wanted_amps: tuple[float, float, float] = (0.0, 0.0, 0.0)  # what the car would draw
    next_profile: Mapping[str, object] | None = None  # of the remote start that the next session comes of
    follows_at: float | None = None  # loop time from which the car follows what it is told now
    end_reason: str | None = None
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)  # set while no session runs

    def __post_init__(self) -> None:
        self.idle.set()

    def free(self) -> bool:
        """Whether a driver may come."""
        return self.operative and not self.visited

    def end(self, reason: str) -> bool:
        """Ask the running session to stop; False when there is none."""
        if self.session is None:
            return False
        if self.end_reason is None:
            self.end_reason = reason
            self.ending.set()
        return True

    def running(self) -> Running | None:
        """The session here, as charging profiles need to know it."""
        return None if self.session is None else Running(self.session.transaction_id, self.session.start_at)

    def draw(self, limit_amps: float | None, now: float, within: tuple[float, float] | None = None) -> float | None:
        """Let flow what the car of the session wants, and the limit allows; seconds until this is to be asked again."""
        if self.session is None:
            self.follows_at = None
            return None
        most = 1e9 if limit_amps is None else limit_amps if limit_amps >= LEAST_AMPS else 0.0
        first, second, third = self.wanted_amps
        wanted = (min(first, most), min(second, most), min(third, most))
        if within is not None and wanted != self.meter.amps:
            if self.follows_at is None:
                self.follows_at = now + self.random.uniform(*within)
                return self.follows_at - now
            if now < self.follows_at:
                return None  # a car that has begun to follow goes where the limit is by then
        self.meter.amps, self.follows_at = wanted, None
        return None

    def lose_power(self, loop_seconds: float, speed: float) -> None:
        """No current flows, and whatever ran here is forgotten."""
        self.meter.read(loop_seconds, speed)
        self.meter.amps, self.session = (0.0, 0.0, 0.0), None
        self.reported = None
        self.idle.set()


def text_of(moment: datetime) -> str:
    """RFC 3339 with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _entry(measurand: str, value: str, unit: str, context: str) -> Object:
    return {"value": value, "context": context, "measurand": measurand, "unit": unit}
