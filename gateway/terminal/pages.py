"""Whole collections out of the API's pages: follows `next` until it is null or enough has come.

It does not know what the items are.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from gateway.terminal.client import API, Gateway, fetch
from gateway.terminal.json_output import items_of

_PAGE = 1000


def collect(
    gateway: Gateway,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    cursor: str = "after",
    most: int | None = None,
) -> dict[str, object]:
    """One collection document with all items of `path` (below /api/v1), or the first `most` and where to go on.

    What the first page says beside its items is kept.
    """
    found: list[Mapping[str, object]] = []
    beside: dict[str, object] | None = None
    asked = {name: _word(value) for name, value in (query or {}).items() if value is not None}
    while True:
        asked["limit"] = str(_PAGE if most is None else min(_PAGE, most - len(found)))
        document = fetch(gateway, f"{API}{path}?{urlencode(asked)}")
        page = document if isinstance(document, Mapping) else {}
        found += items_of(page)
        beside = dict(page) if beside is None else beside
        following = page.get("next")
        if following is None or (most is not None and len(found) >= most):
            return {**beside, "items": found, "next": following}
        asked[cursor] = str(following)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
