"""One station's conversation over one connection, as a pure state machine: no sockets, no clocks, deadlines as data.

Rules it keeps (OCPP-J 1.6 4.1.1; errata 3.1, 3.5, 3.7):
 1. The station's requests are answered one at a time, in order of arrival; the rest waits in a queue that is bounded
    in messages and in bytes.
 2. A request that repeats an id with the same content gets the stored answer again, over any of its connections.
 3. We have at most one request of our own open; a time-out frees the queue; a late answer is matched and dropped.
 4. Answers to our requests are never held up by requests of the station, so an answering function may call back.
It does not know what any action means, except whose answers are not worth remembering.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.model.calls import Answered, CallErrored, Reply
from gateway.ocpp.errors import ErrorCode
from gateway.ocpp.frame import BrokenCall, Call, CallError, CallResult, Garbage, read_frame, write_call, write_error

_ANSWERS_REMEMBERED = 32
# The memory of answers is bounded in bytes too: these are far above what OCPP allows (36) and what answers need.
_LONGEST_ID_REMEMBERED = 256
_LONGEST_ANSWER_REMEMBERED = 1024
_MOST_BYTES_WAITING = 1_000_000
# What could not be processed is tried again when the station tries again (OCPP 1.6 3.7.1).
_A_REFUSAL = b"[4,"
# A repeat is answered afresh, which is harmless and right: the answer carries the time or says what holds now, and a
# station that counts its ids from 1 after each boot may mean something new by an old id.
_ANSWERED_AFRESH = frozenset(
    {
        "Authorize",
        "BootNotification",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "SignedFirmwareStatusNotification",
        "StatusNotification",
    }
)


@dataclass(frozen=True, slots=True)
class Send:
    """Put this text on the wire."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Resolved:
    """One of our requests has its reply."""

    ticket: Ticket
    reply: Reply


@dataclass(frozen=True, slots=True)
class Expired:
    """One of our requests was not answered in time."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something arrived that leads to nothing: garbage, or an answer that nobody waits for."""

    reason: str


# A `Call` is the station's request whose turn it is: find an answer, then say `answered`.
Event = Call | Send | Resolved | Expired | Dropped


@dataclass(slots=True, eq=False)
class Ticket:
    """One request of ours: what to send, how long to wait for the answer once it is sent (seconds)."""

    action: str
    payload: object
    patience_seconds: float
    message_id: str = ""


@dataclass(slots=True)
class AnswersGiven:
    """The newest answers to one station identity; it outlives connections. Bounded."""

    answers: dict[str | int | float, tuple[int, bytes]] = field(default_factory=dict)

    def find(self, call: Call, message: bytes) -> bytes | None:
        """The stored answer if this very `message` (the text that `call` was read from) was answered before."""
        found = self.answers.get(call.message_id)
        if found is None or found[0] != hash(message):
            return None
        return found[1]

    def keep(self, call: Call, message: bytes, text: bytes) -> None:
        """Remember the answer `text`, unless it refuses or is too long; the oldest goes when there are too many."""
        answers = self.answers
        answers.pop(call.message_id, None)
        if call.action in _ANSWERED_AFRESH or text.startswith(_A_REFUSAL):
            return
        message_id = call.message_id
        if len(text) > _LONGEST_ANSWER_REMEMBERED or (
            isinstance(message_id, str) and len(message_id) > _LONGEST_ID_REMEMBERED
        ):
            return
        if len(answers) >= _ANSWERS_REMEMBERED:
            del answers[next(iter(answers))]
        answers[call.message_id] = (hash(message), text)


