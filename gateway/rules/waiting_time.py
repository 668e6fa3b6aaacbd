"""How long to wait before the next try."""

from __future__ import annotations


def waiting_seconds(failures: int, *, least: float, most: float) -> float:
    """`least` seconds after the first failure, doubled with each further one, never more than `most`."""
    return min(most, least * 2.0 ** min(max(failures - 1, 0), 32))
