"""Rows of sessions, and what the schema refuses even if the program asked for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import Instant
from gateway.model.sessions import OrphanStop
from gateway.model.tags import Verdict
from gateway.rules.transactions import GREATEST_TRANSACTION_ID
from gateway.store import connectors, meter_frames, migrations, transactions
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, END, NOW, START, STOP

ONE, TWO = ConnectorId(1), ConnectorId(2)
ACCEPTED = Verdict("Accepted", "FAMILY")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def started(db: Writing, **changes: object) -> TransactionId:
    request = START._replace(**changes) if changes else START
    return transactions.record_start(db, request, ACCEPTED, received_at=NOW, remote_start_command=None)


def test_a_recorded_start_is_found_by_id_key_connector_station_and_tag(db: Writing) -> None:
    number = started(db, anomalies=("clock_ahead",))
    session = transactions.find(db, number)
    assert session is not None
    assert (session.station, session.connector, session.id_tag, session.meter_start_wh) == (CP, ONE, "Tag", 1000)
    assert (session.parent_id_tag, session.authorization) == ("FAMILY", "Accepted")
    assert (session.stop_source, session.stop_at, session.meter_stop_wh) == (None, None, None)
    assert session.anomalies == ("clock_ahead",)
    assert transactions.find_for_start(db, START) == (session, [session])
    assert transactions.open_of_station(db, CP) == [session]
    assert [other.start_at for other in transactions.open_of_tag(db, FoldedTag("tag"))] == [NOW]
    assert transactions.find(db, 999) is None
    assert transactions.find_for_start(db, START._replace(connector=TWO)) == (None, [])
    assert transactions.open_of_tag(db, FoldedTag("other")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"station": StationId("CP2")},
        {"connector": TWO},
        {"folded_tag": FoldedTag("other")},
        {"start_at": Instant(NOW + 1)},
        {"meter_start_wh": 1001},
    ],
)
def test_the_key_of_a_start_has_five_parts(db: Writing, change: dict[str, object]) -> None:
    started(db)
    assert transactions.find_for_start(db, START._replace(**change))[0] is None
    started(db, **change)
    with pytest.raises(sqlite3.IntegrityError):
        started(db, **change)


def test_the_same_start_is_found_after_its_end_and_beside_open_ones(db: Writing) -> None:
    ended, opened, newer = started(db), started(db, start_at=Instant(NOW + 1)), started(db, start_at=Instant(NOW + 2))
    transactions.record_stop(db, ended, END, received_at=NOW)
    same, open_here = transactions.find_for_start(db, START)
    assert same is not None
    assert same.transaction_id == ended
    assert [session.transaction_id for session in open_here] == [opened, newer]


def test_a_session_ends_once_but_a_real_end_overrides_a_reconstructed_one(db: Writing) -> None:
    number = started(db)
    reconstructed = END._replace(source="reconstructed", meter_stop_wh=1200)
    transactions.record_stop(db, number, reconstructed, received_at=NOW)
    transactions.record_stop(db, number, END._replace(anomalies=("a", "b", "a")), received_at=NOW)
    session = transactions.find(db, number)
    assert session is not None
    assert (session.meter_stop_wh, session.stop_source, session.anomalies) == (1500, "station", ("a", "b"))
    for another in (reconstructed, END):
        with pytest.raises(sqlite3.IntegrityError, match="already been ended"):
            transactions.record_stop(db, number, another, received_at=NOW)
    assert transactions.open_of_station(db, CP) == []


def test_open_sessions_know_since_when_their_connector_is_free(db: Writing) -> None:
    started(db)
    started(db, connector=TWO)
    connectors.record(db, CP, ONE, ConnectorState("Available", "NoError", Instant(NOW + 5), NOW))
    connectors.record(db, CP, TWO, ConnectorState("Charging", "NoError", Instant(NOW + 5), NOW))
    assert [free for _, free in transactions.all_open(db)] == [NOW + 5, None]
    assert [other.seen_free_at for other in transactions.open_of_tag(db, FoldedTag("tag"))] == [NOW + 5, None]


def test_the_newest_of_a_connector_are_the_open_ones_and_the_last_ended(db: Writing) -> None:
    first, second = started(db), started(db, start_at=Instant(NOW + 10))
    third, fourth = started(db, start_at=Instant(NOW + 20)), started(db, start_at=Instant(NOW + 30))
    for number in (first, second):
        transactions.record_stop(db, number, END, received_at=NOW)
    found = transactions.newest_on_connector(db, CP, ONE)
    assert [session.transaction_id for session in found] == [fourth, third, second]


def test_ids_rise_skip_what_is_taken_and_go_on_from_a_floor(db: Writing) -> None:
    assert [transactions.issue_id(db), transactions.issue_id(db)] == [1, 2]
    orphan = transactions.record_orphan(db, STOP._replace(claimed_id=3), (), received_at=NOW)
    assert orphan == 3
    assert transactions.issue_id(db) == 4
    transactions.set_last_issued(db, 100)
    assert transactions.last_issued(db) == 100
    assert transactions.issue_id(db) == 101


def test_beyond_the_greatest_id_free_ones_are_sought_from_1(db: Writing) -> None:
    transactions.set_last_issued(db, GREATEST_TRANSACTION_ID - 2)
    transactions.record_orphan(db, STOP._replace(claimed_id=GREATEST_TRANSACTION_ID), (), received_at=NOW)
    transactions.record_orphan(db, STOP._replace(claimed_id=2), (), received_at=NOW)
    issued = [transactions.issue_id(db) for _ in range(3)]
    assert issued == [GREATEST_TRANSACTION_ID - 1, 1, 3]


def test_an_orphan_is_kept_once_and_is_no_session(db: Writing) -> None:
    stop = STOP._replace(claimed_id=50)
    assert transactions.find_kept_stop(db, stop) is None
    assert transactions.record_orphan(db, stop, ("stop_without_start",), received_at=NOW) == 50
    kept = OrphanStop(TransactionId(50), stop.stop_text, 1500)
    later = stop._replace(stop_text="", stop_at=Instant(NOW + 99), meter_stop_wh=None)
    assert transactions.find_kept_stop(db, stop) == transactions.find_kept_stop(db, later) == kept
    with pytest.raises(sqlite3.IntegrityError):
        transactions.record_orphan(db, later, (), received_at=NOW)
    assert transactions.find_kept_stop(db, stop._replace(station=StationId("CP2"))) is None
    assert transactions.find(db, 50) is None
    assert transactions.open_of_station(db, CP) == []
    assert transactions.newest_on_connector(db, CP, ONE) == []


@pytest.mark.parametrize("claimed", [-1, 0, GREATEST_TRANSACTION_ID + 1, 10**30])
@pytest.mark.parametrize("meter", [1500, None])
def test_an_orphan_without_a_usable_id_is_known_by_its_time_and_register(
    db: Writing, claimed: int, meter: int | None
) -> None:
    stop = STOP._replace(claimed_id=claimed, meter_stop_wh=meter)
    number = transactions.record_orphan(db, stop, (), received_at=NOW)
    again = stop._replace(stop_at=Instant(NOW + 99))  # the text could not be read
    assert transactions.find_kept_stop(db, again) == OrphanStop(number, stop.stop_text, meter)
    with pytest.raises(sqlite3.IntegrityError):
        transactions.record_orphan(db, again, (), received_at=NOW)
    for other in (
        stop._replace(meter_stop_wh=1501),
        stop._replace(stop_text="?"),
        stop._replace(claimed_id=claimed - 1),
        stop._replace(station=StationId("CP2")),
    ):
        assert transactions.find_kept_stop(db, other) is None
        assert transactions.record_orphan(db, other, (), received_at=NOW) != number


@pytest.mark.parametrize(
    ("text", "meter", "is_found"),
    [(STOP.stop_text, 1500, True), (STOP.stop_text, None, True), ("?", 1500, False), (STOP.stop_text, 1501, False)],
)
def test_a_session_ended_without_an_id_is_known_by_its_stop(
    db: Writing, text: str, meter: int | None, is_found: bool
) -> None:
    number = started(db)
    transactions.record_stop(db, number, END._replace(claimed_id=-1), received_at=NOW)
    found = transactions.find_kept_stop(db, STOP._replace(claimed_id=-1, stop_text=text, meter_stop_wh=meter))
    assert found == (transactions.find(db, number) if is_found else None)


def test_a_stop_that_tells_nothing_is_not_the_stop_of_a_session(db: Writing) -> None:
    transactions.record_stop(db, started(db), END._replace(claimed_id=-1, stop_text=""), received_at=NOW)
    assert transactions.find_kept_stop(db, STOP._replace(claimed_id=-1, stop_text="", meter_stop_wh=None)) is None


def test_a_start_without_register_is_one_and_counts_from_what_was_measured(db: Writing) -> None:
    number = started(db, meter_start_wh=None)
    with pytest.raises(sqlite3.IntegrityError):
        started(db, meter_start_wh=None)
    transactions.record_stop(db, number, END, received_at=NOW, measured_start_wh=1200)
    session, _ = transactions.find_for_start(db, START._replace(meter_start_wh=None))
    assert session is not None
    assert (session.transaction_id, session.meter_start_wh) == (number, 1200)
    assert transactions.find_for_start(db, START._replace(meter_start_wh=1200))[0] is None
    told = started(db)
    with pytest.raises(sqlite3.IntegrityError):  # what the station told is never overridden
        transactions.record_stop(db, told, END, received_at=NOW, measured_start_wh=1200)


def test_of_sessions_with_one_key_the_newest_is_found(db: Writing) -> None:
    first, second = (
        started(db),
        transactions.record_start(db, START, ACCEPTED, received_at=NOW, remote_start_command=None, repeat=1),
    )
    same, open_here = transactions.find_for_start(db, START)
    assert same is not None
    assert (same.transaction_id, same.start_repeat) == (second, 1)
    assert [session.transaction_id for session in open_here] == [first, second]


def test_what_is_stored_of_the_station_of_an_open_session(db: Writing) -> None:
    def told() -> tuple[object, ...]:
        (other,) = transactions.open_of_tag(db, FoldedTag("tag"))
        return other.known, other.booted_at, other.charged_at - NOW, other.heard_at - NOW

    number = started(db, start_at=Instant(NOW - 50))
    assert told() == (False, None, 0, 0)
    db.execute("INSERT INTO stations (station, origin, admission, created_at) VALUES ('CP1', 'api', 'accepted', 1)")
    assert told() == (True, None, 0, 0)
    connectors.record(db, CP, ONE, ConnectorState("Faulted", "NoError", NOW, Instant(NOW + 5)))
    assert told() == (True, None, 0, 5)
    connectors.record(db, CP, ONE, ConnectorState("SuspendedEV", "NoError", NOW, Instant(NOW + 6)))
    assert told() == (True, None, 6, 6)
    db.execute("UPDATE stations SET booted_at = ?, connected_at = ?", (NOW + 7, NOW + 8))
    assert told() == (True, NOW + 7, 6, 8)
    meter_frames.append(db, CP, 1, number, None, Instant(NOW + 9), b"{}")
    (frame,) = meter_frames.unindexed(db, 1)
    meter_frames.index(db, [(number, frame.frame_id)], upto=frame.frame_id)
    assert told() == (True, NOW + 7, 9, 9)


@pytest.mark.parametrize("claimed", [-1, 0, 2**31, 9223372036854775807, 10**30, -(10**30)])
def test_an_orphan_with_an_impossible_id_gets_one_of_ours(db: Writing, claimed: int) -> None:
    number = transactions.record_orphan(db, STOP._replace(claimed_id=claimed), (), received_at=NOW)
    assert number == 1
    (text,) = db.execute("SELECT claimed_transaction_id FROM transactions").fetchone()
    assert text == str(claimed)


def test_an_orphan_never_takes_the_id_of_a_session(db: Writing) -> None:
    taken = started(db)
    number = transactions.record_orphan(db, STOP._replace(claimed_id=taken), (), received_at=NOW)
    assert number not in (None, taken)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh) VALUES (0, 'a', 1, 1)",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh) VALUES (9, 'a', 1, -1)",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh, measured_start_wh)"
        " VALUES (9, 'a', 1, 1, 1)",
        "INSERT INTO transactions (transaction_id, station, stop_at, stop_source, claimed_transaction_id,"
        " meter_start_wh) VALUES (9, 'a', 1, 'station', '-1', 1)",
        "INSERT INTO transactions (transaction_id, station, stop_at, stop_source) VALUES (9, 'a', 1, 'station')",
        "INSERT INTO transactions (transaction_id, station) VALUES (9, 'a')",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh, stop_at)"
        " VALUES (9, 'a', 1, 1, 1)",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh, stop_at, stop_source)"
        " VALUES (9, 'a', 1, 1, 1, 'guess')",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh) VALUES (9, 'a', 'soon', 1)",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh) VALUES (9, 'a', 1, 1.5)",
        "INSERT INTO transactions (transaction_id, station, start_at, meter_start_wh, anomalies)"
        " VALUES (9, 'a', 1, 1, '[')",
        "INSERT INTO events VALUES (1, 'tx', 0, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)",
        "INSERT INTO events VALUES (1, 'billing', 1, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)",
        "INSERT INTO meter_frames VALUES (1, 1, 'a', 1, NULL, NULL, 0, 2, x'', NULL, 0)",
        "INSERT INTO meter_frames VALUES (1, 1, 'a', 1, NULL, NULL, 0, 0, 'text', NULL, 0)",
        "INSERT INTO stations (station, origin, admission, created_at) VALUES ('', 'file', 'accepted', 1)",
        "INSERT INTO stations (station, origin, admission, created_at) VALUES ('a', 'heaven', 'accepted', 1)",
        "INSERT INTO stations (station, origin, admission, created_at) VALUES ('a', 'file', 'maybe', 1)",
        "INSERT INTO id_tags VALUES ('t', '', 'Accepted', NULL, NULL, '', 1, NULL)",
        "INSERT INTO id_tags VALUES ('t', 'T', 'ConcurrentTx', NULL, NULL, '', 1, NULL)",
        "INSERT INTO tokens (name, role, digest, created_at) VALUES ('n', 'root', 'd', 1)",
        "INSERT INTO connectors VALUES ('a', -1, 's', 'e', NULL, NULL, NULL, 1, 1)",
    ],
)
def test_the_schema_is_the_second_reviewer(db: Writing, sql: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(sql)


def test_a_sequence_number_is_given_once(db: Writing) -> None:
    db.execute("INSERT INTO events VALUES (1, 'tx', 1, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)")
    db.execute("INSERT INTO events VALUES (2, 'ops', 1, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO events VALUES (3, 'tx', 1, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)")
