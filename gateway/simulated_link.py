"""The wire of a simulated station: one WebSocket, raw OCPP-J JSON, one open call at a time, back-off.

It is the other side of the gateway's protocol and shares no code with it. Transaction messages wait in a queue that
survives every interruption and are sent in order, each retry under its first message id, or a new one if wished.
It does not know what the messages mean, nor what the station does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

Object = Mapping[str, object]

CALL, RESULT, ERROR = 2, 3, 4
_PATIENCE_SECONDS = 30.0
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
# TransactionMessageAttempts and TransactionMessageRetryInterval: what a CALLERROR may cost (OCPP 1.6 3.7.1).
_ATTEMPTS = 3
_RETRY_SECONDS = 10.0
# Values measured while the gateway is away are thinned beyond this many waiting messages; starts and stops never are.
_MOST_WAITING = 2000


class Away(Exception):
    """No connection, or it ended while we waited, or no answer came in time."""


class Refused(Exception):
    """A CALLERROR: to be sent when raised by an answer, or received when raised by `call`."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description


async def forgiving(doing: Awaitable[object]) -> None:
    """Wait for a call whose failure does not matter."""
    try:
        await doing
    except (Away, Refused):
        pass


@dataclass(slots=True)
class Kept:
    """A transaction message that must arrive: its id, how to write its payload, whom to tell about the answer."""

    message_id: str
    action: str
    payload: Callable[[], Object]
    answered: Callable[[Object | None], None]
    refusals: int = 0
    sent: bool = False


@dataclass(slots=True)
class _Prompt:
    message_id: str
    action: str
    payload: Object
    answer: asyncio.Future[Object] = field(compare=False)


Answer = Callable[[str, Object], tuple[Object, Callable[[], None] | None]]


