"""Which document is news, whose it is, when it is due, and what is wrong with a manifest."""

from __future__ import annotations

import pytest

from gateway.model.fleet_documents import Manifest, Wrong
from gateway.model.instants import SECOND, Instant
from gateway.rules import fleet_documents as rules
from gateway.rules.fleet_documents import Due, Rejected, Repeated, Standing

NOW = Instant(1_800_000_000_000_000)
LATER = Instant(NOW + 60 * SECOND)
SHA = "ab" * 32


def decide(
    manifest: Manifest, standing: Standing, *, digest: str = "d", deltas: bool = True, clock: bool = True
) -> object:
    return rules.decide(manifest, digest, standing, takes_deltas=deltas, now=NOW, clock_known=clock)


def code_of(decision: object) -> str:
    assert isinstance(decision, Rejected), decision
    return decision.why.code


APPLIED = Standing(7, "d", "applied", 7, "d")


def test_the_first_is_due_at_once_and_one_that_is_to_wait_waits() -> None:
    assert decide(Manifest("load", 1), Standing()) == Due(NOW)
    assert decide(Manifest("load", 1, not_before=LATER), Standing()) == Due(LATER)
    assert decide(Manifest("load", 1, not_before=Instant(NOW - 1)), Standing()) == Due(NOW)


def test_what_is_applied_or_older_is_repeated_and_a_version_is_used_once() -> None:
    assert decide(Manifest("load", 7), APPLIED) == Repeated()
    assert decide(Manifest("load", 6), APPLIED, digest="other") == Repeated()
    assert code_of(decide(Manifest("load", 7), APPLIED, digest="other")) == "version_reused"
    assert decide(Manifest("load", 8), APPLIED) == Due(NOW)


def test_of_those_that_wait_the_newest_counts() -> None:
    waits = Standing(8, "d", "pending", 7, "c")
    assert decide(Manifest("load", 8), waits) == Repeated()
    assert decide(Manifest("load", 8), waits, digest="mended") == Due(NOW)
    assert decide(Manifest("load", 9), waits) == Due(NOW)
    assert decide(Manifest("load", 8), Standing(9, "d", "pending", 7, "c")) == Repeated()
    assert decide(Manifest("load", 8), Standing(9, "d", "rejected", 7, "c")) == Due(NOW)


def test_a_delta_needs_its_base() -> None:
    assert decide(Manifest("auth-list", 8, base_version=7), APPLIED) == Due(NOW)
    assert code_of(decide(Manifest("auth-list", 9, base_version=8), APPLIED)) == "full_needed"
    assert code_of(decide(Manifest("auth-list", 9, base_version=8), Standing())) == "full_needed"
    assert code_of(decide(Manifest("load", 8, base_version=7), APPLIED, deltas=False)) == "full_needed"


def test_it_expires_only_by_a_clock_that_is_right() -> None:
    over = Manifest("load", 8, expires=NOW)
    assert code_of(decide(over, APPLIED)) == "expired"
    assert decide(over, APPLIED, clock=False) == Due(NOW)
    assert decide(Manifest("load", 8, expires=LATER), APPLIED) == Due(NOW)


def test_what_another_upstream_owns_is_its_own() -> None:
    assert code_of(decide(Manifest("load", 1), Standing(owner="first"))) == "owned_by_another_upstream"
    assert rules.takes_over(required=True, other_required=False)
    assert not rules.takes_over(required=True, other_required=True)
    assert not rules.takes_over(required=False, other_required=False)


