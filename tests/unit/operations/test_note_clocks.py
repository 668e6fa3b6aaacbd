"""When the gateway's own clock is set, the stations' clocks are where they were, and all limits are sent again."""

from __future__ import annotations

from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.operations.load_now import LoadNow
from gateway.operations.note_clocks import ahead_ms, heed_own_clock
from gateway.rules.station_clocks import StationClock

ONE, TWO = StationId("CP-1"), StationId("CP-2")


def load() -> LoadNow:
    return LoadNow(outlets={(ONE, 1): Outlet("CP-1", 1, "main")}, clocks={TWO: StationClock(9000)})


def test_a_tick_that_comes_late_is_no_step() -> None:
    now = load()
    heed_own_clock(now, wall_seconds=31.0, loop_seconds=30.0)
    assert (ahead_ms(now, ONE), ahead_ms(now, TWO), now.limit_news) == (0, 9000, [])


def test_a_step_leaves_their_clocks_where_they_were() -> None:
    now = load()
    heed_own_clock(now, wall_seconds=3601.0, loop_seconds=1.0)
    assert (ahead_ms(now, ONE), ahead_ms(now, TWO)) == (-3_600_000, -3_591_000)
    assert {(news.station, news.kind) for news in now.limit_news} == {(ONE, "lease_lost"), (TWO, "lease_lost")}
