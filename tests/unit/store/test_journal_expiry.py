"""What upstreams wait for stays or is told as dropped; what a bill may rest on stays; sizes are about right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.journal import STREAMS
from gateway.model.tags import Verdict
from gateway.rules.disk_pressure import METER_STOPPED, METER_THINNED, OPERATIONS_STOPPED
from gateway.rules.retention import Claims, Limits
from gateway.store import (
    dropped_ranges,
    events,
    expiry,
    journal_expiry,
    meter_frames,
    migrations,
    transactions,
    upstreams,
)
from gateway.store.dropped_ranges import Dropped
from gateway.store.journal_expiry import Deleting
from gateway.store.writing import Stream, Writing
from tests.unit.store.opened_database import CP, END, NOW, START

SIGNED = b'{"connectorId":1,"meterValue":[{"sampledValue":[{"format":"SignedData","value":"OCMF|{}"}]}]}'


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    connection.execute("BEGIN")
    yield Writing(connection)
    connection.close()


def tell(db: Writing, kind: str, times: int = 1, **data: object) -> None:
    for _ in range(times):
        events.append(db, kind, happened_at=NOW, recorded_at=NOW, data=data)
    db.insert_late_rows()


def frames(db: Writing, *bodies: bytes, connector: int = 1, claimed: int | None = None) -> None:
    for body in bodies:
        meter_frames.append(db, CP, connector, claimed, None, NOW, body)
    db.insert_late_rows()
    db.set_meta("meter_indexed_upto", 10**9)


def sequences(db: Writing, stream: str) -> list[int]:
    if stream == "meter":
        return [row[0] for row in db.execute("SELECT sequence FROM meter_frames ORDER BY 1")]
    return [row[0] for row in db.execute("SELECT sequence FROM events WHERE stream = ? ORDER BY 1", (stream,))]


def why(claims: Claims, most: int = 100, reason: dropped_ranges.Reason = "disk_pressure") -> Deleting:
    return Deleting(reason, claims, most, NOW)


def waits(stream: str, required: int | None, anybody: int) -> Claims:
    everything = dict.fromkeys(STREAMS, 0)
    return Claims(None if required is None else {**everything, stream: required}, {**everything, stream: anybody})


def drops(db: Writing, stream: str) -> list[Dropped]:
    return dropped_ranges.between(db, stream, 1, 10**9)


def told(db: Writing) -> list[dict[str, object]]:
    db.insert_late_rows()
    rows = db.execute("SELECT data FROM events WHERE kind = 'stream.dropped' ORDER BY id")
    return [json.loads(data) for (data,) in rows]


def test_of_stream_tx_nothing_goes_that_a_required_upstream_waits_for(db: Writing) -> None:
    tell(db, "authorization.decided", 10)
    old = Instant(NOW + 1)
    gone = journal_expiry.delete_events(db, "tx", why(waits("tx", required=4, anybody=4)), before=old)
    assert (gone.gone, sequences(db, "tx")) == (4, [5, 6, 7, 8, 9, 10])
    assert not journal_expiry.delete_events(db, "tx", why(waits("tx", required=4, anybody=4)), before=old).more
    assert drops(db, "tx") == [], "it had them"
    assert journal_expiry.delete_events(db, "tx", why(waits("tx", required=0, anybody=0)), before=old).gone == 0


def test_a_best_effort_upstream_blocks_nothing_but_is_told(db: Writing) -> None:
    tell(db, "authorization.decided", 10)
    claims = waits("tx", required=None, anybody=3)
    journal_expiry.delete_events(db, "tx", why(claims, reason="age_unacknowledged"), before=Instant(NOW + 1))
    assert sequences(db, "tx") == [10], "the newest stays"
    assert drops(db, "tx") == [Dropped(4, 9, 6, "age_unacknowledged")]


def test_without_upstreams_nothing_is_a_drop(db: Writing) -> None:
    tell(db, "connector.status", 10)
    assert journal_expiry.delete_events(db, "ops", why(Claims())).gone == 9
    assert drops(db, "ops") == []


def test_a_required_upstream_does_not_hold_up_stream_ops(db: Writing) -> None:
    tell(db, "connector.status", 10)
    assert journal_expiry.delete_events(db, "ops", why(waits("ops", required=2, anybody=0))).gone == 9
    assert drops(db, "ops") == [Dropped(1, 9, 9, "disk_pressure")]


def test_claims_are_those_of_the_upstream_that_has_least(db: Writing) -> None:
    upstreams.acknowledge(db, "one", {"tx": 5, "ops": 9})
    upstreams.acknowledge(db, "two", {"tx": 7, "ops": 2})
    both = upstreams.claims(db, required=["one", "two"], all_names=["one", "two", "never"])
    assert both.required == {"tx": 5, "ops": 2, "meter": 0}
    assert both.anybody == dict.fromkeys(STREAMS, 0), "one was never connected"
    assert upstreams.claims(db, required=["never"], all_names=["never"]).free_upto("tx") == 0
    assert upstreams.claims(db, required=[], all_names=["one"]) == Claims(None, {"tx": 5, "ops": 9, "meter": 0})
    assert upstreams.claims(db, required=[], all_names=[]) == Claims(), "who left the configuration waits for nothing"


def test_sessions_stay_while_a_required_upstream_waits_for_something_of_them(db: Writing) -> None:
    ids = []
    for number in range(3):
        verdict = Verdict("Accepted")
        start = START._replace(meter_start_wh=number)
        ids.append(transactions.record_start(db, start, verdict, received_at=Instant(0), remote_start_command=None))
        transactions.record_stop(db, ids[-1], END, received_at=Instant(0))
    for number in (0, 1, 2):
        tell(db, "transaction.started", transaction_id=ids[number])
    tell(db, "transaction.ended", transaction_id=ids[1])
    limits = Limits(*[NOW] * 6)

    def left(claims: Claims) -> list[int]:
        expiry.delete_some(db, limits, claims=claims, most=100, now=NOW)
        return [row[0] for row in db.execute("SELECT transaction_id FROM transactions ORDER BY 1")]

    assert left(waits("tx", required=0, anybody=0)) == ids
    assert left(waits("tx", required=2, anybody=0)) == [ids[1], ids[2]]
    assert left(waits("tx", required=3, anybody=0)) == [ids[1]], "its end is awaited"
    assert left(waits("tx", required=4, anybody=0)) == []


def test_while_too_much_is_awaited_no_session_goes(db: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_MOST_AWAITED", 5)
    transaction_id = transactions.record_start(
        db, START, Verdict("Accepted"), received_at=Instant(0), remote_start_command=None
    )
    transactions.record_stop(db, transaction_id, END, received_at=Instant(0))
    tell(db, "authorization.decided", 7)
    for required, left in ((1, 1), (2, 0)):
        claims = waits("tx", required=required, anybody=0)
        expiry.delete_some(db, Limits(*[NOW] * 6), claims=claims, most=100, now=NOW)
        assert db.execute("SELECT count(*) FROM transactions").fetchone() == (left,)


def test_evidence_stays_while_a_required_upstream_waits_for_it(db: Writing) -> None:
    frames(db, b"{}", SIGNED, b"{}", SIGNED, b"{}", b"{}")
    claims = waits("meter", required=2, anybody=2)
    assert journal_expiry.delete_frames(db, why(claims, most=2)).gone == 2, "it has the first signed values"
    assert journal_expiry.delete_frames(db, why(claims, most=2)) == (1, 102, True)
    assert journal_expiry.delete_frames(db, why(claims, most=2)).gone == 1
    assert journal_expiry.delete_frames(db, why(claims, most=2)) == (0, 0, False)
    assert sequences(db, "meter") == [4, 6]
    assert drops(db, "meter") == [Dropped(3, 5, 2, "disk_pressure")]
    assert journal_expiry.delete_frames(db, why(Claims())).gone == 0, "it was passed over"
    journal_expiry.look_again(db)
    assert journal_expiry.delete_frames(db, why(Claims())).gone == 1


def test_the_frames_of_open_sessions_can_be_spared(db: Writing) -> None:
    running = transactions.record_start(db, START, Verdict("Accepted"), received_at=NOW, remote_start_command=None)
    frames(db, b"{}", b"{}", b"{}")
    first = db.execute("SELECT min(id) FROM meter_frames").fetchone()[0]
    meter_frames.index(db, [(running, first)], upto=10**9)
    journal_expiry.delete_frames(db, why(Claims()), spares_open=True)
    assert sequences(db, "meter") == [1, 3]
    transactions.record_stop(db, running, END, received_at=NOW)
    journal_expiry.look_again(db)
    journal_expiry.delete_frames(db, why(Claims()), spares_open=True)
    assert sequences(db, "meter") == [3]


def test_a_frame_that_is_gone_already_is_not_counted_again(db: Writing) -> None:
    frames(db, b"{}", b"{}", b"{}")
    ids = [row[0] for row in db.execute("SELECT id FROM meter_frames ORDER BY id LIMIT 2")]
    claims = waits("meter", required=None, anybody=0)
    assert journal_expiry.delete_these_frames(db, ids[:1], why(claims)).gone == 1
    assert journal_expiry.delete_these_frames(db, ids, why(claims)).gone == 1
    assert drops(db, "meter") == [Dropped(1, 2, 2, "disk_pressure")]


@pytest.mark.parametrize("stream", ["ops", "meter"])
def test_sizes_are_about_right(db: Writing, stream: Stream) -> None:
    assert journal_expiry.size_bytes(db, stream) == 0  # type: ignore[arg-type]
    for number in range(5000):
        size = 1000 if number < 1000 else 100
        if stream == "ops":
            events.append(db, "gateway.started", happened_at=NOW, recorded_at=NOW, data={"a": "x" * size})
        else:
            meter_frames.append(
                db, CP, 1, None, None, NOW, b"\x00" + bytes(number % 251 for _ in range(0)) + b"x" * size
            )
    db.insert_late_rows()
    if stream == "ops":
        (exact,) = db.execute("SELECT sum(length(data) + 120) FROM events").fetchone()
    else:
        assert db.execute("DELETE FROM meter_frames WHERE id % 10 <> 0 AND id > 2000").rowcount > 0
        (exact,) = db.execute("SELECT sum(length(body) + 100) FROM meter_frames").fetchone()
    estimated = journal_expiry.size_bytes(db, stream)  # type: ignore[arg-type]
    assert exact * 0.8 < estimated < exact * 1.2


def test_drops_are_told_once_a_round_and_joined(db: Writing) -> None:
    def drop(*numbers: int, reason: dropped_ranges.Reason = "retention_size") -> None:
        dropped_ranges.note(db, "ops", numbers, reason, now=NOW)

    drop()
    drop(1, 2, 3)
    drop(4, 5)
    drop(7, 9, reason="thinned")
    assert told(db) == []
    assert dropped_ranges.tell(db, now=NOW) == [("ops", "retention_size", 5), ("ops", "thinned", 2)]
    first = {"stream": "ops", "from": 1, "to": 5, "count": 5, "reason": "retention_size"}
    assert told(db) == [first, {"stream": "ops", "from": 7, "to": 9, "count": 2, "reason": "thinned"}]
    assert dropped_ranges.tell(db, now=NOW) == []
    drop(6, 7)
    drop(20, reason="thinned")
    dropped_ranges.tell(db, now=NOW)
    assert told(db)[2] == {"stream": "ops", "from": 6, "to": 7, "count": 2, "reason": "retention_size"}
    assert drops(db, "ops") == [
        Dropped(1, 7, 7, "retention_size"), Dropped(7, 9, 2, "thinned"), Dropped(20, 20, 1, "thinned"),
    ]  # fmt: skip
    assert dropped_ranges.between(db, "ops", 8, 19) == [Dropped(7, 9, 2, "thinned")]
    assert dropped_ranges.between(db, "tx", 8, 19) == []


def test_what_every_upstream_is_beyond_needs_no_explanation(db: Writing) -> None:
    for first in (1, 10, 20):
        dropped_ranges.note(db, "ops", [first, first + 1], "disk_pressure", now=NOW)
        dropped_ranges.tell(db, now=NOW)
    dropped_ranges.note(db, "ops", [30], "disk_pressure", now=NOW)
    dropped_ranges.forget(db, waits("ops", required=None, anybody=11))
    assert [drop.from_sequence for drop in drops(db, "ops")] == [20, 30]
    dropped_ranges.forget(db, Claims())
    assert [drop.from_sequence for drop in drops(db, "ops")] == [30], "it was not told yet"


def test_ranges_are_bounded(db: Writing) -> None:
    for number in range(60):
        dropped_ranges.note(db, "meter", [3 * number + 1], "thinned", now=NOW)
        dropped_ranges.tell(db, now=NOW)
    dropped_ranges.forget(db, waits("meter", required=0, anybody=0))
    assert len(drops(db, "meter")) == 60
    for number in range(60, 250):
        dropped_ranges.note(db, "meter", [3 * number + 1], "thinned", now=NOW)
        dropped_ranges.tell(db, now=NOW)
    dropped_ranges.forget(db, waits("meter", required=0, anybody=0))
    found = drops(db, "meter")
    assert len(found) == 100
    assert sum(drop.count for drop in found) == 250
    assert (found[0].from_sequence, found[-1].to_sequence) == (1, 3 * 249 + 1)


def test_ranges_of_a_life_before_are_renumbered(db: Writing) -> None:
    dropped_ranges.note(db, "ops", [1, 2, 3], "thinned", now=NOW)
    dropped_ranges.tell(db, now=NOW)
    dropped_ranges.note(db, "ops", [5, 6, 7], "disk_pressure", now=NOW)
    dropped_ranges.renumber(db.connection, {"ops": 5})
    assert drops(db, "ops") == [Dropped(1, 2, 3, "disk_pressure")]


def test_when_recording_of_operations_stops_what_others_rest_on_is_recorded(db: Writing) -> None:
    db.set_meta("disk_pressure", OPERATIONS_STOPPED)
    tell(db, "connector.status", 3)
    tell(db, "gateway.security_event")
    tell(db, "station.booted")
    tell(db, "authorization.decided")
    kinds = [kind for (kind,) in db.execute("SELECT kind FROM events ORDER BY id")]
    assert kinds == ["gateway.security_event", "station.booted", "authorization.decided"]
    assert dropped_ranges.tell(db, now=NOW) == [("ops", "recording_stopped", 3)]
    assert told(db) == [{"stream": "ops", "from": None, "to": None, "count": 3, "reason": "recording_stopped"}]
    assert dropped_ranges.tell(db, now=NOW) == []
    db.set_meta("disk_pressure", METER_STOPPED)
    tell(db, "connector.status")
    assert sequences(db, "ops") == [1, 2, 3, 4], "without a gap"


def test_when_recording_of_meter_values_stops_what_bills_is_recorded(db: Writing) -> None:
    db.set_meta("disk_pressure", METER_STOPPED)
    frames(db, b"{}", b'{"a":1}')
    assert sequences(db, "meter") == []
    frames(db, SIGNED)
    meter_frames.append(db, CP, 1, 7, 7, NOW, b'{"transactionData":[]}')
    frames(db)
    assert sequences(db, "meter") == [1, 2]
    running = transactions.record_start(db, START, Verdict("Accepted"), received_at=NOW, remote_start_command=None)
    frames(db, b"{}", connector=2)
    meter_frames.append(db, StationId("ELSE"), 1, None, None, NOW, b"{}")
    frames(db)
    assert sequences(db, "meter") == [1, 2], "elsewhere"
    frames(db, b"{}", connector=1)
    frames(db, b"{}", connector=0, claimed=running)
    meter_frames.append(db, CP, None, 2**70, None, NOW, b"{}")
    frames(db)
    assert sequences(db, "meter") == [1, 2, 3, 4, 5]
    transactions.record_stop(db, running, END, received_at=NOW)
    frames(db, b"{}", connector=1, claimed=running)
    assert sequences(db, "meter")[-1] == 5, "it has ended"
    assert dropped_ranges.tell(db, now=NOW) == [("meter", "recording_stopped", 5)]
    db.set_meta("disk_pressure", METER_THINNED)
    frames(db, b"{}", connector=2)
    assert sequences(db, "meter")[-1] == 6
