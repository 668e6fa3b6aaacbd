"""How much room a site must have."""

from __future__ import annotations

import pytest

from gateway.rules.retention import missing_bytes

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
