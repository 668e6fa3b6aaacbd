"""Meter data: byte for byte what came, indexed to sessions later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import StationId, TransactionId
from gateway.store import meter_frames, migrations
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW

TYPICAL = json.dumps(
    {
        "connectorId": 1,
        "transactionId": 7,
        "meterValue": [{"timestamp": "2027-01-15T08:00:00Z", "sampledValue": [{"value": "1234.5", "unit": "Wh"}]}],
    }
).encode()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def bodies(db: Writing) -> list[bytes]:
    db.insert_late_rows()
    rows = db.execute("SELECT id FROM meter_frames ORDER BY id").fetchall()
    return [meter_frames.body_of(db, row[0]) for row in rows]


BODIES = [TYPICAL, b"{}", b"", os.urandom(500), TYPICAL * 5000, '{"ü": "\u2028"}'.encode()]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(len(body)))
def test_every_byte_survives(db: Writing, body: bytes) -> None:
    meter_frames.append(db, CP, 1, 7, None, NOW, body)
    assert bodies(db) == [body]


def test_a_typical_body_is_stored_small_and_noise_as_it_is(db: Writing) -> None:
    noise = os.urandom(200)
    for body in (TYPICAL, noise):
        meter_frames.append(db, CP, 1, 7, None, NOW, body)
    db.insert_late_rows()
    (packed, small), (raw, same) = db.execute("SELECT encoding, body FROM meter_frames ORDER BY id")
    assert (packed, raw, same) == (1, 0, noise)
    assert len(small) < len(TYPICAL) / 2


def test_frames_are_indexed_in_order_and_once(db: Writing) -> None:
    for number in range(5):
        meter_frames.append(db, CP, 1, 7 if number % 2 else None, None, NOW, b"%d" % number)
    first = meter_frames.unindexed(db, 3)
    assert [frame.claimed_transaction_id for frame in first] == [None, 7, None]
    seven = TransactionId(7)
    assert not meter_frames.names_its_id(db, seven)
    meter_frames.index(db, [(seven, frame.frame_id) for frame in first], upto=first[-1].frame_id)
    meter_frames.index(db, [(seven, first[0].frame_id)], upto=first[-1].frame_id)
    db.insert_late_rows()
    assert [frame.body for frame in meter_frames.of_session(db, seven)] == [b"0", b"1", b"2"]
    newest = meter_frames.each_of_session(db, seven, newest_first=True)
    assert [next(newest).body, next(newest).body] == [b"2", b"1"]
    assert [frame.body for frame in meter_frames.each_of_session(db, seven, newest_first=False)] == [b"0", b"1", b"2"]
    assert meter_frames.names_its_id(db, seven)
    assert not meter_frames.names_its_id(db, TransactionId(8))
    assert len(meter_frames.unindexed(db, 10)) == 2


def test_a_frame_that_was_indexed_ahead_keeps_its_session(db: Writing) -> None:
    for station, claimed in ((CP, None), ("CP2", 9), (CP, 7), (CP, 8), (CP, 0)):
        meter_frames.append(db, StationId(station), 1, claimed, None, NOW, TYPICAL)
    frames = meter_frames.unindexed_of_station(db, CP, 3)
    assert [frame.claimed_transaction_id for frame in frames] == [0, 8, 7]
    assert meter_frames.ids_named_lately(db, CP) == {7, 8}
    seven = TransactionId(7)
    meter_frames.index_ahead(db, [(seven, frame.frame_id) for frame in frames])
    found = list(meter_frames.each_of_session(db, seven, newest_first=True))
    assert [(frame.claimed_transaction_id, frame.transaction_id) for frame in found] == [(0, 7), (8, 7), (7, None)]
    assert len(meter_frames.unindexed(db, 10)) == 5  # the turn of all of them still comes
    meter_frames.index_ahead(db, [(TransactionId(6), found[0].frame_id)])
    (kept,) = db.execute("SELECT transaction_id FROM meter_frames WHERE id = ?", (found[0].frame_id,)).fetchone()
    assert kept == 7
    meter_frames.index(db, [], upto=found[0].frame_id)
    assert meter_frames.ids_named_lately(db, CP) == set()


@pytest.mark.parametrize(
    ("claimed", "kept"), [(2**63 - 1, 2**63 - 1), (-(2**63), -(2**63)), (2**63, None), (-(2**63) - 1, None), (-1, -1)]
)
def test_ids_that_fit_nowhere_are_left_out(db: Writing, claimed: int, kept: int | None) -> None:
    meter_frames.append(db, CP, None, claimed, None, NOW, TYPICAL)
    (frame,) = meter_frames.unindexed(db, 10)
    assert (frame.claimed_transaction_id, frame.connector) == (kept, None)
    assert meter_frames.body_of(db, frame.frame_id) == TYPICAL
