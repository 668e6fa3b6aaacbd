"""/site/summary and /site/what-if: one answer for the overview, and an answer that changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gateway.configuration import Upstream
from gateway.model.identities import StationId, TransactionId
from gateway.model.instants import Instant, seconds_later, text_of
from gateway.model.load_memory import Memory
from gateway.model.site_picture import ConnectorFacts, SitePicture
from gateway.operations.load_now import Tick
from gateway.rules.balance import decide
from gateway.store import meter_frames
from gateway.store.writing import Writing
from gateway.web.documents import SCHEMAS
from tests.unit.rules.load_pictures import charging, picture
from tests.unit.web.conftest import NOON, Door, PlayedConnection
from tests.unit.web.test_transactions_api import start

SUMMARY, WHAT_IF = "/api/v1/site/summary", "/api/v1/site/what-if"
TWO = picture(charging(1, 16.0), charging(2, 16.0), ConnectorFacts("CP", 3, connected=False))


def valid(document: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)


def ticked(seen: SitePicture = TWO) -> Tick:
    after, decision = decide(seen, Memory())
    return Tick(NOON, seen, Memory(), after, decision)


async def summary(door: Door) -> dict[str, Any]:
    document = await door.document("GET", SUMMARY, role="viewer")
    valid(document, "SiteSummary")
    return document


async def test_before_anything_is_known(door: Door) -> None:
    document = await summary(door)
    assert document["site"] == {"name": "site-1", "zone": "UTC", "time": text_of(NOON)}
    assert [one["name"] for one in document["circuits"]] == ["main"]
    assert document["stations"] == [
        {"station": "FILE-1", "connected": False, "vendor": None, "model": None, "connectors": []}
    ]
    assert document["upstreams"] == [] and document["alarms"] == []


@pytest.fixture
async def busy(door: Door) -> Door:
    """CP with three connectors of which two charge; LOOSE, which no circuit feeds."""
    for station in ("CP", "LOOSE"):
        await door.document("PUT", f"/api/v1/stations/{station}", json={}, expect=201)
    door.connected.play(PlayedConnection("CP"))

    def unit(db: Writing) -> None:
        db.execute("UPDATE stations SET vendor = 'Vendor', model = 'Model' WHERE station = 'CP'")
        for connector, status in ((0, "Available"), (1, "Charging"), (2, "Faulted")):
            db.execute(
                "INSERT INTO connectors VALUES ('CP', ?, ?, 'GroundFailure', NULL, NULL, NULL, ?, ?)",
                (connector, status, NOON, NOON),
            )
        db.execute("INSERT INTO connectors VALUES ('GONE', 1, 'Faulted', 'x', NULL, NULL, NULL, 1, 1)")
        start(db, 1, station="CP", tag="Card")
        start(db, 2, station="LOOSE", tag="Other")

    await door.write(unit)
    first = replace(TWO.connectors[0], session=replace(TWO.connectors[0].session, session="1"))  # type: ignore[type-var]
    door.site.load.tick = ticked(replace(TWO, connectors=(first, *TWO.connectors[1:])))
    door.site.load.alarms_since["station_offline", "CP/3"] = NOON
    return door


async def test_a_card_for_every_connector(busy: Door) -> None:
    stations = {one["station"]: one for one in (await summary(busy))["stations"]}
    assert list(stations) == ["CP", "FILE-1", "LOOSE"]
    assert (stations["CP"]["connected"], stations["CP"]["vendor"], stations["CP"]["model"]) == (True, "Vendor", "Model")
    one, two, three = stations["CP"]["connectors"]
    tick = busy.site.load.tick
    assert tick is not None
    decided = tick.decision.connectors[0]
    assert one == {
        "connector": 1,
        "status": "Charging",
        "error_code": "GroundFailure",
        "power_w": 11040,
        "current_amps": [16.0, 16.0, 16.0],
        "limit_amps": decided.cap_amps,
        "reason": decided.binding.text,
        "binding": {
            "circuit": decided.binding.circuit,
            "phase": decided.binding.phase,
            "source": decided.binding.source,
        },
        "transaction_id": 1,
        "id_tag": "Card",
        "energy_wh": 1000,
        "since": text_of(NOON),
        "note": None,
    }
    assert (two["transaction_id"], two["energy_wh"], two["status"]) == (None, None, "Faulted")
    assert (three["status"], three["power_w"], three["binding"]["source"]) == (None, 0, "fallback")
    (loose,) = stations["LOOSE"]["connectors"]
    assert (loose["transaction_id"], loose["binding"], loose["power_w"]) == (2, None, None)


async def test_a_running_session_tells_whose_card_it_is(busy: Door) -> None:
    await busy.document("PUT", "/api/v1/id-tags/CARD", json={"note": "Anna"})
    one, two, _ = (await summary(busy))["stations"][0]["connectors"]
    assert (one["id_tag"], one["note"]) == ("Card", "Anna") and two["note"] is None


async def test_the_reason_is_that_of_why(busy: Door) -> None:
    await busy.document("PUT", "/api/v1/stations/CP", json={"circuit": "main"})
    why = await busy.document("GET", "/api/v1/stations/CP/why?connector=1")
    card = (await summary(busy))["stations"][0]["connectors"][0]
    assert card["binding"] == why["binding"] and card["binding"]["circuit"] == "main"
    assert card["reason"] in why["text"] and card["limit_amps"] == why["limit_amps"]


async def test_everything_that_is_wrong(busy: Door) -> None:
    busy.site.health.report("clock", "it is behind")
    busy.site.health.report("certificates", None, notice="one ends soon")
    busy.site.health.report("load limits", "said by its own alarms")
    alarms = (await summary(busy))["alarms"]
    told = {(one["kind"], one["station"]): one for one in alarms}
    assert told["station_offline", "CP"]["since"] == text_of(NOON)
    assert told["station_offline", "CP"]["text"].startswith("CP/3: the station is not connected")
    assert told["unwell", None]["text"] == "clock: it is behind"
    assert told["notice", None]["text"] == "certificates: one ends soon"
    assert told["faulted", "CP"]["text"] == "CP: connector 2 is faulted: GroundFailure"
    assert len(alarms) == len(told), "nothing is told twice, and nothing of unknown stations"


async def test_a_connector_that_charges_and_tells_nothing_draws_nobody_knows_what(busy: Door) -> None:
    silent = replace(TWO.connectors[0], measured_amps=None)
    busy.site.load.tick = ticked(replace(TWO, connectors=(silent, *TWO.connectors[1:])))
    card = (await summary(busy))["stations"][0]["connectors"][0]
    assert card["power_w"] is card["current_amps"] is None
    assert card["energy_wh"] is None, "what is known of the session is of another one"


async def stored(door: Door, *, recorded_at: Instant, **values: str) -> None:
    """The newest frame of session 2, which nobody watches."""
    names = {"wh": "Energy.Active.Import.Register", "w": "Power.Active.Import", "a": "Current.Import"}
    sampled = [{"measurand": names[name], "value": value} for name, value in values.items()]
    body = json.dumps({"meterValue": [{"timestamp": text_of(recorded_at), "sampledValue": sampled}]}).encode()

    def unit(db: Writing) -> None:
        meter_frames.append(db, StationId("LOOSE"), 1, 2, None, recorded_at, body)
        db.insert_late_rows()
        (newest,) = db.execute("SELECT max(id) FROM meter_frames").fetchone()
        meter_frames.index(db, [(TransactionId(2), newest)], upto=newest)

    await door.write(unit)


async def loose(door: Door) -> tuple[object, ...]:
    card = (await summary(door))["stations"][2]["connectors"][0]
    return card["power_w"], card["current_amps"], card["energy_wh"]


async def test_what_load_limits_do_not_watch_is_read_from_stored_values(busy: Door) -> None:
    await busy.document("PUT", "/api/v1/stations/LOOSE", json={"phase_rotation": "2"})
    await stored(busy, recorded_at=NOON, a="10", wh="1500")
    assert await loose(busy) == (2300, [0.0, 10.0, 0.0], 500)
    await stored(busy, recorded_at=NOON, w="4500")
    assert await loose(busy) == (4500, None, None)
    await stored(busy, recorded_at=seconds_later(NOON, -1000), w="4500", wh="1600")
    assert await loose(busy) == (None, None, 600), "too long ago to say anything about power"
    await stored(busy, recorded_at=NOON)
    assert await loose(busy) == (None, None, None)
    await busy.write(lambda db: db.execute("UPDATE transactions SET meter_start_wh = NULL WHERE transaction_id = 2"))
    await stored(busy, recorded_at=NOON, wh="1700")
    assert await loose(busy) == (None, None, None), "nobody knows where it began"


async def test_upstreams_and_how_far_they_are_behind(busy: Door) -> None:
    upstream = Upstream(name="fleet", host="192.0.2.1", port=8883)
    object.__setattr__(busy.site, "configuration", replace(busy.site.configuration, upstreams=(upstream,)))
    (told,) = (await summary(busy))["upstreams"]
    assert (told["name"], told["connected"]) == ("fleet", False)
    assert told["backlog"] > 0 and told["oldest_seconds"] == 0.0


async def what_if(door: Door, **fields: Any) -> dict[str, Any]:
    document = await door.document("POST", WHAT_IF, role="viewer", json=fields)
    valid(document, "WhatIf")
    return document


async def everything(door: Door) -> list[object]:
    def unit(db: Writing) -> list[object]:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'")
        ]
        return [db.execute(f"SELECT * FROM {name}").fetchall() for name in tables]

    return await door.site.database.write(unit)


async def test_a_question_changes_nothing_at_all(busy: Door) -> None:
    asked_before = [list(one.asked) for one in busy.connected.connections.values()]
    before, rows = repr(busy.site.load), await everything(busy)
    tick = busy.site.load.tick
    answer = await what_if(busy, circuit="main", limit_amps=20)
    assert busy.site.load.tick is tick and repr(busy.site.load) == before
    assert await everything(busy) == rows
    assert [one.asked for one in busy.connected.connections.values()] == asked_before
    assert busy.connected.get(StationId("CP")) is not None
    assert await what_if(busy, circuit="main", limit_amps=20) == answer
    assert (await summary(busy))["circuits"][0]["effective_limit_amps"] == [32.0] * 3
    assert "With 20 A on main, 2 of 2 that charge get another limit." in answer["text"]
    one, two, three = answer["stations"]
    assert one["limit_amps_then"] < one["limit_amps_now"] and "(what-if)" in one["reason"]
    assert (three["charging"], three["limit_amps_now"]) == (False, three["limit_amps_then"])
    planned = one["limit_amps_then"] + two["limit_amps_then"]
    assert answer["circuits"][0]["planned_amps"] == [planned] * 3


async def test_losing_amps_is_having_the_rest(busy: Door) -> None:
    lost = await what_if(busy, circuit="main", lose_amps=[12, 0, 0])
    assert lost == await what_if(busy, circuit="main", limit_amps=[20, 32, 32])
    assert lost["circuits"][0]["effective_limit_amps"] == [20.0, 32.0, 32.0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, ["circuit", "limit_amps"]),
        ({"circuit": "x", "limit_amps": 1}, ["circuit"]),
        ({"circuit": "main", "limit_amps": 1, "lose_amps": 1}, ["limit_amps"]),
        ({"circuit": "main", "lose_amps": -1}, ["lose_amps"]),
        ({"circuit": "main", "limit_amps": [1, 2]}, ["limit_amps"]),
        ({"circuit": "main", "limit_amps": [1, True, 3]}, ["limit_amps"]),
        ({"circuit": "main", "limit_amps": 1, "x": 1}, ["x"]),
    ],
)
async def test_what_cannot_be_asked(busy: Door, fields: dict[str, Any], field: list[str]) -> None:
    problem = await busy.problem("POST", WHAT_IF, expect=422, role="viewer", json=fields)
    assert [error["field"] for error in problem["errors"]] == field


async def test_before_the_first_decision_there_is_no_answer(door: Door) -> None:
    await door.problem("POST", WHAT_IF, expect=409, json={"circuit": "main", "limit_amps": 1})
    assert (await door.ask("POST", WHAT_IF, role=None, json={})).status == 401
