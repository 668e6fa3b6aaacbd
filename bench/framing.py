"""WebSocket frames of a client, as cheap as Python allows: the load must never be the bottleneck.

Every frame is masked with one key per process (the server cannot know that, it unmasks all the same). Server frames are
split off a buffer; fragments do not occur between these programs and are an error.
"""

from __future__ import annotations

import base64
import os
import struct

TEXT = 0x1
CLOSE = 0x8
PING = 0x9
PONG = 0xA

_KEY = os.urandom(4)
_MASKS: dict[int, int] = {}


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One masked frame with FIN set; payload up to 65,535 bytes."""
    length = len(payload)
    mask = _MASKS.get(length)
    if mask is None:
        mask = _MASKS[length] = int.from_bytes((_KEY * (length // 4 + 1))[:length], "big")
    masked = (int.from_bytes(payload, "big") ^ mask).to_bytes(length, "big")
    if length < 126:
        return bytes((0x80 | opcode, 0x80 | length)) + _KEY + masked
    return struct.pack("!BBH", 0x80 | opcode, 0xFE, length) + _KEY + masked


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Whole server frames as (opcode, payload), and the bytes that are left. ValueError for a fragment."""
    frames = []
    place = 0
    size = len(data)
    while size - place >= 2:
        first = data[place]
        length = data[place + 1]
        start = place + 2
        if length == 126:
            start = place + 4
            length = int.from_bytes(data[place + 2 : start], "big")
        elif length == 127:
            start = place + 10
            length = int.from_bytes(data[place + 2 : start], "big")
        if size < start + length or size < start:
            break
        if not first & 0x80:
            raise ValueError("the server sent a fragment")
        frames.append((first & 0x0F, data[start : start + length]))
        place = start + length
    return frames, data[place:]


def upgrade_request(port: int, station: str) -> bytes:
    """The opening handshake of an embedded station: sub-protocol ocpp1.6, no extension."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ocpp/{station} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    ).encode()
