"""How fast the bytes of one station may go: all its transfers together keep below a rate."""

from __future__ import annotations

import asyncio

_LARGEST_PIECE = 1 << 20
_PIECES_A_SECOND = 8


class Pace:
    """Without a rate nobody waits."""

    def __init__(self, bytes_per_second: int | None) -> None:
        self._rate = bytes_per_second or 0
        self._free_at: dict[str, float] = {}  # stations are few: those for which links were made

    @property
    def piece(self) -> int:
        """The most bytes to move before asking again, so that the flow is even."""
        if not self._rate:
            return _LARGEST_PIECE
        return max(1024, min(_LARGEST_PIECE, self._rate // _PIECES_A_SECOND))

    async def moved(self, station: str, count: int) -> None:
        """Wait until the station may move more, after `count` bytes."""
        if not self._rate:
            return
        now = asyncio.get_running_loop().time()
        free_at = max(self._free_at.get(station, 0.0), now) + count / self._rate
        self._free_at[station] = free_at
        await asyncio.sleep(free_at - now)
