"""Which event is sent next, and from where on again? The delivery of one upstream's streams, in memory.

The upstream acknowledges what it has stored; a PUBACK of the broker only says that the broker has it. So the window
counts what the upstream has not acknowledged, a gap that the upstream tells is followed by going back once, and
silence with nothing on its way by going back after 2 s, then 4, up to 60: twice with all of the window, then with one
event alone, because nobody may be there and the broker keeps every copy. Who reads and sends is not known here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gateway.model.journal import STREAMS

WINDOW_EVENTS = 256
WINDOW_BYTES = 1_048_576
_FIRST_SILENCE_SECONDS = 2.0
_LONGEST_SILENCE_SECONDS = 60.0
_MOST_SILENCES = 16
_SILENCES_BEFORE_ASKING = 2
_TOGETHER_SECONDS = 0.1

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
    """One stream on its way to one upstream. Sequences rise, but may leave numbers out where events were deleted.

    `waiting_since`: from then on the upstream said nothing new about what was sent to it; None: it has everything.
    """

    acked: int
    last_sent: int = 0
    unacked: deque[tuple[int, int]] = field(default_factory=deque)  # (sequence, bytes) of what was sent, oldest first
    unacked_bytes: int = 0
    waiting_since: float | None = None
    _went_back_for: int | None = None
    _silences: int = 0  # in a row
    _silent_since: float = 0.0
    _claimed: int | None = None  # up to where it said to have the stream when the journal did not reach that far

    def __post_init__(self) -> None:
        self.last_sent = max(self.last_sent, self.acked)

    def room(self) -> int:
        """How many more events may be sent; one that is alone may be as large as it is.

        After silence upon silence nobody may be there: then one event alone asks, again and again.
        """
        if self.unacked_bytes >= WINDOW_BYTES:
            return 0
        return max(0, (WINDOW_EVENTS if self._silences < _SILENCES_BEFORE_ASKING else 1) - len(self.unacked))

    def sent(self, sequence: int, size_bytes: int, now: float) -> None:
        """An event after the last one was handed to the broker."""
        if not self.unacked:
            self._silent_since = max(self._silent_since, now)
        if self.waiting_since is None:
            self.waiting_since = now
        self.last_sent = sequence
        self.unacked.append((sequence, size_bytes))
        self.unacked_bytes += size_bytes

    def heard(self, upto: int, *, gap: bool, newest: int, now: float) -> Heard:
        """The upstream acknowledged. `ahead`: it has what the journal (up to `newest`) does not; nothing changes.

        Who was ahead once is not believed when the journal comes that far: it has other events of these numbers.
        """
        if upto > newest or (self._claimed is not None and upto >= self._claimed):
            self._claimed = max(upto, self._claimed or 0)
            return "ahead"
        self._claimed, self._silences = None, 0
        if gap and upto < self.acked and self._went_back_for != upto:
            # it has less than it acknowledged: it was restored from a backup of its own
            self.acked = upto
            return self._go_back_for(upto, now)
        progress = upto > self.acked
        if progress:
            self._progress(upto, now)
        if gap and upto == self.acked and self._went_back_for != upto and self.unacked:
            return self._go_back_for(upto, now)
        return "progress" if progress else "nothing_new"

    def _progress(self, upto: int, now: float) -> None:
        self.acked, self._silent_since, self._went_back_for = upto, now, None
        self.last_sent = max(self.last_sent, upto)
        while self.unacked and self.unacked[0][0] <= upto:
            self.unacked_bytes -= self.unacked.popleft()[1]
        self.waiting_since = now if self.unacked else None

    def _go_back_for(self, upto: int, now: float) -> Heard:
        self._went_back_for, self._silent_since = upto, now
        self.go_back()
        return "went_back"

    def silence_ends_at(self, *, in_flight: int) -> float | None:
        """When to go back if nothing is heard until then; None while something is on its way, or nothing is missing."""
        if in_flight or not self.unacked:
            return None
        return self._silent_since + min(_FIRST_SILENCE_SECONDS * 2.0**self._silences, _LONGEST_SILENCE_SECONDS)

    def no_answer(self, now: float) -> None:
        """Nothing was heard for too long: go back, and wait longer the next time."""
        self.go_back()
        self._silences = min(self._silences + 1, _MOST_SILENCES)
        self._silent_since = now
        self._went_back_for = None

    def published(self, first: int, now: float) -> None:
        """The broker took the event `first` (and those with it): if it is the oldest, silence counts from here."""
        if self.unacked and first <= self.unacked[0][0]:
            self._silent_since = max(self._silent_since, now)

    def go_back(self) -> None:
        """Send everything that is not acknowledged again, from the oldest on."""
        self.last_sent = self.acked
        self.unacked.clear()
        self.unacked_bytes = 0

    def begin_at(self, sequence: int) -> None:
        """Send again from here on, also what was acknowledged; what was not is never passed over."""
        self.acked = min(self.acked, sequence - 1)
        self.go_back()
        self._went_back_for, self.waiting_since, self._silences = None, None, 0

    def linked_anew(self, now: float, *, asking: bool = False) -> None:
        """Another connection: what was on its way may be lost. `asking`: nobody answered over the one before."""
        self.go_back()
        self._went_back_for, self.waiting_since = None, None
        self._silences, self._silent_since = _SILENCES_BEFORE_ASKING if asking else 0, now


@dataclass(slots=True)
class Pace:
    """At most so many events a second, as the upstream asked for; None: as fast as it acknowledges."""

    most_per_second: float | None = None
    _may_send_at: float = 0.0

    def ask(self, most_per_second: float | None) -> None:
        """The upstream wishes this from now on; what it wished before holds nothing up."""
        if most_per_second != self.most_per_second:
            self.most_per_second, self._may_send_at = most_per_second, 0.0

    def waits_until(self, now: float) -> float | None:
        """When the next event may be sent; None: now."""
        return self._may_send_at if self.most_per_second is not None and now < self._may_send_at else None

    def at_once(self) -> int:
        """How many events may be sent in one message."""
        if self.most_per_second is None:
            return WINDOW_EVENTS
        return max(1, int(self.most_per_second * _TOGETHER_SECONDS))

    def sent(self, events: int, now: float) -> None:
        """So many events were sent. Up to a tenth of a second's worth may follow each other closely."""
        if self.most_per_second is not None:
            self._may_send_at = max(self._may_send_at, now - _TOGETHER_SECONDS) + events / self.most_per_second


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
        return ((stream, flow) for stream, flow in self.flows.items() if flow.room())

    def waiting_since(self) -> float | None:
        """Since when the upstream says nothing new of a stream although something was sent; None: it has everything."""
        return min((flow.waiting_since for flow in self.flows.values() if flow.waiting_since is not None), default=None)
