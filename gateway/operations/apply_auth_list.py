"""Document `auth-list`: the idTags of a fleet manager, beside those of the site.

Several upstreams may each have one. A full list takes away tags that it does not name, but only the upstream's own.
What counts when others speak of a tag, too, is decided by `rules.fleet_tags`. Stations get the result like any other
change of the site's list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.fleet_documents import Applied, Body, Override, Told, Wrong
from gateway.model.identities import FoldedTag, fold_tag
from gateway.model.instants import Instant
from gateway.operations import merge_tags
from gateway.operations.document_turn import Applying
from gateway.operations.manage_tags import LONGEST_TAG, tag_of
from gateway.operations.site import Site
from gateway.operations.tag_files import Entry
from gateway.rules.fleet_tags import Word, is_overridden, what_counts
from gateway.store import fleet_documents, fleet_tags, id_tags, local_lists
from gateway.store.fleet_tags import Spoken
from gateway.store.writing import Writing

MOST_TAGS = 100_000
_FIELDS = ("id_tag", "status", "parent_id_tag", "expiry_date")


@dataclass(frozen=True, slots=True)
class AuthList:
    """The list as read: what is said of which tag, and tags that are taken away."""

    words: Mapping[FoldedTag, Word]
    deleted: frozenset[FoldedTag]


def read(site: Site, body: Body, *, delta: bool) -> AuthList | tuple[Wrong, ...]:
    """The list that a body holds, or everything that is wrong with it. Runs in a thread."""
    members = ("entries", "deleted") if delta else ("entries",)
    wrong = [Wrong("invalid", name, f"unknown; known are {', '.join(members)}") for name in body if name not in members]
    entries, deleted = body.get("entries", [] if delta else None), body.get("deleted", [])
    if not isinstance(entries, list) or not isinstance(deleted, list):
        return (*wrong, Wrong("invalid", "entries", "expected a list of tags, and in a delta `deleted`, another"))
    if len(entries) + len(deleted) > MOST_TAGS:
        return (*wrong, Wrong("too_large", "entries", f"expected no more than {MOST_TAGS} tags"))
    words: dict[FoldedTag, Word] = {}
    for number, entry in enumerate(entries):
        word = _read_entry(entry, f"entries[{number}]", wrong)
        if word is not None and words.setdefault(fold_tag(word.id_tag), word) is not word:
            wrong.append(Wrong("invalid", f"entries[{number}].id_tag", "the tag is there twice"))
    gone: set[FoldedTag] = set()
    for number, tag in enumerate(deleted):
        if not isinstance(tag, str) or not 0 < len(tag) <= LONGEST_TAG:
            wrong.append(Wrong("invalid", f"deleted[{number}]", f"expected text of 1 to {LONGEST_TAG} characters"))
        elif fold_tag(tag) in words:
            wrong.append(Wrong("invalid", f"deleted[{number}]", "the tag is among the entries, too"))
        else:
            gone.add(fold_tag(tag))
    return tuple(wrong) if wrong else AuthList(words, frozenset(gone))


def apply(db: Writing, turn: Applying, wanted: AuthList) -> Applied:
    """Put the list into the site's."""
    before = fleet_tags.of_upstream(db, turn.upstream)
    changed = {folded: word for folded, word in wanted.words.items() if before.get(folded) != word}
    if turn.delta:
        removed = before.keys() & wanted.deleted
    else:
        removed = (before.keys() | id_tags.left_by(db, turn.upstream)) - wanted.words.keys()
    if len(before) + len(changed.keys() - before.keys()) - len(removed & before.keys()) > MOST_TAGS:
        words = f"with this delta there would be more than {MOST_TAGS} tags"
        return Applied((Wrong("too_large", "entries", words),), refused=True)
    merge_tags.fleet_says(db, turn.upstream, changed, removed, now=turn.now)
    return Applied()


def withdraw(db: Writing, site: Site, upstream: str, now: Instant) -> None:
    """The tags are the site's from now on."""
    merge_tags.fleet_leaves(db, upstream, now=now)


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """Tags that are not as the fleet says, and how far the lists in stations are."""
    return Told(_per_station(db), tuple(_overrides(db, upstream)))


def _read_entry(entry: object, path: str, wrong: list[Wrong]) -> Word | None:
    if not isinstance(entry, dict):
        wrong.append(Wrong("invalid", path, "expected an object"))
        return None
    extra = [name for name in entry if name not in _FIELDS]
    wrong.extend(Wrong("invalid", f"{path}.{name}", f"unknown; known are {', '.join(_FIELDS)}") for name in extra)
    tag, mistakes = tag_of(Entry(0, {name: value for name, value in entry.items() if name in _FIELDS}), Instant(0))
    wrong.extend(Wrong("invalid", f"{path}.{mistake.field}", mistake.detail) for mistake in mistakes)
    return None if tag is None or extra else Word(tag.id_tag, tag.status, tag.parent_id_tag, tag.expiry_at)


def _overrides(db: Writing, upstream: str) -> list[Override]:
    found, alone = [], not fleet_documents.others(db, upstream, "auth-list")
    for spoken in fleet_tags.contested(db, upstream, alone=alone).values():
        mine, counts = spoken.fleets[upstream], what_counts(spoken.site_word, list(spoken.fleets.values()))
        if counts is not None and is_overridden(counts, mine):
            who, when = _who(spoken, upstream)
            found.append(Override({"id_tag": mine.id_tag, "status": counts.status}, who, when))
    return found


def _who(spoken: Spoken, upstream: str) -> tuple[str, Instant | None]:
    """Who speaks against the upstream: the site, if it alone would make the difference, or another upstream."""
    mine = spoken.fleets[upstream]
    if spoken.site is not None and is_overridden(what_counts(spoken.site_word, [mine]), mine):
        return spoken.site.said_by or "site", spoken.site.said_at
    return next(name for name in spoken.fleets if name != upstream), None


def _per_station(db: Writing) -> dict[str, dict[str, object]]:
    (revision,) = db.execute("SELECT value FROM meta WHERE name = 'id_tags_revision'").fetchone()
    return {
        station: {
            "status": memory.last_status,
            "list_version": memory.version,
            "up_to_date": memory.certain and memory.checked is not None and memory.checked.revision == revision,
        }
        for station, memory in local_lists.every(db)
    }
