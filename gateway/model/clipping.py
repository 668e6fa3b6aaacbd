"""Texts and lists of unknown length, cut so that they may be kept. It does not know who keeps them, nor how much."""

from __future__ import annotations

from collections.abc import Mapping

_DEEPEST = 32


def clipped(value: object, *, most_bytes: int, depth: int = 0) -> object:
    """JSON data in which every text has at most `most_bytes` bytes of UTF-8; a cut one ends in `... (N bytes)`."""
    if isinstance(value, str):
        return _clipped_text(value, most_bytes)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth == _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {
            _clipped_text(str(name), most_bytes): clipped(member, most_bytes=most_bytes, depth=depth + 1)
            for name, member in value.items()
        }
    return [clipped(item, most_bytes=most_bytes, depth=depth + 1) for item in value]


def shortened(value: object, *, most_items: int, depth: int = 0) -> object:
    """JSON data in which no list has more than `most_items` items and, for the rest, a text that tells how many."""
    if depth == _DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {name: shortened(member, most_items=most_items, depth=depth + 1) for name, member in value.items()}
    if not isinstance(value, list):
        return value
    kept = [shortened(item, most_items=most_items, depth=depth + 1) for item in value[:most_items]]
    return [*kept, f"... ({len(value)} items)"] if len(value) > most_items else kept


def _clipped_text(text: str, most_bytes: int) -> str:
    if len(text) * 4 <= most_bytes:
        return text
    content = text.encode("utf-8", "replace")
    if len(content) <= most_bytes:
        return text
    end = f"... ({len(content)} bytes)"
    return content[: max(0, most_bytes - len(end))].decode("utf-8", "ignore") + end
