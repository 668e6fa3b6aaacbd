"""A batch's view: numbers, late rows in many sizes, and going back when a unit fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store import migrations
from gateway.store.writing import Writing, newest_numbers


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = migrations.open_for_writing(tmp_path / "gateway.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 128, 200])
def test_late_rows_all_arrive_in_order(connection: sqlite3.Connection, count: int) -> None:
    writing = Writing(connection)
    for number in range(count):
        writing.append_late("meter_index", (number, number))
        writing.append_late("quirks", ("CP1", str(number), number, 1))
    assert connection.execute("SELECT count(*) FROM meter_index").fetchone() == (0,)
    writing.insert_late_rows()
    writing.insert_late_rows()
    expected = [(number, number) for number in range(count)]
    assert connection.execute("SELECT * FROM meter_index ORDER BY 1").fetchall() == expected
    assert connection.execute("SELECT count(*) FROM quirks").fetchone() == (count,)


def test_numbers_are_read_once_and_given_back(connection: sqlite3.Connection) -> None:
    writing = Writing(connection)
    start = writing.remember()
    assert writing.next_numbers("tx") == (1, 1)
    assert writing.next_numbers("meter") == (2, 1)
    middle = writing.remember()
    writing.then.append(lambda: None)
    assert writing.next_numbers("tx") == (3, 2)
    writing.append_late("meter_index", (1, 1))
    writing.recall(middle)
    assert writing.then == []
    assert writing.next_numbers("tx") == (3, 2)
    writing.recall(start)
    assert writing.next_numbers("ops") == (1, 1)
    writing.insert_late_rows()
    assert connection.execute("SELECT count(*) FROM meter_index").fetchone() == (0,)


def test_numbers_of_meta_are_kept_and_given_back(connection: sqlite3.Connection) -> None:
    writing = Writing(connection)
    assert writing.meta("last_transaction_id") == 0
    writing.set_meta("last_transaction_id", 5)
    assert writing.meta("last_transaction_id") == 5
    writing.recall(writing.remember())
    assert writing.meta("last_transaction_id") == 0
    writing.set_meta("last_transaction_id", 7)
    writing.insert_late_rows()
    assert Writing(connection).meta("last_transaction_id") == 7


def test_the_newest_numbers_of_all_streams(connection: sqlite3.Connection) -> None:
    assert newest_numbers(connection) == (0, 0, 0, 0)
    connection.execute("INSERT INTO events VALUES (7, 'tx', 3, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)")
    connection.execute("INSERT INTO events VALUES (8, 'ops', 4, 'k', NULL, NULL, 0, 0, '{}', NULL, NULL)")
    assert newest_numbers(connection) == (8, 3, 4, 0)
    connection.execute("INSERT INTO meter_frames VALUES (9, 5, 'CP1', 1, NULL, NULL, 0, 0, x'', NULL, 0)")
    assert newest_numbers(connection) == (9, 3, 4, 5)
