"""The fast path beside the bare `websockets` library: on whatever stream of frames, the same texts and the same close.

The library gets one whole frame after the other; our connection gets the same bytes cut at random places, at every
place, and in one piece. Streams come from seeds, which are printed by the parameter's name.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Iterator

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.stations.bounds import Bounds
from gateway.stations.connection import StationConnection

MAX = 300
HANDSHAKE = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, BINARY, CONT, PING, PONG, CLOSE = 1, 2, 0, 9, 10, 8


class Wire:
    """A transport that remembers what was written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.half_closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        raise AssertionError("nothing here fills up")

    resume_reading = abort = pause_reading


class Listener:
    """In the place of the conversation: notes the texts."""

    full = False

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def text_arrived(self, text: bytes, now: float) -> None:
        self.texts.append(bytes(text))

    def next_deadline(self) -> None:
        return None


class Ours:
    """One `StationConnection` without a socket."""

    def __init__(self) -> None:
        self.wire, self.listener = Wire(), Listener()
        bounds = Bounds(max_frame_bytes=MAX, answering_queue=32)
        self.connection = StationConnection(ServerProtocol(max_size=MAX), None, bounds=bounds)  # type: ignore[arg-type]
        self.connection.transport = self.wire  # type: ignore[assignment]

    def receive(self, data: bytes) -> None:
        self.connection.data_received(data)

    def accept(self) -> None:
        """Finish the handshake, as the library's server does."""
        assert self.connection.request is not None
        protocol = self.connection.protocol
        protocol.send_response(protocol.accept(self.connection.request))
        for data in protocol.data_to_send():
            self.wire.write(data)
        assert protocol.state is OPEN
        self.connection.attach(
            StationId("CP1"),
            talk=self.listener,
            answer=lambda *_: None,
            since=Instant(0),  # type: ignore[arg-type]
        )

    def outcome(self) -> tuple[list[bytes], list[tuple[int, bytes]], bool]:
        if self.connection._hang_up is not None:
            self.connection._hang_up.cancel()
        return self.listener.texts, sent_frames(bytes(self.wire.written)), self.wire.half_closed


def ours(chunks: Iterator[bytes] | list[bytes]) -> tuple[list[bytes], list[tuple[int, bytes]], bool]:
    """What our connection makes of these chunks."""
    station = Ours()
    station.receive(HANDSHAKE)
    station.accept()
    for chunk in chunks:
        station.receive(chunk)
    return station.outcome()


def library(frames: list[bytes]) -> tuple[list[bytes], list[tuple[int, bytes]], bool]:
    """What the library makes of these frames; binary messages count as text, because stations mix them up."""
    protocol = ServerProtocol(max_size=MAX)
    protocol.receive_data(HANDSHAKE)
    (request,) = protocol.events_received()
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    texts: list[bytes] = []
    pieces: list[bytes] = []
    for frame in frames:
        protocol.receive_data(frame)
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                pieces.append(bytes(event.data))
                if event.fin:
                    texts.append(b"".join(pieces))
                    pieces = []
                    try:
                        texts[-1].decode()
                    except UnicodeDecodeError:
                        del texts[-1]
                        protocol.fail(1007)
    written = protocol.data_to_send()
    return texts, sent_frames(b"".join(written)), b"" in written


def sent_frames(written: bytes) -> list[tuple[int, bytes]]:
    """(opcode, payload) of everything sent after the handshake; of a Close only its code."""
    _, _, rest = written.partition(b"\r\n\r\n")
    found = []
    while rest:
        length = rest[1]
        assert length < 126, "the gateway has nothing long to say here"
        payload = rest[2 : 2 + length]
        found.append((rest[0] & 15, payload[:2] if rest[0] & 15 == CLOSE else payload))
        rest = rest[2 + length :]
    return found


def frame(
    opcode: int,
    payload: bytes,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    size: int = 0,
    key: bytes = b"\0abc",
) -> bytes:
    """One frame as a station would send it; `size`: 0 the shortest form of the length, else 126 or 127."""
    head = bytes([fin << 7 | reserved << 4 | opcode])
    size = size or (len(payload) if len(payload) < 126 else 126 if len(payload) < 65536 else 127)
    length = struct.pack("!H", len(payload)) if size == 126 else struct.pack("!Q", len(payload)) if size == 127 else b""
    if not masked:
        return head + bytes([size]) + length + payload
    hidden = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
    return head + bytes([0x80 | size]) + length + key + hidden


def any_text(seed: random.Random) -> bytes:
    length = seed.choice([0, 1, 2, 20, 124, 125, 126, 127, MAX - 1, MAX, MAX + 1, MAX + 9, MAX + 30, 70_000])
    if seed.random() < 0.6:
        length = seed.randrange(60)
    return ("ü" * length).encode()[:length] if seed.random() < 0.1 else b"[" + b"x" * (length - 2) + b"]"[:length]


