"""Wanted configuration keys: where they come from, how they differ, what may be changed, and what is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gateway.model.instants import Instant
from gateway.rules.desired_settings import (
    MEASURAND_LISTS,
    REBOOTS_TO_BLAME,
    Drift,
    Known,
    ModelSettings,
    Reported,
    Trial,
    changes_due,
    changes_now,
    desired_settings,
    drift,
    is_same_value,
    joined,
    list_to_try,
    may_be_wanted,
    to_ask_for,
)

NOW, EARLIER, LATER = Instant(1_000_000), Instant(999_000), Instant(1_001_000)
TRIED = Trial("60", "30", "1.0", "Accepted", None, 0, NOW)


def told(value: str | None = "30", *, readonly: bool | None = False, reboot: bool = False) -> Reported:
    return Reported("Key", value, readonly, reboot, NOW)


def known(
    reported: Mapping[str, Reported] | None = None,
    *,
    unknown: frozenset[str] = frozenset(),
    trials: Mapping[str, Trial] | None = None,
    booted_at: Instant | None = EARLIER,
) -> Known:
    return Known(reported or {}, unknown, trials or {}, "1.0", booted_at)


def state_of(facts: Known, desired: str = "60") -> str | None:
    return next((one.state for one in drift({"Key": desired}, facts)), None)


@pytest.mark.parametrize("key", ["AuthorizationKey", "authorizationkey ", "SecurityProfile", "WifiPassword", "ApiKey"])
def test_what_logs_in_and_what_is_secret_cannot_be_wanted(key: str) -> None:
    assert not may_be_wanted(key)


def test_other_keys_can_be_wanted() -> None:
    assert may_be_wanted("MeterValueSampleInterval")


@pytest.mark.parametrize(
    ("vendor", "model", "interval"),
    [
        ("ABB", "Terra AC", "60"),  # the later table beats the earlier one
        ("abb ", "Other", "30"),
        ("Alfen", "NG910", "10"),
        (None, None, "10"),
    ],
)
def test_every_kind_that_fits_counts_and_the_last_one_most(
    vendor: str | None, model: str | None, interval: str
) -> None:
    kinds = [
        ModelSettings("*", "*", {"Interval": "10", "HeartbeatInterval": "5"}),
        ModelSettings("ABB", "*", {"interval": "30"}),
        ModelSettings("ABB", "Terra?AC*", {"Interval": "60"}),
    ]
    wanted = {key.casefold(): value for key, value in desired_settings(kinds, {}, vendor=vendor, model=model).items()}
    assert wanted == {"interval": interval, "heartbeatinterval": "5"}


def test_a_station_s_own_keys_beat_those_of_its_kind() -> None:
    kinds = [ModelSettings("*", "*", {"HeartbeatInterval": "5"})]
    assert desired_settings(kinds, {"heartbeatINTERVAL": "7"}, vendor="V", model="M") == {"heartbeatINTERVAL": "7"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("60", "60.0"),
        ("true", "TRUE"),
        ("true", "1"),
        ("a,b", "b, A"),
        ("a", "a,"),
        ("", None),
        (" x ", "x"),
        ("0", "false"),
    ],
)
def test_the_same_in_other_words(one: str, other: str | None) -> None:
    assert is_same_value(one, other)
    assert is_same_value(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("60", "61"), ("true", "false"), ("a,b", "a"), ("a", None), ("a", "b"), ("Aa", "aa")]
)
def test_not_the_same(one: str, other: str | None) -> None:
    assert not is_same_value(one, other)
    assert not is_same_value(other, one)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (known({"key": told("60")}), None),
        (known({"key": told("60", reboot=True)}), "reboot_required"),
        (known({"key": told()}), "different"),
        (known({"key": told(readonly=None)}), "different"),
        (known({"key": told(readonly=True)}), "readonly"),
        (known(), "unread"),
        (known(unknown=frozenset({"key"})), "unsupported"),
        (known(trials={"key": replace(TRIED, result="NotSupported")}), "unsupported"),
        (known(trials={"key": TRIED}), "unread"),
        (known({"key": told()}, trials={"key": TRIED}), "different"),
        (known({"key": told()}, trials={"key": replace(TRIED, result="Rejected")}), "refused"),
        (known({"key": told()}, trials={"key": replace(TRIED, result="error")}), "refused"),
        (known({"key": told("45")}, trials={"key": replace(TRIED, result="Rejected")}), "different"),
        (known({"key": told()}, trials={"key": replace(TRIED, result="Rejected", desired="90")}), "different"),
        (known({"key": told()}, trials={"key": replace(TRIED, result="error", firmware_version="0.9")}), "different"),
        (known({"key": told("40")}, trials={"key": replace(TRIED, accepted="40")}), "partly"),
        (known({"key": told("30")}, trials={"key": replace(TRIED, accepted="40")}), "different"),
        (known({"key": told()}, trials={"key": replace(TRIED, reboots=REBOOTS_TO_BLAME)}), "blamed"),
        (known({"key": told("60")}, trials={"key": replace(TRIED, reboots=REBOOTS_TO_BLAME)}), None),
    ],
)  # fmt: skip
def test_how_a_key_differs(facts: Known, state: str | None) -> None:
    assert state_of(facts) == state


def test_drift_is_told_in_order_with_both_values() -> None:
    facts = known({"a": told("1"), "b": told(None)})
    assert drift({"b": "2", "A": "9", "C": ""}, facts) == (
        Drift("A", "9", "1", "different"),
        Drift("b", "2", None, "different"),
        Drift("C", "", None, "unread"),
    )


def due(facts: Known, *, can_be_read: bool = True, desired: str = "60") -> bool:
    wanted = {"Key": desired}
    return bool(changes_due(drift(wanted, facts), facts, can_be_read=can_be_read))


@pytest.mark.parametrize(
    ("trial", "booted_at", "is_due"),
    [
        (None, EARLIER, True),
        (TRIED, EARLIER, False),  # it was accepted, and nothing has happened since
        (TRIED, LATER, True),  # the boot made it forget
        (TRIED, None, False),
        (replace(TRIED, result="sent"), LATER, True),
        (replace(TRIED, result="Rejected"), LATER, False),
        (replace(TRIED, reported="45"), EARLIER, True),  # somebody else changed it
        (replace(TRIED, desired="90"), EARLIER, True),
        (replace(TRIED, firmware_version="0.9"), EARLIER, True),
        (replace(TRIED, reboots=REBOOTS_TO_BLAME), LATER, False),
    ],
)
def test_what_may_be_tried_again(trial: Trial | None, booted_at: Instant | None, is_due: bool) -> None:
    facts = known({"key": told()}, trials={"key": trial} if trial else {}, booted_at=booted_at)
    assert due(facts) is is_due


def test_what_was_not_told_is_written_blindly_only_when_it_cannot_be_read() -> None:
    assert not due(known())
    assert due(known(), can_be_read=False)


def test_after_reboots_one_change_alone() -> None:
    facts = known(
        {"a": told(), "b": told(), "c": told()},
        trials={"b": replace(TRIED, reboots=1), "c": replace(TRIED, reboots=1, desired="77")},
        booted_at=LATER,
    )
    drifts = changes_due(drift({"a": "60", "b": "60", "c": "60"}, facts), facts, can_be_read=True)
    assert [one.key for one in drifts] == ["a", "b", "c"]
    assert [one.key for one in changes_now(drifts, facts)] == ["b"]
    assert [one.key for one in changes_now(drifts[:1], facts)] == ["a"]
    assert changes_now((), facts) == ()


@pytest.mark.parametrize(
    ("reported", "unknown", "booted_at", "told_before", "asked"),
    [
        ({}, frozenset(), EARLIER, EARLIER, True),
        ({}, frozenset({"key"}), EARLIER, EARLIER, False),
        ({"key": told()}, frozenset(), EARLIER, EARLIER, False),
        ({"key": told()}, frozenset(), LATER, EARLIER, True),
        ({"key": told()}, frozenset(), None, EARLIER, False),
        ({"key": told()}, frozenset(), EARLIER, LATER, True),
    ],
)
def test_what_to_ask_for(
    reported: dict[str, Reported],
    unknown: frozenset[str],
    booted_at: Instant | None,
    told_before: Instant,
    asked: bool,
) -> None:
    facts = known(reported, unknown=unknown, booted_at=booted_at)
    assert to_ask_for(["Key"], facts, told_before=told_before) == (("Key",) if asked else ())


def test_a_list_is_cut_to_what_the_station_allows() -> None:
    key = sorted(MEASURAND_LISTS)[0]
    limit = {f"{key}maxlength": told("2")}
    assert list_to_try(key.upper(), "a,b,c", limit) == "a,b"
    assert list_to_try(key, "a, b", limit) == "a, b"
    assert list_to_try(key, "a,b,c", {f"{key}maxlength": told("many")}) == "a,b,c"
    assert list_to_try(key, "a,b,c", {}) == "a,b,c"
    assert list_to_try("Other", "a,b,c", {"othermaxlength": told("2")}) == "a,b,c"


def test_a_part_of_a_list_keeps_its_order() -> None:
    assert joined("c, a,b", {"a", "c"}) == "c,a"
