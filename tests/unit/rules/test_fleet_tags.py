"""Block wins: what counts of a tag that several speak of."""

from __future__ import annotations

from gateway.model.instants import Instant
from gateway.rules.fleet_tags import (
    SiteWord,
    Word,
    is_overridden,
    site_inherits,
    site_removes,
    site_says,
    what_counts,
)

YES, NO = Word("Tag", "Accepted"), Word("TAG", "Blocked")


def test_it_is_accepted_only_when_all_say_so() -> None:
    assert what_counts(None, [YES]) == YES
    assert what_counts(SiteWord(YES, own=True), [NO]) == Word("Tag", "Blocked")
    assert what_counts(SiteWord(NO, own=False), [YES]) == Word("Tag", "Blocked")
    assert what_counts(None, [YES, NO]) == Word("Tag", "Blocked")
    assert what_counts(None, [Word("T", "Invalid"), Word("T", "Expired")]) == Word("T", "Expired")


def test_the_earliest_end_and_the_sites_own_group_count() -> None:
    site = SiteWord(Word("Tag", "Accepted", None, Instant(9)), own=True)
    assert what_counts(site, [Word("TAG", "Accepted", "GROUP", Instant(5))]) == Word(
        "Tag", "Accepted", "GROUP", Instant(5)
    )
    grouped = SiteWord(Word("Tag", "Accepted", "OURS"), own=True)
    assert what_counts(grouped, [Word("TAG", "Accepted", "GROUP", Instant(5))]) == Word(
        "Tag", "Accepted", "OURS", Instant(5)
    )


def test_when_no_fleet_names_it_any_more_the_sites_own_and_its_blocks_stay() -> None:
    assert what_counts(SiteWord(YES, own=True), []) == YES
    assert what_counts(SiteWord(NO, own=False), []) == NO
    assert what_counts(SiteWord(YES, own=False), []) is None
    assert what_counts(SiteWord(YES, own=True, removed=True), []) is None
    assert what_counts(None, []) is None


def test_a_deletion_blocks_until_the_site_sets_the_tag_again() -> None:
    own = SiteWord(YES, own=True)
    deleted = site_removes(own, YES)
    assert what_counts(deleted, [YES]) == Word("Tag", "Blocked")
    assert site_removes(None, NO) == SiteWord(NO, own=False, removed=True)
    assert what_counts(site_says(deleted, YES), [YES]) == YES
    assert site_says(own, NO) == SiteWord(NO, own=True)
    assert site_says(None, NO) == SiteWord(NO, own=False)


def test_an_override_is_whatever_differs_but_the_spelling() -> None:
    assert not is_overridden(Word("tag", "Accepted"), YES)
    assert is_overridden(Word("Tag", "Blocked"), YES)
    assert is_overridden(None, YES)


def test_what_a_fleet_leaves_is_left_or_becomes_the_sites() -> None:
    deleted = SiteWord(YES, own=False, removed=True)
    both = Word("TAG", "Blocked")
    assert site_inherits(None, YES, others=False) == (SiteWord(YES, own=True), True)
    assert site_inherits(SiteWord(YES, own=False), NO, others=False) == (SiteWord(both, own=True), True)
    assert site_inherits(SiteWord(NO, own=False), YES, others=False)[1] is False
    assert site_inherits(SiteWord(YES, own=True), NO, others=False)[1] is False
    assert site_inherits(deleted, YES, others=False) == (deleted, False)
    assert site_inherits(None, YES, others=True) == (None, False)
    assert site_inherits(None, NO, others=True) == (SiteWord(NO, own=False), False)
    assert site_inherits(SiteWord(YES, own=True), NO, others=True)[0] == SiteWord(Word("Tag", "Blocked"), own=True)