class Link:
    """Call `stay_connected` in a task; `call` asks at once, `keep` asks until an answer comes."""

    def __init__(
        self,
        url: str,
        *,
        rng: random.Random,
        answer: Answer,
        attend: Callable[[], Awaitable[None]],
        password: bytes | None = None,
        patience_seconds: float = _PATIENCE_SECONDS,
        repeats_under_first_id: bool = True,
    ) -> None:
        self.url = url
        self.released = False  # may transaction messages go out? The station sets it after an accepted boot
        self.kept: deque[Kept] = deque()
        self._random = rng
        self._answer = answer
        self._attend = attend
        self._password = password
        self._patience_seconds = patience_seconds
        self._repeats_under_first_id = repeats_under_first_id
        self._socket: ClientConnection | None = None
        self._prompt: deque[_Prompt] = deque()
        self._open_call: tuple[str, asyncio.Future[Object]] | None = None
        self._work = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._pause_seconds: float | None = None
        self._sent = 0

    @property
    def connected(self) -> bool:
        """Whether a socket is open."""
        return self._socket is not None

    async def call(self, action: str, payload: Object) -> Object:
        """Ask and return the answer's payload. Raises Away or Refused."""
        if self._socket is None:
            raise Away
        future: asyncio.Future[Object] = asyncio.get_running_loop().create_future()
        self._prompt.append(_Prompt(self._new_id(), action, payload, future))
        self._work.set()
        return await future

    def keep(self, action: str, payload: Callable[[], Object], answered: Callable[[Object | None], None]) -> None:
        """Queue a transaction message; `answered` gets the payload, or None when it had to be given up."""
        if len(self.kept) >= _MOST_WAITING:
            self._thin_out()
        self.kept.append(Kept(self._new_id(), action, payload, answered))
        self._drained.clear()
        self._work.set()

    def release(self) -> None:
        """The boot was accepted: transaction messages may go out."""
        self.released = True
        self._work.set()

    async def drained(self) -> None:
        """Wait until no transaction message waits."""
        await self._drained.wait()

    async def drop(self, pause_seconds: float | None = None) -> None:
        """End the connection; the next one is tried after `pause_seconds` (None: the usual back-off)."""
        self._pause_seconds = pause_seconds
        if self._socket is not None:
            await self._socket.close()

    async def stay_connected(self) -> None:
        """Connect, converse, reconnect with back-off, until cancelled."""
        failures = 0
        while True:
            try:
                async with self._connect() as socket:
                    failures = 0
                    await self._converse(socket)
            except (OSError, WebSocketException, TimeoutError):
                failures += 1
            await asyncio.sleep(self._wait_seconds(failures))

    def _wait_seconds(self, failures: int) -> float:
        if self._pause_seconds is not None:
            wait, self._pause_seconds = self._pause_seconds, None
            return wait
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(failures, 10))
        return longest * (0.5 + self._random.random() / 2)

    def _connect(self) -> connect:
        headers = {}
        if self._password is not None:
            user = unquote(self.url.rsplit("/", 1)[1]).encode()
            headers["Authorization"] = "Basic " + base64.b64encode(user + b":" + self._password).decode()
        # No pings of our own: on a loop with virtual time they would fire between two bytes of an answer.
        return connect(
            self.url, subprotocols=[Subprotocol("ocpp1.6")], additional_headers=headers, proxy=None,
            compression=None, ping_interval=None, open_timeout=self._patience_seconds, close_timeout=5,
        )  # fmt: skip

    async def _converse(self, socket: ClientConnection) -> None:
        self._socket, self.released = socket, False
        try:
            async with asyncio.TaskGroup() as tasks:
                helpers = [tasks.create_task(self._send_calls(socket)), tasks.create_task(self._attending())]
                try:
                    async for text in socket:
                        await self._hear(socket, text)
                except ConnectionClosed:
                    pass
                finally:
                    self._lost()
                    for helper in helpers:
                        helper.cancel()
                    await socket.close(1001)
        except* ConnectionClosed:
            pass

    def _lost(self) -> None:
        self._socket, self.released = None, False
        waiting = [prompt.answer for prompt in self._prompt]
        if self._open_call is not None:
            waiting.append(self._open_call[1])
        self._prompt.clear()
        self._open_call = None
        for future in waiting:
            if not future.done():
                future.set_exception(Away())
                future.exception()  # nobody may be waiting any more

    async def _attending(self) -> None:
        try:
            await self._attend()
        except Away:
            pass  # the reader sees the same end

    async def _hear(self, socket: ClientConnection, text: str | bytes) -> None:
        message = json.loads(text)
        kind, message_id = message[0], message[1]
        if kind == CALL:
            await self._obey(socket, message_id, message[2], message[3])
        elif self._open_call is not None and self._open_call[0] == message_id:
            future = self._open_call[1]
            if future.done():
                return
            if kind == RESULT:
                future.set_result(message[2])
            else:
                future.set_exception(Refused(message[2], message[3]))
                future.exception()

    async def _obey(self, socket: ClientConnection, message_id: str, action: str, payload: Object) -> None:
        afterwards = None
        try:
            result, afterwards = self._answer(action, payload)
            reply: list[object] = [RESULT, message_id, result]
        except Refused as refusal:
            reply = [ERROR, message_id, refusal.code, refusal.description, {}]
        await socket.send(json.dumps(reply))
        if afterwards is not None:
            afterwards()

    async def _send_calls(self, socket: ClientConnection) -> None:
        while True:
            if self._prompt:
                await self._send_prompt(socket, self._prompt.popleft())
            elif self.kept and self.released:
                await self._send_kept(socket, self.kept[0])
            else:
                self._work.clear()
                await self._work.wait()

    async def _send_prompt(self, socket: ClientConnection, prompt: _Prompt) -> None:
        self._open_call = (prompt.message_id, prompt.answer)
        await socket.send(json.dumps([CALL, prompt.message_id, prompt.action, prompt.payload]))
        await asyncio.wait([prompt.answer], timeout=self._patience_seconds)
        self._open_call = None
        if not prompt.answer.done():
            prompt.answer.set_exception(Away())

    async def _send_kept(self, socket: ClientConnection, kept: Kept) -> None:
        if kept.sent and not self._repeats_under_first_id:
            kept.message_id = self._new_id()
        kept.sent = True
        answer: asyncio.Future[Object] = asyncio.get_running_loop().create_future()
        self._open_call = (kept.message_id, answer)
        await socket.send(json.dumps([CALL, kept.message_id, kept.action, kept.payload()]))
        await asyncio.wait([answer], timeout=self._patience_seconds)
        self._open_call = None
        if not answer.done():
            return  # silence proves nothing: the same message again, under the same id
        error = answer.exception()
        if error is None:
            self._settle(kept, answer.result())
        elif isinstance(error, Refused):
            await self._refused(kept)

    async def _refused(self, kept: Kept) -> None:
        kept.refusals += 1
        if kept.refusals >= _ATTEMPTS:
            self._settle(kept, None)
        else:
            await asyncio.sleep(_RETRY_SECONDS * kept.refusals)

    def _settle(self, kept: Kept, answer: Object | None) -> None:
        self.kept.remove(kept)
        kept.answered(answer)
        if not self.kept:
            self._drained.set()

    def _thin_out(self) -> None:
        for index, kept in enumerate(self.kept):
            if kept.action == "MeterValues" and index > 0:
                del self.kept[index]
                return

    def _new_id(self) -> str:
        self._sent += 1
        return f"{self._sent}-{self._random.getrandbits(48):012x}"
