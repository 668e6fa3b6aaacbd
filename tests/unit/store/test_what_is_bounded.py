"""Nothing about a station grows for ever, and nothing of a removed one stays unseen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.identities import CommandId
from gateway.model.instants import Instant
from gateway.store import charging_profiles, migrations, security_changes, stations
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW

# what a removed station leaves behind: what bills or is told goes by age, numbers never go back
KEPT = {
    "campaign_stations": "as long as their campaign",
    "commands": "by age",
    "events": "by age",
    "fleet_commands": "by age",
    "fleet_profiles": "as long as the fleet manager's document names them",
    "issued_certificates": "few of each station, and the revoked ones",
    "local_lists": "one row, for its versions",
    "meter_frames": "by age",
    "numbers_given": "so that none is given again",
    "quarantine": "by age",
    "remote_starts": "by age, soon",
    "reservations": "ended, and then by age",
    "security_events": "by age",
    "station_jobs": "by age",
    "station_numbers": "so that a number is given once",
    "transactions": "by age",
    "transfer_links": "by age: what was served to whom",
    "uploads": "by age and size",
}
# emptied by others, with the station
ELSEWHERE = {"local_list_entries", "stations"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Writing]:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    yield Writing(connection)
    connection.close()


def test_every_table_of_stations_is_thought_of_when_one_is_removed(db: Writing) -> None:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    of_stations = {
        table for table in tables if any(column[1] == "station" for column in db.execute(f"PRAGMA table_info({table})"))
    }
    assert of_stations == {*stations.OF_STATIONS, *KEPT, *ELSEWHERE}


def test_of_the_profiles_of_a_station_that_never_answers_the_newest_are_kept(db: Writing) -> None:
    for number in range(150):
        charging_profiles.keep(
            db, CP, 1, profile_id=number, transaction_id=None, profile={}, certain=False,
            command_id=CommandId(str(number)), now=NOW,
        )  # fmt: skip
    ids = [row.profile_id for row in charging_profiles.of_station(db, CP)]
    assert ids == list(range(50, 150))
    assert charging_profiles.trust(db, CP).doubted_at == NOW, "it may hold the others"


def test_of_profiles_and_passwords_that_are_never_used_the_newest_are_kept(db: Writing) -> None:
    for number in range(9):
        at, command = Instant(NOW + number), CommandId(str(number))
        security_changes.expect_profile(db, CP, command, 2, now=at)
        security_changes.expect_password(db, CP, CommandId(f"p{number}"), "hash", now=at)
    kept = [change.command_id for change in security_changes.of_station(db, CP)]
    assert sorted(kept) == ["6", "7", "8", "p6", "p7", "p8"]
