"""Totals, curves, signed values and exports of sessions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from gateway.configuration import Site as SiteSection
from gateway.model.identities import StationId
from gateway.model.instants import seconds_later, text_of
from gateway.store import meter_frames
from gateway.store.writing import Writing
from gateway.web.documents import SCHEMAS
from tests.unit.web.conftest import NOON, Door
from tests.unit.web.test_transactions_api import HOUR, orphan, start, stop

LIST, TOTALS = "/api/v1/transactions", "/api/v1/transactions/totals"
OCMF = 'OCMF|{"RV":1.50, "x": "\u00e4"}|{"SD":"304502"}'


def valid(document: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)


@pytest.fixture
async def sessions(door: Door) -> Door:
    """Of Tag one that ended at each of two stations, one of Other that runs, one stop that nobody knows."""

    def unit(db: Writing) -> None:
        start(db, 1)
        stop(db, 1)
        start(db, 2, station="S-2", tag="Other", connector=2)
        orphan(db, 3)
        start(db, 14, station="S-2", tag="TAG")  # 22:00 UTC
        stop(db, 14, wh=2000)
        start(db, 16, tag="Tag")  # the next day, in UTC as well
        stop(db, 16, wh=1001)

    await door.write(unit)
    return door


async def totals(door: Door, **query: str) -> dict[str | None, tuple[int, int, float]]:
    document = await door.document("GET", TOTALS, role="viewer", params=query)
    valid(document, "TransactionTotalCollection")
    return {one["key"]: (one["sessions"], one["energy_wh"], one["duration_seconds"]) for one in document["items"]}


async def test_totals_by_name(sessions: Door) -> None:
    assert await totals(sessions, by="station") == {"S-1": (2, 2501, 120.0), "S-2": (3, 1000, 60.0)}
    by_tag = await totals(sessions, by="id_tag")
    assert {key and key.lower(): value for key, value in by_tag.items()} == {
        None: (1, 0, 0.0),
        "other": (1, 0, 0.0),
        "tag": (3, 3501, 180.0),
    }
    assert await totals(sessions, by="station", id_tag="tag", open="false") == {
        "S-1": (2, 2501, 120.0), "S-2": (1, 1000, 60.0),
    }  # fmt: skip


async def test_totals_by_day_and_month_are_of_the_clock_of_the_site(sessions: Door) -> None:
    assert list(await totals(sessions, by="day")) == ["2027-01-15", "2027-01-16"]
    assert (await totals(sessions, by="day"))["2027-01-16"] == (1, 1, 60.0)
    section = SiteSection(id="site-1", timezone="Asia/Kolkata")  # 5.5 hours ahead
    object.__setattr__(sessions.site, "configuration", replace(sessions.site.configuration, site=section))
    assert (await totals(sessions, by="day"))["2027-01-16"] == (2, 1001, 120.0)
    assert await totals(sessions, by="month") == {"2027-01": (5, 3501, 180.0)}
    assert await totals(sessions, by="id_tag", month="2027-02") == {}
    assert (await totals(sessions, by="station", month="2027-01"))["S-1"] == (2, 2501, 120.0)


async def test_a_month_begins_at_midnight_on_site(sessions: Door) -> None:
    section = SiteSection(id="site-1", timezone="Pacific/Kiritimati")  # 14 hours ahead
    object.__setattr__(sessions.site, "configuration", replace(sessions.site.configuration, site=section))
    before = NOON + 31 * 24 * HOUR

    def unit(db: Writing) -> None:
        for number, at in ((20, before - 23 * HOUR), (21, NOON - 15 * 24 * HOUR + 3 * HOUR)):
            start(db, number, station=f"M-{number}")
            db.execute("UPDATE transactions SET start_at = ? WHERE transaction_id = ?", (at, number))

    await sessions.write(unit)
    assert "M-21" in await totals(sessions, by="station", month="2027-01")
    assert "M-20" in await totals(sessions, by="station", month="2027-02")
    assert list(await totals(sessions, by="month")) == ["2027-01", "2027-02"]
    assert list(await totals(sessions, by="station", month="2026-12")) == []


async def test_pages_of_totals(sessions: Door) -> None:
    for by, keys in (("day", ["2027-01-15", "2027-01-16"]), ("station", ["S-1", "S-2"])):
        first = await sessions.document("GET", TOTALS, params={"by": by, "limit": "1"})
        assert [one["key"] for one in first["items"]] == keys[:1]
        rest = await sessions.document("GET", TOTALS, params={"by": by, "limit": "1", "after": first["next"]})
        assert [one["key"] for one in rest["items"]] == keys[1:] and rest["next"] is None


async def totals_csv(door: Door, query: str) -> list[str]:
    response = await door.ask("GET", f"{TOTALS}.csv?{query}", role="viewer")
    assert response.content_type == "text/csv" and "totals-by-" in response.headers["Content-Disposition"]
    return (await response.read()).decode().removesuffix("\r\n").split("\r\n")


async def test_totals_as_csv(sessions: Door) -> None:
    await sessions.document("PUT", "/api/v1/id-tags/TAG", json={"note": "@Anna, works"})
    assert await totals_csv(sessions, "by=id_tag") == [
        "key,note,sessions,energy_kwh,duration_hours", ",,1,0.000,0.000", "Other,,1,0.000,0.000",
        "Tag,\"'@Anna, works\",3,3.501,0.050",
    ]  # fmt: skip
    assert await totals_csv(sessions, "by=station&separator=;&decimal=,&bom=true") == [
        "\ufeffkey;sessions;energy_kwh;duration_hours", "S-1;2;2,501;0,033", "S-2;3;1,000;0,017",
    ]  # fmt: skip
    assert await totals_csv(sessions, "by=day&station=S-1&note=anna&decimal=,") == [
        "key,sessions,energy_kwh,duration_hours", '2027-01-15,1,"2,500","0,017"', '2027-01-16,1,"0,001","0,017"',
    ]  # fmt: skip
    assert await totals_csv(sessions, "by=month&month=2027-02") == ["key,sessions,energy_kwh,duration_hours"]
    for query in ("", "by=week", "by=day&limit=5", "by=day&times=local", "by=day&separator=x", "by=day&month=x"):
        await sessions.problem("GET", f"{TOTALS}.csv?{query}", expect=422)


async def test_totals_as_csv_have_no_pages(door: Door) -> None:
    def unit(db: Writing) -> None:
        for number in range(1, 1203):
            start(db, number, tag=f"T{number:04}")
            db.execute(
                "INSERT INTO id_tags (folded_tag, id_tag, status, note, updated_at) VALUES (?, ?, 'Accepted', ?, 0)",
                (f"t{number:04}", f"T{number:04}", f"note {number}"),
            )

    await door.write(unit)
    lines = await totals_csv(door, "by=id_tag")
    assert lines[1:] == [f"T{number:04},note {number},1,0.000,0.000" for number in range(1, 1203)]


@pytest.mark.parametrize(
    "query",
    [
        "", "by=week", "by=day&month=2027-1", "by=day&month=2027-13", "by=day&month=x", "by=day&month=0000-01",
        "by=day&month=2027-01&from=2027-01-01", "by=day&sum=1", "by=day&limit=0",
    ],
)  # fmt: skip
async def test_totals_of_what_means_nothing(door: Door, query: str) -> None:
    await door.problem("GET", f"{TOTALS}?{query}", expect=422)


def values(*sampled: dict[str, str], seconds: float) -> bytes:
    moment = {"timestamp": text_of(seconds_later(NOON, seconds)), "sampledValue": list(sampled)}
    return json.dumps({"connectorId": 1, "transactionId": 1, "meterValue": [moment]}).encode()


async def measured(door: Door, *bodies: bytes) -> None:
    def unit(db: Writing) -> None:
        for body in bodies:
            meter_frames.append(db, StationId("S-1"), 1, 1, None, NOON, body)

    await door.write(unit)


async def curve(door: Door, **query: str) -> list[dict[str, Any]]:
    document = await door.document("GET", f"{LIST}/1/curve", role="viewer", params=query)
    valid(document, "CurveCollection")
    items: list[dict[str, Any]] = document["items"]
    return items


async def test_the_curve_of_a_session(sessions: Door) -> None:
    power = {"measurand": "Power.Active.Import", "unit": "kW", "value": "11"}
    amps = {"measurand": "Current.Import", "value": "16", "phase": "L2"}
    await measured(sessions, values({"value": "2000"}, power, amps, seconds=3620))
    begin, middle, end = await curve(sessions)
    assert (begin["energy_wh"], begin["power_w"], begin["time"]) == (0, None, "2027-01-15T09:00:00.000Z")
    assert middle == {
        "time": "2027-01-15T09:00:20.000Z",
        "power_w": 11000.0,
        "current_amps": [None, 16.0, None],
        "energy_wh": 1000,
        "soc_percent": None,
    }
    assert (end["energy_wh"], end["time"]) == (2500, "2027-01-15T09:01:00.000Z")


async def test_a_curve_is_counted_and_thinned(sessions: Door) -> None:
    peak = [values({"value": str(1000 + 2 * second)}, seconds=3600 + second) for second in range(1, 30)]
    later = [values({"value": str(1500 + second)}, seconds=3600 + second) for second in range(30, 60)]
    await measured(sessions, *peak, *later)
    whole = await curve(sessions)
    assert len(whole) == 61
    highest = max(one["power_w"] or 0 for one in whole)
    few = await curve(sessions, points="5")
    assert len(few) == 5 and max(one["power_w"] or 0 for one in few) == highest


async def test_times_that_nobody_set_and_values_that_are_none(sessions: Door) -> None:
    unset = b'{"transactionId":1,"meterValue":[{"timestamp":"1970-01-01T00:00:05Z","sampledValue":[{"value":"1100"}]}]}'
    lone = b'{"transactionId":1,"meterValue":[{"timestamp":"no","sampledValue":{"value":"1200"}},{"timestamp":"x"}]}'
    await measured(sessions, unset, lone)
    assert (await curve(sessions))[0]["time"] == text_of(NOON)


async def test_of_many_measurands_those_that_the_curve_shows_are_read(sessions: Door) -> None:
    others = [{"measurand": "Voltage", "value": "230", "phase": f"L{1 + number % 3}"} for number in range(300)]
    odd = {"measurand": ["Voltage"], "value": "1"}
    power = {"measurand": " power.active.import", "value": "7000", "unit": "w"}
    moment = {"timestamp": text_of(seconds_later(NOON, 3630)), "sampledValue": [*others, odd, power]}
    await measured(sessions, json.dumps({"transactionId": 1, "meterValue": [moment]}).encode())
    assert [one["power_w"] for one in await curve(sessions)] == [None, 7000.0, None]


async def test_curves_that_there_are_not(sessions: Door) -> None:
    await sessions.problem("GET", f"{LIST}/99/curve", expect=404)
    await sessions.problem("GET", f"{LIST}/x/curve", expect=404)
    await sessions.problem("GET", f"{LIST}/1/curve?points=1", expect=422)
    assert [one["energy_wh"] for one in (await sessions.document("GET", f"{LIST}/3/curve"))["items"]] == [0]


async def test_signed_values_come_out_as_they_came_in(sessions: Door) -> None:
    begin = {"value": OCMF, "format": "SignedData", "context": "Transaction.Begin"}
    end = {"value": "AQID", "format": "SignedData", "context": "Transaction.End"}
    await measured(sessions, values(begin, {"value": "5"}, seconds=3600), values(end, seconds=3660))
    response = await sessions.ask("GET", f"{LIST}/1/signed", role="viewer")
    assert "transaction-1-signed.json" in response.headers["Content-Disposition"]
    document = await response.json()
    valid(document, "SignedDownloadCollection")
    assert [(one["index"], one["encoding"], one["value"]) for one in document["items"]] == [
        (0, "OCMF", OCMF), (1, "unknown", "AQID"),
    ]  # fmt: skip
    one = await sessions.ask("GET", f"{LIST}/1/signed?index=0")
    assert await one.read() == OCMF.encode() and one.content_type == "text/plain"
    for path in ("1/signed?index=2", "1/signed?index=-1", "2/signed", "99/signed", "x/signed"):
        await sessions.problem("GET", f"{LIST}/{path}", expect=404)


async def test_everything_as_one_json_document(sessions: Door) -> None:
    response = await sessions.ask("GET", "/api/v1/transactions.json", role="viewer", params={"station": "S-1"})
    assert "transactions.json" in response.headers["Content-Disposition"]
    document = await response.json()
    valid(document, "TransactionCollection")
    assert [one["transaction_id"] for one in document["items"]] == [1, 16]
    assert await sessions.document("GET", "/api/v1/transactions.json?station=none") == {"items": [], "next": None}
    await sessions.problem("GET", "/api/v1/transactions.json?limit=1", expect=422)


async def test_a_session_without_a_card_has_no_note_of_a_card_called_none(sessions: Door) -> None:
    await sessions.write(lambda db: start(db, 20, tag="None"))
    await sessions.document("PUT", "/api/v1/id-tags/None", json={"note": "Nobody"})
    lines = (await (await sessions.ask("GET", f"{LIST}.csv")).text()).splitlines()
    assert [line.split(",")[0] for line in lines if line.endswith("Nobody")] == ["20"]
    assert ",,1,0.000,0.000" in await totals_csv(sessions, "by=id_tag")


async def test_records_like_those_of_ocpi(sessions: Door) -> None:
    signed = {"value": OCMF, "format": "SignedData", "context": "Transaction.End"}
    await measured(sessions, values({"value": "1100"}, seconds=3601), values(signed, seconds=3660))
    response = await sessions.ask("GET", "/api/v1/transactions.ocpi.json", role="viewer")
    records = await response.json()
    valid(records, "OcpiCdrList")
    assert [record["session_id"] for record in records] == ["1", "14", "16"], "neither what runs nor what nobody began"
    dimensions = [{"type": "ENERGY", "volume": 2.5}, {"type": "TIME", "volume": 0.016667}]
    assert records[0] == {
        "id": "site-1-1",
        "start_date_time": "2027-01-15T09:00:00.000Z",
        "end_date_time": "2027-01-15T09:01:00.000Z",
        "session_id": "1",
        "cdr_token": {"uid": "Tag", "type": "RFID", "contract_id": "Tag"},
        "auth_method": "WHITELIST",
        "cdr_location": {"id": "site-1", "evse_uid": "S-1", "connector_id": "1"},
        "charging_periods": [{"start_date_time": "2027-01-15T09:00:00.000Z", "dimensions": dimensions}],
        "total_energy": 2.5,
        "total_time": 0.016667,
        "last_updated": "2027-01-15T09:01:00.000Z",
        "signed_data": {
            "encoding_method": "OCMF",
            "signed_values": [{"nature": "End", "signed_data": OCMF, "plain_data": '{"RV":1.50, "x": "\u00e4"}'}],
        },
    }
    plain = await (await sessions.ask("GET", "/api/v1/transactions.ocpi.json?signed=false&id_tag=tag")).json()
    assert "signed_data" not in plain[0] and len(plain) == 3
    assert await (await sessions.ask("GET", "/api/v1/transactions.ocpi.json?station=none")).json() == []


@pytest.mark.parametrize("stopped", [HOUR, None, 600_000_000])
async def test_a_session_begun_before_the_clock_was_set_is_as_long_as_the_gateway_saw(
    door: Door, stopped: int | None
) -> None:
    """Told by the station: begun in 1970, ended now, not yet, or in 1970 too."""

    def unit(db: Writing) -> None:
        start(db, 1)
        db.execute("UPDATE transactions SET start_at = 300000000, start_received_at = ?", (NOON,))
        if stopped is not None:
            stop(db, 1)
            db.execute("UPDATE transactions SET stop_at = ?", (NOON + stopped if stopped == HOUR else stopped,))

    await door.write(unit)
    document = await door.document("GET", f"{LIST}/1")
    valid(document, "TransactionWithValues")
    assert document["start_time"] == "1970-01-01T00:05:00.000Z"
    assert document.get("start_received_time") == (None if stopped == 600_000_000 else text_of(NOON))
    seconds = {HOUR: 3600.0, None: 0.0, 600_000_000: 300.0}[stopped]
    (total,) = (await totals(door, by="station")).values()
    assert total[2] == seconds
    for record in await (await door.ask("GET", "/api/v1/transactions.ocpi.json")).json():
        assert record["total_time"] * 3600 == pytest.approx(seconds, abs=0.01)
        assert record["start_date_time"] == document.get("start_received_time", document["start_time"])
