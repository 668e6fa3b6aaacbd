"""/stations/{id}/why and /site/decisions: now, at earlier moments, and whenever there is no answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from zstandard import ZstdCompressor

from gateway.model.circuits import Circuit, TemporaryLimit
from gateway.model.instants import SECOND, Instant, text_of
from gateway.model.load_memory import Memory
from gateway.model.site_picture import ConnectorFacts, SitePicture
from gateway.operations.explain_limit import explain_limit
from gateway.operations.load_now import Tick
from gateway.rules.balance import decide
from gateway.store import load_decisions
from gateway.store.load_decisions import LoadRecord, read_record
from gateway.web.documents import SCHEMAS
from tests.unit.rules.load_pictures import METERED, charging, outlet, picture, reading
from tests.unit.web.conftest import NOON, Door, configuration_in, open_site

WHY = "/api/v1/stations/CP/why"
FULL = picture(
    ConnectorFacts("CP", 1, connected=True),
    charging(2),
    charging(3),
    circuits=(replace(METERED, name="main"),),
    readings=(reading(40.0, trust="suspect"),),
    limits=(TemporaryLimit("main", (40.0, 40.0, 40.0), "dso"),),
)


def ticked(shown: SitePicture, at: Instant = NOON, *, seconds_ago: float = 0.0) -> Tick:
    seen = replace(shown, at_seconds=asyncio.get_running_loop().time() - seconds_ago)
    after, decision = decide(seen, Memory())
    return Tick(at, seen, Memory(), after, decision)


def valid(document: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)


async def keep(door: Door, seen: SitePicture, seconds_ago: float, line: str = "x") -> LoadRecord:
    tick = ticked(seen)
    record = LoadRecord(tick.picture, tick.before, tick.decision)
    at = Instant(NOON - int(seconds_ago * SECOND))
    await door.write(lambda db: load_decisions.keep(db, record, at=at, line=line))
    return record


def ago(seconds: int) -> str:
    return text_of(Instant(NOON - seconds * SECOND))


@pytest.fixture
async def managed(door: Door) -> Door:
    """CP hangs on the main circuit."""
    await door.document("PUT", "/api/v1/stations/CP", json={"circuit": "main"}, expect=201)
    return door


async def test_why_now_is_what_the_newest_decision_says(managed: Door) -> None:
    tick = managed.site.load.tick = ticked(FULL)
    document = await managed.document("GET", WHY, role="viewer")
    valid(document, "Why")
    second = tick.decision.connectors[1]
    assert (document["station"], document["connector"], document["limit_amps"]) == ("CP", 2, second.cap_amps)
    assert document["binding"] == {"circuit": "main", "phase": 1, "source": "dso"}
    assert document["at"] == text_of(NOON) and document["recorded_at"] is None
    assert "The limit of dso for main holds until it is taken away." in document["text"]
    assert [one["connector"] for one in document["connectors"]] == [1, 2, 3]
    assert "without the limit of dso for main" in [one["what"] for one in document["alternatives"]]
    other = await managed.document("GET", f"{WHY}?connector=1")
    assert other["connector"] == 1 and other["alternatives"] == [] and "has no session" in other["text"]
    detail = (await managed.problem("GET", f"{WHY}?connector=9", expect=404))["detail"]
    assert detail == "station 'CP' has no connector 9 (it has 1, 2, 3)"


async def test_a_decision_that_is_not_made_anew_is_not_passed_off_as_true(managed: Door) -> None:
    managed.site.load.tick = ticked(FULL, seconds_ago=9)
    assert (await managed.document("GET", WHY))["text"].startswith("CP connector 2 may draw")
    managed.site.load.tick = ticked(FULL, seconds_ago=60)
    assert (await managed.document("GET", WHY))["text"].startswith(
        "Nothing has been decided for 60 s; what follows was true then. CP"
    )


async def test_whoever_is_not_limited_is_told_so(door: Door) -> None:
    await door.document("PUT", "/api/v1/stations/LOOSE", json={}, expect=201)
    loose = await door.document("GET", "/api/v1/stations/LOOSE/why")
    valid(loose, "Why")
    assert loose["limit_amps"] is loose["binding"] is None and "no circuit feeds it" in loose["text"]
    early = await door.document("GET", "/api/v1/stations/FILE-1/why")
    assert early["binding"] is None and "nothing is decided yet" in early["text"]
    door.site.load.tick = ticked(FULL)
    fresh = await door.document("GET", "/api/v1/stations/FILE-1/why")
    valid(fresh, "Why")
    assert "no decision about it yet" in fresh["text"] and fresh["alternatives"] == []
    assert "nobody" in (await door.problem("GET", "/api/v1/stations/nobody/why", expect=404))["detail"]


async def test_a_site_without_circuits(tmp_path: Path) -> None:
    async with open_site(replace(configuration_in(tmp_path), circuits=())) as site:
        document = await explain_limit(site, "FILE-1")
    valid(document, "Why")
    assert isinstance(document, dict)
    assert document["text"] == "FILE-1: the configuration has no circuit, so nothing limits it."


async def test_why_then_is_the_newest_record_by_then_and_not_what_is_now(managed: Door) -> None:
    managed.site.load.tick = ticked(FULL)
    await keep(managed, picture(charging(1, 8.0), circuits=(Circuit("main", (9.0, 9.0, 9.0)),)), 100)
    await keep(managed, picture(charging(1, 16.0), circuits=(Circuit("main", (17.0, 17.0, 17.0)),)), 50)
    first = await managed.document("GET", f"{WHY}?at={ago(60)}")
    valid(first, "Why")
    assert (first["at"], first["recorded_at"], first["limit_amps"]) == (ago(60), ago(100), 8.0)
    assert (await managed.document("GET", f"{WHY}?at={ago(50)}"))["limit_amps"] == 16.0
    assert (await managed.document("GET", f"{WHY}?at={ago(0)}"))["recorded_at"] == ago(50)
    assert "perhaps the gateway did not run" not in first["text"]


async def test_the_time_of_a_record_as_it_is_shown_finds_that_record(managed: Door) -> None:
    for seconds, amps in ((90, 8.0), (49.999_877, 16.0), (49.998_999, 20.0)):
        await keep(managed, picture(charging(1, amps), circuits=(Circuit("main", (amps + 1,) * 3),)), seconds)
    (_, shown, _) = (await managed.document("GET", "/api/v1/site/decisions"))["items"]
    assert shown["time"] == ago(50)
    document = await managed.document("GET", f"{WHY}?at={shown['time']}")
    assert (document["recorded_at"], document["limit_amps"]) == (shown["time"], 16.0)


async def test_a_moment_that_has_no_answer(managed: Door) -> None:
    await keep(managed, picture(charging()), 50)
    await managed.problem("GET", f"{WHY}?at={ago(51)}", expect=404)
    assert "past" in (await managed.problem("GET", f"{WHY}?at={ago(-1)}", expect=422))["detail"]
    for nonsense in ("at=yesterday", "at=", "connector=x", "when=now"):
        await managed.problem("GET", f"{WHY}?{nonsense}", expect=422)
    gone = await managed.problem("GET", f"/api/v1/stations/FILE-1/why?at={ago(50)}", expect=404)
    assert "was not managed on" in gone["detail"]
    await managed.problem("GET", f"{WHY}?at={ago(50)}&connector=2", expect=404)


async def test_a_record_long_before_the_moment_comes_with_a_warning(managed: Door) -> None:
    await keep(managed, picture(charging()), 7200)
    text = (await managed.document("GET", f"{WHY}?at={ago(0)}"))["text"]
    assert text.startswith(f"The newest record is of {ago(7200)}; perhaps the gateway did not run after that. CP")


async def test_what_other_rules_decided_is_told_without_alternatives(managed: Door) -> None:
    """As after an update: the record says what was done, and is compared with nothing that was not."""
    record = await keep(managed, FULL, 50)
    assert (await managed.document("GET", f"{WHY}?at={ago(40)}"))["alternatives"]
    each = replace(record.decision.connectors[1], planned_amps=7.25, cap_amps=7.25)
    decision = replace(record.decision, connectors=(record.decision.connectors[0], each, record.decision.connectors[2]))
    packed = load_decisions.pack(replace(record, decision=decision))
    await managed.write(lambda db: db.execute("UPDATE load_decisions SET record = ?", (packed,)))
    document = await managed.document("GET", f"{WHY}?at={ago(40)}")
    assert document["limit_amps"] == 7.25 and document["alternatives"] == []


@pytest.mark.parametrize("packed", [b"damaged", ZstdCompressor().compress(b'{"a":1}')])
async def test_a_record_that_cannot_be_read(managed: Door, packed: bytes) -> None:
    await keep(managed, picture(charging()), 50)
    await managed.write(lambda db: db.execute("UPDATE load_decisions SET record = ?", (packed,)))
    detail = (await managed.problem("GET", f"{WHY}?at={ago(0)}", expect=409))["detail"]
    assert detail == f"the record of {ago(50)} is damaged, or of another version of the gateway"
    document = await managed.document("GET", "/api/v1/site/decisions?records=true")
    assert document["items"][0]["record"] in (None, {"a": 1})


async def test_decisions_on_record_are_listed_newest_first(managed: Door) -> None:
    for number in range(5):
        await keep(managed, picture(charging()), 50 - number, f"line {number}")
    every = await managed.document("GET", "/api/v1/site/decisions", role="viewer")
    valid(every, "LoadDecisionCollection")
    assert [one["text"] for one in every["items"]] == [f"line {number}" for number in (4, 3, 2, 1, 0)]
    assert "record" not in every["items"][0] and every["next"] is None
    page = await managed.document("GET", "/api/v1/site/decisions?limit=2")
    following = await managed.document("GET", f"/api/v1/site/decisions?limit=2&after={page['next']}")
    assert [one["text"] for one in following["items"]] == ["line 2", "line 1"]
    part = await managed.document("GET", f"/api/v1/site/decisions?from={ago(49)}&to={ago(47)}")
    assert [one["text"] for one in part["items"]] == ["line 2", "line 1"]
    await managed.problem("GET", "/api/v1/site/decisions?records=perhaps", expect=422)


async def test_a_record_from_the_api_decides_the_same_again(managed: Door) -> None:
    record = await keep(managed, FULL, 50)
    for _ in range(25):
        await keep(managed, picture(charging()), 60)
    document = await managed.document("GET", "/api/v1/site/decisions?records=true&limit=100")
    valid(document, "LoadDecisionCollection")
    assert len(document["items"]) == 20 and document["next"] is not None, "records come in small pages"
    document = await managed.document("GET", f"/api/v1/site/decisions?records=true&from={ago(50)}")
    read = read_record(json.dumps(document["items"][0]["record"]).encode())
    assert read == record
    assert decide(read.picture, read.before)[1] == read.decision


async def test_the_site_tells_alarms_notes_and_how_stations_are_limited(managed: Door) -> None:
    before = await managed.document("GET", "/api/v1/site")
    valid(before, "Site")
    assert before["time"] is None and before["alarms"] == []
    managed.site.load.notes = ("CP cannot be limited (said so)",)
    managed.site.load.tick = ticked(replace(FULL, outlets=(outlet(1), outlet(2, mode="D"), outlet(3))))
    document = await managed.document("GET", "/api/v1/site")
    valid(document, "Site")
    assert [one["lease_mode"] for one in document["stations"]] == ["A", "D", "A"]
    assert document["notes"] == ["CP cannot be limited (said so)"] and document["time"] == text_of(NOON)
    assert ("meter_missing", "main") in [(alarm["kind"], alarm["subject"]) for alarm in document["alarms"]]
