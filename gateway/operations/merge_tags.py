"""idTags of which the site and fleet managers speak: whoever says something new, what counts is put into the list.

All functions run inside a unit of work. Who wins is decided by `rules.fleet_tags`; tags that no fleet names are the
site's alone and go straight into the list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway.model.identities import FoldedTag, fold_tag
from gateway.model.instants import Instant
from gateway.rules.fleet_tags import SiteWord, Word, site_inherits, site_removes, site_says, what_counts
from gateway.store import fleet_tags, id_tags
from gateway.store.fleet_tags import KeptSiteWord
from gateway.store.id_tags import TagRow
from gateway.store.writing import Writing


def site_puts(db: Writing, tags: Sequence[TagRow], *, actor: str, now: Instant) -> int:
    """The site sets these tags; how many."""
    if not fleet_tags.is_any(db):
        return id_tags.put(db, tags)
    by_tag = {fold_tag(tag.id_tag): tag for tag in tags}
    shared = fleet_tags.named(db, by_tag)
    spoken = fleet_tags.spoken_of(db, shared)
    words = {
        folded: KeptSiteWord(
            site_says(spoken[folded].site_word, _word(by_tag[folded])), by_tag[folded].note, actor, now
        )
        for folded in shared
    }
    fleet_tags.put_site(db, words)
    id_tags.put(db, [tag for folded, tag in by_tag.items() if folded not in shared])
    _settle(db, shared, now=now)
    return len(tags)


def site_deletes(db: Writing, id_tag: str, *, actor: str, now: Instant) -> bool:
    """The site deletes the tag; False when it was unknown or is deleted already."""
    folded = fold_tag(id_tag)
    if not fleet_tags.named(db, [folded]):
        return id_tags.remove(db, id_tag)
    spoken, row = fleet_tags.spoken_of(db, [folded])[folded], id_tags.find(db, id_tag)
    if row is None or (spoken.site is not None and spoken.site.said.removed):
        return False
    note = "" if spoken.site is None else spoken.site.note
    said = site_removes(spoken.site_word, _word(row))
    fleet_tags.put_site(db, {folded: KeptSiteWord(said, note, actor, now)})
    _settle(db, [folded], now=now)
    return True


def fleet_says(
    db: Writing, upstream: str, words: Mapping[FoldedTag, Word], removed: Collection[FoldedTag], *, now: Instant
) -> None:
    """The upstream names tags, some anew, and some no longer. What an upstream left to the site it takes back."""
    fresh = words.keys() - fleet_tags.named(db, words) - id_tags.left_by(db)
    own = {
        fold_tag(row.id_tag): KeptSiteWord(SiteWord(_word(row), own=True), row.note, "", row.updated_at)
        for row in id_tags.some(db, fresh)
    }
    id_tags.take_back(db, words.keys())
    fleet_tags.put_site(db, own)
    fleet_tags.put(db, upstream, words)
    fleet_tags.remove(db, upstream, removed)
    _settle(db, words.keys() | set(removed), now=now)


def fleet_leaves(db: Writing, upstream: str, *, now: Instant) -> None:
    """The upstream speaks of tags no more: what counts stays, and is the site's to change."""
    tags = fleet_tags.of_upstream(db, upstream)
    spoken = fleet_tags.spoken_of(db, tags)
    fleet_tags.remove(db, upstream, tags)
    kept: dict[FoldedTag, KeptSiteWord] = {}
    left: set[FoldedTag] = set()
    for folded, word in tags.items():
        others = len(spoken[folded].fleets) > 1
        site, is_left = site_inherits(spoken[folded].site_word, word, others=others)
        before = spoken[folded].site
        note, by, at = (before.note, before.said_by, before.said_at) if before else ("", f"upstream {upstream}", now)
        left |= {folded} if is_left else set()
        if site is not None:
            kept[folded] = KeptSiteWord(site, note, by, at)
    fleet_tags.put_site(db, kept)
    _settle(db, tags, now=now)
    id_tags.leave(db, left, upstream)


def _settle(db: Writing, tags: Collection[FoldedTag], *, now: Instant) -> None:
    """Put what counts into the list, and forget what the site said where no fleet speaks any more."""
    if not tags:
        return
    spoken = fleet_tags.spoken_of(db, tags)
    before = {fold_tag(row.id_tag): row for row in id_tags.some(db, tags)}
    put: list[TagRow] = []
    gone: list[FoldedTag] = []
    for folded, said in spoken.items():
        counts = what_counts(said.site_word, list(said.fleets.values()))
        known, note = before.get(folded), "" if said.site is None else said.site.note
        if counts is None:
            gone += [folded] if known is not None else []
        elif known is None or known != TagRow(*counts, note, known.updated_at):
            put.append(TagRow(*counts, note, now))
    fleet_tags.remove_site(db, [folded for folded, said in spoken.items() if not said.fleets])
    if put:
        id_tags.put(db, put)
    if gone:
        id_tags.remove_some(db, gone)


def _word(row: TagRow) -> Word:
    return Word(row.id_tag, row.status, row.parent_id_tag, row.expiry_at)
