"""The file in the body of an upload: the body itself, or the file part of a form; and what the station calls it.

Nothing is sniffed. The first part with a file name is the file; a form without any has one part at least, and the
largest is taken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TypeVar
from urllib.parse import unquote

from aiohttp import BodyPartReader, MultipartReader, StreamReader

from firmware_store.spool import Spool, TooLarge

_PIECE = 64 * 1024
_MOST_PARTS = 100
_MOST_AROUND_THE_FILE = 1 << 20  # other fields of a form
_LONGEST_NAME = 255

T = TypeVar("T")


class Unreadable(Exception):
    """The body is not what it says; the text is for the station."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that has arrived whole; it is not flushed yet. `name` is None when the body gives none."""

    spool: Spool
    name: str | None


@dataclass(slots=True)
class Body:
    """A body that is being received; `spools` are the files begun, of which whoever made this object takes care."""

    content: StreamReader
    new_spool: Callable[[], Spool]
    most_bytes: int
    moved: Callable[[int], Awaitable[None]]  # told of each piece, may make the station wait
    spools: list[Spool] = field(default_factory=list)
    _awaited: bool = False

    def received_bytes(self) -> int | None:
        """How much has come; None while it is not the station that is waited for."""
        return self.content.total_bytes if self._awaited else None

    async def file(self, headers: Mapping[str, str]) -> Arrived:
        """The file of a body with these headers. Raises TooLarge, Unreadable, ValueError, OSError."""
        if headers.get("Content-Type", "").strip().lower().startswith("multipart/form-data"):
            return await self._file_of_form(headers)
        spool = self._begin()
        while data := await self._wait(self.content.readany()):
            await self._take(spool, data)
        return Arrived(spool, None)

    async def _file_of_form(self, headers: Mapping[str, str]) -> Arrived:
        reader = MultipartReader(headers, self.content)
        best: Arrived | None = None
        for _ in range(_MOST_PARTS):
            part = await self._wait(reader.next())
            if part is None:
                break
            if not isinstance(part, BodyPartReader):
                raise Unreadable("a form within a form")
            arrived = Arrived(self._begin(), name_in(part.headers.get("Content-Disposition", "")))
            is_wanted = best is None or best.name is None
            while data := await self._wait(part.read_chunk(_PIECE)):
                if is_wanted:
                    await self._take(arrived.spool, data)
            better = best is None or arrived.name is not None or arrived.spool.size > best.spool.size
            if is_wanted and better:
                best = arrived
        if best is None:
            raise Unreadable("the form is empty")
        while await self._wait(self.content.readany()):
            pass  # what stands behind the last part is nobody's
        return best

    def _begin(self) -> Spool:
        spool = self.new_spool()
        self.spools.append(spool)
        return spool

    async def _take(self, spool: Spool, data: bytes) -> None:
        await spool.add(data)
        await self.moved(len(data))

    async def _wait(self, reading: Awaitable[T]) -> T:
        self._awaited = True
        try:
            got = await reading
        finally:
            self._awaited = False
        if self.content.total_bytes > self.most_bytes + _MOST_AROUND_THE_FILE:
            raise TooLarge
        return got


def name_in(disposition: str) -> str | None:
    """The file name in a Content-Disposition header; None: it has none."""
    message = Message()
    message["Content-Disposition"] = disposition.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        name = message.get_filename()
    except (ValueError, LookupError):
        return None
    return None if name is None else name[:_LONGEST_NAME]


def tail_of(path: str) -> str:
    """The last name in the path behind the token, as it is still encoded."""
    return unquote(path.rpartition("/")[2], errors="replace")[:_LONGEST_NAME]
