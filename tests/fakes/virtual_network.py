"""A network in memory for the virtual-time loop: TCP as the event loop shows it, with latency and bad weather.

In order, nothing doubled, nothing altered; but a line may die at any message, which is then lost with all that follows,
and each end notices in its own time. That is how an answer is lost after the gateway has stored the request.
Each line has a chance of its own, drawn from the seed and the first words said on it, so that the order in which things
happen elsewhere changes nothing. There is no back-pressure: a reader that pauses is only delivered to later.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FIRST_FREE_PORT = 20000
ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances per piece of data that the line dies with it, how late the ends notice, and how long data travels."""

    loses_request: float = 0.0
    loses_answer: float = 0.0
    client_notices_within_seconds: float = 40.0
    server_notices_within_seconds: float = 120.0
    latency_seconds: tuple[float, float] = (0.005, 0.080)  # one way, of a line


CALM = Weather()


class Network:
    """Stands in for the loop's `create_connection` and `create_server`. `weather` may be changed at any time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, weather: Weather, seed: int) -> None:
        self.loop = loop
        self.weather = weather
        self.seed = seed
        self.lines_died = {"request": 0, "answer": 0}
        self._lines: Counter[bytes] = Counter()
        self._listening: dict[int, Listener] = {}

    async def create_server(
        self, protocol_factory: Callable[[], asyncio.Protocol], host: str, port: int, **_: object
    ) -> Listener:
        """Listen; port 0 takes the first free one, so that a server that comes again has the same one."""
        if port == 0:
            port = next(free for free in range(FIRST_FREE_PORT, 65536) if free not in self._listening)
        if port in self._listening:
            raise OSError(f"port {port} is taken")
        self._listening[port] = Listener(self, port, protocol_factory)
        return self._listening[port]

    async def create_connection(
        self, protocol_factory: Callable[[], asyncio.Protocol], host: str, port: int, **_: object
    ) -> tuple[End, asyncio.Protocol]:
        """Connect to whoever listens on `port`. Raises ConnectionRefusedError."""
        await asyncio.sleep(self.weather.latency_seconds[0])
        listener = self._listening.get(port)
        if listener is None:
            raise ConnectionRefusedError(f"nobody listens on port {port}")
        line = Line(self.weather.latency_seconds[0])
        client, server = End(self, "request", line), End(self, "answer", line)
        client.peer, server.peer = server, client
        server.protocol, client.protocol = listener.protocol_factory(), protocol_factory()
        server.protocol.connection_made(server)  # type: ignore[arg-type]
        client.protocol.connection_made(client)  # type: ignore[arg-type]
        return client, client.protocol

    def name(self, line: Line, first_words: bytes) -> None:
        """The client's first words tell whose line this is; from now on it has a chance and a latency of its own."""
        self._lines[first_words] += 1
        line.chance = random.Random(f"{self.seed}/{first_words!r}/{self._lines[first_words]}")
        line.latency_seconds = line.chance.uniform(*self.weather.latency_seconds)

    def loses(self, what: str, line: Line) -> bool:
        """Whether the line dies with this piece of data."""
        probability = self.weather.loses_request if what == "request" else self.weather.loses_answer
        return line.chance is not None and line.chance.random() < probability

    def close(self, port: int) -> None:
        """Nobody listens on `port` any more."""
        self._listening.pop(port, None)


class Listener:
    """What `create_server` returns: as much of `asyncio.Server` as servers use."""

    def __init__(self, network: Network, port: int, protocol_factory: Callable[[], asyncio.Protocol]) -> None:
        self.protocol_factory = protocol_factory
        self._network = network
        self._port = port

    @property
    def sockets(self) -> tuple[Listener, ...]:
        return (self,) if self.is_serving() else ()

    family = socket.AF_INET

    def getsockname(self) -> tuple[str, int]:
        return ADDRESS, self._port

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._network.loop

    def is_serving(self) -> bool:
        return self._network._listening.get(self._port) is self

    async def start_serving(self) -> None:
        pass

    def close(self) -> None:
        if self.is_serving():
            self._network.close(self._port)

    async def wait_closed(self) -> None:
        pass


@dataclass(slots=True)
class Line:
    """What both ends share. `chance` is None until the client has said something."""

    latency_seconds: float
    chance: random.Random | None = None
    dead: bool = False  # whatever is written vanishes


class End:
    """One end of a line: the transport that its protocol is given. What it writes travels to `peer`."""

    peer: End
    protocol: asyncio.Protocol

    def __init__(self, network: Network, says: str, line: Line) -> None:
        self._network = network
        self._says = says
        self._line = line
        self._travelling: deque[bytes | None] = deque()  # to the peer; None is the end of the stream
        self._arrived: deque[bytes | None] = deque()  # while reading is paused
        self._reading = True
        self._closing = False
        self._ended = False  # wrote the end of the stream
        self._lost = False

    def write(self, data: bytes) -> None:
        if self._closing or self._ended or not data:
            return
        if self._line.chance is None and self._says == "request":
            self._network.name(self._line, data.split(b"\r\n", 1)[0])
        if not self._line.dead and self._network.loses(self._says, self._line):
            self._die()
        self._send(bytes(data))

    def write_eof(self) -> None:
        if not self._ended:
            self._ended = True
            self._send(None)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.write_eof()
            self._network.loop.call_soon(self._lose, None)

    def abort(self) -> None:
        if not self._lost:
            self._closing = True
            self._travelling.clear()
            if not self._line.dead:
                reset = ConnectionResetError("reset by the other side")
                self._network.loop.call_later(self._line.latency_seconds, self.peer._lose, reset)
            self._network.loop.call_soon(self._lose, None)

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._network.loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (ADDRESS, 0) if name in ("peername", "sockname") else default

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.Protocol:
        return self.protocol

    def _send(self, piece: bytes | None) -> None:
        if not self._line.dead:
            self._travelling.append(piece)
            self._network.loop.call_later(self._line.latency_seconds, self._arrive)

    def _arrive(self) -> None:
        if self._travelling:  # else the line died or was reset meanwhile
            self.peer._arrived.append(self._travelling.popleft())
            self.peer._deliver()

    def _deliver(self) -> None:
        while self._reading and self._arrived and not self._closing:
            piece = self._arrived.popleft()
            if piece is not None:
                self.protocol.data_received(piece)
            elif not self.protocol.eof_received():
                self.close()

    def _die(self) -> None:
        network, chance = self._network, self._line.chance
        assert chance is not None
        network.lines_died[self._says] += 1
        self._line.dead = True
        gone = ConnectionResetError("the line died")
        client, server = (self, self.peer) if self._says == "request" else (self.peer, self)
        for end, within in (
            (client, network.weather.client_notices_within_seconds),
            (server, network.weather.server_notices_within_seconds),
        ):
            end._travelling.clear()
            network.loop.call_later(chance.uniform(0, within), end._lose, gone)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self.protocol.connection_lost(error)
