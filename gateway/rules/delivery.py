"""Which event is sent next, and from where on again? The delivery of one upstream's streams, in memory.

The upstream acknowledges what it has stored; a PUBACK of the broker only says that the broker has it. So the window
counts what the upstream has not acknowledged, a gap that the upstream tells is followed by going back once, and
silence with nothing on its way by going back after 2 s, then 4, up to 60. Who reads and sends is not known here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

STREAMS = ("tx", "ops", "meter")  # what bills goes first
WINDOW_EVENTS = 256
WINDOW_BYTES = 1_048_576
_FIRST_SILENCE_SECONDS = 2.0
_LONGEST_SILENCE_SECONDS = 60.0

Heard = Literal["progress", "nothing_new", "went_back", "ahead"]


class Ack(NamedTuple):
    """What an upstream says: it has stored all of the stream up to `upto`; `gap`: something after it is missing."""

    epoch: str
    stream: str
    upto: int
    gap: bool = False
    batch: bool = False
    most_per_second: float | None = None


@dataclass(slots=True)
class Flow:
    """One stream on its way to one upstream. Sequences rise, but may leave numbers out where events were deleted."""

    acked: int
    last_sent: int = 0
    unacked: deque[tuple[int, int]] = field(default_factory=deque)  # (sequence, bytes) of what was sent, oldest first
    unacked_bytes: int = 0
    _went_back_for: int | None = None
    _silence_seconds: float = _FIRST_SILENCE_SECONDS
    _heard_at: float = 0.0

    def __post_init__(self) -> None:
        self.last_sent = max(self.last_sent, self.acked)

    def has_room(self) -> bool:
        """May another event be sent? One that is alone may be as large as it is."""
        return len(self.unacked) < WINDOW_EVENTS and self.unacked_bytes < WINDOW_BYTES

    def sent(self, sequence: int, size_bytes: int, now: float) -> None:
        """An event after the last one was handed to the broker."""
        self.last_sent = sequence
        self.unacked.append((sequence, size_bytes))
        self.unacked_bytes += size_bytes
        self._heard_at = now

    def heard(self, upto: int, *, gap: bool, newest: int, now: float) -> Heard:
        """The upstream acknowledged. `ahead`: it has what the journal (up to `newest`) does not; nothing changes."""
        if upto > newest:
            return "ahead"
        if gap and upto < self.acked and self._went_back_for != upto:
            # it has less than it acknowledged: it was restored from a backup of its own
            self.acked, self._went_back_for, self._heard_at = upto, upto, now
            self.go_back()
            return "went_back"
        progress = upto > self.acked
        if progress:
            self.acked = upto
            self.last_sent = max(self.last_sent, upto)
            while self.unacked and self.unacked[0][0] <= upto:
                self.unacked_bytes -= self.unacked.popleft()[1]
            self._silence_seconds, self._heard_at, self._went_back_for = _FIRST_SILENCE_SECONDS, now, None
        if gap and upto == self.acked and self._went_back_for != upto and self.unacked:
            self._went_back_for = upto
            self.go_back()
            self._heard_at = now
            return "went_back"
        return "progress" if progress else "nothing_new"

    def silence_ends_at(self, *, in_flight: int) -> float | None:
        """When to go back if nothing is heard until then; None while something is on its way, or nothing is missing."""
        return None if in_flight or not self.unacked else self._heard_at + self._silence_seconds

    def no_answer(self, now: float) -> None:
        """Nothing was heard for too long: go back, and wait longer the next time."""
        self.go_back()
        self._silence_seconds = min(2 * self._silence_seconds, _LONGEST_SILENCE_SECONDS)
        self._heard_at = now
        self._went_back_for = None

    def published(self, now: float) -> None:
        """The broker took something: the upstream's silence counts from here."""
        self._heard_at = max(self._heard_at, now)

    def go_back(self) -> None:
        """Send everything that is not acknowledged again, from the oldest on."""
        self.last_sent = self.acked
        self.unacked.clear()
        self.unacked_bytes = 0

    def begin_at(self, sequence: int) -> None:
        """Send again from here on, whatever was acknowledged."""
        self.acked = sequence - 1
        self.go_back()
        self._went_back_for = None

    def linked_anew(self, now: float) -> None:
        """Another connection: what was on its way may be lost."""
        self.go_back()
        self._went_back_for, self._silence_seconds, self._heard_at = None, _FIRST_SILENCE_SECONDS, now


@dataclass(slots=True)
class Pace:
    """At most so many events a second, as the upstream asked for; None: as fast as it acknowledges."""

    most_per_second: float | None = None
    _may_send_at: float = 0.0

    def waits_until(self, now: float) -> float | None:
        """When the next event may be sent; None: now."""
        return self._may_send_at if self.most_per_second is not None and now < self._may_send_at else None

    def sent(self, events: int, now: float) -> None:
        """So many events were sent. Up to a tenth of a second's worth may follow each other closely."""
        if self.most_per_second is not None:
            self._may_send_at = max(self._may_send_at, now - 0.1) + events / self.most_per_second


@dataclass(slots=True)
class Delivery:
    """All streams of one upstream. `stored`: how far its acknowledgements are on disk."""

    epoch: str
    flows: dict[str, Flow]
    stored: dict[str, int]
    batch: bool = False
    pace: Pace = field(default_factory=Pace)

    @classmethod
    def of(cls, epoch: str, acked: Mapping[str, int]) -> Delivery:
        """From what is on disk."""
        return cls(epoch, {stream: Flow(acked.get(stream, 0)) for stream in STREAMS}, dict(acked))

    def acked(self) -> dict[str, int]:
        """Per stream, up to where the upstream has everything."""
        return {stream: flow.acked for stream, flow in self.flows.items()}

    def to_store(self) -> dict[str, int]:
        """What was acknowledged and is not on disk yet."""
        return {stream: flow.acked for stream, flow in self.flows.items() if flow.acked != self.stored.get(stream, 0)}

    def with_room(self) -> Iterator[tuple[str, Flow]]:
        """The streams that may send, the most important first."""
        return ((stream, flow) for stream, flow in self.flows.items() if flow.has_room())
