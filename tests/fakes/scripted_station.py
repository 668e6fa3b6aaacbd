"""A charge point for wire scripts: raw JSON over a WebSocket client, none of the gateway's own protocol code.

`say` sends a request and gives the conf (or the CallError); `expect` waits for a request of the central system, and
`answer` answers it. Whatever the central system sends is held against the official schemas with a validator of its
own. Leaving the block fails when the central system sent a request that nobody expected.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import pkgutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from jsonschema import Draft4Validator  # type: ignore[import-untyped]
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE_SECONDS = 5.0
NOW = "2027-01-15T08:00:00Z"  # what the test clocks show at first

Payload = Mapping[str, Any]
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class CallError:
    """A CALLERROR of the central system."""

    code: str
    description: str
    details: object


@dataclass(frozen=True)
class Asked:
    """A request of the central system."""

    message_id: str
    action: str
    payload: dict[str, Any]


@dataclass
class ScriptedStation:
    """One open connection of a charge point, played by the test."""

    socket: ClientConnection
    requests: asyncio.Queue[Asked] = field(default_factory=asyncio.Queue)
    texts: list[str] = field(default_factory=list)  # everything received, in order
    _answers: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _actions: dict[str, str] = field(default_factory=dict)
    _open: Asked | None = None
    _wrong: list[str] = field(default_factory=list)
    # Whether the status that goes with a start or a stop is told before it, as the certification tool may do.
    swapped: ClassVar[bool] = False

    # The wire

    async def say(self, action: str, payload: object, *, message_id: object = None) -> Any:
        """Send a request; the payload of its conf, or a CallError."""
        chosen = f"m-{next(_NUMBERS)}" if message_id is None else message_id
        return await self.say_text(json.dumps([2, chosen, action, payload]), message_id=chosen, action=action)

    async def say_text(self, text: str | bytes, *, message_id: object, action: str = "") -> Any:
        """Send a request as written; the payload of its conf, or a CallError."""
        answer = self.will_be_answered(message_id, action)
        await self.socket.send(text, text=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await answer

    def will_be_answered(self, message_id: object, action: str = "") -> asyncio.Future[Any]:
        """The answer that a request sent with `send` will get."""
        self._actions[json.dumps(message_id)] = action
        return self._answers.setdefault(json.dumps(message_id), asyncio.get_running_loop().create_future())

    async def send(self, text: str | bytes) -> None:
        """Send anything, wait for nothing."""
        await self.socket.send(text, text=True)

    async def expect(self, action: str) -> dict[str, Any]:
        """The payload of the next request of the central system, which must be `action`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            self._open = await self.requests.get()
        assert self._open.action == action, self._open
        return self._open.payload

    async def answer(self, payload: object) -> None:
        """Answer the request that was expected last."""
        assert self._open is not None
        await self.send(json.dumps([3, self._open.message_id, payload]))

    async def refuse(self, code: str, description: str = "", *more: object) -> None:
        """Answer the request that was expected last with a CALLERROR; `more` is what follows the description."""
        assert self._open is not None
        await self.send(json.dumps([4, self._open.message_id, code, description, *(more or ({},))]))

    async def hung_up(self) -> tuple[int | None, str | None]:
        """Wait until the central system closed the connection; its close code and reason."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason

    def cut(self) -> None:
        """The cable is out: no Close frame."""
        self.socket.transport.abort()

    # OCPP words

    async def boots(self, **more: object) -> Any:
        """BootNotification."""
        return await self.say("BootNotification", {"chargePointVendor": "Maker", "chargePointModel": "Post", **more})

    async def shows(self, connector: int, status: str, **more: object) -> Any:
        """StatusNotification."""
        told = {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": NOW, **more}
        return await self.say("StatusNotification", told)

    async def authorizes(self, id_tag: str) -> Any:
        """Authorize; the idTagInfo."""
        return (await self.say("Authorize", {"idTag": id_tag}))["idTagInfo"]

    async def starts(
        self, connector: int = 1, id_tag: str = "VALID", *, meter: int = 1000, at: str = NOW, **more: Any
    ) -> Any:
        """StartTransaction."""
        message_id = more.pop("message_id", None)
        told = {"connectorId": connector, "idTag": id_tag, "meterStart": meter, "timestamp": at, **more}
        return await self.say("StartTransaction", told, message_id=message_id)

    async def stops(self, transaction: int, *, meter: int = 5000, at: str = NOW, **more: Any) -> Any:
        """StopTransaction."""
        message_id = more.pop("message_id", None)
        told = {"transactionId": transaction, "meterStop": meter, "timestamp": at, **more}
        return await self.say("StopTransaction", told, message_id=message_id)

    async def measures(self, connector: int, samples: object, *, at: str = NOW, **more: object) -> Any:
        """MeterValues with one meter value."""
        values = [{"timestamp": at, "sampledValue": samples}]
        return await self.say("MeterValues", {"connectorId": connector, "meterValue": values, **more})

    async def begins(self, connector: int = 1, id_tag: str = "VALID", *, at: str = NOW, **more: Any) -> Any:
        """StartTransaction and SN(Charging), in either order; the answer to the start."""
        if self.swapped:
            assert await self.shows(connector, "Charging", timestamp=at) == {}
            return await self.starts(connector, id_tag, at=at, **more)
        started = await self.starts(connector, id_tag, at=at, **more)
        assert await self.shows(connector, "Charging", timestamp=at) == {}
        return started

    async def ends(self, transaction: int, *, connector: int = 1, at: str = NOW, **more: Any) -> Any:
        """StopTransaction and SN(Finishing), in either order; the answer to the stop."""
        if self.swapped:
            assert await self.shows(connector, "Finishing", timestamp=at) == {}
            return await self.stops(transaction, at=at, **more)
        stopped = await self.stops(transaction, at=at, **more)
        assert await self.shows(connector, "Finishing", timestamp=at) == {}
        return stopped

    async def charges(self, connector: int = 1, id_tag: str = "VALID", *, meter: int = 1000, at: str = NOW) -> int:
        """The reusable state Charging: Authorize, Preparing, StartTransaction, Charging; the transaction id."""
        assert (await self.authorizes(id_tag))["status"] == "Accepted"
        assert await self.shows(connector, "Preparing", timestamp=at) == {}
        started = await self.begins(connector, id_tag, meter=meter, at=at)
        assert started["idTagInfo"]["status"] == "Accepted"
        return int(started["transactionId"])

    # Private

    async def _listen(self) -> None:
        try:
            async for text in self.socket:
                self.texts.append(text if isinstance(text, str) else text.decode())
                self._heard(json.loads(text))
        except ConnectionClosed:
            pass
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the central system hung up"))
                waiting.exception()  # whoever waits is told; nobody has to wait

    def _heard(self, message: list[Any]) -> None:
        kind, message_id, *rest = message
        if kind == 2:
            action, payload = rest
            self._wrong += _violations(action, payload)
            self.requests.put_nowait(Asked(message_id, action, payload))
            return
        key = json.dumps(message_id)
        waiting = self._answers.pop(key, None)
        if waiting is None:
            self._wrong.append(f"an answer nobody asked for: {message}")
        elif kind == 3:
            (payload,) = rest
            action = self._actions.pop(key)
            self._wrong += _violations(f"{action}Response", payload) if action else []
            waiting.set_result(payload)
        else:
            code, description, details = rest
            waiting.set_result(CallError(code, description, details))

    def _check_nothing_unexpected(self) -> None:
        assert not self._wrong, self._wrong
        assert self.requests.empty(), f"unexpected request: {self.requests.get_nowait()}"


@asynccontextmanager
async def plugged_in(
    url: str,
    *,
    subprotocols: tuple[str, ...] = ("ocpp1.6",),
    credentials: tuple[str, bytes] | None = None,
    free_payloads: bool = False,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[ScriptedStation]:
    """A station connected to `url` (with `tls` to wss). `free_payloads`: the operator sends what no schema allows."""
    headers = {}
    if credentials is not None:
        user, password = credentials
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode() + b":" + password).decode()
    socket = await connect(
        url,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        additional_headers=headers,
        compression=None,
        ping_interval=None,
        proxy=None,
        ssl=tls,
        open_timeout=PATIENCE_SECONDS,
        close_timeout=1,
    )
    station = ScriptedStation(socket)
    listening = asyncio.create_task(station._listen())
    try:
        yield station
        if free_payloads:
            station._wrong.clear()
        station._check_nothing_unexpected()
    finally:
        await socket.close()
        await listening


@cache
def schema_validator(schema: str) -> Draft4Validator:
    return Draft4Validator(json.loads(pkgutil.get_data("ocpp", f"v16/schemas/{schema}.json") or b""))


def _violations(schema: str, payload: object) -> list[str]:
    return [f"{schema}: {error.message}" for error in schema_validator(schema).iter_errors(payload)]
