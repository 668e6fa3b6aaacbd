"""One simulated station: its socket, the answer it waits for and its meter. It decides nothing."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable

UPGRADING = 1
OPEN = 2
LOST = 3


class Station:
    """A station under load; `awaited` is the message id whose answer is outstanding, or empty."""

    __slots__ = (
        "awaited",
        "charge_percent",
        "id_tag",
        "must_contain",
        "name",
        "prefix",
        "recv",
        "register_wh",
        "rest",
        "send",
        "sent_at",
        "sequence",
        "socket",
        "state",
        "step",
        "transaction_id",
    )

    def __init__(self, number: int) -> None:
        self.name = f"BENCH-{number:05d}"
        self.id_tag = f"TAG{number:05d}"
        self.prefix = str(uuid.uuid4())[:24]
        self.sequence = 0
        self.step = 0
        self.awaited = ""
        self.sent_at = 0.0
        self.must_contain = b""  # what a good answer to the newest message has in it
        self.transaction_id = 1
        self.register_wh = 1_000_000 + number
        self.charge_percent = 20
        self.rest = b""
        self.state = UPGRADING
        self.socket: socket.socket = socket.socket()
        self.recv: Callable[[int], bytes] = self.socket.recv
        self.send: Callable[[bytes], int] = self.socket.send
