"""The list of idTags: one at a time, or thousands from a file in one write.

An import is all or nothing unless `partial` is asked for; either way every mistake is named with its line. What a tag
may do is decided elsewhere (rules/authorization); a station's own list is brought up to date by its own command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.model.identities import fold_tag
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant
from gateway.operations import merge_tags
from gateway.operations.site import Site
from gateway.operations.tag_files import Entry, TagMistake
from gateway.store import events, id_tags
from gateway.store.id_tags import STATUSES, TagRow
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

# OCPP 1.6 7.28: IdToken is a CiString20
LONGEST_TAG = 20
LONGEST_NOTE = 500
FIELDS = ("status", "parent_id_tag", "expiry_date", "note")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import: how many tags are stored, and what was wrong."""

    imported: int
    mistakes: tuple[TagMistake, ...]


async def put_tag(
    site: Site, id_tag: str, fields: Mapping[str, object], *, actor: str
) -> TagRow | tuple[TagMistake, ...]:
    """Add or replace one tag; a field that is not named gets its default (Accepted, no parent, no end, no note).

    Answers what counts now, which is something else where a fleet manager blocks the tag.
    """
    now = site.wall_clock()
    tag, mistakes = tag_of(Entry(0, {"id_tag": id_tag, **fields}), now)
    if "id_tag" in fields and fold_tag(str(fields["id_tag"])) != fold_tag(id_tag):
        mistakes = [*mistakes, TagMistake(0, "id_tag", "expected the tag in the path, or nothing")]
    if tag is None or mistakes:
        return tuple(mistakes)
    kept = tag

    def unit(db: Writing) -> TagRow:
        merge_tags.site_puts(db, [kept], actor=actor, now=now)
        stored = id_tags.find(db, kept.id_tag) or kept
        _tell(db, stored.id_tag, status=stored.status, actor=actor, now=now)
        return stored

    return await site.database.write(unit)


async def remove_tag(site: Site, id_tag: str, *, actor: str) -> bool:
    """Forget one tag; False when it was unknown."""
    now = site.wall_clock()

    def unit(db: Writing) -> bool:
        removed = merge_tags.site_deletes(db, id_tag, actor=actor, now=now)
        if removed:
            _tell(db, id_tag, status=None, actor=actor, now=now)
        return removed

    return await site.database.write(unit)


async def import_tags(
    site: Site, read: Callable[[], tuple[list[Entry], list[TagMistake]]], *, partial: bool, actor: str
) -> Imported:
    """Store what `read` (run in a thread) finds; nothing when anything is wrong, unless `partial`."""
    now = site.wall_clock()
    tags, mistakes = await asyncio.to_thread(_tags_of, read, now)
    if (mistakes and not partial) or not tags:
        return Imported(0, tuple(mistakes))

    def unit(db: Writing) -> int:
        count = merge_tags.site_puts(db, tags, actor=actor, now=now)
        data = {"count": count, "refused": len(mistakes), "actor": actor}
        events.append(db, "id_tags.imported", happened_at=now, recorded_at=now, data=data)
        return count

    count = await site.database.write(unit)
    logger.info("%d idTags imported by %s, %d mistakes", count, actor, len(mistakes))
    return Imported(count, tuple(mistakes))


def _tags_of(
    read: Callable[[], tuple[list[Entry], list[TagMistake]]], now: Instant
) -> tuple[list[TagRow], list[TagMistake]]:
    entries, mistakes = read()
    tags: list[TagRow] = []
    first_lines: dict[str, int] = {}
    for entry in entries:
        tag, wrong = tag_of(entry, now)
        if tag is not None and not wrong:
            first = first_lines.setdefault(fold_tag(tag.id_tag), entry.line)
            if first != entry.line:
                wrong = [TagMistake(entry.line, "id_tag", f"the tag is already on line {first}")]
        mistakes += wrong
        if tag is not None and not wrong:
            tags.append(tag)
    return tags, sorted(mistakes, key=lambda mistake: mistake.line)


def tag_of(entry: Entry, now: Instant) -> tuple[TagRow | None, list[TagMistake]]:
    """The tag that an entry describes, or everything that is wrong with it."""
    wrong: list[tuple[str, str]] = [
        (name, "unknown field; known are " + ", ".join(("id_tag", *FIELDS)))
        for name in entry.fields
        if name not in FIELDS and name != "id_tag"
    ]

    def text(name: str, longest: int) -> str | None:
        value = entry.fields.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str) or len(value.strip()) > longest:
            wrong.append((name, f"expected text of 1 to {longest} characters"))
            return None
        return value.strip()

    id_tag, parent, note = text("id_tag", LONGEST_TAG), text("parent_id_tag", LONGEST_TAG), text("note", LONGEST_NOTE)
    wrong += [("id_tag", "expected printable characters")] if id_tag and not id_tag.isprintable() else []
    if id_tag is None and not wrong:
        wrong.append(("id_tag", f"expected text of 1 to {LONGEST_TAG} characters"))
    asked = entry.fields.get("status") or "Accepted"
    status = next((known for known in STATUSES if known == asked), None)
    if status is None:
        wrong.append(("status", "expected one of " + ", ".join(STATUSES)))
    expiry_text = text("expiry_date", 40)
    expiry = instant_from_text(expiry_text) if expiry_text else None
    if expiry_text and expiry is None:
        wrong.append(("expiry_date", "expected a time such as 2027-01-31T12:00:00Z, or a date"))
    mistakes = [TagMistake(entry.line, field, detail) for field, detail in wrong]
    if mistakes or id_tag is None or status is None:
        return None, mistakes
    return TagRow(id_tag, status, parent, expiry, note or "", now), []


def _tell(db: Writing, id_tag: str, *, status: str | None, actor: str, now: Instant) -> None:
    """`status` None: the tag was removed."""
    data = {"id_tag": id_tag, "status": status, "removed": status is None, "actor": actor}
    events.append(db, "id_tag.changed", happened_at=now, recorded_at=now, data=data)
