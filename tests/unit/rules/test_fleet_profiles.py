"""How a profile that a fleet manager wants stands at its station, and whether it is to be sent."""

from __future__ import annotations

import pytest

from gateway.model.instants import Instant
from gateway.rules.fleet_profiles import SENT, Standing, is_due, standing_of


@pytest.mark.parametrize(
    ("outcome", "held", "standing"),
    [
        (None, False, "pending"),
        (None, True, "applied"),
        (SENT, False, "pending"),
        (SENT, None, "uncertain"),
        ("Accepted", True, "applied"),
        ("Accepted", None, "uncertain"),
        ("Accepted", False, "overridden"),
        ("Rejected", False, "rejected"),
        ("NotSupported", False, "rejected"),
    ],
)
def test_how_it_stands(outcome: str | None, held: bool | None, standing: Standing) -> None:
    assert standing_of(outcome, held=held, over=False) == standing
    assert standing_of(outcome, held=held, over=True) == "over"


def test_what_is_not_there_yet_is_sent_and_what_was_refused_only_after_a_boot() -> None:
    def due(standing: Standing, *, tried: int | None = 10, booted: int | None = 5, known: int | None = 1) -> bool:
        times = [None if at is None else Instant(at) for at in (tried, booted, known)]
        return is_due(standing, tried_at=times[0], booted_at=times[1], known_since=times[2])

    assert due("pending")
    assert due("pending", tried=None)
    assert not due("rejected")
    assert due("rejected", booted=11)
    assert not due("rejected", booted=None)
    assert not due("overridden", booted=11)
    assert due("overridden", known=11)
    assert not due("overridden", tried=None)
    assert not due("overridden", known=None)
    assert not any(due(standing, booted=11, known=11) for standing in ("applied", "over", "uncertain"))
