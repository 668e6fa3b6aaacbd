"""How much room a site must have, and by which clock age is judged."""

from __future__ import annotations

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.rules.retention import missing_bytes, trusted_now

_MB = 1_000_000


@pytest.mark.parametrize(
    ("disk_mb", "wanted_mb"), [(8, 1.6), (400, 80), (1000, 100), (8000, 400), (64_000, 1000), (2_000_000, 1000)]
)
def test_the_floor_grows_with_the_disk(disk_mb: int, wanted_mb: float) -> None:
    disk_bytes, wanted_bytes = disk_mb * _MB, round(wanted_mb * _MB)
    assert missing_bytes(free_bytes=wanted_bytes, reusable_bytes=0, disk_bytes=disk_bytes) == 0
    assert missing_bytes(free_bytes=wanted_bytes - 7, reusable_bytes=0, disk_bytes=disk_bytes) == 7
    assert missing_bytes(free_bytes=0, reusable_bytes=wanted_bytes - 7, disk_bytes=disk_bytes) == 7
    assert missing_bytes(free_bytes=wanted_bytes, reusable_bytes=wanted_bytes, disk_bytes=disk_bytes) == 0


def test_age_is_judged_by_the_clock_until_it_jumps() -> None:
    hour, now = 3600 * SECOND, Instant(1_800_000_000 * SECOND)
    assert trusted_now(now, trusted_before=None) == now
    assert trusted_now(now, trusted_before=Instant(now - hour)) == now
    assert trusted_now(now, trusted_before=Instant(now + hour)) == now, "set back: nothing gets older by that"


def test_age_follows_a_jump_of_years_slowly() -> None:
    hour, now = 3600 * SECOND, Instant(1_800_000_000 * SECOND)
    years_ago = Instant(now - 3 * 365 * 24 * hour)
    assert trusted_now(now, trusted_before=years_ago) == years_ago + 30 * hour
