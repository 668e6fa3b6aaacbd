"""idTags: the site's list of cards and other tokens that may charge. Compared folded, kept as first written.

Which answer a tag leads to is not decided here (rules/authorization).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.model.identities import FoldedTag, fold_tag
from gateway.model.instants import Instant
from gateway.model.tags import TagStatus
from gateway.store.readers import Readers
from gateway.store.writing import Writing

STATUSES: tuple[TagStatus, ...] = ("Accepted", "Blocked", "Expired", "Invalid")
_COLUMNS = "id_tag, status, parent_id_tag, expiry_at, note, updated_at"


@dataclass(frozen=True, slots=True)
class TagRow:
    """One idTag; `status` is one of STATUSES, `expiry_at` None means: no end."""

    id_tag: str
    status: TagStatus
    parent_id_tag: str | None
    expiry_at: Instant | None
    note: str
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Tags that share a parent; `status` and `expiry_at` are those of the parent's own row, None: it has none.

    `folded_parent` orders groups and leads to the next page.
    """

    folded_parent: str
    parent_id_tag: str
    id_tags: int
    status: TagStatus | None
    expiry_at: Instant | None


def find(db: Writing, id_tag: str) -> TagRow | None:
    """The tag's row whatever its letters' case, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM id_tags WHERE folded_tag = ?", (fold_tag(id_tag),)).fetchone()
    return None if row is None else TagRow(*row)


def some(db: Writing, tags: Collection[FoldedTag]) -> list[TagRow]:
    """The rows of those of the folded tags that are known."""
    asked = json.dumps(list(tags))
    rows = db.execute(f"SELECT {_COLUMNS} FROM id_tags WHERE folded_tag IN (SELECT value FROM json_each(?))", (asked,))
    return [TagRow(*row) for row in rows]


def left_by(db: Writing, upstream: str | None = None) -> set[FoldedTag]:
    """The tags that this upstream, or any, left to the site, and nobody has set since."""
    rows = db.execute(
        "SELECT folded_tag FROM id_tags WHERE left_by IS NOT NULL AND (?1 IS NULL OR left_by = ?1)", (upstream,)
    )
    return {folded for (folded,) in rows}


def leave(db: Writing, tags: Iterable[FoldedTag], upstream: str) -> None:
    """The upstream leaves these tags to the site as they are."""
    db.connection.executemany(
        "UPDATE id_tags SET left_by = ? WHERE folded_tag = ?", [(upstream, folded) for folded in tags]
    )


def take_back(db: Writing, tags: Collection[FoldedTag]) -> None:
    """An upstream speaks of these tags again."""
    db.execute(
        "UPDATE id_tags SET left_by = NULL WHERE left_by IS NOT NULL"
        " AND folded_tag IN (SELECT value FROM json_each(?))",
        (json.dumps(list(tags)),),
    )


def put(db: Writing, tags: Iterable[TagRow]) -> int:
    """Add or replace tags, thousands in one unit; how many."""
    rows = [
        (fold_tag(tag.id_tag), tag.id_tag, tag.status, tag.parent_id_tag, tag.expiry_at, tag.note, tag.updated_at)
        for tag in tags
    ]
    db.connection.executemany(
        """INSERT INTO id_tags (folded_tag, id_tag, status, parent_id_tag, expiry_at, note, updated_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (folded_tag) DO UPDATE SET id_tag = excluded.id_tag, status = excluded.status,
               parent_id_tag = excluded.parent_id_tag, expiry_at = excluded.expiry_at, note = excluded.note,
               updated_at = excluded.updated_at, left_by = NULL""",
        rows,
    )
    _note_change(db)
    return len(rows)


def remove(db: Writing, id_tag: str) -> bool:
    """Forget the tag; False when it was unknown."""
    removed = db.execute("DELETE FROM id_tags WHERE folded_tag = ?", (fold_tag(id_tag),)).rowcount > 0
    if removed:
        _note_change(db)
    return removed


def remove_some(db: Writing, tags: Collection[FoldedTag]) -> None:
    """Forget these folded tags."""
    db.connection.executemany("DELETE FROM id_tags WHERE folded_tag = ?", [(folded,) for folded in tags])
    _note_change(db)


async def read(readers: Readers, id_tag: str) -> TagRow | None:
    """The tag's row for people, or None."""
    row = await readers.row(f"SELECT {_COLUMNS} FROM id_tags WHERE folded_tag = ?", (fold_tag(id_tag),))
    return None if row is None else TagRow(*row)


async def notes_of(readers: Readers, tags: Collection[FoldedTag]) -> dict[FoldedTag, str]:
    """The notes of those of the folded tags that have one."""
    rows = await readers.rows(
        "SELECT folded_tag, note FROM id_tags WHERE note <> '' AND folded_tag IN (SELECT value FROM json_each(?))",
        (json.dumps(list(tags)),),
    )
    return {row[0]: row[1] for row in rows}


async def page(
    readers: Readers, *, after: str, limit: int, status: str | None, parent: str | None, containing: str | None
) -> list[TagRow]:
    """Tags in folded order after the folded tag `after`; `containing` looks into tag and note."""
    rows = await readers.rows(
        f"""SELECT {_COLUMNS} FROM id_tags
            WHERE folded_tag > ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR lower(parent_id_tag) = lower(?3))
              AND (?4 IS NULL OR instr(folded_tag, lower(?4)) OR instr(lower(note), lower(?4)))
            ORDER BY folded_tag LIMIT ?5""",
        (after, status, parent, containing, limit),
    )
    return [TagRow(*row) for row in rows]


async def groups(readers: Readers, *, after: str, limit: int) -> list[GroupRow]:
    """Groups in folded order after the folded parent `after`."""
    rows = await readers.rows(
        """SELECT folded, shown, members, own.status, own.expiry_at FROM (
               SELECT lower(parent_id_tag) AS folded, max(parent_id_tag) AS shown, count(*) AS members FROM id_tags
               WHERE parent_id_tag IS NOT NULL AND lower(parent_id_tag) > ? GROUP BY 1 ORDER BY 1 LIMIT ?)
           LEFT JOIN id_tags AS own ON own.folded_tag = folded ORDER BY folded""",
        (after, limit),
    )
    return [GroupRow(*row) for row in rows]


def _note_change(db: Writing) -> None:
    """The lists in stations may have to follow; they compare this number."""
    db.execute("UPDATE meta SET value = value + 1 WHERE name = 'id_tags_revision'")
