"""Many stations in one process over plain epoll: closed loop, open loop, a storm, or one message after another.

Each station waits for the answer to its message before it says the next, as OCPP 1.6 4.1.1 demands. Every answer is
checked: a CALLRESULT with the right id (any frame from an echo server). CALLs of the server are answered and counted.
"""

from __future__ import annotations

import errno
import heapq
import json
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.framing import CLOSE, PING, PONG, TEXT, client_frame, split_frames, upgrade_request
from bench.messages import Message, answer_to_call, boot, text_now, text_of
from bench.station import LOST, OPEN, Station

# No answer from any station for so long ends the run; what is still awaited counts as an error.
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Outcome:
    """What the stations saw. Latencies in seconds, `bytes_sent` in bytes of whole frames."""

    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    frames_sent: int = 0
    calls_answered: int = 0
    bytes_sent: int = 0
    wall_seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """The latency in seconds that `share` of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Load:
    """The stations of one run. Use it as `with Load(...) as load`; then connect, then one or more loops."""

    def __init__(self, port: int, count: int, *, echo: bool = False) -> None:
        self.stations = [Station(number) for number in range(count)]
        self.outcome = Outcome()
        self._port = port
        self._echo = echo
        self._poll = select.epoll()
        self._by_descriptor: dict[int, Station] = {}
        self._outstanding = 0
        self._gave_up = False
        self._newest = time.perf_counter()
        self._now_text = text_now()

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for station in self.stations:
            station.socket.close()

    def connect(self, *, at_once: int = 50, then: Callable[[Station], None] | None = None) -> None:
        """Open every station's connection, `at_once` of them under way together; `then` is called for each."""
        waiting = iter(self.stations)
        missing = len(self.stations)
        for _, station in zip(range(at_once), waiting, strict=False):
            self._dial(station)
        while missing:
            for descriptor, _ in self._events(missing):
                station = self._by_descriptor[descriptor]
                if self._upgraded(station):
                    missing -= 1
                    if then and station.state == OPEN:
                        then(station)
                    following = next(waiting, None)
                    if following is not None:
                        self._dial(following)
            if self._gave_up:
                return

    def closed_loop(self, messages: Sequence[Message], laps: int = 1) -> Outcome:
        """Every station says the messages `laps` times, the next one when the answer to the last is there."""
        steps = laps * len(messages)

        def say_next(station: Station) -> None:
            if station.step < steps:
                message = messages[station.step % len(messages)]
                station.step += 1
                self._say(station, message, self._now_text)

        with self._measured():
            for station in self.stations:
                station.step = 0
                say_next(station)
            self._until_answered(say_next)
        return self.outcome

    def storm(self) -> Outcome:
        """Every station connects at once and boots; the wall time ends with the last answer."""
        with self._measured():
            self.connect(at_once=len(self.stations), then=lambda station: self._say(station, boot, self._now_text))
            self._until_answered(_nothing_more)
        return self.outcome

    def open_loop(self, message: Message, *, every_seconds: float, seconds: float) -> Outcome:
        """Every station says `message` each `every_seconds`; one that still waits when its time comes is an error."""
        spacing = every_seconds / len(self.stations)
        with self._measured() as began:
            due = [(began + spacing * index, index) for index in range(len(self.stations))]
            while time.perf_counter() < began + seconds:
                now = time.perf_counter()
                while due[0][0] <= now:
                    planned, index = heapq.heappop(due)
                    heapq.heappush(due, (planned + every_seconds, index))
                    station = self.stations[index]
                    if station.state == OPEN and not station.awaited:
                        self._say(station, message, self._now_text)
                    elif station.state == OPEN:
                        self.outcome.errors["no answer within the interval"] += 1
                pause = min(due[0][0], began + seconds) - time.perf_counter()
                self._read_once(max(0.0, pause), _nothing_more)
            self._until_answered(_nothing_more)
        return self.outcome

    def one_after_another(self, said: Iterable[tuple[float, int, Message]]) -> Outcome:
        """Say (seconds since 1970, station index, message) in order, each after the answer to the one before."""
        with self._measured():
            for second, index, message in said:
                self._say(self.stations[index], message, text_of(second))
                self._until_answered(_nothing_more)
                if self._gave_up:
                    break
        return self.outcome

    @contextmanager
    def _measured(self) -> Iterator[float]:
        self.outcome = Outcome(errors=self.outcome.errors)
        self._now_text = text_now()
        began = self._newest = time.perf_counter()
        yield began
        self.outcome.wall_seconds = self._newest - began

    def _dial(self, station: Station) -> None:
        station.socket.setblocking(False)
        station.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # a reset at the end instead of TIME_WAIT: the next round needs the ports
        station.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        outcome = station.socket.connect_ex(("127.0.0.1", self._port))
        self._by_descriptor[station.socket.fileno()] = station
        self._poll.register(station.socket.fileno(), select.EPOLLOUT)
        if outcome not in (0, errno.EINPROGRESS):
            raise OSError(outcome, "connect")

    def _upgraded(self, station: Station) -> bool:
        """Move the handshake on; True when it ended, well or not."""
        if station.state == OPEN:
            self._readable(station, _nothing_more)
            return False
        try:
            if station.rest == b"" and not station.awaited:
                station.send(upgrade_request(self._port, station.name))
                station.awaited = "upgrade"
                self._poll.modify(station.socket.fileno(), select.EPOLLIN)
                return False
            data = station.recv(65536)
            if not data:
                raise ConnectionError("closed during the handshake")
            station.rest += data
        except OSError as error:
            self._lost(station, type(error).__name__)
            return True
        head, found, rest = station.rest.partition(b"\r\n\r\n")
        if not found:
            return False
        station.awaited = ""
        if not head.startswith(b"HTTP/1.1 101"):
            self._lost(station, "refused: " + head[:30].decode("latin-1"))
            return True
        station.rest = b""
        station.state = OPEN
        station.socket.setblocking(True)
        self._take(station, rest, _nothing_more)
        return True

    def _say(self, station: Station, message: Message, now: str) -> None:
        frame = client_frame(message(station, now).encode())
        self._outstanding += 1
        self.outcome.frames_sent += 1
        self.outcome.bytes_sent += len(frame)
        station.sent_at = time.perf_counter()
        try:
            station.send(frame)
        except OSError as error:
            self._lost(station, type(error).__name__)

    def _until_answered(self, say_next: Callable[[Station], None]) -> None:
        while self._outstanding and not self._gave_up:
            self._read_once(1.0, say_next)
            if time.perf_counter() - self._newest > PATIENCE_SECONDS:
                self._give_up()

    def _give_up(self) -> None:
        self.outcome.errors["no answer"] += self._outstanding
        self._gave_up = True

    def _events(self, missing: int) -> list[tuple[int, int]]:
        events = self._poll.poll(PATIENCE_SECONDS)
        if not events:
            self.outcome.errors["no handshake"] += missing
            self._gave_up = True
        return events

    def _read_once(self, patience_seconds: float, say_next: Callable[[Station], None]) -> None:
        events = self._poll.poll(patience_seconds)
        self._now_text = text_now()
        for descriptor, _ in events:
            self._readable(self._by_descriptor[descriptor], say_next)

    def _readable(self, station: Station, say_next: Callable[[Station], None]) -> None:
        try:
            data = station.recv(65536)
        except OSError as error:
            self._lost(station, type(error).__name__)
            return
        if not data:
            self._lost(station, "closed by the server")
            return
        self._take(station, station.rest + data if station.rest else data, say_next)

    def _take(self, station: Station, data: bytes, say_next: Callable[[Station], None]) -> None:
        frames, station.rest = split_frames(data)
        for opcode, payload in frames:
            if opcode == TEXT:
                if self._echo or payload[1:2] in b"34":
                    self._answered(station, payload)
                    say_next(station)
                else:
                    self._called(station, payload)
            elif opcode == PING:
                station.send(client_frame(payload, PONG))
            elif opcode == CLOSE:
                self._lost(station, "closed by the server")

    def _answered(self, station: Station, payload: bytes) -> None:
        now = self._newest = time.perf_counter()
        self._outstanding -= 1
        self.outcome.latencies.append(now - station.sent_at)
        awaited, station.awaited = station.awaited, ""
        if self._echo:
            return
        if payload[1:2] != b"3" or awaited.encode() not in payload[:48] or station.must_contain not in payload:
            # without the message id, which is another each time
            self.outcome.errors[payload.decode("utf-8", "replace").replace(awaited, "")[:80]] += 1
        elif station.must_contain == b"transactionId":
            answer = json.loads(payload)[2]
            station.transaction_id = answer["transactionId"]
            if answer["idTagInfo"]["status"] != "Accepted":
                self.outcome.errors[f"start answered {answer['idTagInfo']['status']}"] += 1

    def _called(self, station: Station, payload: bytes) -> None:
        frame = client_frame(answer_to_call(payload).encode())
        self.outcome.calls_answered += 1
        self.outcome.bytes_sent += len(frame)
        station.send(frame)

    def _lost(self, station: Station, reason: str) -> None:
        if station.state == LOST:
            return
        self.outcome.errors[reason] += 1
        if station.awaited and station.state == OPEN:
            self._outstanding -= 1
        station.state = LOST
        station.awaited = ""
        self._poll.unregister(station.socket.fileno())


def _nothing_more(station: Station) -> None:
    """The station waits."""
