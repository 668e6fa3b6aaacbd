"""The desk's end of the socket: a server process for stations (FTP) asks here what a token allows.

Three questions, nothing else: `find`, `served`, `received`. Whoever may open the socket can still do only what a token
that it knows allows: a file is taken over only from the folder of that token, and only when it is a plain file.
What tokens are, and where the socket is, is not decided here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from firmware_store.desk_lines import (
    LONGEST_LINE,
    Line,
    NotUnderstood,
    line_of_ticket,
    number_in,
    reachable,
    read_line,
    text_in,
    written,
)
from firmware_store.tickets import Desk, NoRoom, Received, Scheme, Served, Ticket, Upload

logger = logging.getLogger(__name__)

SOCKET_NAME = "transfers/desk.sock"  # in the data directory; the folder outlives the socket

_SOCKET_MODE = 0o660
_MOST_CONNECTIONS = 64
_SILENCE_SECONDS = 30.0
_MOST_REMEMBERED = 1000
_LONGEST_NAME = 1000


@asynccontextmanager
async def serve_desk(desk: Desk, path: Path, *, silence_seconds: float = _SILENCE_SECONDS) -> AsyncIterator[None]:
    """Answer on the unix socket `path` for the length of the block. Raises OSError, also where another desk answers."""
    counter = _Counter(desk, silence_seconds)
    with _socket_file(path) as listener:
        server = await asyncio.start_unix_server(counter.talk, sock=listener, limit=LONGEST_LINE)
        try:
            yield
        finally:
            server.close()
            for task in [*counter.talks]:
                task.cancel()
            await asyncio.gather(*counter.talks, return_exceptions=True)
            await server.wait_closed()


@dataclass(slots=True)
class _Counter:
    desk: Desk
    silence_seconds: float
    talks: set[asyncio.Task[None]] = field(default_factory=set)
    # what was found for whom, so that a transfer which began in time may also end
    found: OrderedDict[str, Ticket] = field(default_factory=OrderedDict)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it hangs up, is silent for too long or says what is not understood."""
        task = asyncio.current_task()
        assert task is not None
        self.talks.add(task)
        try:
            if len(self.talks) <= _MOST_CONNECTIONS:
                await self._answer_lines(reader, writer)
        except (OSError, TimeoutError, ValueError, asyncio.CancelledError):
            pass  # gone, silent, a line without end, or we are closing: asyncio has no use for the reason
        finally:
            self.talks.discard(task)
            writer.close()

    async def _answer_lines(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(self.silence_seconds):
                content = await reader.readline()
            if not content:
                return
            try:
                answer = await self._answer(read_line(content))
            except NotUnderstood as error:
                logger.warning("a transfer server asked what is not understood: %s", error)
                writer.write(written({"answer": "not_understood", "text": str(error)}))
                return
            writer.write(written(answer))
            async with asyncio.timeout(self.silence_seconds):
                await writer.drain()

    async def _answer(self, question: Line) -> Line:
        try:
            match question.get("ask"):
                case "find":
                    return line_of_ticket(await self._find(text_in(question, "token")))
                case "served":
                    return await self._served(question)
                case "received":
                    return await self._received(question)
        except OSError as error:
            return {"answer": "unavailable", "text": error.strerror or str(error)}
        raise NotUnderstood("ask: expected find, served or received")

    async def _find(self, token: str) -> Ticket | None:
        ticket = await self.desk.find(token)
        self.found.pop(token, None)
        if ticket is not None:
            self.found[token] = ticket
            if len(self.found) > _MOST_REMEMBERED:
                self.found.popitem(last=False)
        return ticket

    async def _ticket(self, question: Line) -> Ticket:
        """What the token of the question stands for, or stood for when its transfer began."""
        token = text_in(question, "token")
        ticket = self.found.get(token) or await self._find(token)
        if ticket is None or ticket.link_id != number_in(question, "link_id"):
            raise NotUnderstood("token: not known")
        return ticket

    async def _served(self, question: Line) -> Line:
        start, end, begins = number_in(question, "start"), number_in(question, "end"), question.get("begins")
        if end < start or not isinstance(begins, bool):
            raise NotUnderstood("served: expected a range")
        ticket = await self._ticket(question)
        await self.desk.served(Served(ticket.link_id, start, end, begins))
        return {"answer": "done"}

    async def _received(self, question: Line) -> Line:
        ticket = await self._ticket(question)
        path, scheme = Path(text_in(question, "path")), text_in(question, "scheme")
        if not isinstance(ticket, Upload) or path.parent != ticket.folder or path.name in ("", ".", ".."):
            raise NotUnderstood("path: not in the folder of the token")
        if scheme not in get_args(Scheme):
            raise NotUnderstood("scheme: expected http, https, ftp or ftps")
        facts = os.lstat(path)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or facts.st_size != number_in(question, "size"):
            raise NotUnderstood("path: not the plain file that it was told to be")
        received = Received(
            link_id=ticket.link_id,
            path=path,
            file_name=text_in(question, "file_name")[:_LONGEST_NAME],
            size=facts.st_size,
            sha256=text_in(question, "sha256"),
            scheme=cast(Scheme, scheme),
            address=text_in(question, "address"),
        )
        try:
            await self.desk.received(received)
        except NoRoom as error:
            return {"answer": "no_room", "text": str(error)}
        return {"answer": "done"}


@contextmanager
def _socket_file(path: Path) -> Iterator[socket.socket]:
    """A bound socket that the group may open; the file is gone after the block."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        with reachable(path) as short:
            _remove_stale(path, short)
            listener.bind(short)
        try:
            # nobody can connect before it listens, so nobody slips in under the wrong mode
            path.chmod(_SOCKET_MODE)
            listener.setblocking(False)
            yield listener
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)


def _remove_stale(path: Path, short: str) -> None:
    """Take away the socket of a process that died; one that still answers is an error."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is in the way: it is not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(short)
        except OSError:
            path.unlink()
            return
    raise FileExistsError(f"another gateway answers on {path}")
