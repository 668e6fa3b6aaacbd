"""The live feed: one slow or sleeping reader holds nobody up, because each reads the journal from a cursor of its own.

The journal signal only says "something is new"; what it is, is read from the store. The feed ends cleanly when the
gateway stops, and the client resumes with the id of the last event it saw. It ends as well for somebody who has logged
out or whose token was revoked, some seconds later.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Collection

from aiohttp import web

from gateway.store import reports_events
from gateway.web.login import person_of
from gateway.web.routes import CLOSING, SITE
from gateway.web.streaming import write

KEEP_ALIVE_SECONDS = 15.0

_EVENTS_PER_STEP = 200
_RECONNECT_MILLISECONDS = 2000


async def feed(
    request: web.Request, *, after: int, streams: Collection[str], station: str | None
) -> web.StreamResponse:
    """Send events with ids above `after` until the client leaves or the gateway stops."""
    signal, closing = request.app[SITE].journal_signal, request.app[CLOSING]
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    going_on = await write(response, request, f"retry: {_RECONNECT_MILLISECONDS}\n\n".encode())
    loop = asyncio.get_running_loop()
    known_at = loop.time()
    while going_on and not closing.is_set():
        if loop.time() - known_at >= KEEP_ALIVE_SECONDS:
            if await person_of(request) is None:
                break
            known_at = loop.time()
        seen = signal.generation
        events, _ = await reports_events.page(
            request.app[SITE].readers, after=after, limit=_EVENTS_PER_STEP, streams=streams, station=station
        )
        if events:
            after = int(str(events[-1]["event_id"]))
            going_on = await write(response, request, b"".join(_as_text(event) for event in events))
        elif not await _something_new(request, seen):
            going_on = await write(response, request, b": still here\n\n")
    with contextlib.suppress(ConnectionError):
        await response.write_eof()
    return response


async def _something_new(request: web.Request, seen: int) -> bool:
    """Wait for the journal to grow; False when nothing happened for a while. Stopping the gateway announces, too."""
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            await request.app[SITE].journal_signal.newer_than(seen)
    except TimeoutError:
        return False
    return True


def _as_text(event: dict[str, object]) -> bytes:
    """`id` is the cursor, `event` the kind; JSON has no line ends, so one data line is enough."""
    data = json.dumps(event, ensure_ascii=False)
    return f"id: {event['event_id']}\nevent: {event['kind']}\ndata: {data}\n\n".encode("utf-8", "replace")
