"""A charging station on a plain blocking socket: a few messages, no threads, so that a test can have hundreds.

It knows RFC 6455 as far as the gateway makes use of it, and nothing of the gateway's code.
"""

from __future__ import annotations

import base64
import json
import socket
from itertools import count
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_PATIENCE_SECONDS = 30
_TIME = "2026-01-15T08:00:00Z"


class HungUp(Exception):
    """The gateway ended the connection."""


class BlockingStation:
    """Connected from the moment it is made; requests of the gateway are answered NotImplemented."""

    def __init__(self, ocpp_url: str, identity: str) -> None:
        self.identity = identity
        at = urlsplit(ocpp_url)
        self._ids = count(1)
        self._bytes = b""
        self._line = socket.create_connection((at.hostname or "", at.port or 0), timeout=_PATIENCE_SECONDS)
        self._line.sendall(
            f"GET {at.path}/{identity} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
            "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._bytes:
            self._read_more()
        head, _, self._bytes = self._bytes.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    def __enter__(self) -> BlockingStation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def ask(self, action: str, payload: dict[str, object]) -> dict[str, object]:
        """The answer to a request. Raises HungUp."""
        message_id = self.send(action, payload)
        while True:
            message = self._next_message()
            if message[1] == message_id:
                assert message[0] == 3, message
                assert isinstance(message[2], dict)
                return message[2]

    def send(self, action: str, payload: dict[str, object]) -> str:
        """A request whose answer nobody waits for; its message id."""
        message_id = str(next(self._ids))
        self._say(_TEXT, json.dumps([2, message_id, action, payload]).encode())
        return message_id

    def start_charging(self) -> int:
        """Boot, then a session on connector 1; its transaction id."""
        assert self.ask("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})["status"] == "Accepted"
        return int(str(self.ask("StartTransaction", _START)["transactionId"]))

    def send_start(self) -> None:
        """A session begins, and whoever is asked has not answered yet."""
        self.send("StartTransaction", _START)

    def stop_charging(self, transaction: int) -> None:
        """The session ends."""
        self.ask("StopTransaction", {"transactionId": transaction, "meterStop": 2000, "timestamp": _TIME})

    def wait_until_hung_up(self) -> None:
        """Read until the gateway ends the connection."""
        try:
            while True:
                self._next_message()
        except HungUp:
            pass

    def _next_message(self) -> list[object]:
        while True:
            kind, content = self._frame()
            if kind == _PING:
                self._say(_PONG, content)
            elif kind == _CLOSE:
                raise HungUp
            elif kind == _TEXT:
                message: list[object] = json.loads(content)
                if message[0] != 2:
                    return message
                self._say(_TEXT, json.dumps([4, message[1], "NotImplemented", "", {}]).encode())

    def _frame(self) -> tuple[int, bytes]:
        """One whole frame; servers neither mask nor, this one, cut messages."""
        kind, length = self._take(2)
        if length == 126:
            length = int.from_bytes(self._take(2), "big")
        elif length == 127:
            length = int.from_bytes(self._take(8), "big")
        return kind & 0x0F, self._take(length)

    def _take(self, size: int) -> bytes:
        while len(self._bytes) < size:
            self._read_more()
        taken, self._bytes = self._bytes[:size], self._bytes[size:]
        return taken

    def _read_more(self) -> None:
        try:
            fresh = self._line.recv(65_536)
        except ConnectionError:
            fresh = b""
        if not fresh:
            raise HungUp
        self._bytes += fresh

    def _say(self, kind: int, content: bytes) -> None:
        size = len(content)
        length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
        # masked with zeros, which is a mask like any other
        self._line.sendall(bytes([0x80 | kind]) + length + bytes(4) + content)


_START: dict[str, object] = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": _TIME}
