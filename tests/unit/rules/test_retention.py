"""Who waits for what, how large a table is, and by which clock age is judged."""

from __future__ import annotations

from gateway.model.instants import SECOND, Instant
from gateway.rules.retention import EVERYTHING, Claims, Sample, estimated_bytes, limits_log_end, trusted_now


def test_what_upstreams_wait_for() -> None:
    nobody = Claims()
    assert nobody.free_upto("tx") == EVERYTHING
    assert nobody.lost("tx", [1, 2]) == [], "nobody misses it"
    claims = Claims(required={"tx": 7, "ops": 0}, anybody={"tx": 3, "ops": 0})
    assert claims.free_upto("tx") == 7
    assert claims.lost("tx", [2, 3, 4, 9]) == [4, 9]
    best_effort = Claims(None, {"tx": 3})
    assert best_effort.free_upto("tx") == EVERYTHING
    assert best_effort.lost("tx", [3, 4]) == [4]


def test_the_log_of_limits_is_kept_two_years() -> None:
    two_years = 731 * 86_400 * SECOND  # one of them may be a leap year
    assert limits_log_end(Instant(two_years + 5)) == 5


def test_the_size_of_a_table_from_samples() -> None:
    assert estimated_bytes([]) == 0
    assert estimated_bytes([Sample(1, 11, 11, 500)]) == 500, "all of it was read"
    assert estimated_bytes([Sample(1, 101, 11, 500), Sample(101, 201, 201, 70)]) == 5000 + 70


def test_age_is_judged_by_the_clock_until_it_jumps() -> None:
    hour, now = 3600 * SECOND, Instant(1_800_000_000 * SECOND)
    assert trusted_now(now, trusted_before=None) == now
    assert trusted_now(now, trusted_before=Instant(now - hour)) == now
    assert trusted_now(now, trusted_before=Instant(now + hour)) == now, "set back: nothing gets older by that"


def test_age_follows_a_jump_of_years_slowly() -> None:
    hour, now = 3600 * SECOND, Instant(1_800_000_000 * SECOND)
    years_ago = Instant(now - 3 * 365 * 24 * hour)
    assert trusted_now(now, trusted_before=years_ago) == years_ago + 30 * hour
