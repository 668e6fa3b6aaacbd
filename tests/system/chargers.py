"""Charging stations for a machine of its own: a program, run inside the machine's network, told what to do by lines.

    python -m tests.system.chargers URL PREFIX COUNT

Each station connects, boots, and connects again whenever it is cut off. Lines on standard input: `start TAG`,
`stop METER` (of station 1, connector 1), `quit`. Lines on standard output, JSON: {"connected": number of stations},
{"started": transaction id}, {"stopped": true}. It is independent of the gateway's own code.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

_NUMBERS = itertools.count(1)
_AGAIN_SECONDS = 0.3


class Charger:
    """One station; `told` is called whenever it has booted or was cut off."""

    def __init__(self, url: str, told: Any) -> None:
        self._url, self._told = url, told
        self._socket: ClientConnection | None = None
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self.booted = asyncio.Event()
        self.transaction = 0

    async def live(self) -> None:
        """Connect, again and again."""
        while True:
            try:
                async with connect(self._url, subprotocols=[Subprotocol("ocpp1.6")], proxy=None) as socket:
                    await self._converse(socket)
            except (OSError, WebSocketException, InvalidStatus, TimeoutError):
                pass
            self.booted.clear()
            self._told()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def say(self, action: str, payload: object) -> Any:
        """Ask until it is answered: a station keeps what it has to say."""
        while True:
            await self.booted.wait()
            try:
                return await self._say(action, payload)
            except (ConnectionError, WebSocketException):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _converse(self, socket: ClientConnection) -> None:
        self._socket = socket
        boot = asyncio.create_task(self._boot())
        try:
            async for text in socket:
                frame = json.loads(text)
                if frame[0] == 2:
                    await socket.send(json.dumps([4, frame[1], "NotImplemented", "", {}]))
                elif (waiting := self._waiting.pop(frame[1], None)) is not None and not waiting.done():
                    waiting.set_result(frame[2])
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError())
            self._waiting.clear()
            boot.cancel()
            await asyncio.gather(boot, return_exceptions=True)

    async def _boot(self) -> None:
        told = await self._say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        if told.get("status") == "Accepted":
            for connector in (0, 1):
                status = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
                await self._say("StatusNotification", status)
            self.booted.set()
            self._told()

    async def _say(self, action: str, payload: object) -> Any:
        assert self._socket is not None
        number = str(next(_NUMBERS))
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, number, action, payload]))
        return await waiting


def now() -> str:
    """As stations write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tell(document: object) -> None:
    """A line for the test."""
    print(json.dumps(document), flush=True)


async def main(url: str, prefix: str, count: int) -> None:
    """Until `quit`, or the end of standard input."""
    chargers: list[Charger] = []

    def told() -> None:
        tell({"connected": sum(charger.booted.is_set() for charger in chargers)})

    chargers += [Charger(f"{url}/{prefix}{number}", told) for number in range(1, count + 1)]
    lives = [asyncio.create_task(charger.live()) for charger in chargers]
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        match line:
            case ["start", tag]:
                start = {"connectorId": 1, "idTag": tag, "meterStart": 1000, "timestamp": now()}
                chargers[0].transaction = (await chargers[0].say("StartTransaction", start))["transactionId"]
                tell({"started": chargers[0].transaction})
            case ["stop", meter]:
                stop = {"transactionId": chargers[0].transaction, "meterStop": int(meter), "timestamp": now()}
                await chargers[0].say("StopTransaction", stop)
                tell({"stopped": True})
            case ["quit"]:
                break
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
