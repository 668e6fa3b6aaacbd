"""/site/history and /site/limits/log: steps with gaps, who limited what and when, CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gateway.configuration import Circuit, Site
from gateway.model.instants import SECOND, Instant, seconds_later, text_of
from gateway.operations.limits_for_a_time import limits_now
from gateway.rules.circuit_history import MINUTE, Extremes
from gateway.store import circuit_history, limits_log
from gateway.store.writing import Writing
from gateway.web.documents import SCHEMAS
from tests.unit.web.conftest import NOON, Door

HISTORY, LOG, MAIN = "/api/v1/site/history", "/api/v1/site/limits/log", "/api/v1/site/limits/main"
NOON_MINUTE = NOON // MINUTE
BY = "token 2 (operator)"


def valid(document: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)


def minutes_ago(minutes: int) -> str:
    return text_of(Instant((NOON_MINUTE - minutes) * MINUTE))


async def carried(door: Door, minutes_before: int, amps: int | None, *, limit: int = 63, circuit: str = "main") -> None:
    measured = (None if amps is None else amps * 1000,) * 3
    seen = Extremes((limit * 1000,) * 3, measured, (10_500, 0, 0))

    await door.write(lambda db: circuit_history.keep(db, NOON_MINUTE - minutes_before, {circuit: seen}))


async def test_a_day_is_shown_in_steps_and_gaps_stay_gaps(door: Door) -> None:
    for minutes_before, amps in ((1440, 5), (3, 7), (2, 9), (1, None)):
        await carried(door, minutes_before, amps, limit=60 - minutes_before % 7)
    await carried(door, 0, 99)
    await carried(door, 1441, 99)
    document = await door.document("GET", HISTORY, role="viewer")
    valid(document, "CircuitHistory")
    assert (document["circuit"], document["step_seconds"], len(document["items"])) == ("main", 300, 288)
    first, second, last = document["items"][0], document["items"][1], document["items"][-1]
    assert first == {
        "time": minutes_ago(1440),
        "limit_amps": [55.0] * 3,
        "measured_amps": [5.0] * 3,
        "allotted_amps": [10.5, 0.0, 0.0],
    }
    assert second["limit_amps"] is second["measured_amps"] is second["allotted_amps"] is None
    assert (last["time"], last["measured_amps"], last["limit_amps"]) == (minutes_ago(5), [9.0] * 3, [57.0] * 3)


async def test_a_span_a_circuit_and_a_number_of_points(door: Door) -> None:
    circuits = (Circuit(name="main", limit_amps=(63, 63, 63)), Circuit(name="row", limit_amps=20, parent="main"))
    object.__setattr__(door.site, "configuration", replace(door.site.configuration, circuits=circuits))
    await carried(door, 10, None, circuit="row")
    span = {"from": minutes_ago(10), "to": minutes_ago(8), "circuit": "row", "points": "2"}
    document = await door.document("GET", HISTORY, params=span)
    assert document["step_seconds"] == 60
    assert [item["measured_amps"] for item in document["items"]] == [None, None]
    assert [item["limit_amps"] for item in document["items"]] == [[63.0] * 3, None]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("circuit=nowhere", 404), ("points=1", 422), ("points=2001", 422), ("points=x", 422), ("from=x", 422),
        ("from=2027-01-15&to=2027-01-14", 422), ("steps=3", 422),
    ],
)  # fmt: skip
async def test_what_cannot_be_shown(door: Door, query: str, status: int) -> None:
    await door.problem("GET", f"{HISTORY}?{query}", expect=status)


async def test_a_site_without_circuits_has_no_history(door: Door) -> None:
    object.__setattr__(door.site, "configuration", replace(door.site.configuration, circuits=()))
    assert "no circuit" in (await door.problem("GET", HISTORY, expect=404))["detail"]


async def test_a_minute_that_comes_again_is_widened_and_old_ones_go(door: Door) -> None:
    for amps in (None, 5, 3, None):
        await carried(door, 9, amps, limit=40 if amps == 3 else 50)
    await carried(door, 8, 1)
    await carried(door, 9, 1, circuit="row")
    step = {"from": minutes_ago(9), "to": minutes_ago(8)}
    (item,) = (await door.document("GET", HISTORY, params=step))["items"]
    assert (item["limit_amps"], item["measured_amps"]) == ([40.0] * 3, [5.0] * 3)
    until = Instant((NOON_MINUTE - 8) * MINUTE)
    gone: list[object] = []
    for _ in range(2):
        await door.write(lambda db: gone.append(circuit_history.delete_before(db, until, most=1)))
    assert gone == [2, 0]
    (item,) = (await door.document("GET", HISTORY, params={"from": minutes_ago(8)}))["items"][:1]
    assert item["measured_amps"] == [1.0] * 3


async def put(door: Door, **fields: Any) -> None:
    await door.document("PUT", MAIN, role="operator", json=fields)


async def log(door: Door, **query: str) -> list[dict[str, Any]]:
    document = await door.document("GET", LOG, role="viewer", params=query)
    valid(document, "LoggedLimitCollection")
    items: list[dict[str, Any]] = document["items"]
    return items


async def at(door: Door, seconds: float) -> None:
    object.__setattr__(door.site, "wall_clock", lambda: seconds_later(NOON, seconds))


async def test_every_limit_is_logged_from_when_to_when_and_by_whom(door: Door) -> None:
    end = text_of(seconds_later(NOON, 600))
    await put(door, limit_amps=20, source="dso")
    await at(door, 60)
    await put(door, limit_amps=[16, 16, 10], source="dso", until=end)
    await put(door, limit_amps=30)
    await at(door, 120)
    assert (await door.ask("DELETE", MAIN, role="operator")).status == 204
    await at(door, 601)
    await door.write(lambda db: limits_now(db, door.site, door.site.wall_clock()))
    api, second, first = await log(door)
    assert first == {
        "log_id": first["log_id"],
        "circuit": "main",
        "source": "dso",
        "limit_amps": [20, 20, 20],
        "until": None,
        "set_by": BY,
        "set_time": text_of(NOON),
        "ended_time": text_of(seconds_later(NOON, 60)),
        "ended_why": "replaced",
        "ended_by": BY,
    }
    assert (second["limit_amps"], second["until"], second["ended_why"], second["ended_by"]) == (
        [16, 16, 10], end, "over", None,
    )  # fmt: skip
    assert second["ended_time"] == text_of(seconds_later(NOON, 601))
    assert (api["source"], api["ended_why"], api["ended_by"]) == ("api", "removed", BY)


async def test_the_same_limit_again_only_gets_a_later_end(door: Door) -> None:
    for minutes in (10, 20):
        await put(door, limit_amps=20, until=text_of(seconds_later(NOON, 60 * minutes)))
    (one,) = await log(door)
    assert (one["until"], one["ended_why"]) == (text_of(seconds_later(NOON, 1200)), None)


async def test_the_log_is_filtered_and_paged(door: Door) -> None:
    for number in range(4):
        await at(door, number * 60)
        await put(door, limit_amps=10 + number, source="dso" if number % 2 else "fleet")
    await put(door, limit_amps=1, source="dso")
    assert [one["limit_amps"][0] for one in await log(door)] == [1, 13, 12, 11, 10]
    assert [one["limit_amps"][0] for one in await log(door, source="fleet")] == [12, 10]
    assert await log(door, circuit="row") == []
    begin, end = (text_of(seconds_later(NOON, seconds)) for seconds in (130, 180))
    assert [one["limit_amps"][0] for one in await log(door, **{"from": begin, "to": end})] == [12, 11]
    page = await door.document("GET", LOG, params={"limit": "3"})
    rest = await door.document("GET", LOG, params={"limit": "3", "after": page["next"]})
    assert [one["limit_amps"][0] for one in rest["items"]] == [11, 10] and rest["next"] is None
    await door.problem("GET", f"{LOG}?who=x", expect=422)


async def test_the_log_as_csv(door: Door) -> None:
    await put(door, limit_amps=[1, 2, 3], source="=dso")
    await at(door, 60)
    await put(door, limit_amps=4, source="=dso")
    response = await door.ask("GET", f"{LOG}.csv?separator=;&bom=true", role="viewer")
    assert response.content_type == "text/csv" and "limits.csv" in response.headers["Content-Disposition"]
    raw = await response.read()
    assert raw.startswith(b"\xef\xbb\xbflog_id;circuit;source;limit_amps_1;")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [float(rows[0][f"limit_amps_{phase}"]) for phase in (1, 2, 3)] == [1, 2, 3]
    assert (rows[0]["source"], rows[0]["ended_why"], rows[1]["ended_time"]) == ("'=dso", "replaced", "")
    assert (await (await door.ask("GET", f"{LOG}.csv")).read()).startswith(b"log_id,circuit")
    await door.problem("GET", f"{LOG}.csv?separator=x", expect=422)
    await door.problem("GET", f"{LOG}.csv?limit=3", expect=422)


async def test_the_log_for_a_spreadsheet_that_writes_a_decimal_comma(door: Door) -> None:
    section = Site(id="site-1", timezone="Europe/Berlin")
    object.__setattr__(door.site, "configuration", replace(door.site.configuration, site=section))
    until = text_of(seconds_later(NOON, 3600))
    await put(door, limit_amps=[10.5, 16, 0.25], until=until, source="dso")
    raw = await (await door.ask("GET", f"{LOG}.csv?separator=;&decimal=,&times=local")).text()
    (row,) = csv.DictReader(io.StringIO(raw, newline=""), delimiter=";")
    assert [row[f"limit_amps_{phase}"] for phase in (1, 2, 3)] == ["10,5", "16,0", "0,25"]
    assert (row["set_time"], row["until"], row["ended_time"]) == ("2027-01-15 09:00:00", "2027-01-15 10:00:00", "")
    raw = await (await door.ask("GET", f"{LOG}.csv?decimal=,")).text()
    assert ',"10,5","16,0","0,25",2027-01-15T08:00:00.000Z,' in raw
    assert ",10.5,16.0,0.25," in await (await door.ask("GET", f"{LOG}.csv")).text()


async def test_the_log_goes_on_over_many_steps(door: Door) -> None:
    def unit(db: Writing) -> None:
        for number in range(1001):
            db.execute(
                "INSERT INTO limits_log (circuit, source, amps_1, amps_2, amps_3, set_by, set_at, ended_at, ended_why)"
                " VALUES ('main', 'dso', 1, 1, 1, 'x', ?, ?, 'removed')",
                (number, number),
            )

    await door.write(unit)
    assert len((await (await door.ask("GET", f"{LOG}.csv")).text()).splitlines()) == 1002


async def test_what_ended_long_ago_goes_and_what_holds_stays(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    for amps in (1, 2, 3):
        await at(door, amps)
        await put(door, limit_amps=amps)
    gone: list[object] = []
    before = Instant(NOON + 3 * SECOND)
    await door.write(lambda db: gone.append(limits_log.delete_before(db, before, most=100)))
    assert [one["limit_amps"][0] for one in await log(door)] == [3, 2]
    monkeypatch.setattr(limits_log, "MOST_ROWS", 0)
    await door.write(lambda db: gone.append(limits_log.delete_before(db, Instant(0), most=100)))
    assert [one["limit_amps"][0] for one in await log(door)] == [3] and gone == [1, 1]


async def test_a_circuit_that_is_called_log_can_still_be_limited(door: Door) -> None:
    circuits = (Circuit(name="log", limit_amps=(63, 63, 63)),)
    object.__setattr__(door.site, "configuration", replace(door.site.configuration, circuits=circuits))
    await door.document("PUT", LOG, role="operator", json={"limit_amps": 5})
    assert [one["circuit"] for one in await log(door)] == ["log"]
