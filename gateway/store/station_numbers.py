"""How far each station's own sequence of each stream has come, noted before the rows that tell it are deleted.

The numbers themselves are given out by `Writing.next_station_number`.
"""

from __future__ import annotations

import sqlite3

from gateway.store.writing import Writing, newest_station_numbers


def note(db: Writing) -> None:
    """Note the newest numbers, so that rows may go."""
    db.insert_late_rows()
    _note(db.connection)


def renumber(copy: sqlite3.Connection) -> None:
    """Number every kept row anew from 1, in a database whose new life begins."""
    for table, stream in (("events", "stream"), ("meter_frames", "'meter'")):
        copy.execute(
            f"""UPDATE {table} SET station_sequence = ranked.number FROM (
                    SELECT id, row_number() OVER (PARTITION BY {stream}, coalesce(station, '') ORDER BY id) AS number
                    FROM {table}
                ) AS ranked WHERE ranked.id = {table}.id"""
        )
    copy.execute("DELETE FROM station_numbers")
    copy.execute("UPDATE meta SET value = 0 WHERE name = 'station_numbers_upto'")
    _note(copy)


def _note(connection: sqlite3.Connection) -> None:
    rows = [(*key, newest) for key, newest in newest_station_numbers(connection).items()]
    connection.executemany("INSERT OR REPLACE INTO station_numbers VALUES (?, ?, ?)", rows)
    connection.execute(
        """UPDATE meta SET value = max(coalesce((SELECT max(id) FROM events), 0),
                                       coalesce((SELECT max(id) FROM meter_frames), 0))
           WHERE name = 'station_numbers_upto'"""
    )
