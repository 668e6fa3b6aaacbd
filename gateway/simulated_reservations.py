"""The reservations that a simulated station holds: who may charge where, and until when (OCPP 1.6 5.2, 5.13).

A reservation of the station as a whole keeps one connector free, the last that is; its tag may charge at any. All of
them outlive a reset and are gone after a loss of power. It shares no code with the gateway's rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.simulated_link import Object
from gateway.simulated_outlet import Outlet

if TYPE_CHECKING:
    from gateway.simulated_station import SimulatedStation

_CANNOT = {"Unavailable": "Unavailable", "Faulted": "Faulted"}


@dataclass(slots=True)
class _Held:
    reservation_id: int
    connector: int
    id_tag: str
    parent: str | None
    until: datetime
    outlet: Outlet  # the connector that is kept free


class Reservations:
    """Those of one station."""

    def __init__(self, station: SimulatedStation) -> None:
        self._station = station
        self._held: list[_Held] = []
        self._groups: dict[str, str] = {}  # parent of a tag, as the central system told it

    def answer_reserve(self, payload: Object) -> tuple[Object, Callable[[], None] | None]:
        """ReserveNow: the answer, and what to show afterwards. Raises KeyError, TypeError, ValueError."""
        number, connector = int(str(payload["reservationId"])), int(str(payload["connectorId"]))
        until = datetime.fromisoformat(str(payload["expiryDate"]))
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        parent = payload.get("parentIdTag")
        if connector == 0 and not self._station.settings.yes("ReserveConnectorZeroSupported"):
            return {"status": "Rejected"}, None
        if not 0 <= connector <= len(self._station.outlets) or until <= self._station.wall_clock():
            return {"status": "Rejected"}, None
        old = next((one for one in self._held if one.reservation_id == number), None)
        outlet = self._place(connector, old)
        if outlet is None:
            outlets = [self._station.outlets[connector - 1]] if connector else self._station.outlets
            worst = {one.status for one in outlets}
            return {"status": _CANNOT.get(worst.pop(), "Occupied") if len(worst) == 1 else "Occupied"}, None
        if old is not None:
            self._held.remove(old)
        held = _Held(number, connector, str(payload["idTag"]), None if parent is None else str(parent), until, outlet)
        self._held.append(held)
        return {"status": "Accepted"}, lambda: self._begin(held, old)

    def answer_cancel(self, payload: Object) -> tuple[Object, Callable[[], None] | None]:
        """CancelReservation: the answer, and what to show afterwards."""
        number = int(str(payload["reservationId"]))
        held = next((one for one in self._held if one.reservation_id == number), None)
        if held is None:
            return {"status": "Rejected"}, None
        self._held.remove(held)
        return {"status": "Accepted"}, lambda: self._show(held.outlet)

    def holds(self, outlet: Outlet) -> bool:
        """Whether this connector is kept free for somebody."""
        return any(one.outlet is outlet for one in self._held)

    def may_charge(self, outlet: Outlet, id_tag: str) -> bool:
        """Whether the connector is not kept free for others than this tag or its group."""
        return not self.holds(outlet) or self._of(outlet, id_tag) is not None

    def use(self, outlet: Outlet, id_tag: str) -> Object:
        """A session begins; what StartTransaction tells of it beside the rest."""
        held = self._of(outlet, id_tag)
        if held is None:
            return {}
        self._held.remove(held)
        self._show(held.outlet)
        return {"reservationId": held.reservation_id}

    def end_at(self, outlet: Outlet) -> None:
        """The connector is out of service: what is reserved there is over."""
        self._held = [one for one in self._held if one.outlet is not outlet]

    def remember_group(self, id_tag: str, info: object) -> None:
        """An idTagInfo told of this tag."""
        if isinstance(info, Mapping) and info.get("parentIdTag") is not None:
            self._groups[id_tag.casefold()] = str(info["parentIdTag"]).casefold()

    def forget(self) -> None:
        """The power is gone."""
        for held in self._held:
            held.outlet.status = "Available"
        self._held.clear()

    def _place(self, connector: int, old: _Held | None) -> Outlet | None:
        """A connector that can be kept free; for the station as a whole the last that is free now."""
        outlets = self._station.outlets if connector == 0 else [self._station.outlets[connector - 1]]
        own = None if old is None else old.outlet
        free = [one for one in outlets if one.free() and (one is own or not self.holds(one))]
        return free[-1] if free else None

    def _of(self, outlet: Outlet, id_tag: str) -> _Held | None:
        tag = id_tag.casefold()
        fitting = [
            one
            for one in self._held
            if (one.outlet is outlet or (one.connector == 0 and not self.holds(outlet)))
            and (one.id_tag.casefold() == tag or (one.parent and one.parent.casefold() == self._groups.get(tag)))
        ]
        return min(fitting, key=lambda one: one.outlet is not outlet, default=None)

    def _begin(self, held: _Held, old: _Held | None) -> None:
        if old is not None:
            self._show(old.outlet)
        self._show(held.outlet)
        self._station.in_background(self._expire(held))

    async def _expire(self, held: _Held) -> None:
        while held in self._held:
            left = (held.until - self._station.wall_clock()).total_seconds()
            if left <= 0:
                self._held.remove(held)
                await self._station.show_idle(held.outlet)
                return
            await asyncio.sleep(min(left, 60.0))

    def _show(self, outlet: Outlet) -> None:
        self._station.in_background(self._station.show_idle(outlet))