def test_all_forms_of_a_manifest_are_read() -> None:
    flat = rules.read_manifest("load", {"doc": "load", "version": 1, "limits": []})
    assert flat == rules.read_manifest("load", {"version": 1, "inline": {"doc": "load", "version": 1, "limits": []}})
    assert flat == Manifest("load", 1, body={"limits": []})
    nulls = dict.fromkeys(("base_version", "url", "inline", "sha256", "bytes", "not_before", "expires"))
    assert rules.read_manifest("load", {**nulls, "version": 1, "limits": []}) == flat
    assert rules.read_manifest(
        "load",
        {
            "doc": "load", "version": 2, "base_version": 1, "url": "https://fleet.example/2", "sha256": SHA.upper(),
            "bytes": 9, "signature": "x", "not_before": "2027-01-15T08:00:00Z", "expires": "2027-01-15T08:01:00Z",
        },
    ) == Manifest("load", 2, 1, None, "https://fleet.example/2", SHA, 9, NOW, LATER)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ([], [""]),
        ({"doc": "other", "version": 1, "x": 1}, ["doc"]),
        ({"x": 1}, ["version"]),
        ({"version": True, "x": 1}, ["version"]),
        ({"version": 2**53, "x": 1}, ["version"]),
        ({"version": 1, "base_version": "0", "x": 1}, ["base_version"]),
        ({"version": 1, "base_version": 1, "x": 1}, ["base_version"]),
        ({"version": 1}, [""]),
        ({"version": 1, "inline": []}, ["inline"]),
        ({"version": 1, "inline": {}, "limits": []}, ["limits"]),
        ({"version": 1, "url": "file:///etc/passwd", "sha256": SHA}, ["url"]),
        ({"version": 1, "url": 1, "sha256": SHA}, ["url"]),
        ({"version": 1, "url": "http://x/"}, ["sha256"]),
        ({"version": 1, "url": "http://x/", "sha256": "no", "bytes": 0}, ["sha256", "bytes"]),
        (
            {"version": 1, "url": "http://x/", "sha256": SHA, "bytes": True, "inline": {}, "y": 1},
            ["bytes", "inline", "y"],
        ),
        ({"version": 1, "x": 1, "expires": 5, "not_before": "soon"}, ["not_before", "expires"]),
    ],
)
def test_every_mistake_in_a_manifest_is_named(value: object, paths: list[str]) -> None:
    found = rules.read_manifest("load", value)
    assert isinstance(found, tuple)
    assert [wrong.path for wrong in found] == paths
    assert {wrong.code for wrong in found} == {"invalid"}


def test_a_fetched_file_may_say_what_it_is_but_nothing_else() -> None:
    manifest = Manifest("load", 2, url="http://x/", sha256=SHA)
    assert rules.read_fetched(manifest, {"doc": "load", "version": 2, "limits": []}) == {"limits": []}
    assert rules.read_fetched(manifest, {"inline": {"limits": []}}) == {"limits": []}
    for wrong in ([], {"doc": "stations", "limits": []}, {"version": 3, "limits": []}, {"inline": 1}, {}):
        found = rules.read_fetched(manifest, wrong)
        assert isinstance(found, tuple)
        assert all(isinstance(one, Wrong) for one in found)


def test_contents_are_told_apart_whatever_their_order_and_without_secrets() -> None:
    def digest(body: dict[str, object], without: frozenset[str] = frozenset()) -> str:
        return rules.digest_of(Manifest("stations", 1, body=body), without=without)

    assert digest({"a": 1, "b": [{"c": 2}]}) == digest({"b": [{"c": 2}], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    secret = frozenset({"password"})
    assert digest({"e": [{"password": "x"}]}, secret) == digest({"e": [{"password": "y"}]}, secret)
    assert rules.digest_of(Manifest("load", 1, url="http://x/", sha256=SHA)) == SHA


def test_tries_come_later_and_later() -> None:
    waits = [(rules.again_at(NOW, tries) - NOW) / SECOND for tries in (1, 2, 3, 30, 3000)]
    assert waits == [5, 10, 20, 3600, 3600]


def test_what_became_of_it() -> None:
    wrong = (Wrong("x", "", ""),)
    assert rules.status_of((), refused=False) == "applied"
    assert rules.status_of(wrong, refused=False) == "partial"
    assert rules.status_of(wrong, refused=True) == "rejected"


@pytest.mark.parametrize("text", [b"{", b"[NaN]", b'"\\ud800"', b"[" * 100_000, b"\xff"])
def test_what_is_not_json_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(ValueError):
        rules.json_of(text)
    assert rules.json_of(b"[1]") == [1]


def test_without_a_clock_it_is_told_that_nobody_looked_whether_it_has_expired() -> None:
    (note,) = rules.notes_on(Manifest("load", 1, expires=NOW), clock_known=False)
    assert note.code == "clock_unsynced"
    assert rules.notes_on(Manifest("load", 1, expires=NOW), clock_known=True) == ()
    assert rules.notes_on(Manifest("load", 1), clock_known=False) == ()
