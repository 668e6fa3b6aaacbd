"""An open tab kept up to date: one stream of server-sent events, with the parts of the page that have changed.

The parts are made anew when the journal grows and every few seconds (meters do not write a journal), at most twice in a
second, and only what differs from what the tab has is sent. The tab shows them by `<hx-partial>`; a stream that
breaks is begun again by the browser, and then everything is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping

from aiohttp import web
from jinja2 import Environment

from gateway.pages.guard import visit_of
from gateway.pages.table import Page, Pieces
from gateway.web.login import allows, person_of
from gateway.web.problems import Problem
from gateway.web.routes import CLOSING, SITE
from gateway.web.streaming import write

_SHORTEST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 2.0
_KEEP_ALIVE_ROUNDS = 8
_RECONNECT_MILLISECONDS = 1500
_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def keep_up_to_date(
    request: web.Request, page: Page, environments: Mapping[str, Environment]
) -> web.StreamResponse:
    """The stream of a page's pieces; ends when the gateway stops, the reader leaves or may no longer see the page."""
    assert page.pieces is not None
    if not allows(await person_of(request), page.access):
        return web.Response(status=401)
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    going_on = await write(response, request, f"retry: {_RECONNECT_MILLISECONDS}\n\n".encode())
    async with contextlib.aclosing(_messages(request, page, environments, page.pieces)) as messages:
        while going_on:
            message = await anext(messages, None)
            going_on = message is not None and await write(response, request, message)
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response


async def _messages(
    request: web.Request, page: Page, environments: Mapping[str, Environment], pieces: Pieces
) -> AsyncGenerator[bytes, None]:
    signal, closing = request.app[SITE].journal_signal, request.app[CLOSING]
    sent: dict[str, str] = {}
    silent = 0
    while not closing.is_set():
        seen = signal.generation
        person = await person_of(request)
        if not allows(person, page.access):
            return
        try:
            now = {name: made.strip() for name, made in (await pieces(visit_of(request, person, environments))).items()}
        except Problem:  # what the page shows is gone (a station that was removed): a reload tells
            return
        changed = {name: made for name, made in now.items() if sent.get(name) != made}
        sent = now
        silent = 0 if changed else silent + 1
        if changed:
            yield message_of(changed)
        elif silent % _KEEP_ALIVE_ROUNDS == 0:
            yield b": still here\n\n"
        await asyncio.sleep(_SHORTEST_PAUSE_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_PAUSE_SECONDS):
                await signal.newer_than(seen)


def message_of(pieces: Mapping[str, str]) -> bytes:
    """One event that puts each text into the element with its id. No blanks around: the tab would keep them all."""
    partials = "".join(
        f'<hx-partial hx-target="#{name}" hx-swap="innerMorph">{made}</hx-partial>' for name, made in pieces.items()
    )
    lines = "".join(f"data: {line}\n" for line in partials.split("\n"))
    return f"{lines}\n".encode("utf-8", "replace")
