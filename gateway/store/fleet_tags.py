"""What upstreams and the site say of idTags that both may speak of.

What counts is in table id_tags, and decided by rules/fleet_tags.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model.identities import FoldedTag
from gateway.model.instants import Instant
from gateway.rules.fleet_tags import SiteWord, Word
from gateway.store.readers import Readers
from gateway.store.writing import Writing

_WORD = "id_tag, status, parent_id_tag, expiry_at"


@dataclass(frozen=True, slots=True)
class KeptSiteWord:
    """What the site says, with the note for people, who said it and when."""

    said: SiteWord
    note: str
    said_by: str
    said_at: Instant


@dataclass(slots=True)
class Spoken:
    """Everything said of one tag."""

    site: KeptSiteWord | None = None
    fleets: dict[str, Word] = field(default_factory=dict)

    @property
    def site_word(self) -> SiteWord | None:
        """What the site says, without who and when."""
        return None if self.site is None else self.site.said


def is_any(db: Writing) -> bool:
    """Does any upstream name a tag?"""
    return db.execute("SELECT 1 FROM fleet_tags LIMIT 1").fetchone() is not None


def of_upstream(db: Writing, upstream: str) -> dict[FoldedTag, Word]:
    """Every tag that the upstream names."""
    rows = db.execute(f"SELECT folded_tag, {_WORD} FROM fleet_tags WHERE upstream = ?", (upstream,))
    return {folded: Word(*word) for folded, *word in rows}


def named(db: Writing, tags: Collection[FoldedTag]) -> set[FoldedTag]:
    """Those of the tags that some upstream names."""
    rows = db.execute(
        "SELECT DISTINCT folded_tag FROM fleet_tags WHERE folded_tag IN (SELECT value FROM json_each(?))",
        (json.dumps(list(tags)),),
    )
    return {folded for (folded,) in rows}


def spoken_of(db: Writing, tags: Collection[FoldedTag]) -> dict[FoldedTag, Spoken]:
    """What is said of these tags; fleets in the order of their names."""
    asked = json.dumps(list(tags))
    found = {tag: Spoken() for tag in tags}
    for folded, upstream, *word in db.execute(
        f"""SELECT folded_tag, upstream, {_WORD} FROM fleet_tags
            WHERE folded_tag IN (SELECT value FROM json_each(?)) ORDER BY folded_tag, upstream""",
        (asked,),
    ):
        found[folded].fleets[upstream] = Word(*word)
    for folded, *said in db.execute(
        f"""SELECT folded_tag, {_WORD}, own, removed, note, said_by, said_at FROM site_tags
            WHERE folded_tag IN (SELECT value FROM json_each(?))""",
        (asked,),
    ):
        found[folded].site = _kept(said)
    return found


def put(db: Writing, upstream: str, words: Mapping[FoldedTag, Word]) -> None:
    """The upstream says this from now on."""
    db.connection.executemany(
        "INSERT OR REPLACE INTO fleet_tags VALUES (?, ?, ?, ?, ?, ?)",
        [(folded, upstream, *word) for folded, word in words.items()],
    )


def remove(db: Writing, upstream: str, tags: Iterable[FoldedTag]) -> None:
    """The upstream does not name these tags any more."""
    db.connection.executemany(
        "DELETE FROM fleet_tags WHERE folded_tag = ? AND upstream = ?", [(folded, upstream) for folded in tags]
    )


def put_site(db: Writing, words: Mapping[FoldedTag, KeptSiteWord]) -> None:
    """The site says this from now on."""
    db.connection.executemany(
        "INSERT OR REPLACE INTO site_tags VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (folded, *kept.said.word, kept.note, kept.said.own, kept.said.removed, kept.said_by, kept.said_at)
            for folded, kept in words.items()
        ],
    )


def remove_site(db: Writing, tags: Iterable[FoldedTag]) -> None:
    """What the site said of these tags needs no keeping: no upstream names them."""
    db.connection.executemany("DELETE FROM site_tags WHERE folded_tag = ?", [(folded,) for folded in tags])


def contested(db: Writing, upstream: str, *, alone: bool) -> dict[FoldedTag, Spoken]:
    """Tags of the upstream that somebody else speaks of, too; `alone`: no other upstream names any."""
    rows = db.execute(
        """SELECT folded_tag FROM site_tags AS said
           WHERE EXISTS (SELECT 1 FROM fleet_tags WHERE folded_tag = said.folded_tag AND upstream = ?1)""",
        (upstream,),
    ).fetchall()
    if alone:
        return spoken_of(db, [folded for (folded,) in rows])
    rows += db.execute(
        """SELECT mine.folded_tag FROM fleet_tags AS mine JOIN fleet_tags AS other USING (folded_tag)
           WHERE mine.upstream = ?1 AND other.upstream <> ?1""",
        (upstream,),
    ).fetchall()
    return spoken_of(db, [folded for (folded,) in rows])


async def upstreams_of(readers: Readers, tags: Collection[FoldedTag]) -> dict[FoldedTag, list[str]]:
    """For people: which upstreams name the tags."""
    rows = await readers.rows(
        """SELECT folded_tag, upstream FROM fleet_tags
           WHERE folded_tag IN (SELECT value FROM json_each(?)) ORDER BY folded_tag, upstream""",
        (json.dumps(list(tags)),),
    )
    found: dict[FoldedTag, list[str]] = {}
    for folded, upstream in rows:
        found.setdefault(folded, []).append(upstream)
    return found


def _kept(said: list[object]) -> KeptSiteWord:
    id_tag, status, parent, expiry_at, own, removed, note, said_by, said_at = said
    word = Word(id_tag, status, parent, expiry_at)  # type: ignore[arg-type]
    return KeptSiteWord(SiteWord(word, bool(own), bool(removed)), str(note), str(said_by), Instant(said_at))  # type: ignore[arg-type]
