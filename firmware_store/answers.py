"""Answers without a file: a word for whoever reads logs of stations, and no headers that they do not need."""

from __future__ import annotations

from aiohttp import web

# the library would name itself, Python and their versions
PLAIN = {"Server": "ocpp-gateway"}


def plain(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """A tiny answer."""
    return web.Response(status=status, text=text + "\n" if text else "", headers={**PLAIN, **(headers or {})})


def refused(status: int, text: str, *, retry_after_seconds: int | None = None) -> web.Response:
    """An answer after which the connection ends: the rest of the request is not wanted."""
    headers = {"Retry-After": str(retry_after_seconds)} if retry_after_seconds is not None else None
    response = plain(status, text, headers)
    response.force_close()
    return response
