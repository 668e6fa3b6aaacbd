"""The commissioning probe: from answers and behaviour to the next thing to try."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.limiting import Limiting
from gateway.rules.load_modes import (
    Abilities,
    after_answer,
    after_behaviour,
    first_try,
    has_obeyed,
    heard,
    next_mode,
    without_fallback,
)

ABLE = Abilities(highest_level=8)


def test_where_the_probe_begins() -> None:
    assert first_try(Abilities()) == Limiting()
    assert first_try(ABLE).stack_level == 8
    assert first_try(Abilities(units=frozenset({"W"}))).unit == "W"
    assert first_try(Abilities(units=frozenset({"A", "W"}), most_periods=2)).unit == "A"
    one = first_try(Abilities(most_periods=1))
    assert (one.mode, one.starts_at_zero) == ("D", False)


@pytest.mark.parametrize(
    ("status", "answer", "code", "what"),
    [
        ("answered", "Accepted", None, "accepted"),
        ("answered", "Rejected", None, "refused"),
        ("answered", "NotSupported", None, "cannot"),
        ("answered", None, None, "silent"),
        ("call_error", None, "NotImplemented", "cannot"),
        ("call_error", None, "PropertyConstraintViolation", "refused"),
        ("call_error", None, "InternalError", "silent"),
        ("call_error", None, None, "silent"),
        ("unanswered", None, None, "silent"),
    ],
)
def test_what_an_outcome_says(status: str, answer: str | None, code: str | None, what: str) -> None:
    assert heard(status, answer, code) == what


def test_a_refused_fallback_is_tried_in_every_shape_and_the_wait_at_0_is_given_up_last() -> None:
    known, shapes = first_try(ABLE), []
    while (after := after_answer(known, "fallback", "refused", ABLE)) is not known:
        known = after
        shapes.append((known.starts_at_zero, known.unit, known.stack_level))
    assert shapes == [
        (True, "A", 0),
        (True, "W", 8),
        (True, "W", 0),
        (False, "A", 8),
        (False, "A", 0),
        (False, "W", 8),
        (False, "W", 0),
    ]
    odd = after_answer(replace(known, stack_level=3), "fallback", "refused", ABLE)
    assert (odd.unit, odd.stack_level) == ("W", 0)
    assert after_answer(first_try(ABLE), "fallback", "cannot", ABLE) == first_try(ABLE)


def test_silence_and_agreement_decide_nothing() -> None:
    known = first_try(ABLE)
    assert after_answer(known, "lease", "silent", ABLE) is known
    assert after_answer(known, "fallback", "accepted", ABLE) is known
    given_up = replace(known, mode="D")
    assert after_answer(given_up, "lease", "refused", ABLE) is given_up


def test_a_refused_lease_leads_from_a_to_d_and_c_needs_a_single_connector() -> None:
    known, modes = first_try(ABLE), []
    for what in ("refused", "cannot", "refused"):
        known = after_answer(known, "lease", what, ABLE)  # type: ignore[arg-type]
        modes.append(known.mode)
    assert modes == ["B", "C", "D"]
    assert "does not know" not in known.reason and "mode C" in known.reason
    two = replace(ABLE, connectors=2)
    assert after_answer(replace(first_try(two), mode="B"), "lease", "refused", two).mode == "D"
    assert next_mode(known, ABLE, "again") is known


def test_what_is_proven_is_kept() -> None:
    proven = replace(first_try(ABLE), proven=True)
    assert after_answer(proven, "lease", "refused", ABLE) is proven
    assert after_answer(proven, "fallback", "refused", ABLE) is proven
    assert after_behaviour(proven, ABLE, obeyed=False) is proven
    assert after_behaviour(proven, ABLE, obeyed=True) is proven
    assert without_fallback(proven, ABLE) is proven


def test_behaviour() -> None:
    known = first_try(ABLE)
    assert after_behaviour(known, ABLE, obeyed=True).proven
    assert after_behaviour(known, ABLE, obeyed=False).mode == "B"
    unlimited = replace(known, mode="D")
    assert after_behaviour(unlimited, ABLE, obeyed=True) is unlimited


def test_no_default_profile_at_all() -> None:
    assert without_fallback(first_try(ABLE), ABLE).mode == "C"
    two = replace(ABLE, connectors=2)
    assert without_fallback(first_try(two), two).mode == "A"


@pytest.mark.parametrize(
    ("drew", "cap", "draws", "obeyed"),
    [(16, 10, 9.8, True), (16, 10, 11.4, True), (16, 10, 14, False), (16, 10, 3, False), (11, 10, 9.9, False),
     (16, 0, 0, False)],
)  # fmt: skip
def test_only_a_limit_that_cuts_proves_something(drew: float, cap: float, draws: float, obeyed: bool) -> None:
    assert has_obeyed(drew_amps=drew, cap_amps=cap, draws_amps=draws, least_amps=6) is obeyed
