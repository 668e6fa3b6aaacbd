"""What a unit of work is given: the connection inside its transaction, the journal's next numbers, and late rows.

The counters are read from the tables when a batch first needs them and live only as long as the batch; nothing of the
database is cached between batches. Rows that no decision of the same batch looks at are inserted together at its end
(`append_late`): one statement for many rows costs a fraction of many statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Literal, NamedTuple

Stream = Literal["tx", "ops", "meter"]


class Numbers(NamedTuple):
    """The newest numbers given out so far: the site-wide event id and the sequence of each stream."""

    event_id: int
    tx: int
    ops: int
    meter: int


class StationNumbers:
    """The newest sequence of each (stream, station), kept from batch to batch: rows tell it, but not cheaply.

    Whoever changes the database past the writer calls `forget`, and then the rows are asked again.
    """

    __slots__ = ("_committed", "uncommitted")

    def __init__(self) -> None:
        self._committed: dict[tuple[str, str], int] | None = None
        self.uncommitted: dict[tuple[str, str], int] = {}

    def next(self, connection: sqlite3.Connection, stream: Stream, station: str) -> int:
        """The next number, which is the station's as soon as the batch is committed."""
        if self._committed is None:
            self._committed = newest_station_numbers(connection)
        key = (stream, station)
        number = (self.uncommitted.get(key) or self._committed.get(key, 0)) + 1
        self.uncommitted[key] = number
        return number

    def committed(self) -> None:
        """The batch is on disk."""
        if self.uncommitted:
            assert self._committed is not None
            self._committed.update(self.uncommitted)
            self.uncommitted = {}

    def rolled_back(self) -> None:
        """The batch is undone."""
        self.uncommitted = {}

    def forget(self) -> None:
        """The rows may be others now."""
        self._committed, self.uncommitted = None, {}


class Remembered(NamedTuple):
    """Where a batch stood before a unit."""

    numbers: Numbers | None
    follow_ups: int
    station_numbers: dict[tuple[str, str], int]


class Writing:
    """One batch's view of the database. `execute` is the connection's own."""

    __slots__ = (
        "_late",
        "_meta",
        "_meta_changed",
        "_numbers",
        "_station_numbers",
        "connection",
        "counted",
        "execute",
        "packer",
        "then",
        "unpacker",
    )

    def __init__(self, connection: sqlite3.Connection, station_numbers: StationNumbers | None = None) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.packer: Callable[[bytes], bytes] | None = None  # compresses meter frames, made when first needed
        self.unpacker: Callable[[bytes], bytes] | None = None  # the same the other way
        self.then: list[Callable[[], None]] = []  # run in the loop after the commit, before anybody is answered
        self.counted: dict[str, int] = {}  # what needs counting only once in a batch
        self._meta: dict[str, int] = {}
        self._meta_changed: set[str] = set()
        self._late: dict[str, list[tuple[object, ...]]] = {}
        self._numbers: list[int] | None = None
        self._station_numbers = station_numbers or StationNumbers()

    def next_numbers(self, stream: Stream) -> tuple[int, int]:
        """The next (event id, sequence of `stream`); gap-free because a rolled back unit gives its numbers back."""
        numbers = self._numbers
        if numbers is None:
            numbers = self._numbers = list(newest_numbers(self.connection))
        place = _PLACES[stream]
        numbers[0] += 1
        numbers[place] += 1
        return numbers[0], numbers[place]

    def go_on_from(self, newest: Numbers) -> None:
        """Let the next numbers follow these, whatever the rows say."""
        self._numbers = list(newest)

    def next_station_number(self, stream: Stream, station: str | None) -> int:
        """The next sequence of `stream` for one station alone; None: of what belongs to no station."""
        return self._station_numbers.next(self.connection, stream, station or "")

    def meta(self, name: str) -> int:
        """The number kept under `name` in table meta."""
        value = self._meta.get(name)
        if value is None:
            (value,) = self.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            self._meta[name] = value
        return value

    def set_meta(self, name: str, value: int) -> None:
        """Change the number kept under `name`; written with the late rows."""
        self._meta[name] = value
        self._meta_changed.add(name)

    def append_late(self, table: str, row: tuple[object, ...]) -> None:
        """Insert a whole row before the commit; until `insert_late_rows` no statement sees it."""
        self._late.setdefault(table, []).append(row)

    def insert_late_rows(self) -> None:
        """Write what `append_late` and `set_meta` collected, many rows in one statement."""
        while self._meta_changed:
            name = self._meta_changed.pop()
            self.execute("UPDATE meta SET value = ? WHERE name = ?", (self._meta[name], name))
        for table, rows in self._late.items():
            while rows:
                chunk = rows[:_ROWS_IN_ONE_STATEMENT]
                del rows[:_ROWS_IN_ONE_STATEMENT]
                if len(chunk) < _ROWS_IN_ONE_STATEMENT:
                    self.connection.executemany(f"INSERT INTO {table} VALUES {_places(chunk[0])}", chunk)
                else:
                    places = ", ".join([_places(chunk[0])] * len(chunk))
                    self.execute(f"INSERT INTO {table} VALUES {places}", [value for row in chunk for value in row])

    def remember(self) -> Remembered:
        """Where the batch stands now, for `recall` when the next unit fails."""
        numbers = None if self._numbers is None else Numbers(*self._numbers)
        return Remembered(numbers, len(self.then), dict(self._station_numbers.uncommitted))

    def recall(self, remembered: Remembered) -> None:
        """Go back to what `remember` gave."""
        numbers, length, station_numbers = remembered
        self._numbers = None if numbers is None else list(numbers)
        self._station_numbers.uncommitted = station_numbers
        del self.then[length:]
        self._late.clear()
        self._meta.clear()
        self._meta_changed.clear()


# One fixed number, so that the statement is prepared once; SQLite allows 32,766 values in a statement.
_ROWS_IN_ONE_STATEMENT = 64


def _places(row: tuple[object, ...]) -> str:
    return f"({', '.join('?' * len(row))})"


_PLACES: dict[Stream, int] = {"tx": 1, "ops": 2, "meter": 3}


def newest_numbers(connection: sqlite3.Connection) -> Numbers:
    """Read the newest numbers from the journal. Retention always leaves the newest row of each stream."""
    row = connection.execute(
        """SELECT max(coalesce((SELECT max(id) FROM events), 0), coalesce((SELECT max(id) FROM meter_frames), 0)),
                  coalesce((SELECT max(sequence) FROM events WHERE stream = 'tx'), 0),
                  coalesce((SELECT max(sequence) FROM events WHERE stream = 'ops'), 0),
                  coalesce((SELECT sequence FROM meter_frames ORDER BY id DESC LIMIT 1), 0)"""
    ).fetchone()
    return Numbers(*row)


def newest_station_numbers(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """The newest sequence of each (stream, station): as noted some time ago, and what the rows since then say."""
    rows = connection.execute(
        """SELECT stream, station, newest FROM station_numbers
           UNION ALL
           SELECT stream, coalesce(station, ''), max(station_sequence) FROM events
           WHERE id > (SELECT value FROM meta WHERE name = 'station_numbers_upto') GROUP BY 1, 2
           UNION ALL
           SELECT 'meter', station, max(station_sequence) FROM meter_frames
           WHERE id > (SELECT value FROM meta WHERE name = 'station_numbers_upto') GROUP BY station"""
    )
    return {(stream, station): newest for stream, station, newest in rows if newest is not None}
