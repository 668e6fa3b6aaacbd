"""Small pictures of a site for the tests of load limits: a main fuse, an outlet or more, facts as one needs them."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.circuits import Circuit, Outlet, TemporaryLimit
from gateway.model.instants import Instant
from gateway.model.load_decision import Decision, Send
from gateway.model.load_memory import Memory
from gateway.model.site_picture import ConnectorFacts, LeaseFacts, MeterReading, SessionFacts, SitePicture
from gateway.rules.balance import decide

MAIN = Circuit("main", (32.0, 32.0, 32.0))
METERED = Circuit("main", (63.0, 63.0, 63.0), metered=True, background_worst_amps=(30.0, 30.0, 30.0))


def outlet(connector: int = 1, **changes: object) -> Outlet:
    """An outlet on `main`."""
    return replace(Outlet("CP", connector, "main"), **changes)  # type: ignore[arg-type]


def lease(amps: float | None = None, **changes: object) -> LeaseFacts:
    """A limit accepted long ago, with long to go."""
    facts = LeaseFacts(amps, 100.0, first_end_in_seconds=500.0, ends_in_seconds=500.0)
    return replace(facts, **changes)  # type: ignore[arg-type]


def charging(connector: int = 1, amps: float | None = 16.0, **changes: object) -> ConnectorFacts:
    """A connector with a session; its car draws what it may, on all lines."""
    facts = ConnectorFacts(
        "CP",
        connector,
        connected=True,
        status="Charging",
        session=SessionFacts("one", 400.0, 1000.0),
        measured_amps=(amps or 0.0,) * 3,
        lease=lease(amps) if amps is not None else None,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def reading(*amps: float | None, age: float = 1.0, trust: str = "good") -> MeterReading:
    """What main's meter says; one number for all phases."""
    three = amps * 3 if len(amps) == 1 else amps
    return MeterReading("main", three, age, trust)  # type: ignore[arg-type]


def picture(
    *facts: ConnectorFacts,
    outlets: tuple[Outlet, ...] | None = None,
    circuits: tuple[Circuit, ...] = (MAIN,),
    at: float = 1000.0,
    readings: tuple[MeterReading, ...] = (),
    limits: tuple[TemporaryLimit, ...] = (),
) -> SitePicture:
    """A picture; without `outlets`, one per fact."""
    chosen = tuple(outlet(each.connector) for each in facts) if outlets is None else outlets
    return SitePicture(at, Instant(int(at * 1_000_000)), circuits, chosen, facts, readings, limits)


def decided(seen: SitePicture, memory: Memory | None = None) -> Decision:
    """The decision on a picture alone."""
    return decide(seen, memory or Memory())[1]


def sent(decision: Decision) -> dict[int, tuple[str, float]]:
    """What goes out, by connector."""
    return {send.connector: (send.kind, send.amps) for send in decision.sends}


def only(decision: Decision) -> Send:
    """The one send."""
    (send,) = decision.sends
    return send
