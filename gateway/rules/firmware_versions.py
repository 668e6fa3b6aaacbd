"""Is one firmware version older or newer than another, and is it the one that a station reports?

Vendors write versions in many ways. By `numbers` the numbers in them count, one after another (1.10 is newer than 1.9),
and 2 is as new as 2.0; `opaque` versions are equal or different, nothing more.
"""

from __future__ import annotations

import re


def is_same(one: str | None, other: str | None) -> bool:
    """The same version, whatever blanks and letter case it is written in; what is not known is the same as nothing."""
    return one is not None and other is not None and one.strip().casefold() == other.strip().casefold()


def compare(one: str, other: str, *, scheme: str) -> int | None:
    """Below 0: `one` is older; 0: neither is; above 0: newer; None: nobody can tell."""
    if is_same(one, other):
        return 0
    ours, theirs = _numbers(one), _numbers(other)
    if scheme != "numbers" or not ours or not theirs:
        return None
    length = max(len(ours), len(theirs))
    ours += (0,) * (length - len(ours))
    theirs += (0,) * (length - len(theirs))
    return (ours > theirs) - (ours < theirs)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"[0-9]+", version[:200]))
