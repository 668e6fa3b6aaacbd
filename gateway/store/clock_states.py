"""Which state the machine's clock was in when an event was recorded, told by few rows and no column of the journal.

A state holds for the events from its own number on, until the next. What is worth a row is not decided here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from gateway.model.clocks import ClockState, Quality
from gateway.store.writing import Writing, newest_numbers


def newest(db: Writing) -> ClockState | None:
    """The state that holds now."""
    row = db.execute(f"{_SELECT} ORDER BY since_event_id DESC LIMIT 1").fetchone()
    return None if row is None else ClockState(*row)


def note(db: Writing, *, boot_id: str, quality: Quality, error_ms: int, offset_us: int) -> None:
    """From the next event on, the clock is in this state."""
    db.insert_late_rows()
    since = newest_numbers(db.connection).event_id + 1
    db.execute(
        "INSERT OR REPLACE INTO clock_states (since_event_id, boot_id, quality, error_ms, mono_offset_us)"
        " VALUES (?, ?, ?, ?, ?)",
        (since, boot_id, quality, error_ms, offset_us),
    )


def of_events(db: Writing, event_ids: Sequence[int]) -> list[ClockState | None]:
    """The state of each event; None: nothing was noted yet when it was recorded."""
    if not event_ids:
        return []
    rows = db.execute(
        f"{_SELECT} WHERE since_event_id <= ?2 AND since_event_id >="
        " coalesce((SELECT max(since_event_id) FROM clock_states WHERE since_event_id <= ?1), 0)"
        " ORDER BY since_event_id",
        (min(event_ids), max(event_ids)),
    )
    states = [ClockState(*row) for row in rows]
    since = [state.since_event_id for state in states]
    places = [bisect_right(since, event_id) for event_id in event_ids]
    return [states[place - 1] if place else None for place in places]


def forget(db: Writing) -> None:
    """Delete the states of which no event is left."""
    db.execute(
        """DELETE FROM clock_states WHERE since_event_id < (
               SELECT max(since_event_id) FROM clock_states WHERE since_event_id <= min(
                   coalesce((SELECT min(id) FROM events), ?1), coalesce((SELECT min(id) FROM meter_frames), ?1)))""",
        (_LARGEST_ID,),
    )


_LARGEST_ID = 2**63 - 1
_SELECT = "SELECT since_event_id, boot_id, quality, error_ms, mono_offset_us FROM clock_states"
