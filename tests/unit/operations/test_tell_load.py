"""What people are told of load limits: alarms once each and not for every flicker, health, counters, metrics."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.model.load_decision import Alarm, AlarmKind, CircuitDecision, Decision, Send
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.operations.load_now import Tick
from gateway.operations.site import Site
from gateway.operations.tell_load import COMPONENT, LASTING_SECONDS, LoadTeller
from gateway.store.database import StoreUnavailable
from tests.unit.web.conftest import NOON, configuration_in, open_site

AMPS = (10.0, 20.0, 30.0)
OVER = Alarm("over_limit", "main", "main carries more than its limit")
OFFLINE = Alarm("station_offline", "CP/1", "CP/1 is away")


def tick(seconds: float, *alarms: Alarm, within: bool = True, sends: tuple[Send, ...] = ()) -> Tick:
    circuit = CircuitDecision("main", None, AMPS, AMPS, "installer", None, AMPS, AMPS, AMPS, "normal", within)
    decision = Decision((), (circuit,), sends, (), alarms)
    at = Instant(NOON + round(seconds * SECOND))
    return Tick(at, SitePicture(1000.0 + seconds, at, (), ()), Memory(), Memory(), decision)


class Told:
    """A teller, and what it has told."""

    def __init__(self, site: Site) -> None:
        self.site, self.teller, self.seconds = site, LoadTeller(site), 0.0

    async def hears(self, seconds: float, *alarms: Alarm, within: bool = True, notes: tuple[str, ...] = ()) -> None:
        """For so long, a tick each second."""
        for _ in range(int(seconds)):
            await self.teller.tell(tick(self.seconds, *alarms, within=within), notes)
            self.seconds += 1

    @property
    def ill(self) -> str | None:
        return self.site.health.components()[COMPONENT]

    def events(self) -> list[tuple[str, str, str]]:
        with closing(sqlite3.connect(self.site.database.path)) as connection:
            rows = connection.execute(
                "SELECT kind, data FROM events WHERE kind LIKE 'load.alarm%' ORDER BY id"
            ).fetchall()
        found = [(kind, json.loads(data)) for kind, data in rows]
        return [(kind.removeprefix("load.alarm_"), data["alarm"], data["what"]) for kind, data in found]

    def count(self, name: str) -> float:
        return sum(value for each, _, value in self.site.health.counters.snapshot() if each == name)


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    async with open_site(configuration_in(tmp_path)) as site:
        yield Told(site)


RAISED, CLEARED = ("raised", "over_limit", "main"), ("cleared", "over_limit", "main")


async def test_an_alarm_is_told_once_when_it_has_lasted_and_cleared_once_when_it_has_been_away(told: Told) -> None:
    await told.hears(LASTING_SECONDS, OVER)
    assert told.events() == []
    await told.hears(600, OVER)
    assert told.events() == [RAISED]
    await told.hears(LASTING_SECONDS)
    assert told.events() == [RAISED]
    await told.hears(600)
    assert told.events() == [RAISED, CLEARED]
    await told.hears(10, OVER)
    assert told.events() == [RAISED, CLEARED, RAISED]


async def test_since_when_an_alarm_has_been_there_is_known(told: Told) -> None:
    await told.hears(3, OVER)
    await told.hears(2, OVER, OFFLINE)
    assert told.site.load.alarms_since == {
        ("over_limit", "main"): NOON,
        ("station_offline", "CP/1"): NOON + 3 * SECOND,
    }
    await told.hears(1, OFFLINE)
    await told.hears(1, OVER)
    assert told.site.load.alarms_since == {("over_limit", "main"): NOON + 6 * SECOND}


async def test_a_flicker_is_told_neither_way(told: Told) -> None:
    for _ in range(5):
        await told.hears(3, OVER)
        await told.hears(2)
    assert told.events() == []
    await told.hears(10, OVER)
    for _ in range(5):
        await told.hears(3)
        await told.hears(2, OVER)
    assert told.events() == [RAISED]


async def test_a_station_that_comes_within_a_minute_is_no_alarm(told: Told) -> None:
    """After a start of the gateway all stations are away for a moment."""
    await told.hears(55, OFFLINE)
    await told.hears(10)
    assert told.events() == []


async def test_alarms_of_different_kinds_and_places_are_apart(told: Told) -> None:
    one, other = (Alarm("station_ignores_limit", key, "it draws more than it may") for key in ("CP/1", "CP/2"))
    await told.hears(10, OVER, one)
    await told.hears(10, one, other)
    first, second = ("raised", "station_ignores_limit", "CP/1"), ("raised", "station_ignores_limit", "CP/2")
    assert told.events() == [RAISED, first, CLEARED, second]


@pytest.mark.parametrize(("kind", "ill"), [("over_limit", True), ("limit_at_risk", True), ("station_offline", False)])
async def test_the_component_is_unwell_while_a_fuse_is_in_danger(told: Told, kind: AlarmKind, ill: bool) -> None:
    await told.hears(2, notes=("note",))
    assert told.ill is None
    await told.hears(10, Alarm(kind, "main", "words"))
    assert told.ill == ("words" if ill else None)
    await told.hears(10)
    assert told.ill is None


async def test_what_cannot_be_stored_is_told_later(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(unit: object) -> None:
        raise StoreUnavailable("full")

    await told.hears(5, OVER)
    with monkeypatch.context() as full:
        full.setattr(type(told.site.database), "write", lambda self, unit: refuse(unit))
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await told.hears(1, OVER)
    assert told.events() == []
    await told.hears(1, OVER)
    assert told.events() == [RAISED]


async def test_ticks_above_the_limit_are_counted_and_logged_as_they_begin_and_end(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.operations.tell_load")
    await told.hears(3)
    assert told.count("load_ticks_above_limit_total") == 0
    await told.hears(4, within=False)
    await told.hears(3)
    assert told.count("load_ticks_above_limit_total") == 4
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "the worst case of main is above its limit" in caplog.text


async def test_decided_limits_are_counted_by_kind(told: Told) -> None:
    sends = (Send("CP", 1, 6.0, 600.0, "decrease", "x"), Send("CP", 2, 6.0, 600.0, "renew", "x"))
    await told.teller.tell(tick(0, sends=sends), ())
    names = {(name, dict(labels).get("kind")): value for name, labels, value in told.site.health.counters.snapshot()}
    assert names["load_limits_sent_total", "decrease"] == names["load_limits_sent_total", "renew"] == 1
