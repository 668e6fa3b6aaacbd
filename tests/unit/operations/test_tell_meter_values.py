"""What billing needs of meter values is told once, as it was sent, and bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.model.identities import TransactionId
from gateway.model.instants import SECOND, Instant, text_of
from gateway.model.sessions import Stop
from gateway.operations.attribute_meter_frames import attribute_some, settle_some
from gateway.rules.retention import Claims, Keep, limits_at
from gateway.store import expiry, meter_frames, migrations, transactions
from gateway.store.writing import Writing
from tests.unit.operations.test_attribute_meter_frames import CONFIGURATION, session_of
from tests.unit.store.opened_database import CP, NOW

MINUTE = 60 * SECOND
SIGNED = {"value": "OCMF", "format": "SignedData"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def value(minute: float, *samples: dict[str, Any]) -> dict[str, Any]:
    at = Instant(NOW + round(minute * MINUTE))
    return {"timestamp": text_of(at), "sampledValue": list(samples) or [{"value": str(round(minute * 100))}]}


def send(db: Writing, transaction: int, *values: dict[str, Any], name: str = "meterValue") -> None:
    body = json.dumps({name: list(values)}, separators=(",", ":")).encode()
    own = TransactionId(transaction) if name == "transactionData" else None
    meter_frames.append(db, CP, 1, transaction, own, NOW, body)


def tell(db: Writing) -> None:
    while attribute_some(db, CONFIGURATION, now=NOW):
        pass
    while settle_some(db, CONFIGURATION, now=NOW):
        pass


def end(db: Writing, transaction: int) -> None:
    stop = Stop(NOW, "", 1500, "Local", None, "station")
    transactions.record_stop(db, transaction, stop, received_at=NOW)


def told(db: Writing) -> list[dict[str, Any]]:
    db.insert_late_rows()
    rows = db.execute(
        "SELECT data FROM events WHERE kind = 'transaction.meter_values' AND stream = 'tx' ORDER BY id"
    ).fetchall()
    return [json.loads(data) for (data,) in rows]


def values_told(db: Writing) -> list[dict[str, Any]]:
    return [one for event in told(db) for one in event["values"]]


def test_of_many_values_the_first_those_of_each_quarter_and_the_last(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    for minute in range(40):
        send(db, transaction, value(minute))
    tell(db)
    assert values_told(db) == [value(0), value(15), value(30)]
    end(db, transaction)
    tell(db)
    tell(db)
    assert values_told(db) == [value(0), value(15), value(30), value(39)]
    assert all(one["transaction_id"] == transaction and one["connector"] == 1 for one in told(db))
    assert not any(one["signed"] for one in told(db))


def test_when_the_last_was_told_already_it_is_not_told_again(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    send(db, transaction, value(0))
    end(db, transaction)
    tell(db)
    tell(db)
    assert values_told(db) == [value(0)]


def test_what_is_signed_or_marks_the_begin_or_end_is_told_as_it_came(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    large = {"value": "x" * 9000, "format": "signeddata"}
    marked = [
        value(1, SIGNED), value(2, {"value": "1", "context": "Transaction.Begin"}), value(3, large),
        value(4, {"value": "OCMF|{}|{}"}), value(5, {"value": "9", "context": "Transaction.End"}),
    ]  # fmt: skip
    send(db, transaction, value(0), value(0.5), *marked, value(6))
    tell(db)
    (event,) = told(db)
    assert event["values"] == [value(0), *marked] and event["signed"], "whole: a cut signature proves nothing"


@pytest.mark.parametrize(
    "sample",
    [
        SIGNED, {"value": "x", "format": "signeddata"}, {"value": "OCMF|{}|{}"},
        {"value": "1", "context": "Transaction.End"}, {"value": "1", "context": "transaction.begin"},
    ],
)  # fmt: skip
def test_each_mark_is_seen_in_a_frame_of_its_own(db: Writing, sample: dict[str, Any]) -> None:
    transaction = session_of(db).transaction_id
    for one in (value(0), value(1), value(2, sample), value(3)):
        send(db, transaction, one)
    tell(db)
    assert values_told(db) == [value(0), value(2, sample)]


def test_the_values_of_a_stop_are_told_whole_or_where_they_are_very_many_the_same_selection(db: Writing) -> None:
    few, many = session_of(db).transaction_id, session_of(db, connector=2).transaction_id
    send(db, few, *[value(minute) for minute in range(5)], name="transactionData")
    send(db, many, *[value(minute / 6) for minute in range(900)], name="transactionData")
    end(db, many)
    tell(db)
    assert told(db)[0]["values"] == [value(minute) for minute in range(5)]
    rest = [one for event in told(db)[1:] for one in event["values"]]
    assert rest == [value(15 * quarter) for quarter in range(10)] + [value(899 / 6)]


def test_an_event_is_bounded_and_what_does_not_fit_is_named(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    signed = [value(minute, {"value": "x" * 20_000, "format": "SignedData"}) for minute in range(5)]
    huge = value(6, {"value": "y" * 60_000, "format": "SignedData"})
    send(db, transaction, *signed, huge)
    tell(db)
    assert [len(event["values"]) for event in told(db)] == [2, 2, 2]
    *kept, last = values_told(db)
    assert kept == signed and last["timestamp"] == huge["timestamp"] and last["left_out_bytes"] > 60_000
    assert all(len(json.dumps(event)) < 60_000 for event in told(db))


def test_a_value_that_came_after_everything_was_told_is_told_as_the_last(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    send(db, transaction, value(0))
    end(db, transaction)
    tell(db)
    send(db, transaction, value(1))
    send(db, transaction, value(2))
    tell(db)
    assert values_told(db) == [value(0), value(2)]


def test_what_is_unreadable_tells_nothing_and_holds_nobody_up(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    for body in (b"not JSON", b'{"meterValue":7}', b'{"meterValue":[]}', b'{"meterValue":[{"sampledValue":[1]}]}'):
        meter_frames.append(db, CP, 1, transaction, None, NOW, body)
    tell(db)
    assert values_told(db) == [{"sampledValue": [1]}]


def test_a_unit_is_bounded_by_the_bytes_that_are_told(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    for minute in range(4):
        send(db, transaction, value(minute * 15, *[{"value": "1"}] * 40_000))  # more than half a megabyte
    assert [attribute_some(db, CONFIGURATION, now=NOW) for _ in range(3)] == [2, 2, 0]
    assert len(values_told(db)) == 4


def test_last_values_are_told_in_short_units_too(db: Writing) -> None:
    for connector in range(1, 4):
        transaction = session_of(db, connector=connector).transaction_id
        for minute in (0, 1):
            send(db, transaction, value(minute, *[{"value": "1"}] * 40_000))
        end(db, transaction)
    while attribute_some(db, CONFIGURATION, now=NOW):
        pass
    assert [settle_some(db, CONFIGURATION, now=NOW) for _ in range(3)] == [2, 1, 0]
    assert len(values_told(db)) == 6


def test_what_was_told_is_forgotten_with_its_session(db: Writing) -> None:
    transaction = session_of(db).transaction_id
    send(db, transaction, value(0))
    end(db, transaction)
    tell(db)
    keep = Keep(transactions_days=400, meter_days=1, operations_days=1, quarantine_days=1, commands_days=7, load_days=1)
    limits = limits_at(Instant(NOW + 401 * 86_400 * SECOND), keep)
    expiry.delete_some(db, limits, claims=Claims(), most=100, now=NOW)
    assert db.execute("SELECT count(*) FROM meter_values_told").fetchone() == (0,)
