"""The list in each station as far as it is known: its memory and its entries; and the site's tags to compare it with.

What follows from them is decided by rules (local_lists, local_list_memory).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.model.identities import FoldedTag, StationId, fold_tag
from gateway.model.instants import Instant
from gateway.model.local_lists import Changes, Entry, UpdateType
from gateway.model.tags import KnownTag, Verdict
from gateway.rules.capabilities import yes_or_no
from gateway.rules.local_list_memory import Checked, Memory
from gateway.rules.local_lists import KEYS, Told, told_of
from gateway.store.readers import Readers
from gateway.store.writing import Writing

_COLUMNS = (
    "version, highest, contents_known, in_flight, supported, must_ask, conflict, given_at, failures, retry_at,"
    " last_status, checked_revision, checked_room, checked_until, changes"
)
_REPORTED = ", ".join(
    f"(SELECT value FROM configuration_keys WHERE station = ?1 AND folded_key = '{key.casefold()}') AS {key}"
    for key in KEYS
)
_STANDING = f"""
    SELECT {_COLUMNS}, {_REPORTED}, (SELECT value FROM meta WHERE name = 'id_tags_revision') AS revision
    FROM (SELECT 1) LEFT JOIN local_lists ON station = ?1"""


_HIGHEST = 1  # place of the column in _COLUMNS: it is never null
_HELD = "SELECT folded_tag, id_tag, status, parent_id_tag, expiry_at FROM local_list_entries WHERE station = ?"
_TAGS = "SELECT folded_tag, id_tag, status, parent_id_tag, expiry_at FROM id_tags"


@dataclass(frozen=True, slots=True)
class Rows:
    """What `holdings` is made of."""

    standing: Sequence[Any]
    held: Sequence[Sequence[Any]]
    tags: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is believed of a station's list, what the station told of itself, and the revision of the site's tags."""

    memory: Memory
    told: Told
    revision: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """At one moment: the standing, the entries that the station holds, and the site's tags."""

    standing: Standing
    held: dict[FoldedTag, Entry]
    tags: list[tuple[FoldedTag, KnownTag]]


def find(db: Writing, station: StationId) -> Memory:
    """What is believed of the station's list; of one that nothing is known of, a blank memory."""
    row = db.execute(f"SELECT {_COLUMNS} FROM local_lists WHERE station = ?", (station,)).fetchone()
    return Memory() if row is None else _memory(row)


def every(db: Writing) -> list[tuple[StationId, Memory]]:
    """What is believed of the list of every station that was ever sent or asked for one."""
    rows = db.execute(f"SELECT station, {_COLUMNS} FROM local_lists ORDER BY station")
    return [(station, _memory(row)) for station, *row in rows]


def save(db: Writing, station: StationId, memory: Memory) -> None:
    """Believe this from now on."""
    checked = memory.checked
    values = (
        station, memory.version, memory.highest, memory.contents_known, memory.in_flight, memory.supported,
        memory.must_ask, memory.conflict, memory.given_at, memory.failures, memory.retry_at, memory.last_status,
        *((checked.revision, checked.room, checked.until) if checked is not None else (None, None, None)),
        memory.changes,
    )  # fmt: skip
    places = ", ".join("?" * len(values))
    db.execute(f"INSERT OR REPLACE INTO local_lists (station, {_COLUMNS}) VALUES ({places})", values)


def change_entries(db: Writing, station: StationId, update_type: UpdateType, changes: Changes) -> None:
    """The station holds these entries now (Full), or has changed these (Differential)."""
    if update_type == "Full":
        forget_entries(db, station)
    db.connection.executemany(
        "INSERT OR REPLACE INTO local_list_entries VALUES (?, ?, ?, ?, ?, ?)",
        [
            (station, folded, entry.id_tag, *(entry.verdict if entry.verdict is not None else (None, None, None)))
            for folded, entry in changes.put.items()
        ],
    )
    db.connection.executemany(
        "DELETE FROM local_list_entries WHERE station = ? AND folded_tag = ?",
        [(station, folded) for folded in changes.removed],
    )


def forget_entries(db: Writing, station: StationId) -> None:
    """It is not known any more what the station holds, or it holds nothing."""
    db.execute("DELETE FROM local_list_entries WHERE station = ?", (station,))


