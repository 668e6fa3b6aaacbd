"""What open tabs are shown is made once for all tabs that show the same: same address, language, region and role.

A screen is kept as long as a tab shows it. It decides how old what was made may be for the next tab that asks, and that
a screen which takes long to make is made more seldom: people who look must not take the time of stations. What is in
the pieces is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

# A timer may be a little early; a tab must not find its own last pieces again for that.
_FRESH_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an open tab is looked after. `rest`: how many times as long as making took nothing is made."""

    shortest_seconds: float = 0.5
    longest_seconds: float = 2.0
    longest_rest_seconds: float = 5.0
    rest: float = 9.0
    keep_alive_rounds: int = 8
    reader_patience_seconds: float = 60.0

    def pause_after(self, took_seconds: float) -> float:
        """Seconds until the screen is made again at the earliest."""
        return max(self.shortest_seconds, min(self.longest_rest_seconds, self.rest * took_seconds))


@dataclass(frozen=True, slots=True)
class Made:
    """The pieces by the id of their element; `generation`: of the journal, when making began."""

    texts: Mapping[str, str]
    generation: int
    at: float  # the loop's time
    pause_seconds: float


@dataclass(slots=True)
class Screen:
    """One screen as all of its readers see it."""

    pace: Pace
    readers: int = 0
    newest: Made | None = None
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, make: Callable[[], Awaitable[Mapping[str, str]]], generation: Callable[[], int]) -> Made:
        """The pieces as they are now, or as another tab had them made a moment ago."""
        clock = asyncio.get_running_loop().time
        async with self._making:
            newest = self.newest
            if newest is not None and clock() - newest.at < _FRESH_SHARE * newest.pause_seconds:
                return newest
            seen, began = generation(), clock()
            texts = {name: made.strip() for name, made in (await make()).items()}
            ended = clock()
            self.newest = Made(texts, seen, ended, self.pace.pause_after(ended - began))
            return self.newest


class SharedPieces:
    """The screens that are open somewhere."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.screens: dict[tuple[str, ...], Screen] = {}

    @contextmanager
    def screen(self, *key: str) -> Iterator[Screen]:
        """The screen of this key, for one more reader."""
        screen = self.screens.setdefault(key, Screen(self.pace))
        screen.readers += 1
        try:
            yield screen
        finally:
            screen.readers -= 1
            if not screen.readers:
                del self.screens[key]
