"""One scale for how full the disk is, and where its levels begin and end."""

from __future__ import annotations

import pytest

from gateway.rules.disk_pressure import LEVELS, Room, is_nearly_full, level_at

_MB = 1_000_000


def room(used: int, free: int, disk: int, reusable: int = 0) -> Room:
    return Room(used * _MB, reusable * _MB, free * _MB, disk * _MB)


@pytest.mark.parametrize(
    ("room", "configured", "percent"),
    [
        (room(100, 4900, 8000), 0, 100 * 100 / 4900),
        (room(2, 98, 1000), 0, 100 * 2 / 80),  # of little room a fifth is left, not a hundred megabytes
        (room(2, 498, 1000), 0, 100 * 2 / 450),
        (room(80, 100, 64_000, reusable=20), 0, 50.0),
        (room(80, 4000, 8000), 100, 80.0),
        (room(80, 20, 8000), 1000, 100.0),  # more than there is cannot be had
        (room(80, 0, 8000), 0, 125.0),
        (room(0, 0, 8000), 0, 0.0),
    ],
)
def test_how_full_it_is(room: Room, configured: int, percent: float) -> None:
    assert room.percent(configured * _MB) == pytest.approx(percent)


def test_deleting_helps_also_when_others_fill_the_disk() -> None:
    assert room(80, 0, 8000).percent(0) > 100
    assert room(40, 0, 8000, reusable=40).percent(0) == pytest.approx(62.5)


@pytest.mark.parametrize(
    ("before", "percent", "level"),
    [
        (0, 69.9, 0), (0, 70, 1), (0, 84.9, 1), (0, 85, 2), (0, 95, 3), (0, 200, 3),
        (1, 65, 1), (1, 64.9, 0), (1, 85, 2), (1, 96, 3),
        (2, 80, 2), (2, 79.9, 1), (2, 65, 1), (2, 64, 0), (2, 95, 3),
        (3, 90, 3), (3, 89.9, 2), (3, 80, 2), (3, 79, 1), (3, 10, 0),
    ],
)  # fmt: skip
def test_levels_end_some_points_below_where_they_begin(before: int, percent: float, level: int) -> None:
    assert level_at(percent, before=before) == level
    assert LEVELS[level]


@pytest.mark.parametrize(
    ("disk_mb", "wanted_mb"), [(8, 1.6), (400, 80), (1000, 100), (8000, 400), (64_000, 1000), (2_000_000, 1000)]
)
def test_people_are_told_when_the_disk_is_nearly_full_whoever_fills_it(disk_mb: int, wanted_mb: float) -> None:
    disk, wanted = disk_mb * _MB, round(wanted_mb * _MB)
    assert not is_nearly_full(Room(0, 0, wanted, disk))
    assert is_nearly_full(Room(0, 0, wanted - 7, disk))
    assert not is_nearly_full(Room(0, 7, wanted - 7, disk))