def doubt_everything(db: Writing, now: Instant) -> None:
    """A backup was restored: lists were sent since, under versions that it does not know."""
    db.execute("UPDATE local_lists SET must_ask = 1, contents_known = 0, checked_revision = NULL")


def count_entries(db: Writing, station: StationId) -> int:
    """How many entries the station holds, as far as is known."""
    (count,) = db.execute("SELECT count(*) FROM local_list_entries WHERE station = ?", (station,)).fetchone()
    return int(count)


def is_switched_on(db: Writing, station: StationId) -> bool:
    """True when the station reported LocalAuthListEnabled = true."""
    row = db.execute(
        "SELECT value FROM configuration_keys WHERE station = ? AND folded_key = 'localauthlistenabled'", (station,)
    ).fetchone()
    return row is not None and yes_or_no(row[0]) is True


def settle(db: Writing, station: StationId, checked: Checked, *, changes: int) -> bool:
    """Nothing is to be sent, as of `checked`; False when something happened to the memory since `changes`."""
    memory = find(db, station)
    if memory.changes != changes:
        return False
    save(db, station, replace(memory, checked=checked))
    return True


def standing(db: Writing, station: StationId) -> Standing:
    """The standing alone: one statement, however long the lists are."""
    return _standing(db.execute(_STANDING, (station,)).fetchone())


def rows(db: Writing, station: StationId) -> Rows:
    """Everything that a decision on a list needs; nothing but fetched, because the stations wait meanwhile."""
    return Rows(
        db.execute(_STANDING, (station,)).fetchone(),
        db.execute(_HELD, (station,)).fetchall(),
        db.execute(_TAGS).fetchall(),
    )


async def read_rows(readers: Readers, station: str) -> Rows:
    """The same for people, as of one moment."""
    async with readers.reading() as connection:
        await connection.execute("BEGIN")
        (found,) = await connection.execute_fetchall(_STANDING, (station,))
        held = await connection.execute_fetchall(_HELD, (station,))
        return Rows(tuple(found), list(held), list(await connection.execute_fetchall(_TAGS)))


def holdings(found: Rows) -> Holdings:
    """What the rows say. There may be tens of thousands: call it in a thread."""
    held = {entry[0]: _entry(entry) for entry in found.held}
    return Holdings(_standing(found.standing), held, _with_parents(found.tags))


def _memory(row: Sequence[Any]) -> Memory:
    (
        version, highest, contents_known, in_flight, supported, must_ask, conflict, given_at, failures, retry_at,
        last_status, revision, room, until, changes,
    ) = row  # fmt: skip
    return Memory(
        version=version,
        highest=highest,
        contents_known=bool(contents_known),
        in_flight=in_flight,
        supported=None if supported is None else bool(supported),
        must_ask=bool(must_ask),
        conflict=bool(conflict),
        given_at=given_at,
        failures=failures,
        retry_at=retry_at,
        last_status=last_status,
        checked=None if revision is None else Checked(revision, room, until),
        changes=changes,
    )


def _standing(row: Sequence[Any]) -> Standing:
    *remembered, profiles, enabled, room, per_request, revision = row
    told = told_of(dict(zip(KEYS, (profiles, enabled, room, per_request), strict=True)))
    return Standing(Memory() if remembered[_HIGHEST] is None else _memory(remembered), told, revision)


def _entry(row: Sequence[Any]) -> Entry:
    _, id_tag, status, parent_id_tag, expiry_at = row
    return Entry(id_tag, None if status is None else Verdict(status, parent_id_tag, expiry_at))


def _with_parents(rows: Sequence[Sequence[Any]]) -> list[tuple[FoldedTag, KnownTag]]:
    """As `known_tags.find_tag` finds them one by one."""
    own = {row[0]: (row[2], row[4]) for row in rows}
    found = []
    for folded, id_tag, status, parent_id_tag, expiry_at in rows:
        parent = None if parent_id_tag is None else fold_tag(parent_id_tag)
        known = own.get(parent) if parent != folded else None
        found.append((folded, KnownTag(id_tag, status, parent_id_tag, expiry_at, *(known or (None, None)))))
    return found
