"""The conversation as a machine that is driven at random beside a simple model of what must hold.

At most one request of ours is open; every ticket ends in exactly one way; the station's requests are answered in order,
each exactly once; a repeat of an answered request gets the very same answer.
"""

from __future__ import annotations

from collections import Counter
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.ocpp.conversation import AnswersGiven, Conversation, Dropped, Event, Expired, Resolved, Send, Ticket
from gateway.ocpp.frame import Call, read_frame, write_result
from tests.properties.examples import examples

GAP = 0.5


class Talking(RuleBasedStateMachine):
    """One station, several connections one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.given = AnswersGiven()
        self.ids = count(1)
        self.station_ids = count(1)
        self.now = 0.0
        self.ends: Counter[int] = Counter()
        self.tickets: list[Ticket] = []
        self.answers: dict[str, bytes] = {}

    @initialize()
    def connect(self) -> None:
        self.talk = Conversation(
            new_id=lambda: f"our-{next(self.ids)}", given=self.given, queue_bound=4, gap_seconds=GAP
        )
        self.queued: list[Ticket] = []
        self.open: Ticket | None = None
        self.asked: Call | None = None
        self.expected: list[str] = []  # ids the station waits for, in order

    def take(self, events: Event | list[Event] | None) -> None:
        """What the connection would do with these events."""
        for event in events if isinstance(events, list) else [events]:
            match event:
                case None:
                    pass
                case Call():
                    assert self.asked is None, "two requests at once"
                    assert event.message_id == self.expected[0], "out of order"
                    self.asked = event
                case Send(text):
                    self.goes_out(text)
                case Resolved(ticket, _) | Expired(ticket):
                    assert ticket is self.open
                    self.open = None
                    self.ends[id(ticket)] += 1
                case Dropped():
                    pass

    def goes_out(self, text: bytes) -> None:
        frame = read_frame(text)
        if isinstance(frame, Call):
            assert self.open is None, "two requests of ours are open"
            self.open = self.queued.pop(0)
            assert self.open.message_id == frame.message_id
            return
        message_id = self.expected.pop(0)
        assert text == self.answers[message_id], "a repeat must get the very same answer"

    @rule(content=st.integers(0, 2))
    def station_asks(self, content: int) -> None:
        message_id = f"s-{next(self.station_ids)}"
        self.expected.append(message_id)
        self.take(self.talk.text_arrived(self.request(message_id, content), self.now))

    @precondition(lambda self: self.given.answers)
    @rule(data=st.data())
    def station_repeats(self, data: st.DataObject) -> None:
        message_id = str(data.draw(st.sampled_from(sorted(map(str, self.given.answers)))))
        self.expected.append(message_id)
        self.take(self.talk.text_arrived(self.request(message_id, self.contents[message_id]), self.now))

    contents: dict[str, int] = {}  # noqa: RUF012  (of the newest run; ids are only looked up there)

    def request(self, message_id: str, content: int) -> bytes:
        self.contents[message_id] = content
        return f'[2,"{message_id}","MeterValues",{{"n":{content}}}]'.encode()

    @precondition(lambda self: self.asked is not None)
    @rule(silent=st.booleans())
    def gateway_answers(self, silent: bool) -> None:
        assert self.asked is not None
        call, self.asked = self.asked, None
        message_id = str(call.message_id)
        assert self.expected.pop(0) == message_id
        text = None if silent else write_result(message_id, {"answer": len(self.answers)})
        if text is not None:
            self.answers[message_id] = text
        self.take(list(self.talk.answered(call, text)))

    @rule(patience=st.sampled_from([1.0, 5.0]))
    def gateway_asks(self, patience: float) -> None:
        ticket = Ticket("Reset", {}, patience)
        self.tickets.append(ticket)
        self.queued.append(ticket)
        self.take(self.talk.call(ticket, self.now))

    @precondition(lambda self: self.open is not None)
    @rule(kind=st.sampled_from(['[3,"{}",{{}}]', '[4,"{}","GenericError","",{{}}]']))
    def station_answers(self, kind: str) -> None:
        assert self.open is not None
        self.take(self.talk.text_arrived(kind.format(self.open.message_id).encode(), self.now))
        assert self.open is None

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def station_answers_something_else(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        if ticket is not self.open:
            event = self.talk.text_arrived(f'[3,"{ticket.message_id}",{{}}]'.encode(), self.now)
            assert isinstance(event, Dropped)

    @precondition(lambda self: self.open is not None or self.queued)
    @rule(data=st.data())
    def caller_gives_up(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from([*self.queued, *([self.open] if self.open else [])]))
        if ticket is self.open:
            self.open = None
        else:
            self.queued.remove(ticket)
        self.ends[id(ticket)] += 1
        self.take(self.talk.withdraw(ticket, self.now))

    @rule(seconds=st.sampled_from([0.1, GAP, 1.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.talk.time_passed(self.now))

    @rule()
    def garbage_arrives(self) -> None:
        assert isinstance(self.talk.text_arrived(b"nonsense", self.now), Dropped)

    @rule()
    def line_breaks(self) -> None:
        lost = self.talk.ended()
        assert lost == ([self.open] if self.open else []) + self.queued
        for ticket in lost:
            self.ends[id(ticket)] += 1
        self.connect()

    @invariant()
    def every_ticket_ends_at_most_once_and_is_not_forgotten(self) -> None:
        living = {id(ticket) for ticket in [*self.queued, *([self.open] if self.open else [])]}
        for ticket in self.tickets:
            assert self.ends[id(ticket)] == (0 if id(ticket) in living else 1)

    @invariant()
    def whoever_waits_is_woken(self) -> None:
        assert (self.talk.next_deadline() is not None) == bool(self.open or self.queued)

    @invariant()
    def the_queue_is_what_waits(self) -> None:
        waiting = len(self.expected) - (1 if self.asked is not None else 0)
        assert self.talk.full == (waiting >= 4)


TestConversation = Talking.TestCase
TestConversation.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None, derandomize=True)
