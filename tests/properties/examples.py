"""How many examples are tried: all of them, or a fraction where somebody waits (`./dev check` sets QUICK_TESTS)."""

from __future__ import annotations

import os

_QUICK = bool(os.environ.get("QUICK_TESTS"))
_FRACTION = 8


def examples(whole: int) -> int:
    """For `max_examples`."""
    return max(8, whole // _FRACTION) if _QUICK else whole
