"""/transactions: documents, filters, meter values, CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.configuration import Site as SiteSection
from gateway.model.identities import StationId, TransactionId
from gateway.model.instants import instant_of
from gateway.store import meter_frames
from gateway.store.reports_transactions import MEMBERS
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door

LIST = "/api/v1/transactions"
HOUR = 3_600_000_000


def start(db: Writing, number: int, *, station: str = "S-1", tag: str = "Tag", connector: int = 1) -> None:
    db.execute(
        "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, start_at, meter_start_wh)"
        " VALUES (?, ?, ?, ?, ?, ?, 1000)",
        (number, station, connector, tag, tag.lower(), NOON + number * HOUR),
    )


def stop(db: Writing, number: int, *, wh: int = 3500, anomalies: tuple[str, ...] = ()) -> None:
    db.execute(
        "UPDATE transactions SET stop_at = start_at + 60000000, meter_stop_wh = ?, reason = 'Local',"
        " stop_id_tag = 'Tag', stop_source = 'station', anomalies = ? WHERE transaction_id = ?",
        (wh, json.dumps(anomalies), number),
    )


def orphan(db: Writing, number: int) -> None:
    db.execute(
        "INSERT INTO transactions (transaction_id, station, stop_at, meter_stop_wh, reason, stop_source,"
        " claimed_transaction_id, anomalies)"
        " VALUES (?, 'S-2', ?, 900, 'Other', 'station', '-1', '[\"missing_start\"]')",
        (number, NOON),
    )


@pytest.fixture
async def sessions(door: Door) -> Door:
    def unit(db: Writing) -> None:
        start(db, 1)
        stop(db, 1, anomalies=("clock", "register"))
        start(db, 2, station="S-2", tag="=Other", connector=2)
        orphan(db, 3)

    await door.write(unit)
    return door


async def ids(door: Door, **query: str) -> list[int]:
    return [one["transaction_id"] for one in (await door.document("GET", LIST, params=query))["items"]]


async def test_an_ended_transaction_is_exactly_the_document(sessions: Door) -> None:
    (document,) = (await sessions.document("GET", LIST, role="viewer", params={"id_tag": "TAG"}))["items"]
    assert document == {
        "transaction_id": 1,
        "station": "S-1",
        "connector": 1,
        "id_tag": "Tag",
        "parent_id_tag": None,
        "reservation_id": None,
        "start_time": "2027-01-15T09:00:00.000Z",
        "meter_start_wh": 1000,
        "stop_time": "2027-01-15T09:01:00.000Z",
        "meter_stop_wh": 3500,
        "energy_wh": 2500,
        "reason": "Local",
        "stop_id_tag": "Tag",
        "open": False,
        "anomalies": ["clock", "register"],
    }
    assert tuple(document) == MEMBERS


async def test_an_open_transaction_and_an_orphan_stop(sessions: Door) -> None:
    running = await sessions.document("GET", f"{LIST}/2")
    assert (running["open"], running["stop_time"], running["energy_wh"]) == (True, None, None)
    lost = await sessions.document("GET", f"{LIST}/3")
    assert "start_time" not in lost and "meter_start_wh" not in lost
    assert (lost["open"], lost["energy_wh"], lost["meter_stop_wh"]) == (False, None, 900)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [3, 2, 1]),
        ({"station": "S-2"}, [3, 2]),
        ({"connector": "2"}, [2]),
        ({"id_tag": "=other"}, [2]),
        ({"open": "true"}, [2]),
        ({"open": "false"}, [3, 1]),
        ({"from": "2027-01-15T09:00:00Z"}, [2, 1]),
        ({"to": "2027-01-15T09:00:00Z"}, [3]),
        ({"from": "2027-01-15", "to": "2027-01-15T11:00:00+01:00"}, [3, 1]),
        ({"from": "2028-01-01"}, []),
    ],
)
async def test_filters(sessions: Door, query: dict[str, str], found: list[int]) -> None:
    assert await ids(sessions, **query) == found


async def test_a_plus_that_was_not_encoded_is_understood(sessions: Door) -> None:
    page = await sessions.document("GET", f"{LIST}?from=2027-01-15T10:30:00+01:00")
    assert [one["transaction_id"] for one in page["items"]] == [2]


@pytest.mark.parametrize("query", ["from=yesterday", "open=perhaps", "connector=one", "stop=1", "after=x"])
async def test_filters_that_mean_nothing_are_refused(door: Door, query: str) -> None:
    await door.problem("GET", f"{LIST}?{query}", expect=422)


async def test_pages(sessions: Door) -> None:
    first = await sessions.document("GET", LIST, params={"limit": "2"})
    assert [one["transaction_id"] for one in first["items"]] == [3, 2]
    assert await ids(sessions, limit="2", after=first["next"]) == [1]
    assert (await sessions.document("GET", LIST, params={"limit": "1", "after": "2"}))["next"] is None


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "9" * 30])
async def test_unknown_transactions(door: Door, number: str) -> None:
    await door.problem("GET", f"{LIST}/{number}", expect=404)


SIGNED = 'OCMF|{"RV":1.50, "x": "\u00e4"}|{"SD":"304502"}'


async def test_meter_values_keep_the_words_of_the_station(sessions: Door) -> None:
    first = (
        b'{"connectorId":1,"transactionId":1,"meterValue":[{"timestamp":"2027-01-15T10:00:00+01",'
        b'"sampledValue":[{"value":"1000.0"}]}]}'
    )
    signed = {"value": SIGNED, "format": "SignedData", "context": "Transaction.End"}
    ending = [
        {"timestamp": "t2", "sampledValue": [signed, {"value": "3500"}]},
        {"timestamp": "t3", "sampledValue": {"value": "7"}},
        "nonsense",
    ]
    other = b'{"transactionId":2,"meterValue":[{"timestamp":"no","sampledValue":[]}]}'

    def unit(db: Writing) -> None:
        station = StationId("S-1")
        meter_frames.append(db, station, 1, 1, None, NOON, first)
        db.insert_late_rows()
        meter_frames.index(db, [(TransactionId(1), _newest(db))], upto=_newest(db))
        meter_frames.append(db, StationId("S-9"), 1, 1, None, NOON, other)  # another station's claim
        meter_frames.append(db, station, None, None, 1, NOON + 1_000_000, json.dumps(ending).encode())
        meter_frames.append(db, station, 1, 1, None, NOON + 2_000_000, b"not json")

    await sessions.write(unit)
    document = await sessions.document("GET", f"{LIST}/1")
    assert [value["timestamp"] for value in document["meter_values"]] == ["2027-01-15T10:00:00+01", "t2", "t3"]
    assert document["meter_values"][0]["sampledValue"] == [{"value": "1000.0"}]
    assert document["meter_values"][0]["received_time"] == "2027-01-15T08:00:00.000Z"
    (value,) = document["signed_values"]
    assert value["value"] == SIGNED
    assert (value["context"], value["timestamp"]) == ("Transaction.End", "t2")
    assert value["frame_id"] == document["meter_values"][1]["frame_id"]


def _newest(db: Writing) -> int:
    newest: int = db.execute("SELECT max(id) FROM meter_frames").fetchone()[0]
    return newest


async def test_csv_is_complete_and_runs_no_formulas(sessions: Door) -> None:
    response = await sessions.ask("GET", "/api/v1/transactions.csv", role="viewer")
    assert response.content_type == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    text = (await response.read()).decode()
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["transaction_id"] for row in rows] == ["1", "2", "3"]
    assert list(rows[0]) == [*MEMBERS, "energy_kwh", "note"]
    assert [row["energy_kwh"] for row in rows] == ["2.500", "", ""]
    assert (rows[0]["energy_wh"], rows[0]["open"], rows[0]["anomalies"]) == ("2500", "false", "clock register")
    assert rows[1]["id_tag"] == "'=Other"
    assert (rows[2]["start_time"], rows[2]["meter_start_wh"]) == ("", "")


async def test_csv_takes_filters_and_another_separator(sessions: Door) -> None:
    text = await (await sessions.ask("GET", "/api/v1/transactions.csv?separator=;&station=S-1")).text()
    assert len(text.splitlines()) == 2
    assert text.startswith("transaction_id;station;")
    marked = await (await sessions.ask("GET", "/api/v1/transactions.csv?bom=true")).read()
    assert marked.startswith(b"\xef\xbb\xbftransaction_id,")
    await sessions.problem("GET", "/api/v1/transactions.csv?bom=perhaps", expect=422)
    await sessions.problem("GET", "/api/v1/transactions.csv?separator=x", expect=422)
    await sessions.problem("GET", "/api/v1/transactions.csv?limit=5", expect=422)


async def noted(door: Door, **notes: str) -> None:
    for tag, note in notes.items():
        await door.document("PUT", f"/api/v1/id-tags/{tag}", json={"note": note})


async def rows_of(door: Door, query: str, *, delimiter: str) -> list[dict[str, str]]:
    raw = await (await door.ask("GET", f"/api/v1/transactions.csv?{query}", role="viewer")).read()
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=delimiter))


async def test_csv_tells_whose_the_cards_are(sessions: Door) -> None:
    await noted(sessions, tAG="Özlem Müller; works", **{"%3DOTHER": "=1+1"})
    rows = await rows_of(sessions, "separator=;", delimiter=";")
    assert [row["note"] for row in rows] == ["Özlem Müller; works", "'=1+1", ""]
    assert list(rows[0])[-1] == "note"


async def test_csv_for_a_spreadsheet_that_writes_a_decimal_comma(sessions: Door) -> None:
    (row, *_) = await rows_of(sessions, "separator=;&decimal=,&bom=true", delimiter=";")
    assert (row["energy_kwh"], row["energy_wh"], row["start_time"]) == ("2,500", "2500", "2027-01-15T09:00:00.000Z")
    text = await (await sessions.ask("GET", "/api/v1/transactions.csv?decimal=,&station=S-1")).text()
    assert text.endswith(',"2,500",\r\n'), "what has the separator in it is quoted"
    assert (await rows_of(sessions, "decimal=,", delimiter=","))[0]["energy_kwh"] == "2,500"
    for query in ("decimal=x", "decimal=", "times=here", "times="):
        await sessions.problem("GET", f"/api/v1/transactions.csv?{query}", expect=422)


async def test_csv_in_local_time_on_both_sides_of_a_change_of_the_clock(door: Door) -> None:
    section = SiteSection(id="site-1", timezone="Europe/Berlin")
    object.__setattr__(door.site, "configuration", replace(door.site.configuration, site=section))
    before = instant_of(datetime(2026, 10, 25, 0, 30, 59, 900_000, UTC))

    def unit(db: Writing) -> None:
        for number, at in enumerate((before, before + HOUR, NOON, instant_of(datetime.max.replace(tzinfo=UTC))), 1):
            start(db, number)
            db.execute("UPDATE transactions SET start_at = ? WHERE transaction_id = ?", (at, number))

    await door.write(unit)
    rows = await rows_of(door, "times=local", delimiter=",")
    assert [row["start_time"] for row in rows] == [
        "2026-10-25 02:30:59", "2026-10-25 02:30:59", "2027-01-15 09:00:00", "9999-12-31T23:59:59.999Z",
    ]  # fmt: skip
    assert {row["stop_time"] for row in rows} == {""}
    assert (await rows_of(door, "times=utc", delimiter=","))[2]["start_time"] == "2027-01-15T08:00:00.000Z"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("özlem", [1]), ("MÜLLER öz", [1]), ("Anna", [2]), ("müller anna", []), ("e", [2, 1]), ("", [3, 2, 1]),
        ("  ", [3, 2, 1]), ("'; %_", []), ("x " * 1500, []),
    ],
)  # fmt: skip
async def test_sessions_are_found_by_words_of_the_note(sessions: Door, words: str, found: list[int]) -> None:
    await noted(sessions, tAG="ÖZLEM Müller; works", **{"%3DOTHER": "Anna Eve"})
    assert await ids(sessions, note=words) == found
    assert {int(row["transaction_id"]) for row in await rows_of(sessions, f"note={words}", delimiter=",")} == set(found)
    summed = await sessions.document("GET", "/api/v1/transactions/totals", params={"by": "month", "note": words})
    assert sum(one["sessions"] for one in summed["items"]) == len(found)


async def test_a_month_stands_for_from_and_to(sessions: Door) -> None:
    assert await ids(sessions, month="2027-01") == [3, 2, 1] and await ids(sessions, month="2027-02") == []
    for query in ("month=2027-01&from=2027-01-01", "month=2027-1", "month=next"):
        await sessions.problem("GET", f"/api/v1/transactions.csv?{query}", expect=422)


async def test_csv_goes_on_over_many_steps(door: Door) -> None:
    def unit(db: Writing) -> None:
        for number in range(1, 1203):
            start(db, number)

    await door.write(unit)
    text = await (await door.ask("GET", "/api/v1/transactions.csv")).text()
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == [str(number) for number in range(1, 1203)]
