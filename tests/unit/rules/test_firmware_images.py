"""Which images go out, and which may be approved."""

from __future__ import annotations

import itertools

import pytest

from gateway.rules.firmware_images import STATES, State, reason_not_to_approve, reason_not_to_serve, state_of_new


@pytest.mark.parametrize(
    ("wished", "verified", "required", "state"),
    [
        ("approved", False, False, "approved"),
        ("approved", True, True, "approved"),
        ("approved", False, True, "staged"),
        ("staged", True, False, "staged"),
        ("staged", False, True, "staged"),
    ],
)
def test_the_state_of_a_new_image(wished: str, verified: bool, required: bool, state: State) -> None:
    assert state_of_new(wished=wished, verified=verified, require_verified=required) == state  # type: ignore[arg-type]


def test_only_what_is_approved_and_whole_and_verified_where_that_is_required_is_served() -> None:
    for state, damaged, verified, required in itertools.product(STATES, *[(False, True)] * 3):
        reason = reason_not_to_serve(state=state, damaged=damaged, verified=verified, require_verified=required)
        assert (reason is None) == (state == "approved" and not damaged and (verified or not required))


def test_only_what_could_be_served_can_be_approved() -> None:
    for state, damaged, verified, required in itertools.product(STATES, *[(False, True)] * 3):
        reason = reason_not_to_approve(state=state, damaged=damaged, verified=verified, require_verified=required)
        assert (reason is None) == (state != "withdrawn" and not damaged and (verified or not required))
