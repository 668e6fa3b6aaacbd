"""What a lower limit would do: the same rules, other numbers, and words that say it."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.circuits import Circuit
from gateway.model.load_memory import Memory
from gateway.model.site_picture import ConnectorFacts, SitePicture
from gateway.rules.balance import decide
from gateway.rules.load_what_if import WhatIf, imagine, lowered
from tests.unit.rules.load_pictures import METERED, charging, decided, outlet, picture, reading

FOUR = (Circuit("main", (63.0, 63.0, 63.0)), Circuit("row", (40.0, 40.0, 40.0), "main"))


def asked(seen: SitePicture, *limit: float, circuit: str = "main") -> WhatIf:
    three = limit * 3 if len(limit) == 1 else limit
    return imagine(seen, Memory(), decided(seen), circuit, three)  # type: ignore[arg-type]


def test_cars_get_less_and_are_named() -> None:
    seen = picture(charging(1, 16.0), charging(2, 16.0), circuits=(Circuit("main", (33.0,) * 3),))
    answer = asked(seen, 20.0)
    assert all(0 < each.amps_then < each.amps_now for each in answer.connectors)
    assert answer.text.startswith("With 20 A on main, 2 of 2 that charge get another limit. CP/1 ")
    assert answer.planned_amps["main"] == (sum(each.amps_then for each in answer.connectors),) * 3
    assert all("what-if" in each.reason for each in answer.connectors)


def test_what_is_decided_is_what_would_be_decided_and_the_facts_stay_as_they_are() -> None:
    seen = picture(charging(1, 16.0), charging(2, 16.0))
    before = Memory()
    now = decide(seen, before)[1]
    copy = repr((seen, before, now))
    first = imagine(seen, before, now, "main", (20.0, 10.0, 20.0))
    assert imagine(seen, before, now, "main", (20.0, 10.0, 20.0)) == first
    assert repr((seen, before, now)) == copy and decide(seen, before)[1] == now
    assert "With 20, 10, 20 A on main" in first.text


def test_a_pause_nobody_and_nothing() -> None:
    paused = asked(picture(charging(1, 16.0)), 3.0)
    assert paused.connectors[0].amps_then == 0.0 and "CP/1 is paused (now " in paused.text
    same = asked(picture(charging(1, 16.0)), 500.0)
    assert "nothing changes for the 1 that charge" in same.text
    assert same.circuits[0].effective_limit_amps == (32.0,) * 3, "the installer's limit is never raised"
    nobody = asked(picture(ConnectorFacts("CP", 1, connected=True)), 10.0)
    assert nobody.text == "With 10 A on main, nobody charges."
    assert nobody.planned_amps["main"] == (0.0,) * 3
    assert nobody.connectors[0].amps_now == nobody.connectors[0].amps_then


def test_many_are_not_all_named() -> None:
    seen = picture(*[charging(number, 16.0) for number in range(1, 10)], circuits=(Circuit("main", (180.0,) * 3),))
    answer = asked(seen, 90.0)
    assert "and 3 more." in answer.text


def test_what_cannot_be_lowered_is_said() -> None:
    building = picture(charging(1, 16.0), circuits=(METERED,), readings=(reading(50.0),))
    text = asked(building, 30.0).text
    assert "main, phase 1 could still carry" in text and "are not managed" in text
    stubborn = picture(charging(1, 16.0), outlets=(outlet(1, mode="D"),))
    answer = asked(stubborn, 10.0)
    assert answer.connectors[0].amps_now == answer.connectors[0].amps_then > 0
    assert "could still carry" in answer.text


def test_sub_circuits_carry_what_hangs_on_them() -> None:
    seen = picture(charging(1, 16.0), charging(2, 16.0), circuits=FOUR, outlets=(outlet(1), outlet(2, circuit="row")))
    answer = asked(seen, 10.0, circuit="row")
    one, two = answer.connectors
    assert two.amps_then <= 10.0 < one.amps_then
    assert answer.planned_amps["row"] == (two.amps_then,) * 3
    assert answer.planned_amps["main"] == (one.amps_then + two.amps_then,) * 3


def test_to_lose_is_from_what_holds_now_and_never_below_nothing() -> None:
    decision = decided(picture(charging()))
    assert lowered(decision, "main", (2.0, 32.0, 50.0)) == (30.0, 0.0, 0.0)
    other = replace(decision, circuits=(replace(decision.circuits[0], effective_limit_amps=(10.0, 11.0, 12.0)),))
    assert lowered(other, "main", (1.0, 1.0, 1.0)) == (9.0, 10.0, 11.0)
