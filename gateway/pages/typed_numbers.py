"""Numbers as people type them into forms and addresses; what is none, or beyond all measure, is None."""

from __future__ import annotations

import math

# a 0 in a field, alone or as one of several with a slash between: a pattern for page.js
ZERO = r"(^|/)\s*(0+[.,]?0*|[.,]0+)\s*(/|$)"
_MOST_DIGITS = 9


def whole_number(text: str, *, digits: int = _MOST_DIGITS) -> int | None:
    """A whole number of 0 or more with at most so many digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def number(text: str) -> int | float | None:
    """A number with a point or a comma, in plain digits."""
    plain = text.replace(",", ".")
    if "_" in plain or not plain.isascii():  # which only programs write
        return None
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
