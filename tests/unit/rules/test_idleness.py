"""Nobody uses a station: neither now nor in a moment."""

from __future__ import annotations

import pytest

from gateway.rules.idleness import is_idle


@pytest.mark.parametrize(
    ("statuses", "idle"),
    [
        ({0: "Available", 1: "Available", 2: "Unavailable"}, True),
        ({1: "Faulted"}, True),
        ({1: "Available", 2: "Preparing"}, False),
        *(({1: status}, False) for status in ("Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved")),
        ({}, False),
        ({0: "Available"}, False),
    ],
)
def test_every_connector_is_known_to_be_free(statuses: dict[int, str], idle: bool) -> None:
    assert is_idle(statuses=statuses, sessions=0, expected_starts=0) is idle


@pytest.mark.parametrize(("sessions", "expected", "reserved"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_a_session_a_remote_start_and_a_reservation_count(sessions: int, expected: int, reserved: int) -> None:
    statuses = {1: "Available"}
    assert not is_idle(statuses=statuses, sessions=sessions, expected_starts=expected, reservations=reserved)
