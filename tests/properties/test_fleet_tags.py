"""Block wins: the site's list of tags against a model of who says what, whatever the order of changes.

The gateway's own units of work on a real database. The model remembers only words: a tag may charge exactly when
everybody who speaks of it lets it, what the site blocked is never open, and its own tags never go away by themselves.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.model.identities import fold_tag
from gateway.model.instants import Instant
from gateway.operations import apply_auth_list, merge_tags
from gateway.operations.document_turn import Applying
from gateway.operations.site import Site
from gateway.store import fleet_tags, id_tags, migrations
from gateway.store.id_tags import TagRow
from gateway.store.writing import Writing
from tests.properties.examples import examples

NOW = Instant(1_800_000_000_000_000)
TAGS = ("Ada", "Bob")
SPELLINGS = st.sampled_from([*TAGS, *(name.upper() for name in TAGS)])
STATUSES = st.sampled_from(["Accepted", "Accepted", "Blocked", "Expired", "Invalid"])
UPSTREAMS = st.sampled_from(["one", "two"])
GRAVITY = ("Accepted", "Invalid", "Expired", "Blocked")
SITE = cast(Site, SimpleNamespace())


class Words(RuleBasedStateMachine):
    """A site with an operator, and two fleet managers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.connection = migrations.open_for_writing(Path(self.folder.name) / "gateway.db")
        self.connection.execute("BEGIN")  # never committed: nothing here depends on it
        self.db = Writing(self.connection)
        self.fleets: dict[str, dict[str, str]] = {"one": {}, "two": {}}
        self.own: dict[str, str] = {}  # what the site lists by itself
        self.over: dict[str, str] = {}  # what it said of tags that it does not list
        self.left: dict[str, tuple[str, str]] = {}  # what a fleet left to it, by whom

    def teardown(self) -> None:
        self.connection.close()
        self.folder.cleanup()

    def named(self, tag: str) -> list[str]:
        return [words[tag] for words in self.fleets.values() if tag in words]

    @rule(spelling=SPELLINGS, status=STATUSES)
    def operator_sets(self, spelling: str, status: Any) -> None:
        merge_tags.site_puts(self.db, [TagRow(spelling, status, None, None, "", NOW)], actor="operator", now=NOW)
        tag = fold_tag(spelling)
        self.left.pop(tag, None)
        if tag in self.own or not self.named(tag):
            self.own[tag] = status
        else:
            self.over[tag] = status

    @rule(spelling=SPELLINGS)
    def operator_deletes(self, spelling: str) -> None:
        tag = fold_tag(spelling)
        known = bool(self.named(tag)) or tag in self.own or tag in self.left
        expected = known and self.over.get(tag) != "deleted"
        assert merge_tags.site_deletes(self.db, spelling, actor="operator", now=NOW) == expected
        self.own.pop(tag, None)
        self.left.pop(tag, None)
        if self.named(tag):
            self.over[tag] = "deleted"

    @rule(upstream=UPSTREAMS, words=st.dictionaries(st.sampled_from(TAGS), STATUSES), delta=st.booleans())
    def fleet_sends(self, upstream: str, words: dict[str, str], delta: bool) -> None:
        body = {"entries": [{"id_tag": tag, "status": status} for tag, status in words.items()]}
        self.send(upstream, body, delta=delta)
        folded = {fold_tag(tag): status for tag, status in words.items()}
        self.fleets[upstream] = {**self.fleets[upstream], **folded} if delta else folded
        self.left = {
            tag: (by, status)
            for tag, (by, status) in self.left.items()
            if tag not in folded and (delta or by != upstream)
        }
        self.settle()

    @rule(upstream=UPSTREAMS)
    def fleet_sends_none(self, upstream: str) -> None:
        self.fleet_sends(upstream, {}, delta=False)

    @rule(upstream=UPSTREAMS, spelling=SPELLINGS)
    def fleet_deletes(self, upstream: str, spelling: str) -> None:
        self.send(upstream, {"deleted": [spelling]}, delta=True)
        self.fleets[upstream].pop(fold_tag(spelling), None)
        self.settle()

    @rule(upstream=UPSTREAMS)
    def fleet_leaves(self, upstream: str) -> None:
        """What it said stays; a tag that only it named is left until somebody sets it."""
        apply_auth_list.withdraw(self.db, SITE, upstream, NOW)
        words, self.fleets[upstream] = self.fleets[upstream], {}
        for tag, status in words.items():
            before = self.own.get(tag) or self.over.get(tag)
            both = max(
                status, before or status, key=lambda said: GRAVITY.index("Blocked" if said == "deleted" else said)
            )
            if tag in self.own:
                self.own[tag] = both
            elif before == "deleted":
                pass
            elif self.named(tag):
                self.over |= {tag: both} if before is not None or status != "Accepted" else {}
            elif before in (None, "Accepted"):
                self.over.pop(tag, None)
                self.left[tag] = (upstream, both)
            else:
                self.own[tag] = both
                del self.over[tag]
        self.settle()

    def send(self, upstream: str, body: dict[str, Any], *, delta: bool) -> None:
        wanted = apply_auth_list.read(SITE, body, delta=delta)
        assert not isinstance(wanted, tuple)
        apply_auth_list.apply(self.db, Applying(SITE, upstream, 1, delta, {}, None, NOW), wanted)

    def settle(self) -> None:
        """Overrides of tags that no fleet names: a block stays, as the site's own; anything else is over."""
        for tag in [tag for tag in self.over if not self.named(tag)]:
            said = self.over.pop(tag)
            if said not in ("Accepted", "deleted"):
                self.own[tag] = said

    @invariant()
    def the_list_is_what_everybody_says(self) -> None:
        rows = {fold_tag(row.id_tag): row.status for row in id_tags.some(self.db, [fold_tag(tag) for tag in TAGS])}
        expected = {}
        for tag in map(fold_tag, TAGS):
            said = [*self.named(tag)]
            said += [self.own[tag]] if tag in self.own else []
            said += [self.left[tag][1]] if tag in self.left else []
            said += ["Blocked" if self.over[tag] == "deleted" else self.over[tag]] if tag in self.over else []
            if said:
                expected[tag] = max(said, key=GRAVITY.index)
        assert rows == expected

    @invariant()
    def nothing_is_remembered_of_tags_that_no_fleet_names(self) -> None:
        left = self.db.execute(
            "SELECT folded_tag FROM site_tags WHERE folded_tag NOT IN (SELECT folded_tag FROM fleet_tags)"
        )
        assert left.fetchall() == []

    @invariant()
    def a_fleet_is_told_exactly_what_is_not_as_it_says(self) -> None:
        for upstream, words in self.fleets.items():
            spoken = fleet_tags.contested(self.db, upstream, alone=False)
            rows = {fold_tag(row.id_tag): row for row in id_tags.some(self.db, [fold_tag(tag) for tag in TAGS])}
            differs = {tag for tag, status in words.items() if rows[tag].status != status}
            assert differs <= set(spoken)


TestWords = Words.TestCase
TestWords.settings = settings(
    max_examples=examples(100), stateful_step_count=20, deadline=None, derandomize=True, print_blob=True
)
