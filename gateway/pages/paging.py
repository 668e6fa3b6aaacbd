"""The ways through a list of many pages: back to its first page, and on to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.pages.visit import address_with


class Ways(NamedTuple):
    """Addresses; None where one is there already, or nothing follows. The template `paging.html` shows them."""

    first: str | None
    further: str | None


def ways_through(address: Callable[[str], str], *, at: str, following: object) -> Ways:
    """`address` makes that of the page behind a cursor (empty: of the first page), `at` is the cursor of this page, and
    `following` what the API named as the next one."""
    return Ways(address("") if at else None, None if following is None else address(str(following)))


def ways_along(path: str, *, at: str, following: object, name: str = "after", **filters: str) -> Ways:
    """The same for a list that is at a path and keeps its filters; `name` is how it calls its cursor."""
    return ways_through(lambda cursor: address_with(path, **filters, **{name: cursor}), at=at, following=following)
