"""An open tab kept up to date: one stream of server-sent events, with the parts of the page that have changed.

The parts are made anew when the journal grows and every few seconds (meters do not write a journal), at most twice in a
second and once for all tabs that show the same (`shared_pieces`); only what differs from what the tab has is sent. The
tab shows them by `<hx-partial>`; a stream that breaks is begun again by the browser, and then everything is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial

from aiohttp import web
from jinja2 import Environment

from gateway.pages.guard import visit_of
from gateway.pages.open_streams import RETRY_SECONDS, OpenStreams
from gateway.pages.shared_pieces import Made, Screen, SharedPieces
from gateway.pages.table import Page
from gateway.web.login import Person, allows, person_of
from gateway.web.problems import Problem
from gateway.web.routes import CLOSING, SITE
from gateway.web.streaming import write

_RECONNECT_MILLISECONDS = 1500
_LINE_END = re.compile(r"\r\n|\r|\n")  # all three end a line of a stream: a text must not begin a field of its own
_NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_HEADERS = {**_NOT_KEPT, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


def stream_of(
    page: Page, environments: Mapping[str, Environment], shared: SharedPieces, streams: OpenStreams
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of a page's stream. It ends when the gateway stops, when the reader leaves, has another role now or
    may no longer see the page, and when what the page shows is gone. 503 for a reader with very many tabs."""

    async def handler(request: web.Request) -> web.StreamResponse:
        person = await person_of(request)
        if not allows(person, page.access):
            return web.Response(status=401, headers=_NOT_KEPT)
        with streams.one_more("" if person is None else person.name) as admitted:
            if not admitted:
                return web.Response(status=503, headers={**_NOT_KEPT, "Retry-After": str(RETRY_SECONDS)})
            return await _stream(request, page, environments, shared, person)

    return handler


async def _stream(
    request: web.Request,
    page: Page,
    environments: Mapping[str, Environment],
    shared: SharedPieces,
    person: Person | None,
) -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS)
    try:
        await response.prepare(request)
    except ConnectionError:  # the reader has gone to another page already
        return response
    visit = await visit_of(request, person, environments)
    key = (str(request.rel_url), visit.language, str(visit.formats.locale), _role(person))
    with shared.screen(*key) as screen:
        await _send(request, response, _messages(request, page, environments, screen), screen)
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response


async def _send(
    request: web.Request, response: web.StreamResponse, messages: AsyncGenerator[bytes, None], screen: Screen
) -> None:
    patience = screen.pace.reader_patience_seconds
    going_on = await write(response, request, f"retry: {_RECONNECT_MILLISECONDS}\n\n".encode(), patience)
    async with contextlib.aclosing(messages):
        while going_on:
            message = await anext(messages, None)
            going_on = message is not None and await write(response, request, message, patience)


async def _messages(
    request: web.Request, page: Page, environments: Mapping[str, Environment], screen: Screen
) -> AsyncGenerator[bytes, None]:
    signal, closing = request.app[SITE].journal_signal, request.app[CLOSING]
    role = ""
    sent: Mapping[str, str] = {}
    silent = 0
    while not closing.is_set() and request.transport is not None:
        person = await person_of(request)
        role = role or _role(person)
        if not allows(person, page.access) or _role(person) != role:
            return
        try:
            made = await screen.look(partial(_pieces, request, page, environments, person), lambda: signal.generation)
        except Problem:  # what the page shows is gone (a station that was removed): a reload tells
            return
        changed = {name: text for name, text in made.texts.items() if sent.get(name) != text}
        sent = made.texts
        silent = 0 if changed else silent + 1
        if changed:
            yield message_of(changed)
        elif silent % screen.pace.keep_alive_rounds == 0:
            yield b": still here\n\n"
        await _pause(request, made, screen.pace.longest_seconds)


async def _pieces(
    request: web.Request, page: Page, environments: Mapping[str, Environment], person: Person | None
) -> Mapping[str, str]:
    assert page.pieces is not None
    return await page.pieces(await visit_of(request, person, environments))


async def _pause(request: web.Request, made: Made, longest_seconds: float) -> None:
    """Until the screen may be made again and there is a reason; at once when the gateway stops."""
    signal, closing = request.app[SITE].journal_signal, request.app[CLOSING]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(made.pause_seconds):
            await closing.wait()
            return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(longest_seconds):
            await signal.newer_than(made.generation)


def _role(person: Person | None) -> str:
    return "" if person is None else person.role


def message_of(pieces: Mapping[str, str]) -> bytes:
    """One event that puts each text into the element with its id. No blanks around: the tab would keep them all."""
    partials = "".join(
        f'<hx-partial hx-target="#{name}" hx-swap="innerMorph">{made}</hx-partial>' for name, made in pieces.items()
    )
    lines = "".join(f"data: {line}\n" for line in _LINE_END.split(partials))
    return f"{lines}\n".encode("utf-8", "replace")
