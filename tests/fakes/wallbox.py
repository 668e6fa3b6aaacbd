"""A charging station with habits of the field, with parked cars: what it accepts, forgets, delays and ignores.

The station is `gateway.simulated_station`, which keeps profiles as OCPP 1.6 says and shares nothing with the gateway.
It has a clock of its own, answers late, and tells what its cars do. Where no profile is valid all of the hardware's
current flows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.simulated_charging import Held
from gateway.simulated_link import Object
from gateway.simulated_outlet import Outlet
from gateway.simulated_station import Habits, SimulatedStation
from tests.fakes.visiting_car import VisitingCar

HARDWARE_AMPS = 32.0
_ENOUGH_TO_CHARGE = 6.0
_STATUS_SETTLES_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Ways:
    """How one station treats limits. `ignores`: it accepts and does nothing."""

    delay_seconds: float = 0.3
    clock_ahead_seconds: float = 0.0
    ignores: bool = False
    refuses: Callable[[Any], bool] = lambda profile: False
    default_from_next_session: bool = False
    forgets_at_reconnect: bool = False
    forgets_at_reboot: bool = False


def session_profiles(profile: Any) -> bool:
    """A TxProfile."""
    return bool(profile["chargingProfilePurpose"] == "TxProfile")


def all_but_the_whole_stations(profile: Any) -> bool:
    """Anything but a ChargePointMaxProfile."""
    return bool(profile["chargingProfilePurpose"] != "ChargePointMaxProfile")


def stack_levels(profile: Any) -> bool:
    """Anything above stack level 0."""
    return bool(profile["stackLevel"] > 0)


def amperes(profile: Any) -> bool:
    """Anything but watts."""
    return bool(profile["chargingSchedule"]["chargingRateUnit"] == "A")


class Wallbox(SimulatedStation):
    """`cars` by connector. `rotation`: the supply phase (0 to 2) of each of its lines."""

    def __init__(
        self,
        identity: str,
        url: str,
        *,
        connectors: int = 1,
        rotation: tuple[int, int, int] = (0, 1, 2),
        board: str = "main",
        ways: Ways | None = None,
        true_time: Callable[[], datetime],
    ) -> None:
        self.ways = ways or Ways()
        ahead = timedelta(seconds=self.ways.clock_ahead_seconds)
        tags = tuple(f"CARD-{identity}-{number}" for number in range(1, connectors + 1))
        habits = Habits(busy=False, connectors=connectors, id_tags=tags, most_amps=HARDWARE_AMPS)
        super().__init__(identity, url, seed=7, habits=habits, wall_clock=lambda: true_time() + ahead)
        self.rotation, self.board = rotation, board
        self.cars: dict[int, VisitingCar] = {}
        self.asked: list[tuple[float, str]] = []
        self.task: asyncio.Task[None] | None = None
        self._other_status: dict[int, tuple[str, float]] = {}
        self._later: list[tuple[int, Object]] = []
        self._obey_at_once, self._answer_at_once = self.link._obey, self.link._answer
        self.link._obey = self._obey_late  # type: ignore[method-assign]
        self.link._answer = self._answer_in_its_way

    def park(self, connector: int, car: VisitingCar, seconds: float | None = None) -> None:
        """A driver plugs this car in, shows the card, and stays for so long (None: until somebody ends it)."""
        self.cars[connector] = car
        self.in_background(self._stay(connector, seconds))

    async def _stay(self, connector: int, seconds: float | None) -> None:
        await self.visit(connector, self.habits.id_tags[connector - 1], seconds=seconds)
        self.cars.pop(connector, None)

    def second(self, now: float) -> None:
        """What its cars do in this second, and what it tells of that."""
        for outlet in self.outlets:
            outlet.meter.read(now, self.habits.speed)
            outlet.meter.amps = (0.0, 0.0, 0.0)
            car = self.cars.get(outlet.number)
            if car is None or outlet.session is None:
                continue
            offer = self.offer(outlet)
            drawn = car.second(offer, now)
            one, two, three = (drawn if line < car.lines else 0.0 for line in range(3))
            outlet.meter.amps = (one, two, three)
            status = "SuspendedEV" if offer >= _ENOUGH_TO_CHARGE else "SuspendedEVSE"
            self._tell(outlet, "Charging" if drawn else status, now)

    def offer(self, outlet: Outlet) -> float:
        """What the station lets flow on each line now."""
        if self.ways.ignores:
            return HARDWARE_AMPS
        limit = self.profiles.amps(outlet.number, self.wall_clock(), outlet.running())
        return HARDWARE_AMPS if limit is None else min(limit, HARDWARE_AMPS)

    def load(self) -> tuple[float, float, float]:
        """What it takes from each supply phase now."""
        found = [0.0, 0.0, 0.0]
        for outlet in self.outlets:
            for line, amps in enumerate(outlet.meter.amps):
                found[self.rotation[line]] += amps
        return found[0], found[1], found[2]

    def limit(self, outlet: Outlet) -> None:
        """Cars follow in their own time, see `second`."""
        outlet.meter.read(asyncio.get_running_loop().time(), self.habits.speed)

    def power_on(self) -> None:
        """Boot."""
        self.task = asyncio.create_task(self.run())

    async def power_off(self) -> None:
        """At once, without a word to anybody; cars stay, and their sessions are gone."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])
        self.cars.clear()
        if self.ways.forgets_at_reboot:
            self.profiles.held = []

    async def lose_network(self, seconds: float) -> None:
        """The connection is gone for a while."""
        if self.ways.forgets_at_reconnect:
            self.profiles.held = []
        await super().lose_network(seconds)

    def _tell(self, outlet: Outlet, status: str, now: float) -> None:
        """A status is told when it has lasted."""
        if outlet.status == status or outlet.end_reason is not None:
            self._other_status.pop(outlet.number, None)
            return
        since = self._other_status.get(outlet.number)
        if since is None or since[0] != status:
            self._other_status[outlet.number] = (status, now)
        elif now - since[1] >= _STATUS_SETTLES_SECONDS:
            self.in_background(self._show(outlet, status))

    async def _obey_late(self, socket: Any, message_id: str, action: str, payload: Object) -> None:
        await asyncio.sleep(self.ways.delay_seconds)
        await self._obey_at_once(socket, message_id, action, payload)

    def _answer_in_its_way(self, action: str, payload: Object) -> tuple[Object, Callable[[], None] | None]:
        self.asked.append((asyncio.get_running_loop().time(), action))
        if action == "SetChargingProfile":
            profile: Any = payload["csChargingProfiles"]
            if self.ways.refuses(profile):
                return {"status": "Rejected"}, None
            running = any(outlet.session is not None for outlet in self.outlets)
            is_default = profile["chargingProfilePurpose"] == "TxDefaultProfile"
            if self.ways.default_from_next_session and running and is_default:
                self._later.append((int(str(payload["connectorId"])), profile))
                return {"status": "Accepted"}, None
        return self._answer_at_once(action, payload)

    def _start(self, outlet: Outlet, id_tag: str) -> Any:
        for connector, profile in self._later:
            known = profile["chargingProfileId"]
            self.profiles.held = [one for one in self.profiles.held if one.profile["chargingProfileId"] != known]
            self.profiles.held.append(Held(connector, profile))
        self._later = []
        return super()._start(outlet, id_tag)
