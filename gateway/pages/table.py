"""What a page is. The screens list theirs in tables; the application registers exactly these.

A page with the method POST changes something: the guard asks it for the same origin as the API does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway.pages.visit import Visit
from gateway.web.routes import Access

Shown = Callable[[Visit], Awaitable[web.StreamResponse]]
# What changes on an open page: the id of an element and what is inside it now. It depends on the address, the reader's
# language and role, never on who the reader is: tabs that share these share what is made.
Pieces = Callable[[Visit], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Page:
    """One method on one path, and the role it needs (`public`: none). `pieces`: what is kept up to date in an open tab
    (their stream is at /live + path)."""

    method: str
    path: str
    shown: Shown
    access: Access = "viewer"
    pieces: Pieces | None = None
