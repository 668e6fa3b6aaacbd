"""What counts of an idTag that the site and one or more fleet managers speak of? "Block wins".

A tag is Accepted only when everybody who speaks of it says Accepted, and until the earliest end that anybody names.
What the site said before a fleet named the tag stays the site's own. What it said afterwards is an override: a block
survives the fleet's leaving, anything else goes with the fleet's word. A deletion blocks as long as a fleet names the
tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.model.tags import TagStatus

_GRAVITY: dict[TagStatus, int] = {"Accepted": 0, "Invalid": 1, "Expired": 2, "Blocked": 3}


class Word(NamedTuple):
    """What somebody says of a tag."""

    id_tag: str
    status: TagStatus
    parent_id_tag: str | None = None
    expiry_at: Instant | None = None


class SiteWord(NamedTuple):
    """What the site says of a tag that a fleet names. `own`: it did so before. `removed`: it deleted the tag since."""

    word: Word
    own: bool
    removed: bool = False


def what_counts(site: SiteWord | None, fleets: Sequence[Word]) -> Word | None:
    """The tag's entry in the list; None: it is not in the list."""
    if not fleets:
        return _without_fleet(site)
    words = [*fleets] if site is None else [_as_said(site), *fleets]
    own = site is not None and site.own
    return Word(
        words[0].id_tag if own else fleets[0].id_tag,
        max((word.status for word in words), key=_GRAVITY.__getitem__),
        next((word.parent_id_tag for word in words if word.parent_id_tag is not None), None),
        min((word.expiry_at for word in words if word.expiry_at is not None), default=None),
    )


def site_says(before: SiteWord | None, word: Word) -> SiteWord:
    """The site's word after somebody there set the tag."""
    return SiteWord(word, own=before is not None and before.own)


def site_removes(before: SiteWord | None, counts: Word) -> SiteWord:
    """The site's word after somebody there deleted the tag."""
    return SiteWord(before.word if before is not None else counts, own=False, removed=True)


def site_inherits(before: SiteWord | None, fleet: Word, *, others: bool) -> tuple[SiteWord | None, bool]:
    """The site's word when a fleet leaves its word to it, and whether the tag is only left, not the site's own yet.

    A tag that is left is taken back by the next fleet that names it. `others`: further fleets name the tag.
    """
    if before is not None and before.removed:
        return before, False
    if others:
        if before is None and fleet.status == "Accepted":
            return None, False
        return SiteWord(_together(before, fleet), own=before is not None and before.own), False
    is_sites = before is not None and (before.own or before.word.status != "Accepted")
    return SiteWord(_together(before, fleet), own=True), not is_sites


def _together(before: SiteWord | None, fleet: Word) -> Word:
    return what_counts(before, [fleet]) or fleet


def is_overridden(counts: Word | None, fleet: Word) -> bool:
    """Is the tag not what this fleet says?"""
    return counts is None or counts[1:] != fleet[1:]


def _as_said(site: SiteWord) -> Word:
    return site.word._replace(status="Blocked") if site.removed else site.word


def _without_fleet(site: SiteWord | None) -> Word | None:
    if site is None or site.removed:
        return None
    return site.word if site.own or site.word.status != "Accepted" else None
