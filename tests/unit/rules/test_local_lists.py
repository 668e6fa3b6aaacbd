"""Which list is wanted, what is sent for it, whom the gateway leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.identities import FoldedTag
from gateway.model.instants import SECOND, Instant
from gateway.model.local_lists import Changes, Entry, UpdateType
from gateway.model.tags import KnownTag, Verdict
from gateway.rules import local_lists as rules
from gateway.rules.local_list_memory import GREATEST_VERSION, Checked, Memory
from gateway.rules.local_lists import Step, Told, Wanted

NOW = Instant(1_800_000_000 * SECOND)
LATER = Instant(NOW + 3600 * SECOND + 789)
KNOWN = Memory(version=5, highest=7, contents_known=True, supported=True, given_at=NOW)


def tag(name: str, **more: object) -> tuple[FoldedTag, KnownTag]:
    return FoldedTag(name.casefold()), KnownTag(name, **{"status": "Accepted", **more})  # type: ignore[arg-type]


def entries(*names: str, status: str = "Accepted") -> dict[FoldedTag, Entry]:
    return {FoldedTag(name.casefold()): Entry(name, Verdict(status)) for name in names}  # type: ignore[arg-type]


def wanted(*names: str) -> Wanted:
    return Wanted(entries(*names), (), None)


# The list


def test_every_tag_is_wanted_with_its_verdict_and_the_next_end_is_known() -> None:
    tags = [
        tag("Blocked", status="Blocked", expiry_at=LATER + 5),
        tag("Good"),
        tag("Ends", expiry_at=LATER),
        tag("Ended", expiry_at=NOW),
        tag("Child", parent_id_tag="P", parent_status="Accepted", parent_expiry_at=LATER - 1),
    ]
    found = rules.wanted_list(tags, room=None, now=NOW)
    assert {entry.id_tag: entry.verdict for entry in found.entries.values()} == {
        "Good": Verdict("Accepted"),
        "Ends": Verdict("Accepted", None, Instant(LATER - 789)),
        "Child": Verdict("Accepted", "P", Instant(LATER - 789)),
        "Blocked": Verdict("Blocked"),
        "Ended": Verdict("Expired"),
    }
    assert (found.left_out, found.until) == ((), LATER - 1)


@pytest.mark.parametrize(
    ("room", "kept", "left_out"),
    [
        (None, {"b", "d", "a", "c"}, ()),
        (4, {"b", "d", "a", "c"}, ()),
        (3, {"b", "d", "a"}, ("C",)),
        (1, {"b"}, ("D", "A", "C")),
        (0, set(), ("B", "D", "A", "C")),
        (-1, set(), ("B", "D", "A", "C")),
    ],
)
def test_who_may_charge_comes_first_then_the_alphabet(
    room: int | None, kept: set[str], left_out: tuple[str, ...]
) -> None:
    tags = [tag("A", status="Blocked"), tag("B"), tag("C", status="Invalid"), tag("D")]
    found = rules.wanted_list(tags, room=room, now=NOW)
    assert (set(found.entries), found.left_out) == (kept, left_out)


def test_a_difference_has_what_was_added_changed_respelt_and_removed() -> None:
    held = entries("Same", "Gone", "Spelt") | entries("Blocked", status="Blocked")
    changes = rules.difference(held, entries("Same", "New", "SPELT", "Blocked"))
    assert changes == Changes(entries("New", "SPELT", "Blocked"), {FoldedTag("gone"): "Gone"})


def test_an_entry_that_nobody_understands_is_sent_again() -> None:
    held = {FoldedTag("a"): Entry("A", None)}
    assert rules.difference(held, entries("A")).put == entries("A")


# What is sent


def test_nothing_is_sent_where_nothing_is_needed() -> None:
    assert rules.what_to_send(KNOWN, entries("A"), wanted("A"), asked=None, per_request=None) == ()
    empty = replace(KNOWN, version=0)
    assert rules.what_to_send(empty, {}, wanted(), asked=None, per_request=None) == ()


def test_who_asks_gets_a_request_even_an_empty_one() -> None:
    (step,) = rules.what_to_send(KNOWN, entries("A"), wanted("A"), asked="Differential", per_request=None)
    assert step == Step("Differential", Changes({}, {}))
    (step,) = rules.what_to_send(KNOWN, {}, wanted(), asked="Full", per_request=None)
    assert step == Step("Full", Changes({}, {}))


@pytest.mark.parametrize(
    ("memory", "why"),
    [
        (KNOWN, None),
        (replace(KNOWN, must_ask=True), None),
        (Memory(), "never told"),
        (replace(KNOWN, version=0), "holds no list"),
        (replace(KNOWN, version=-1), "holds no list"),
        (replace(KNOWN, contents_known=False), "not known"),
        (replace(KNOWN, in_flight=1), "not answered"),
        (replace(KNOWN, conflict=True), "LocalListConflict"),
        (replace(KNOWN, highest=GREATEST_VERSION), "no higher version"),
    ],
)
def test_why_a_full_list_is_needed(memory: Memory, why: str | None) -> None:
    reason = rules.why_full(memory)
    assert (reason is None) if why is None else (why in (reason or ""))
    for asked in (None, "Differential"):
        steps = rules.what_to_send(memory, entries("A"), wanted("A", "B"), asked=asked, per_request=None)  # type: ignore[arg-type]
        assert [step.update_type for step in steps] == ["Differential" if why is None else "Full"]


@pytest.mark.parametrize("per_request", [None, 0, -3, 10_000])
def test_a_list_is_never_longer_than_a_station_may_buffer(per_request: int | None) -> None:
    names = [f"T{number:05}" for number in range(rules.MOST_IN_ONE_REQUEST + 1)]
    steps = rules.what_to_send(Memory(), {}, wanted(*names), asked=None, per_request=per_request)
    assert [(step.update_type, len(step.changes.put)) for step in steps] == [
        ("Full", rules.MOST_IN_ONE_REQUEST),
        ("Differential", 1),
    ]


def test_parts_have_removals_first() -> None:
    steps = rules.what_to_send(KNOWN, entries("A", "B"), wanted("C", "D"), asked=None, per_request=3)
    assert steps == (
        Step("Differential", Changes(entries("C"), {FoldedTag("a"): "A", FoldedTag("b"): "B"})),
        Step("Differential", Changes(entries("D"), {})),
    )


@pytest.mark.parametrize(
    ("memory", "asked", "asks"),
    [
        (KNOWN, "Full", False),
        (KNOWN, "Differential", True),
        (KNOWN, None, True),
        (replace(KNOWN, in_flight=1), "Differential", True),
        (replace(KNOWN, conflict=True), None, False),
        (replace(KNOWN, highest=GREATEST_VERSION), "Differential", False),
        (replace(KNOWN, contents_known=False), "Differential", False),
        (replace(KNOWN, contents_known=False), None, False),
        (replace(KNOWN, contents_known=False, must_ask=True), None, True),
        (replace(KNOWN, contents_known=False, must_ask=True), "Differential", False),
        (replace(KNOWN, version=0), "Differential", False),
        (replace(KNOWN, version=0), None, True),
        (Memory(), "Differential", False),
        (Memory(), None, True),
        (Memory(contents_known=True), "Differential", False),
    ],
)
def test_when_the_version_is_asked_for_first(memory: Memory, asked: UpdateType | None, asks: bool) -> None:
    assert rules.should_ask(memory, asked=asked) is asks


@pytest.mark.parametrize("status", ["Accepted", "Failed", "VersionMismatch", "NotSupported", "unclear"])
def test_only_a_refused_differential_falls_back(status: str) -> None:
    nothing = Changes({}, {})
    assert rules.falls_back(Step("Full", nothing), status) is False
    assert rules.falls_back(Step("Differential", nothing), status) is (status in ("Failed", "VersionMismatch"))


# Whom the gateway leaves alone


@pytest.mark.parametrize(
    ("memory", "told", "reason"),
    [
        (Memory(), Told(), None),
        (Memory(), Told(has_lists=True, enabled=True), None),
        (replace(KNOWN, supported=False), Told(), "no local list"),
        (KNOWN, Told(has_lists=False), "SupportedFeatureProfiles"),
        (KNOWN, Told(enabled=False), "LocalAuthListEnabled"),
        (replace(KNOWN, retry_at=Instant(NOW + 1)), Told(), "tried again later"),
        (replace(KNOWN, retry_at=NOW), Told(), None),
        (replace(KNOWN, conflict=True), Told(), "complains"),
        (replace(KNOWN, conflict=True, given_at=None), Told(), None),
        (replace(KNOWN, conflict=True, given_at=Instant(NOW - 600 * SECOND)), Told(), None),
    ],
)
def test_who_is_left_alone(memory: Memory, told: Told, reason: str | None) -> None:
    found = rules.why_left_alone(memory, told, now=NOW)
    assert (found is None) if reason is None else (reason in (found or ""))


def test_what_the_configuration_keys_of_a_station_say() -> None:
    assert rules.told_of({}) == Told()
    said = ("Core; localAuthListManagement", "True", "100", "20")
    assert rules.told_of(dict(zip(rules.KEYS, said, strict=True))) == Told(True, True, 100, 20)
    assert rules.told_of({rules.KEYS[0]: "Core", rules.KEYS[1]: "off", rules.KEYS[2]: "-1"}) == Told(False, False)


@pytest.mark.parametrize(
    ("memory", "moment"),
    [
        (KNOWN, None),
        (replace(KNOWN, retry_at=NOW), None),
        (replace(KNOWN, retry_at=LATER), LATER),
        (replace(KNOWN, checked=Checked(1, None, None)), None),
        (replace(KNOWN, retry_at=LATER, checked=Checked(1, None, Instant(LATER - 5))), LATER - 5),
        (replace(KNOWN, conflict=True), NOW + 600 * SECOND),
        (replace(KNOWN, conflict=True, given_at=None), None),
    ],
)
def test_when_something_may_be_due_although_nobody_changes_anything(memory: Memory, moment: int | None) -> None:
    assert rules.look_again_at(memory, now=NOW) == moment


CHECKED = replace(KNOWN, checked=Checked(revision=3, room=None, until=LATER))


@pytest.mark.parametrize(
    ("memory", "settled"),
    [
        (KNOWN, False),
        (CHECKED, True),
        (replace(CHECKED, conflict=True), False),
        (replace(CHECKED, must_ask=True), False),
        (replace(CHECKED, in_flight=1), False),
        (replace(CHECKED, contents_known=False), False),
        (replace(CHECKED, contents_known=False, given_at=None), True),
        (replace(CHECKED, checked=Checked(2, None, None)), False),
        (replace(CHECKED, checked=Checked(3, 10, None)), False),
        (replace(CHECKED, checked=Checked(3, None, None)), True),
        (replace(CHECKED, checked=Checked(3, None, NOW)), False),
    ],
)
def test_when_a_list_is_settled(memory: Memory, settled: bool) -> None:
    assert rules.is_settled(memory, revision=3, room=None, now=NOW) is settled


def test_a_list_that_the_site_never_gave_is_nobodys() -> None:
    foreign = replace(KNOWN, given_at=None)
    assert rules.is_nobodys(foreign, wanted())
    assert not rules.is_nobodys(foreign, wanted("A"))
    assert not rules.is_nobodys(KNOWN, wanted())
    assert not rules.is_nobodys(replace(foreign, conflict=True), wanted())


@pytest.mark.parametrize(
    ("told", "left_out", "warning"),
    [
        (Told(), 0, None),
        (Told(has_lists=True, enabled=True), 0, None),
        (Told(enabled=False), 3, "LocalAuthListEnabled"),
        (Told(has_lists=False), 0, "SupportedFeatureProfiles"),
        (Told(room=5), 2, "room for 5 entries: 2 tags"),
    ],
)
def test_what_an_operator_is_warned_of(told: Told, left_out: int, warning: str | None) -> None:
    found = rules.reason_to_warn(told, left_out)
    assert (found is None) if warning is None else (warning in (found or ""))
