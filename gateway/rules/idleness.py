"""Does anybody use this station, or is about to?"""

from __future__ import annotations

from collections.abc import Mapping

_FREE = frozenset({"Available", "Unavailable", "Faulted"})


def is_idle(*, statuses: Mapping[int, str], sessions: int, expected_starts: int, reservations: int = 0) -> bool:
    """True when no session runs, none is expected, nothing is reserved and every connector is known to be free."""
    connectors = [status for number, status in statuses.items() if number > 0]
    free = bool(connectors) and all(status in _FREE for status in connectors)
    return free and not (sessions or expected_starts or reservations)
