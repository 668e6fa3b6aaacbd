"""What a station does about reservations, as plain state: no sockets, no code of the gateway (OCPP 1.6 4.8, 5.2, 5.13).

Statuses wait in one queue, transaction messages in another; which goes out first is the test's choice. Each message
carries what it proves: the reservations of which the central system knows, after it, that they are over.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False)
class Held:
    """One reservation that a station accepted. `over`: the station holds it no more."""

    command: str
    reservation_id: int
    connector: int
    tag: str
    parent: str | None
    expiry: float
    over: bool = False
    shown: bool = False  # a status Reserved because of it was delivered
    sure: bool = False  # the central system has been told, beyond doubt, that it stands
    told_over: bool = False  # the central system has been told, beyond doubt, that it is over


@dataclass(frozen=True)
class StatusTold:
    """A StatusNotification that waits; `at` by the station's clock."""

    connector: int
    status: str
    at: float
    because_of: Held | None = None  # a status Reserved
    proves_over: tuple[Held, ...] = ()


@dataclass(frozen=True)
class StartTold:
    """A StartTransaction that waits."""

    connector: int
    tag: str
    at: float
    used: Held | None
    told_id: int | None


@dataclass
class ReservingStation:
    """`groups`: parent by tag. `names`: what StartTransaction tells: the id, nothing, or always 0."""

    connectors: int
    groups: dict[str, str]
    names: str = "id"
    survives_reboot: bool = True
    clock_error: float = 0.0
    now: float = 0.0
    held: list[Held] = field(default_factory=list)
    ended: list[Held] = field(default_factory=list)
    status: dict[int, str] = field(default_factory=dict)
    changed_at: dict[int, float] = field(default_factory=dict)
    statuses: list[StatusTold] = field(default_factory=list)
    starts: list[StartTold] = field(default_factory=list)
    meter: int = 0

    def __post_init__(self) -> None:
        for connector in range(self.connectors + 1):
            self.status[connector], self.changed_at[connector] = "Available", self.clock()

    def clock(self) -> float:
        return self.now + self.clock_error

    def reserve(self, command: str, payload: dict[str, object]) -> tuple[str, Held | None]:
        """ReserveNow.req; the status of the conf, and what is held because of it."""
        number, connector = int(str(payload["reservationId"])), int(str(payload["connectorId"]))
        old = next((one for one in self.held if one.reservation_id == number), None)
        places = [connector] if connector else list(range(1, self.connectors + 1))
        own = self._shown_place(old) if old else None
        free = [place for place in places if self.status[place] == "Available" or place == own]
        if self.status[0] != "Available":
            return self.status[0], None
        if not free or (connector and any(one.connector == 0 and one is not old for one in self.held)):
            worst = {self.status[place] for place in places}
            return next((name for name in ("Faulted", "Unavailable") if worst == {name}), "Occupied"), None
        if connector == 0 and any(one is not old for one in self.held):
            return "Rejected", None
        made = Held(command, number, connector, str(payload["idTag"]), None, 0)
        made.parent = str(payload["parentIdTag"]) if "parentIdTag" in payload else None
        if old is not None:
            self._end(old)
            if own is not None and own != self._shown_place(made):
                self._show(own, "Available")
            else:
                made.shown = old.shown
        self.held.append(made)
        place = self._shown_place(made)
        if place is not None and self.status[place] != "Reserved":
            self._show(place, "Reserved", because_of=made)
        return "Accepted", made

    def cancel(self, reservation_id: int) -> tuple[str, Held | None]:
        """CancelReservation.req; the status of the conf, and what was held."""
        one = next((one for one in self.held if one.reservation_id == reservation_id), None)
        if one is None:
            return "Rejected", None
        self.drop(one)
        return "Accepted", one

    def drop(self, one: Held) -> None:
        """It is over; its connector is free again."""
        self._end(one)
        place = self._shown_place(one)
        if place is not None:
            self._show(place, "Available")

    def pass_time(self, seconds: float) -> None:
        """Time passes, and reservations expire by the station's clock."""
        self.now += seconds
        for one in [one for one in self.held if one.expiry <= self.clock()]:
            self.drop(one)

    def drive_in(self, connector: int, tag: str) -> bool:
        """A driver wants to charge; False: not here, or not he."""
        if self.status[connector] not in ("Available", "Reserved"):
            return False
        used = self._reserved_for(connector, tag)
        if used is None and any(one.connector in (0, connector) for one in self.held):
            return False
        told = None
        if used is not None:
            self._end(used)
            told = used.reservation_id
        told_id = {"id": told, "nothing": None, "zero": 0}[self.names]
        self.starts.append(StartTold(connector, tag, self.clock(), used, told_id))
        self._show(connector, "Charging")
        return True

    def drive_off(self, connector: int) -> None:
        self._show(connector, "Available")

    def fail(self, connector: int, status: str) -> None:
        """Faulted or Unavailable: what is reserved there is over (OCPP 1.6 5.13); 0: all of it."""
        ended = [one for one in self.held if connector in (0, one.connector, self._shown_place(one))]
        for one in ended:
            self._end(one)
        self._show(connector, status, proves=tuple(ended))
        for place in {self._shown_place(one) for one in ended} - {None, connector}:
            assert place is not None
            self._show(place, "Available")

    def repair(self, connector: int) -> None:
        self._show(connector, "Available")

    def reconnect(self) -> None:
        """Statuses that could not be sent are gone; every connector's present one is told again with its own time."""
        self.statuses.clear()
        self._tell_all()

    def reboot(self) -> None:
        """As after a loss of power; a BootNotification was sent before."""
        self.statuses.clear()
        if not self.survives_reboot:
            for one in list(self.held):
                self._end(one)
        for place in self.status:
            reserved = any(self._shown_place(one) == place for one in self.held)
            self.status[place] = "Reserved" if reserved else "Available"
            self.changed_at[place] = self.clock()
        self._tell_all()

    def _end(self, one: Held) -> None:
        self.held.remove(one)
        self.ended.append(one)
        one.over = True

    def _tell_all(self) -> None:
        for place in self.status:
            because = next((one for one in self.held if self._shown_place(one) == place), None)
            self._tell(place, because)

    def _show(
        self, connector: int, status: str, *, because_of: Held | None = None, proves: tuple[Held, ...] = ()
    ) -> None:
        self.status[connector], self.changed_at[connector] = status, self.clock()
        self._tell(connector, because_of, proves)

    def _tell(self, connector: int, because_of: Held | None, proves: tuple[Held, ...] = ()) -> None:
        status = self.status[connector]
        if status == "Available":
            proves = tuple(one for one in self.ended if self._shown_place(one) == connector)
        self.statuses.append(StatusTold(connector, status, self.changed_at[connector], because_of, proves))

    def _shown_place(self, one: Held) -> int | None:
        """The connector that says Reserved because of it; a reservation of the whole station only where it has one."""
        if one.connector:
            return one.connector
        return 1 if self.connectors == 1 else None

    def _reserved_for(self, connector: int, tag: str) -> Held | None:
        fitting = [
            one
            for one in self.held
            if one.connector in (0, connector)
            and (one.tag == tag or (one.parent is not None and one.parent == self.groups.get(tag)))
        ]
        return next(iter(fitting), None)
