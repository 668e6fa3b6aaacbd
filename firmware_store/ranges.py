"""Which part of a file a request is answered with: RFC 9110, 13 and 14, for a file whose content never changes.

Pure: headers in, a decision out. A request for several parts gets the whole file, which RFC 9110 14.2 allows, because
no station can read a multipart answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"(\d*)[ \t]*-[ \t]*(\d*)")
_MOST_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Whole:
    """200: the whole file."""


@dataclass(frozen=True, slots=True)
class Part:
    """206: bytes `start` (included) to `end` (excluded)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416: nothing of the file is in the range."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """304: the client has it already."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """412: the client wants another file."""


Choice = Whole | Part | Unsatisfiable | Unchanged | Otherwise


@dataclass(frozen=True, slots=True)
class Asked:
    """The headers of a request that matter; None: not there."""

    range: Sequence[str] = ()
    if_range: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None


def choice(asked: Asked, *, etag: str, size: int, is_get: bool = True) -> Choice:
    """What to answer with. `etag` is strong and quoted."""
    if asked.if_match is not None and not _names(asked.if_match, etag, weak=False):
        return Otherwise()
    if asked.if_none_match is not None and _names(asked.if_none_match, etag, weak=True):
        return Unchanged()
    if not is_get or len(asked.range) != 1:
        return Whole()
    if asked.if_range is not None and asked.if_range.strip() != etag:
        return Whole()  # half of another file must never be completed with ours; a date is no proof either
    return part_of(asked.range[0], size)


def part_of(header: str, size: int) -> Whole | Part | Unsatisfiable:
    """What a Range header selects of a file of that size; what cannot be understood is ignored (RFC 9110 14.2)."""
    unit, equals, text = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return Whole()
    parts = []
    for item in filter(None, (piece.strip(" \t") for piece in text.split(","))):
        found = _ONE_RANGE.fullmatch(item)
        bounds = _bounds(found[1], found[2], size) if found else None
        if bounds is None:
            return Whole()
        parts.append(bounds)
    if not parts:
        return Whole()
    good = [(start, end) for start, end in parts if start < end]
    if not good:
        return Unsatisfiable()
    return Part(*good[0]) if len(parts) == 1 else Whole()


def _bounds(first: str, last: str, size: int) -> tuple[int, int] | None:
    """(start, end), empty when nothing is in it; None: not a range at all."""
    if not (first or last) or max(len(first), len(last)) > _MOST_DIGITS or not (first + last).isascii():
        return None
    if not first:
        return max(0, size - int(last)), size
    start, end = int(first), int(last) + 1 if last else max(size, int(first) + 1)
    if end <= start:
        return None
    return (start, min(end, size)) if start < size else (size, size)


def _names(header: str, etag: str, *, weak: bool) -> bool:
    tags = [tag.strip() for tag in header.split(",")]
    if tags == ["*"]:
        return True
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)
