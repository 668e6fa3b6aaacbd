"""A page whose pieces a test sets, and tabs that read its stream, with pauses of milliseconds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import ClientResponse, web

from gateway.pages.live import stream_of
from gateway.pages.shared_pieces import Pace
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.web.problems import Problem

PATIENCE_SECONDS = 20.0
QUICK = Pace(shortest_seconds=0.02, longest_seconds=0.01, rest=0.0, keep_alive_rounds=3)
_STREAM = stream_of.__qualname__ + ".<locals>.handler"
_PARTIAL = re.compile(r'<hx-partial hx-target="#([^"]+)" hx-swap="innerMorph">(.*?)</hx-partial>', re.DOTALL)


@dataclass
class Played:
    """`texts` are the pieces; `made_at`: when they were made; `gone`: what the page shows is removed."""

    texts: dict[str, str] = field(default_factory=lambda: {"one": "1", "two": "2", "three": "3"})
    made_at: list[float] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    gone: bool = False

    def pages(self) -> tuple[Page, ...]:
        """The page, and its like under any name."""
        return (
            Page("GET", "/played", self._show, "viewer", pieces=self._pieces),
            Page("GET", "/played/{name}", self._show, "operator", pieces=self._pieces),
        )

    async def _show(self, visit: Visit) -> web.StreamResponse:
        return web.Response(text="played")

    async def _pieces(self, visit: Visit) -> Mapping[str, str]:
        self.made_at.append(asyncio.get_running_loop().time())
        self.languages.append(visit.language)
        if self.gone:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such thing")
        return dict(self.texts)


@dataclass
class Tab:
    """One reader of a stream."""

    response: ClientResponse

    async def event(self) -> str:
        """The next event or comment as it came; empty at the end of the stream."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (line := (await self.response.content.readline()).decode()).strip():
                lines.append(line)
        return "".join(lines)

    async def message(self) -> dict[str, str]:
        """The pieces of the next message; comments and the time to wait before dialling again are passed over."""
        while True:
            event = await self.event()
            assert event, "the stream has ended"
            if event.startswith("data: "):
                return dict(_PARTIAL.findall("\n".join(line.removeprefix("data: ") for line in event.splitlines())))

    async def end(self) -> None:
        """Read until the stream ends well; what still comes is not looked at."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.response.content.read()


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 (what we wait for is on the other side of a socket)
            await asyncio.sleep(0.002)


def streams_open() -> int:
    """How many streams this loop is busy with."""
    return sum(any(one == _STREAM for one in _waiting_for(task)) for task in asyncio.all_tasks())


def _waiting_for(task: asyncio.Task[object]) -> Iterator[str]:
    """The coroutines that a task is in, from the outermost on."""
    inner: Any = task.get_coro()
    while inner is not None:
        yield getattr(inner, "__qualname__", "")
        inner = getattr(inner, "cr_await", None)
