"""What is believed of a station's list after requests, answers, reports and boots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.identities import FoldedTag
from gateway.model.instants import SECOND, Instant
from gateway.model.local_lists import Changes, Entry, ListRequest, UpdateType
from gateway.model.tags import Verdict
from gateway.rules import local_list_memory as rules
from gateway.rules.local_list_memory import GREATEST_VERSION, Checked, Happened, Memory

NOW = Instant(1_800_000_000 * SECOND)
NOTHING = Changes({}, {})
KNOWN = Memory(
    version=5, highest=7, contents_known=True, supported=True, given_at=NOW, checked=Checked(1, None, None), changes=3
)


def request(update_type: UpdateType | None = "Full", version: int | None = 8) -> ListRequest:
    return ListRequest(update_type, version, NOTHING)


def answered(memory: Memory, happened: Happened, sent: ListRequest | None = None) -> Memory:
    return rules.when_answered(rules.when_sent(memory), sent or request(), happened, now=NOW)


@pytest.mark.parametrize(
    ("highest", "chosen"), [(0, 1), (7, 8), (GREATEST_VERSION - 1, GREATEST_VERSION), (GREATEST_VERSION, 1)]
)
def test_versions_rise_until_they_are_used_up(highest: int, chosen: int) -> None:
    memory = Memory(highest=highest)
    assert rules.next_version(memory) == chosen
    assert rules.when_numbered(memory, chosen).highest == chosen


def test_only_what_nothing_can_have_happened_to_is_certain() -> None:
    assert KNOWN.certain
    assert not rules.when_sent(KNOWN).certain
    assert not replace(KNOWN, must_ask=True).certain
    assert not replace(KNOWN, contents_known=False).certain


def test_an_accepted_full_list_settles_everything() -> None:
    doubtful = replace(KNOWN, in_flight=2, must_ask=True, conflict=True, failures=3, retry_at=NOW, contents_known=False)
    after = answered(doubtful, "Accepted")
    assert (after.version, after.highest, after.certain, after.conflict) == (8, 8, True, False)
    assert (after.failures, after.retry_at, after.last_status, after.given_at) == (0, None, "Accepted", NOW)
    assert after.checked is None
    assert after.changes > doubtful.changes


def test_an_accepted_differential_is_as_good_as_what_it_was_built_on() -> None:
    assert answered(KNOWN, "Accepted", request("Differential")).certain
    assert not answered(replace(KNOWN, contents_known=False), "Accepted", request("Differential")).contents_known
    for doubtful in (replace(KNOWN, must_ask=True, conflict=True), replace(KNOWN, in_flight=1, conflict=True)):
        after = answered(doubtful, "Accepted", request("Differential"))
        assert (after.must_ask, after.conflict, after.in_flight) == (doubtful.must_ask, True, doubtful.in_flight)
        assert not rules.when_reported(after, 8).contents_known, "it was accepted on a list that we do not know"


@pytest.mark.parametrize(
    "sent", [request(None), request(version=None), ListRequest("Full", 8, None), ListRequest("Differential", 8, None)]
)
def test_what_cannot_be_read_leaves_the_contents_unknown(sent: ListRequest) -> None:
    after = answered(KNOWN, "Accepted", sent)
    assert (after.version, after.contents_known) == (sent.version, False)


def test_a_list_with_the_version_of_no_list_is_not_trusted() -> None:
    some = Changes({FoldedTag("a"): Entry("A", Verdict("Accepted"))}, {})
    after = answered(KNOWN, "Accepted", ListRequest("Full", 0, some))
    assert (after.version, after.contents_known) == (0, False)
    assert not rules.when_reported(after, 0).contents_known
    assert rules.when_reported(answered(KNOWN, "Accepted", request(version=0)), 0).certain


def test_a_version_beyond_all_numbers_uses_none_up() -> None:
    assert answered(KNOWN, "Accepted", request(version=GREATEST_VERSION + 1)).highest == 7
    assert rules.when_reported(KNOWN, GREATEST_VERSION + 1).highest == 7


@pytest.mark.parametrize("happened", ["Failed", "VersionMismatch", "unclear"])
def test_a_refusal_keeps_the_version_but_not_the_contents(happened: Happened) -> None:
    after = answered(KNOWN, happened)
    assert (after.version, after.contents_known, after.in_flight, after.supported) == (5, False, 0, True)
    assert (after.failures, after.retry_at, after.last_status) == (1, NOW + 300 * SECOND, happened)


def test_each_failure_is_waited_for_longer_but_not_for_ever() -> None:
    memory, pauses = KNOWN, []
    for _ in range(12):
        memory = answered(memory, "Failed")
        assert memory.retry_at is not None
        pauses.append((memory.retry_at - NOW) // SECOND)
    assert pauses[:4] == [300, 600, 1200, 2400]
    assert pauses[-1] == 6 * 3600


def test_not_supported_says_nothing_about_the_list() -> None:
    after = answered(KNOWN, "NotSupported")
    assert (after.supported, after.version, after.contents_known) == (False, 5, True)


def test_what_was_not_sent_changes_nothing() -> None:
    assert answered(KNOWN, "not_sent") == replace(KNOWN, changes=KNOWN.changes + 2)


def test_an_unanswered_request_stays_in_flight_until_the_version_tells() -> None:
    after = answered(KNOWN, "unanswered")
    assert (after.in_flight, after.version, after.highest, after.certain) == (1, 5, 8, False)
    assert rules.when_reported(after, 5).certain, "it did not arrive"
    assert not rules.when_reported(after, 8).contents_known, "it arrived"
    assert rules.when_answered(KNOWN, request(), "unanswered", now=NOW).in_flight == 1


@pytest.mark.parametrize("version", [None, 5])
def test_an_unanswered_request_that_no_report_can_tell_apart_makes_the_contents_unknown(version: int | None) -> None:
    assert not rules.when_reported(answered(KNOWN, "unanswered", request(version=version)), 5).contents_known


def test_a_reported_version_confirms_or_not() -> None:
    asked = replace(KNOWN, must_ask=True, in_flight=2)
    same = rules.when_reported(asked, 5)
    assert (same.certain, same.checked) == (True, KNOWN.checked)
    other = rules.when_reported(asked, 9)
    assert (other.version, other.highest, other.contents_known, other.checked) == (9, 9, False, None)
    assert rules.when_reported(replace(asked, contents_known=False), 5).contents_known is False


def test_zero_is_an_empty_list_and_minus_one_is_none_at_all() -> None:
    empty = rules.when_reported(KNOWN, 0)
    assert (empty.version, empty.highest, empty.certain, empty.supported) == (0, 7, True, True)
    none = rules.when_reported(KNOWN, -1)
    assert (none.version, none.highest, none.contents_known, none.supported) == (-1, 7, False, False)


def test_who_asks_in_vain_asks_again_later() -> None:
    assert rules.when_asked_in_vain(KNOWN, "not_sent", now=NOW) == KNOWN
    assert rules.when_asked_in_vain(KNOWN, "NotSupported", now=NOW).supported is False
    after = rules.when_asked_in_vain(KNOWN, "unanswered", now=NOW)
    assert (after.retry_at, after.checked, after.certain) == (NOW + 300 * SECOND, KNOWN.checked, True)


def test_after_a_boot_the_station_is_asked() -> None:
    failing = replace(KNOWN, failures=4, retry_at=NOW)
    again = rules.when_booted(failing, other_device=False, other_firmware=False)
    assert (again.must_ask, again.contents_known, again.failures, again.retry_at) == (True, True, 0, None)
    assert again.supported is True
    refused = replace(KNOWN, supported=False)
    assert rules.when_booted(refused, other_device=False, other_firmware=False).supported is False
    assert rules.when_booted(refused, other_device=False, other_firmware=True).supported is None
    swapped = rules.when_booted(refused, other_device=True, other_firmware=False)
    assert (swapped.version, swapped.contents_known, swapped.supported, swapped.highest) == (None, False, None, 7)


def test_complaints_switches_and_removals_are_remembered() -> None:
    assert rules.when_complained(KNOWN).conflict
    switched = rules.when_switched(replace(KNOWN, supported=False, failures=2, retry_at=NOW))
    assert (switched.supported, switched.must_ask, switched.failures, switched.retry_at) == (None, True, 0, None)
    gone = rules.when_forgotten(KNOWN)
    assert (gone.highest, gone.contents_known, gone.given_at) == (7, False, None)
