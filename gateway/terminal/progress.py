"""A progress bar on standard error while bytes move; silent unless somebody watches on a terminal.

It does not know what is being moved.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

_WIDTH = 30
_SECONDS_BETWEEN = 0.1


class Progress:
    """Call `advance(bytes)` as they move, then `finish()`. `total` None: unknown."""

    def __init__(
        self,
        title: str,
        *,
        total: int | None,
        stream: TextIO | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.moved = 0
        self._title = title
        self._total = total
        self._stream = stream or sys.stderr
        self._watched = self._stream.isatty()
        self._seconds = seconds
        self._shown_at: float | None = None

    def advance(self, count: int) -> None:
        """So many more bytes have moved."""
        self.moved += count
        now = self._seconds()
        if self._watched and (self._shown_at is None or now - self._shown_at >= _SECONDS_BETWEEN):
            self._shown_at = now
            self._stream.write("\r" + self._line())
            self._stream.flush()

    def finish(self) -> None:
        """End the line."""
        if self._watched:
            self._stream.write("\r" + self._line() + "\n")
            self._stream.flush()

    def _line(self) -> str:
        megabytes = f"{self.moved / 1e6:.1f} MB"
        if not self._total:
            return f"{self._title} {megabytes}"
        share = min(1.0, self.moved / self._total)
        filled = round(share * _WIDTH)
        return f"{self._title} [{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%} {megabytes}"
