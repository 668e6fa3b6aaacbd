"""Which decisions are worth keeping and the line under which they are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.load_decision import Alarm, Decision, Send, Stop
from gateway.rules.load_records import Change, changes_since, is_due, line_of
from tests.unit.rules.load_pictures import charging, decided, picture

BASE = decided(picture(charging(1), charging(2)))
QUIET = replace(BASE, sends=(), stops=(), alarms=())


def send(kind: str, amps: float = 10.0) -> Send:
    return Send("CP", 1, amps, 600.0, kind, "")  # type: ignore[arg-type]


def changed(now: Decision, before: Decision | None = QUIET) -> list[tuple[str, str]]:
    return [(change.urgency, change.text) for change in changes_since(before, now)]


def connector(place: int = 0, **changes: object) -> Decision:
    each = list(QUIET.connectors)
    each[place] = replace(each[place], **changes)  # type: ignore[arg-type]
    return replace(QUIET, connectors=tuple(each))


def circuit(**changes: object) -> Decision:
    return replace(QUIET, circuits=(replace(QUIET.circuits[0], **changes),))  # type: ignore[arg-type]


def test_the_first_decision_and_one_that_only_goes_on() -> None:
    first = replace(QUIET, sends=(send("start"),))
    assert changed(first, None) == [("soon", "first decision since the start"), ("soon", "CP/1 let in to 10 A")]
    assert changed(QUIET) == []


def test_what_is_lowered_or_stopped_is_kept_at_once() -> None:
    sends = tuple(send(kind) for kind in ("decrease", "increase", "renew"))
    assert changed(replace(QUIET, sends=sends)) == [
        ("at once", "CP/1 lowered to 10 A"),
        ("soon", "CP/1 raised to 10 A"),
    ]
    stopping = replace(QUIET, stops=(Stop("CP", 1, "it ignores"),))
    assert changed(stopping) == [("at once", "CP/1 stopped: it ignores")]
    assert changed(stopping, stopping) == []


def test_circuits() -> None:
    assert changed(circuit(mode="hold")) == [("soon", "main: mode hold")]
    lower = circuit(effective_limit_amps=(20.0, 10.0, 20.0), source="dso")
    assert changed(lower) == [("soon", "main: limit 10 A (dso)")]
    assert changed(circuit(name="row")) == [("soon", "row is new")]


def test_alarms_that_come_and_go() -> None:
    alarmed = replace(QUIET, alarms=(Alarm("over_limit", "main", "x"), Alarm("station_offline", "CP/1", "y")))
    assert changed(alarmed) == [("soon", "main: alarm over limit"), ("soon", "CP/1: alarm station offline")]
    assert changed(QUIET, alarmed) == [("soon", "main: no more over limit"), ("soon", "CP/1: no more station offline")]
    assert changed(alarmed, alarmed) == []


def test_connectors() -> None:
    assert changed(connector(compliant=False)) == [("soon", "CP/1 ignores its limit")]
    assert changed(QUIET, connector(compliant=False)) == [("soon", "CP/1 follows its limit again")]
    assert changed(connector(cap_amps=3.0)) == [("soon", "CP/1 may draw 3 A")]
    lowered = replace(connector(cap_amps=3.0), sends=(send("decrease", 3.0),))
    assert changed(lowered) == [("at once", "CP/1 lowered to 3 A")], "said once"
    renewed = replace(connector(cap_amps=3.0), sends=(send("renew", 3.0),))
    assert changed(renewed) == [("soon", "CP/1 may draw 3 A")]
    held = QUIET.connectors[0].binding
    assert changed(connector(binding=replace(held, source="dso"))) == [("soon", "CP/1 is held by dso")]
    moved = connector(binding=replace(held, circuit="row", phase=2))
    assert changed(moved) == [("some time", "CP/1 is held by row, phase 2")]


def test_other_connectors() -> None:
    others = [("soon", "the connectors of the site are others")]
    assert changed(replace(QUIET, connectors=QUIET.connectors[:1])) == others
    assert changed(connector(1, connector=7)) == others
    assert changed(connector(station="XX")) == others


SOON, WANDERS, AT_ONCE = Change("soon", "a"), Change("some time", "b"), Change("at once", "c")


@pytest.mark.parametrize(
    ("changes", "since", "busy", "due"),
    [
        ((), None, False, True),
        ((AT_ONCE,), 0.0, True, True),
        ((SOON,), 4.9, True, False),
        ((SOON,), 5.0, True, True),
        ((WANDERS,), 59.0, True, False),
        ((WANDERS,), 60.0, True, True),
        ((WANDERS, SOON), 5.0, True, True),
        ((), 899.0, True, False),
        ((), 900.0, True, True),
        ((), 900.0, False, False),
        ((), 3600.0, False, True),
    ],
)
def test_when_to_keep(changes: tuple[Change, ...], since: float | None, busy: bool, due: bool) -> None:
    assert is_due(changes, since, busy=busy) is due


def test_a_line_is_short_and_the_most_urgent_comes_first() -> None:
    assert line_of(()) == "nothing changed"
    assert line_of((WANDERS, SOON, AT_ONCE, SOON)) == "c; a; b"
    assert line_of(tuple(Change("soon", str(number)) for number in range(6))) == "0; 1; 2; 3; and 2 more"
