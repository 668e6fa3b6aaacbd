"""One station's WebSocket: the I/O shell around `ocpp.conversation`.

Bytes come in, whole frames go to the fast path or to the `websockets` library, texts go to the conversation, and what
the conversation wants done is done. Back-pressure: while too many requests wait for their answers, or the station does
not read ours, its socket is not read. What a request means is not known here: `answer` was handed in.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from websockets.asyncio.server import Server, ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import CONNECTING, OPEN, Event
from websockets.server import ServerProtocol

from gateway.model.calls import NotConnected, Payload, Reply, Unanswered
from gateway.model.identities import StationId
from gateway.model.proofs import Proof
from gateway.model.treatment import Treatment
from gateway.ocpp import conversation
from gateway.ocpp.conversation import Conversation, Ticket
from gateway.ocpp.frame import Call
from gateway.stations.bounds import LONGEST_WITHOUT_METER_DATA, MOST_CALLS_WAITING, WITH_METER_DATA, Bounds
from gateway.stations.fast_path import frame_length, server_text_frame, text_of_frame
from gateway.stations.waiting_calls import WaitingCalls

if TYPE_CHECKING:
    from gateway.model.instants import Instant

logger = logging.getLogger(__name__)

Answer = Callable[["StationConnection", Call], None]
# Told (station, "received" or "sent", text) of every message, where frames are logged.
Trace = Callable[[StationId, str, bytes], None]

_HEADER_BYTES = 14
_CLOSE_PATIENCE_SECONDS = 5.0
_DROP_PATIENCE_SECONDS = 2.0
_A_REQUEST = b"[2,"


class StationConnection(ServerConnection):
    """A connection; a station's once `attach` was called after the handshake."""

    def __init__(self, protocol: ServerProtocol, server: Server, *, bounds: Bounds, trace: Trace | None = None) -> None:
        super().__init__(
            protocol,
            server,
            ping_interval=bounds.ping_interval_seconds or None,
            ping_timeout=None,  # a missed pong closes nothing: some stations never answer; `end_idle` counts any frame
            close_timeout=_CLOSE_PATIENCE_SECONDS,
            max_queue=None,
        )
        self.max_frame_bytes = bounds.max_frame_bytes
        self.station = StationId("")
        self.address = ""
        self.since: Instant
        self.last_message_at = 0.0  # loop time
        self.treatment = Treatment()
        self.proof = Proof()
        self.trace = trace
        self.dropped = 0  # messages that led to nothing
        self._partial = bytearray()
        self._awaited = 0  # bytes of the frame that `_partial` begins, once its header is there
        self._pieces: list[bytes] = []  # of a fragmented message
        self._early: list[bytes] = []  # messages that came before `attach`
        self._turns: deque[conversation.Event] = deque()
        self._taking_turns = False
        self._library_only = False
        self._hang_up: asyncio.TimerHandle | None = None
        self._conversation: Conversation | None = None
        self._answer: Answer | None = None
        self._calls = WaitingCalls()
        self._timer: asyncio.TimerHandle | None = None
        self._paused_reading = False

    # What the rest of the gateway uses

    def attach(self, station: StationId, *, talk: Conversation, answer: Answer, since: Instant) -> None:
        """From now on this is `station`'s connection; messages that came meanwhile are processed first."""
        self.station = station
        self.since = since
        self.last_message_at = self.loop.time()
        self._answer = answer
        self._conversation = talk
        early, self._early = self._early, []
        for text in early:
            self._text_arrived(text)

    async def call(self, action: str, payload: Payload, *, patience_seconds: float) -> Reply:
        """Send a request when it is its turn; the station's reply. Raises Unanswered, NotConnected."""
        talk = self._conversation
        if talk is None or self.protocol.state is not OPEN:
            raise NotConnected(self.station)
        if len(self._calls) >= MOST_CALLS_WAITING:
            raise Unanswered("too many requests are waiting for this station")
        ticket = Ticket(action, payload, patience_seconds)
        reply = self._calls.wait_for(ticket)
        self._do(talk.call(ticket, self.loop.time()))
        self._set_timer()
        try:
            return await reply
        finally:
            if self._calls.given_up(ticket):
                self._do(talk.withdraw(ticket, self.loop.time()))
                self._set_timer()

    def reply(self, call: Call, text: bytes | None) -> None:
        """Answer the station's request `call` with `text`; None leaves it unanswered."""
        if self._conversation is None:
            return
        if text is not None:
            self._send_answer(text)
        turns = self._conversation.answered(call, text)
        if turns:
            self._turns.extend(turns)
        if not self._taking_turns and (self._turns or self._paused_reading):
            self._take_turns()

    def end(self, code: int, reason: str) -> None:
        """Close without waiting for the station: waiting calls fail now, the socket dies within seconds."""
        self._fail_calls(f"connection closed: {reason}")
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, reason)
            self.send_data()
        self._abort_within(_CLOSE_PATIENCE_SECONDS)

    def drop(self) -> None:
        """Hang up without a Close frame, after what was already written."""
        self._fail_calls("the gateway hung up")
        if not hasattr(self, "transport"):
            return  # accepted a moment ago
        self.transport.close()
        self._abort_within(_DROP_PATIENCE_SECONDS)

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Nearly always exactly one text frame; everything else is cut into frames first."""
        if self._partial or not self._take_text_frame(data):
            self._cut_into_frames(data)

    def _take_text_frame(self, frame: bytes) -> bool:
        """True when `frame` was one plain text frame, whole, at a place where one may stand."""
        protocol = self.protocol
        if protocol.current_size is not None or protocol.state is not OPEN or protocol.extensions or self._library_only:
            return False
        text = text_of_frame(frame)
        if text is None or len(text) > self.max_frame_bytes:
            return False
        self._text_arrived(text)
        return True

    def _cut_into_frames(self, data: bytes) -> None:
        """A frame over the bound goes to the library at once, which refuses it (1009)."""
        if self._library_only or self.protocol.state is not OPEN:
            self._to_library(data)
            # Bytes behind the handshake may leave the library in the middle of a frame: then it keeps the connection.
            self._library_only |= self.request is not None and not data.endswith(b"\r\n\r\n")
            return
        if self._partial:
            self._partial += data
            if len(self._partial) < self._awaited:
                return
            data = bytes(self._partial)
            self._partial.clear()
        start = 0
        while start < len(data):
            length = frame_length(data, start)
            if length is not None and length > self.max_frame_bytes + _HEADER_BYTES:
                self._to_library(data[start:])
                return
            if length is None or start + length > len(data):
                self._partial += data[start:]
                self._awaited = length or 0
                return
            frame = data if length == len(data) else data[start : start + length]
            if not self._take_text_frame(frame):
                self._to_library(frame)
            start += length

    def process_event(self, event: Event) -> None:
        """What the library made of an unusual frame: fragments are put together here, control frames are its own."""
        if self.request is None or not isinstance(event, Frame):
            super().process_event(event)
            return
        if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._pieces.append(bytes(event.data))
            if event.fin:
                text = b"".join(self._pieces)
                self._pieces = []
                self._whole_text(text)
            return
        if event.opcode in (Opcode.PING, Opcode.PONG):
            self.last_message_at = self.loop.time()
        super().process_event(event)

    def pause_writing(self) -> None:
        """The station does not read its answers: stop reading its requests."""
        super().pause_writing()
        self._consider_reading()

    def resume_writing(self) -> None:
        """The station reads again."""
        super().resume_writing()
        self._consider_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Every waiting call learns at once that no answer will come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._hang_up is not None:
            self._hang_up.cancel()
        self._fail_calls("connection lost")
        super().connection_lost(exc)

    # Private

    def _to_library(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.state not in (CONNECTING, OPEN) and self._hang_up is None:
            self._abort_within(_CLOSE_PATIENCE_SECONDS)

    def _abort_within(self, seconds: float) -> None:
        """Whatever the station does now, its socket dies: half closed it would stay in its place for ever."""
        if self._hang_up is not None:
            self._hang_up.cancel()
        self._hang_up = self.loop.call_later(seconds, self.transport.abort)

    def _whole_text(self, text: bytes) -> None:
        try:
            text.decode()
        except UnicodeDecodeError:
            self.protocol.fail(1007, "not UTF-8")
            self.send_data()
            self._abort_within(_CLOSE_PATIENCE_SECONDS)
            return
        self._text_arrived(text)

    def _text_arrived(self, text: bytes) -> None:
        if self._conversation is None:
            self._early.append(text)
            return
        now = self.last_message_at = self.loop.time()
        if self.trace is not None:
            self.trace(self.station, "received", text)
        event = self._conversation.text_arrived(text, now)
        if type(event) is Call:
            if len(text) > LONGEST_WITHOUT_METER_DATA and not self._may_be_long(event):
                self.end(1009, "only messages with meter data may be this long")
                return
            assert self._answer is not None
            self._answer(self, event)
        elif event is not None:
            self._do(event)
        elif self._conversation.full:
            self._consider_reading()

    def _take_turns(self) -> None:
        """One waiting request after the other; those answered at once add to the queue instead of recursing."""
        self._taking_turns = True
        try:
            while self._turns:
                self._do(self._turns.popleft())
        finally:
            self._taking_turns = False
        if self._paused_reading:
            self._consider_reading()

    def _may_be_long(self, call: Call) -> bool:
        return not self.treatment.strict or call.action in WITH_METER_DATA

    def _do(self, event: conversation.Event | None) -> None:
        match event:
            case Call():
                assert self._answer is not None
                self._answer(self, event)
            case conversation.Send(text) if text.startswith(_A_REQUEST):
                self._send(text)
            case conversation.Send(text):
                self._send_answer(text)
            case conversation.Resolved(ticket, reply):
                self._calls.answered(ticket, reply)
                self._set_timer()
            case conversation.Expired(ticket):
                self._calls.failed(ticket, f"no answer within {ticket.patience_seconds:g} s")
            case conversation.Dropped(reason):
                self.dropped += 1
                logger.debug("message dropped: %s", reason, extra={"station": self.station})
            case None:
                pass

    def _send_answer(self, text: bytes) -> None:
        if self.treatment.answer_delay_seconds:
            self.loop.call_later(self.treatment.answer_delay_seconds, self._send, text)
        else:
            self._send(text)

    def _send(self, text: bytes) -> None:
        if self.protocol.state is not OPEN:
            return
        if self.trace is not None:
            self.trace(self.station, "sent", text)
        if self.protocol.extensions:
            self.protocol.send_text(text)
            self.send_data()
        else:
            self.transport.write(server_text_frame(text))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._conversation.next_deadline() if self._conversation is not None else None
        if deadline is not None:
            self._timer = self.loop.call_at(deadline, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        assert self._conversation is not None
        events: Sequence[conversation.Event] = self._conversation.time_passed(self.loop.time())
        for event in events:
            self._do(event)
        self._set_timer()

    def _fail_calls(self, reason: str) -> None:
        if self._conversation is not None:
            self._conversation.ended()
        self._calls.all_failed(reason)

    def _consider_reading(self) -> None:
        stop = self.paused or (self._conversation is not None and self._conversation.full)
        if stop and not self._paused_reading:
            self._paused_reading = True
            self.transport.pause_reading()
        elif not stop and self._paused_reading:
            self._paused_reading = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
