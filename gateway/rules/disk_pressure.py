"""How full is the disk for the database, what must stop because of it, and how much must go? One scale for all of it.

The scale is what the database uses of what it could have: of its budget, or of itself and all that is free. Deleting
makes room inside the database, not on the disk, so it helps also when something else fills the disk. A small reserve
is left for what SQLite writes beside the database.
"""

from __future__ import annotations

from dataclasses import dataclass

# From the first percentage on the level holds; it ends some points below.
LEVELS = ("none", "meter_thinned", "meter_stopped", "operations_stopped")
METER_THINNED, METER_STOPPED, OPERATIONS_STOPPED = 1, 2, 3
_BEGIN_PERCENT = (0, 70, 85, 95)
_HYSTERESIS_POINTS = 5
# Down to here is deleted: meter frames, and at `operations_stopped` also events of operation.
METER_GOAL_PERCENT, OPERATIONS_GOAL_PERCENT = 64, 89

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Room:
    """In bytes: what the database uses, what is free inside it and beside it, and the whole disk."""

    used_bytes: int
    reusable_bytes: int
    free_bytes: int
    disk_bytes: int

    def budget_bytes(self, configured_bytes: int) -> int:
        """What the database may use at most; `configured_bytes` 0: what there is."""
        there_is = self.used_bytes + self.reusable_bytes + self.free_bytes
        # a twentieth of the disk, at most 100 MB, and of little room a fifth
        there_is -= min(self.disk_bytes // 20, 100 * _MEGABYTE, there_is // 5)
        return max(1, min(there_is, configured_bytes or there_is))

    def percent(self, configured_bytes: int) -> float:
        """How much of that it uses."""
        return 100 * self.used_bytes / self.budget_bytes(configured_bytes)


def level_at(percent: float, *, before: int) -> int:
    """The level (an index of `LEVELS`) at this fill, after the level `before`."""
    reached = max(level for level, begin in enumerate(_BEGIN_PERCENT) if percent >= begin)
    if reached >= before:
        return reached
    held = [level for level in range(before + 1) if percent >= _BEGIN_PERCENT[level] - _HYSTERESIS_POINTS]
    return max(held)


def is_nearly_full(room: Room) -> bool:
    """Should people make room, whoever fills the disk?

    Wanted is a twentieth of the disk, at least 100 MB and at most 1 GB, of a tiny disk a fifth.
    """
    wanted_bytes = min(max(room.disk_bytes // 20, 100 * _MEGABYTE), 1000 * _MEGABYTE, room.disk_bytes // 5)
    return room.free_bytes + room.reusable_bytes < wanted_bytes
