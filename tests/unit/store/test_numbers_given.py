"""Ids the gateway chooses: rising, per station and kind, above what others chose."""

from __future__ import annotations

from pathlib import Path

from gateway.model.identities import StationId
from gateway.store.numbers_given import next_number, note_used
from gateway.store.writing import Writing
from tests.unit.store.opened_database import opened_database

ONE, TWO = StationId("CP-1"), StationId("CP-2")


async def test_numbers_rise_per_station_and_kind(tmp_path: Path) -> None:
    def unit(db: Writing) -> list[int]:
        return [
            next_number(db, ONE, "reservation"),
            next_number(db, ONE, "reservation"),
            next_number(db, TWO, "reservation"),
            next_number(db, ONE, "request"),
        ]

    async with opened_database(tmp_path) as database:
        assert await database.write(unit) == [1, 2, 1, 1]
    async with opened_database(tmp_path) as database:
        assert await database.write(unit) == [3, 4, 2, 2]


async def test_a_number_that_somebody_chose_is_not_chosen_again(tmp_path: Path) -> None:
    def unit(db: Writing) -> list[int]:
        note_used(db, ONE, "request", 40)
        note_used(db, ONE, "request", 7)
        note_used(db, ONE, "request", -3)
        note_used(db, ONE, "request", 2**31)
        return [next_number(db, ONE, "request")]

    async with opened_database(tmp_path) as database:
        assert await database.write(unit) == [41]


async def test_the_greatest_number_is_followed_by_one(tmp_path: Path) -> None:
    def unit(db: Writing) -> int:
        db.execute("INSERT INTO numbers_given VALUES ('CP-1', 'request', ?)", (2**31 - 2,))
        return next_number(db, ONE, "request")

    async with opened_database(tmp_path) as database:
        assert await database.write(unit) == 1
