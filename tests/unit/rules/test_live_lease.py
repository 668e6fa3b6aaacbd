"""Until when live telemetry is sent, and of whom."""

from __future__ import annotations

from gateway.rules.live_lease import LONGEST_SECONDS, USUAL_SECONDS, lease_of


def test_how_long() -> None:
    for asked, granted in ((None, USUAL_SECONDS), (60.0, 60.0), (0.0, 1.0), (1e9, LONGEST_SECONDS)):
        lease = lease_of(seconds=asked, stations=None, now=100.0)
        assert lease.until == 100.0 + granted
        assert lease.holds(lease.until - 0.1) and not lease.holds(lease.until)


def test_of_whom() -> None:
    everybody, one = (lease_of(seconds=5, stations=who, now=0) for who in (None, frozenset({"CP1"})))
    assert everybody.covers("CP2") and everybody.covers(None)
    assert one.covers("CP1") and not one.covers("CP2") and not one.covers(None)