class Conversation:
    """See the module docstring. Every method takes `now` in seconds of any monotonic clock, where it needs one."""

    __slots__ = (
        "_asked",
        "_asked_text",
        "_deadline",
        "_given",
        "_open",
        "_over",
        "_quiet_until",
        "_tickets",
        "_waiting",
        "_waiting_bytes",
        "gap_seconds",
        "new_id",
        "queue_bound",
    )

    def __init__(
        self, *, new_id: Callable[[], str], given: AnswersGiven, queue_bound: int = 32, gap_seconds: float = 0.0
    ) -> None:
        self.new_id = new_id
        self.queue_bound = queue_bound
        self.gap_seconds = gap_seconds
        self._given = given
        self._asked: Call | None = None
        self._asked_text = b""
        self._waiting: deque[tuple[Call, bytes]] = deque()
        self._waiting_bytes = 0
        self._tickets: deque[Ticket] = deque()
        self._open: Ticket | None = None
        self._deadline = 0.0
        self._quiet_until = 0.0
        self._over = False

    # What the station sends

    def text_arrived(self, text: bytes, now: float) -> Event | None:
        """One message arrived; None when there is nothing to do now, or not any more."""
        if self._over:
            return None
        frame = read_frame(text)
        if type(frame) is Call:
            if self._asked is not None:
                self._waiting.append((frame, text))
                self._waiting_bytes += len(text)
                return None
            if frame.message_id not in self._given.answers:
                self._asked, self._asked_text = frame, text
                return frame
            return self._take(frame, text)
        if isinstance(frame, CallResult):
            payload = frame.payload if isinstance(frame.payload, dict) else {}
            return self._resolve(frame.message_id, Answered(payload), now)
        if isinstance(frame, CallError):
            return self._resolve(frame.message_id, CallErrored(frame.code, frame.description, frame.details), now)
        if isinstance(frame, BrokenCall):
            return Send(write_error(frame.message_id, ErrorCode.FORMATION_VIOLATION, frame.reason))
        assert isinstance(frame, Garbage)
        return Dropped(frame.reason)

    def answered(self, call: Call, text: bytes | None) -> Sequence[Event]:
        """The request `call` has its answer `text` (None: it gets none); returns what the waiting requests need."""
        if text is not None:
            self._given.keep(call, self._asked_text, text)
        self._asked = None
        self._asked_text = b""
        if not self._waiting:
            return ()
        events: list[Event] = []
        while self._waiting and self._asked is None:
            waited, message = self._waiting.popleft()
            self._waiting_bytes -= len(message)
            events.append(self._take(waited, message))
        return events

    @property
    def full(self) -> bool:
        """True while the station should not be read any further (back-pressure)."""
        return len(self._waiting) >= self.queue_bound or self._waiting_bytes > _MOST_BYTES_WAITING

    # What we send

    def call(self, ticket: Ticket, now: float) -> Event | None:
        """Queue a request of ours; returns what to send, if it may go now."""
        self._tickets.append(ticket)
        return self._send_next(now)

    def withdraw(self, ticket: Ticket, now: float) -> Event | None:
        """Nobody waits for this request any more: unsent it never goes out, sent its answer is dropped."""
        if ticket is self._open:
            self._open = None
            self._quiet_until = now + self.gap_seconds
        elif ticket in self._tickets:
            self._tickets.remove(ticket)
        return self._send_next(now)

    def next_deadline(self) -> float | None:
        """When `time_passed` wants to be called next."""
        if self._open is not None:
            return self._deadline
        return self._quiet_until if self._tickets else None

    def time_passed(self, now: float) -> list[Event]:
        """What is due at `now`: a request that was not answered in time, and the next request to send."""
        events: list[Event] = []
        if self._open is not None and now >= self._deadline:
            events.append(Expired(self._open))
            self._open = None
            self._quiet_until = now
        following = self._send_next(now)
        if following is not None:
            events.append(following)
        return events

    def ended(self) -> list[Ticket]:
        """The connection is gone: every request of ours that will never be answered; the station's are not read."""
        lost = ([self._open] if self._open is not None else []) + list(self._tickets)
        self._open = None
        self._tickets.clear()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._over = True
        return lost

    def _take(self, call: Call, text: bytes) -> Event:
        stored = self._given.find(call, text)
        if stored is not None:
            return Send(stored)
        self._asked = call
        self._asked_text = text
        return call

    def _resolve(self, message_id: str, reply: Reply, now: float) -> Event:
        ticket = self._open
        if ticket is None or ticket.message_id != message_id:
            return Dropped("late or unknown answer")
        self._open = None
        self._quiet_until = now + self.gap_seconds
        return Resolved(ticket, reply)

    def _send_next(self, now: float) -> Event | None:
        if self._open is not None or not self._tickets or now < self._quiet_until:
            return None
        ticket = self._open = self._tickets.popleft()
        ticket.message_id = self.new_id()
        self._deadline = now + ticket.patience_seconds
        return Send(write_call(ticket.message_id, ticket.action, ticket.payload))
