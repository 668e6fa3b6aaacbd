"""How much one address, one station and all together may take: guesses, places for transfers, bytes per second.

Time is an argument. Nothing is closed or refused here; the sessions do that.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_KNOWN = 1000
_FIRST_PENALTY_SECONDS = 1.0
_LONGEST_PENALTY_SECONDS = 30.0
_FORGIVEN_SECONDS = 600.0  # one failure is forgotten in so long
_BURST_SECONDS = 0.25


@dataclass(slots=True)
class Guesses:
    """Wrong tokens by address: each makes the next answer slower, and time forgives. A right one is never delayed."""

    _of_address: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def failed(self, address: str, now: float) -> float:
        """Count a failure; for how long its answer is held back."""
        count, since = self._of_address.pop(address, (0.0, now))
        count = max(0.0, count - (now - since) / _FORGIVEN_SECONDS)
        self._of_address[address] = (count + 1, now)
        if len(self._of_address) > _MOST_KNOWN:
            self._of_address.popitem(last=False)
        return min(_LONGEST_PENALTY_SECONDS, _FIRST_PENALTY_SECONDS * math.pow(2.0, min(count, 10.0)))


@dataclass(slots=True)
class Places:
    """Places for transfers at once; who finds none waits for its turn."""

    free: int
    _waiting: deque[tuple[object, Callable[[], None]]] = field(default_factory=deque)

    def take(self, who: object, go: Callable[[], None]) -> None:
        """Call `go` when there is a place, perhaps at once."""
        if self.free > 0:
            self.free -= 1
            go()
        else:
            self._waiting.append((who, go))

    def leave(self) -> None:
        """Give a place back: to the one who waited longest."""
        self.free += 1
        if self._waiting:
            self.free -= 1
            _, go = self._waiting.popleft()
            go()

    def forget(self, who: object) -> None:
        """Somebody who waited has gone."""
        self._waiting = deque(one for one in self._waiting if one[0] is not who)


@dataclass(slots=True)
class Pace:
    """Bytes per second of each station, over all its transfers; 0: no limit."""

    bytes_per_second: int
    _free_at: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def pause(self, station: str, count: int, now: float) -> float:
        """`count` bytes went by: for how long the transfer must rest now."""
        if not self.bytes_per_second:
            return 0.0
        free_at = max(self._free_at.pop(station, 0.0), now - _BURST_SECONDS) + count / self.bytes_per_second
        self._free_at[station] = free_at
        if len(self._free_at) > _MOST_KNOWN:
            self._free_at.popitem(last=False)
        return max(0.0, free_at - now)
