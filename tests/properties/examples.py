"""How many examples are tried: all of them, or a fraction where somebody waits (`./dev check` sets QUICK_TESTS)."""

from __future__ import annotations

import os

_QUICK = bool(os.environ.get("QUICK_TESTS"))
_FRACTION = 12


def examples(whole: int, least: int = 8) -> int:
    """For `max_examples`. An example that plays an hour says much by itself: there `least` may be 1."""
    return max(least, whole // _FRACTION) if _QUICK else whole
