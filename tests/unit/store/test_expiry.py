"""What is old goes, in bites; what numbers go on from, what is open, and what is not indexed yet stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.instants import Instant
from gateway.model.tags import Verdict
from gateway.rules.retention import Claims, Limits
from gateway.rules.station_jobs import Moves
from gateway.store import (
    expiry,
    journal_expiry,
    meter_frames,
    migrations,
    security_events,
    station_facts,
    station_jobs,
    station_numbers,
    transactions,
    transfer_links,
)
from gateway.store.journal_expiry import Deleting
from gateway.store.writing import Writing, newest_numbers
from tests.unit.store.opened_database import CP, END, NOW, START

OLD = Instant(NOW - 1)
NEVER = Limits(*[Instant(0)] * 6)
NOBODY = Claims()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def deleted_some(db: Writing, limits: Limits, *, most: int, claims: Claims = NOBODY) -> int:
    """As the rounds do it."""
    station_numbers.note(db)
    return expiry.delete_some(db, limits, claims=claims, most=most, now=NOW)


def deleted_oldest(db: Writing, *, most: int) -> int:
    """As the rounds do it when the disk is nearly full."""
    station_numbers.note(db)
    why = Deleting("disk_pressure", NOBODY, most, NOW)
    gone = journal_expiry.delete_frames(db, why).gone + journal_expiry.delete_events(db, "ops", why).gone
    return gone + expiry.delete_oldest_beside_journal(db, most=most)


def event(db: Writing, stream: str, at: Instant) -> None:
    number, sequence = db.next_numbers(stream)  # type: ignore[arg-type]
    db.execute(
        "INSERT INTO events VALUES (?, ?, ?, 'k', NULL, NULL, 0, ?, '{}', NULL, NULL)", (number, stream, sequence, at)
    )


def count(db: Writing, table: str, where: str = "true") -> int:
    return int(db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])


@pytest.mark.parametrize(("stream", "kind"), [("ops", "operations"), ("tx", "transactions")])
def test_events_go_by_stream_and_the_newest_stays(db: Writing, stream: str, kind: str) -> None:
    other = "tx" if stream == "ops" else "ops"
    for _ in range(5):
        event(db, stream, OLD)
        event(db, other, OLD)
    before = newest_numbers(db.connection)
    limits = replace(NEVER, **{kind: NOW})
    assert deleted_some(db, limits, most=100) == 4
    assert count(db, "events", f"stream = '{stream}'") == 1
    assert count(db, "events", f"stream = '{other}'") == 5
    assert newest_numbers(db.connection) == before
    assert deleted_some(db, limits, most=100) == 0


def test_what_is_not_old_enough_stays(db: Writing) -> None:
    for at in (OLD, OLD, NOW, NOW):
        event(db, "ops", at)
    assert deleted_some(db, replace(NEVER, operations=NOW), most=100) == 2
    assert count(db, "events") == 2


def test_a_bite_is_bounded_in_every_table(db: Writing) -> None:
    for number in range(10):
        event(db, "ops", OLD)
        event(db, "tx", OLD)
        db.execute(
            "INSERT INTO quarantine (station, action, reason, recorded_at, body) VALUES ('a', 'b', 'c', ?, x'')", (OLD,)
        )
        db.execute(
            "INSERT INTO commands (command_id, station, action, request, actor, asked_at, status)"
            " VALUES (?, 'CP1', 'Reset', '{}', 'a', ?, 'answered')",
            (str(number), OLD),
        )
        transaction_id = transactions.record_start(
            db, START._replace(meter_start_wh=number), _verdict(), received_at=OLD, remote_start_command=None
        )
        transactions.record_stop(db, transaction_id, END, received_at=OLD)
        job = station_jobs.begin(db, CP, "log", status="Asked", now=OLD)
        station_jobs.move(db, job.job_id, Moves("Uploaded", 2, "succeeded"), now=OLD)
        security_events.record(db, station=CP, source="station", type="X", happened_at=OLD, now=OLD)
        digest = bytes([number])
        transfer_links.add(db, digest, CP, "log", scheme="http", actor="a", now=OLD, expires_at=OLD)
        meter_frames.append(db, CP, 1, None, None, OLD, b"{}")
        meter_frames.unindexed(db, 1)
        meter_frames.index(db, [(transaction_id, db.next_numbers("meter")[0] - 1)], upto=10**9)
    db.insert_late_rows()
    everything = Limits(*[NOW] * 6)
    tables = (
        "events", "quarantine", "commands", "transactions", "meter_frames", "station_jobs", "security_events",
        "transfer_links",
    )  # fmt: skip
    sizes = {table: count(db, table) for table in tables}
    bites = 0
    while gone := deleted_some(db, everything, most=3):
        bites += 1
        smaller = {table: count(db, table) for table in tables}
        for table in tables:
            assert sizes[table] - smaller[table] <= (6 if table == "events" else 3)
        assert gone >= sum(sizes.values()) - sum(smaller.values())
        sizes = smaller
        assert bites < 20
    assert sizes == dict.fromkeys(tables, 0) | {"events": 2, "meter_frames": 1}
    assert count(db, "meter_index", "frame_id < (SELECT min(id) FROM meter_frames)") == 0


def test_open_sessions_running_commands_and_open_jobs_stay(db: Writing) -> None:
    station_jobs.begin(db, CP, "log", status="Uploading", now=NOW)
    transactions.record_start(db, START, _verdict(), received_at=OLD, remote_start_command=None)
    db.execute(
        "INSERT INTO commands (command_id, station, action, request, actor, asked_at, status)"
        " VALUES ('c', 'CP1', 'Reset', '{}', 'a', ?, 'running')",
        (OLD,),
    )
    assert deleted_some(db, Limits(*[NOW] * 6), most=100) == 0


def test_a_job_that_nobody_told_of_any_more_goes(db: Writing) -> None:
    station_jobs.begin(db, CP, "log", status="Asked", now=OLD)
    assert deleted_some(db, Limits(*[NOW] * 6), most=100) == 1
    assert count(db, "station_jobs") == 0


def test_a_session_of_long_ago_that_was_told_today_stays(db: Writing) -> None:
    transaction_id = transactions.record_start(db, START, _verdict(), received_at=NOW, remote_start_command=None)
    transactions.record_stop(db, transaction_id, END._replace(stop_at=Instant(5)), received_at=NOW)
    assert deleted_some(db, Limits(*[NOW] * 6), most=100) == 0


def test_frames_nobody_has_looked_at_stay(db: Writing) -> None:
    for _ in range(5):
        meter_frames.append(db, CP, 1, None, None, OLD, b"{}")
    third = meter_frames.unindexed(db, 5)[2].frame_id
    assert deleted_some(db, replace(NEVER, meter=NOW), most=100) == 0
    meter_frames.index(db, [], upto=third)
    db.insert_late_rows()
    assert deleted_some(db, replace(NEVER, meter=NOW), most=100) == 3
    assert count(db, "meter_frames") == 2


def _verdict() -> Verdict:
    return Verdict("Accepted")


def session_with_frames(db: Writing, number: int, *, at: Instant, frames: int = 2) -> int:
    """A session that began and ended at this moment, with its frames in the index."""
    transaction_id = transactions.record_start(
        db, START._replace(meter_start_wh=number), _verdict(), received_at=at, remote_start_command=None
    )
    for _ in range(frames):
        meter_frames.append(db, CP, 1, None, None, at, b"{}")
    found = [(transaction_id, frame.frame_id) for frame in meter_frames.unindexed(db, 100)]
    meter_frames.index(db, found, upto=found[-1][1])  # type: ignore[arg-type]
    transactions.record_stop(db, transaction_id, END, received_at=at)
    db.insert_late_rows()
    return transaction_id


def test_the_index_goes_with_the_frames_though_the_sessions_stay(db: Writing) -> None:
    for number in range(10):
        session_with_frames(db, number, at=Instant(NOW - 10 + number))
    while deleted_some(db, replace(NEVER, meter=Instant(NOW - 5)), most=3):
        pass
    assert count(db, "transactions") == 10
    assert count(db, "meter_frames") == count(db, "meter_index") == 10


def test_the_index_of_an_open_session_is_waited_for(db: Writing) -> None:
    transactions.record_start(db, START, _verdict(), received_at=OLD, remote_start_command=None)
    session_with_frames(db, 5, at=NOW)
    deleted_some(db, replace(NEVER, meter=OLD), most=3)
    deleted_oldest(db, most=1)
    assert db.meta("meter_index_swept_upto") == 0
    deleted_some(db, replace(NEVER, meter=NOW), most=3)
    assert db.meta("meter_index_swept_upto") == 1


def test_under_pressure_age_protects_nothing_but_what_bills(db: Writing) -> None:
    for number in range(6):
        event(db, "ops", NOW)
        event(db, "tx", NOW)
        session_with_frames(db, number, at=NOW)
        db.execute(
            "INSERT INTO quarantine (station, action, reason, recorded_at, body) VALUES ('a', 'b', 'c', ?, x'')", (NOW,)
        )
    assert deleted_oldest(db, most=2) == 6
    while deleted_oldest(db, most=100):
        pass
    tables = {"events": 7, "quarantine": 0, "transactions": 6, "meter_frames": 1}
    assert {table: count(db, table) for table in tables} == tables


def test_a_round_with_nothing_to_do_costs_the_same_however_much_there_is(db: Writing) -> None:
    def steps() -> int:
        counted = 0

        def more() -> int:
            nonlocal counted
            counted += 1
            return 0

        db.connection.set_progress_handler(more, 10)
        assert expiry.delete_some(db, Limits(*[Instant(NOW - 5)] * 6), claims=NOBODY, most=20, now=NOW) == 0
        db.connection.set_progress_handler(None, 0)
        return counted

    def fill(number: int) -> None:
        db.execute("BEGIN")
        for one in range(number):
            event(db, "ops", NOW)
            event(db, "tx", NOW)
            session_with_frames(db, count(db, "transactions"), at=NOW)
            station_facts.quarantine(db, CP, "a", "b", b"", now=NOW)
            db.execute(
                "INSERT INTO commands (command_id, station, action, request, actor, asked_at, status)"
                " VALUES (?, 'CP1', 'Reset', '{}', 'a', ?, 'answered')",
                (f"{number} {one}", NOW),
            )
        db.execute("COMMIT")

    fill(100)
    few = steps()
    fill(900)
    assert steps() < few * 1.2


def test_reservations_go_when_they_are_long_over(db: Writing) -> None:
    for number, (standing, why, at) in enumerate(
        [("ended", "freed", OLD), ("ended", "freed", NOW), ("in_force", None, None), ("uncertain", None, None)], 1
    ):
        db.execute(
            "INSERT INTO reservations (command_id, station, reservation_id, connector, id_tag, folded_tag, expiry_at,"
            " asked_at, standing, ended_why, ended_at) VALUES (?1, 'CP1', ?1, 1, 'T', 't', 0, 0, ?2, ?3, ?4)",
            (number, standing, why, at),
        )
    assert deleted_some(db, replace(NEVER, operations=NOW), most=100) == 1
    assert count(db, "reservations") == 3
