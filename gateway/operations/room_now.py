"""How full the disk is for the database, as it was seen last: shown to measuring programs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class RoomNow:
    """`level` is an index of `rules.disk_pressure.LEVELS`; zeros before the first look.

    `tells_at`: from when on (loop time) drops are told again, though the level is the same.
    """

    level: int = 0
    used_bytes: int = 0
    budget_bytes: int = 0
    tells_at: float = 0.0
