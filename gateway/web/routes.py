"""What a route is. The API modules list theirs in tables; the application registers exactly these tables and the
OpenAPI document is written from them, so that the two cannot differ.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from gateway.operations.manage_tokens import Role
from gateway.operations.site import Site

SITE: web.AppKey[Site] = web.AppKey("site", Site)
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# `public`: nobody is asked; `loopback`: only those who come from another machine are asked
Access = Role | Literal["public", "loopback"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter; `schema` is JSON Schema."""

    name: str
    description: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path. `request` and `answers` map a media type to the name of a schema, or to a schema."""

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str
    parameters: tuple[Parameter, ...] = ()
    request: Mapping[str, object] = field(default_factory=dict)
    answers: Mapping[int, object] = field(default_factory=dict)
    errors: tuple[int, ...] = ()


_VARIABLE = re.compile(r"\{(\w+)\}")


def matching(path: str) -> str:
    """The path as the router takes it: its own variables match no braces, which the identity of a station may have."""
    return _VARIABLE.sub(r"{\1:[^/]+}", path)


BEGIN = Parameter("from", "begin of the time span (RFC 3339 or a date, UTC)")
END = Parameter("to", "end of the time span, not included (RFC 3339 or a date, UTC)")
LIMIT = Parameter("limit", "how many items at most", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})
AFTER = Parameter("after", "the `next` of the page before")