def any_frame(seed: random.Random) -> bytes:
    kind = seed.random()
    key = seed.randbytes(4)
    if kind < 0.5:
        return frame(TEXT, any_text(seed), key=key, size=seed.choice([0, 0, 0, 0, 127]))
    if kind < 0.62:
        return frame(seed.choice([TEXT, BINARY]), any_text(seed), fin=False, key=key)
    if kind < 0.8:
        return frame(CONT, any_text(seed), fin=seed.random() < 0.6, key=key)
    if kind < 0.92:
        return frame(seed.choice([PING, PONG]), seed.randbytes(seed.choice([0, 4, 125])), key=key)
    odd = [
        frame(TEXT, b"plain", masked=False),
        frame(TEXT, b"reserved", reserved=seed.randrange(1, 8), key=key),
        frame(seed.choice([3, 7, 11, 15]), b"", key=key),
        frame(PING, b"x" * 126, key=key),
        frame(PING, b"", fin=False, key=key),
        frame(TEXT, seed.randbytes(8) + b"\xff", key=key),
        frame(CLOSE, struct.pack("!H", seed.choice([1000, 1001, 3999])) + b"bye", key=key),
        frame(CLOSE, b"", key=key),
        frame(CLOSE, b"\x03", key=key),
        frame(CLOSE, struct.pack("!H", 999), key=key),
        b"\x81\xff" + struct.pack("!Q", 2**63 + 5) + key,
        frame(BINARY, b"[3]", key=key),
    ]
    return seed.choice(odd)


def cut_at_random(stream: bytes, seed: random.Random) -> list[bytes]:
    places = sorted(seed.randrange(len(stream) + 1) for _ in range(seed.randrange(12)))
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True) if end > start]


@pytest.mark.parametrize("number", range(400))
async def test_random_streams(number: int) -> None:
    seed = random.Random(number)
    frames = [any_frame(seed) for _ in range(seed.randrange(1, 14))]
    expected = library(frames)
    stream = b"".join(frames)
    assert ours([stream]) == expected, "in one piece"
    assert ours(frames) == expected, "frame by frame"
    for _ in range(3):
        assert ours(cut_at_random(stream, seed)) == expected, "cut at random"


SHORT = [
    frame(TEXT, b'[2,"1","Heartbeat",{}]', key=b"abcd"),
    frame(TEXT, b"frag", fin=False),
    frame(PING, b"are you there"),
    frame(CONT, b"", fin=False),
    frame(CONT, "mentü".encode()),
    frame(TEXT, b""),
    frame(TEXT, b"y" * 130, size=126),
    frame(BINARY, b"z", size=127),
    frame(CLOSE, struct.pack("!H", 1000)),
]


def test_the_short_stream_has_something_of_everything() -> None:
    texts, sent, closed = library(SHORT)
    assert [len(text) for text in texts] == [22, 10, 0, 130, 1]
    assert sent == [(PONG, b"are you there"), (CLOSE, b"\x03\xe8")]
    assert closed


async def test_cut_at_every_byte() -> None:
    expected, stream = library(SHORT), b"".join(SHORT)
    for place in range(1, len(stream)):
        assert ours([stream[:place], stream[place:]]) == expected, place
    assert ours([stream[place : place + 1] for place in range(len(stream))]) == expected


@pytest.mark.parametrize("size", [MAX - 1, MAX, MAX + 1, MAX + 7, MAX + 8, MAX + 9, MAX + 14, MAX + 15, MAX + 100])
async def test_the_bound_is_exact(size: int) -> None:
    frames = [frame(TEXT, b"x" * size)]
    texts, sent, _ = ours(frames)
    assert (texts, sent) == library(frames)[:2]
    assert bool(texts) == (size <= MAX)
    assert sent == ([] if size <= MAX else [(CLOSE, struct.pack("!H", 1009))])


async def test_too_long_is_refused_as_soon_as_the_header_says_so() -> None:
    header = frame(TEXT, b"x" * (MAX + 100))[:8]
    assert ours([header])[1] == [(CLOSE, struct.pack("!H", 1009))]


@pytest.mark.parametrize("place", range(0, 60, 3))
async def test_frames_right_behind_the_handshake_are_not_lost(place: int) -> None:
    """No station should speak before it is answered; one that does is understood all the same."""
    frames = [frame(TEXT, b"first"), frame(TEXT, b"sec", fin=False), frame(CONT, b"ond")]
    frames.append(frame(TEXT, b"\r\n\r\n third"))
    stream = b"".join(frames)
    station = Ours()
    station.receive(HANDSHAKE + stream[: place // 2])
    await asyncio.sleep(0)
    if stream[place // 2 : place]:
        station.receive(stream[place // 2 : place])
    station.accept()
    station.receive(stream[place:])
    assert station.outcome()[0] == [b"first", b"second", b"\r\n\r\n third"]


async def test_after_a_broken_frame_nothing_more_is_understood() -> None:
    texts, sent, half_closed = ours([frame(TEXT, b"\xff") + frame(TEXT, b"[]") + frame(PING, b"?")])
    assert (texts, sent, half_closed) == ([], [(CLOSE, struct.pack("!H", 1007))], True)
