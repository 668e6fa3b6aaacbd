"""Whatever the way loses, repeats, reorders or delays, and whoever crashes: everything is stored once and in order.

The gateway is `Flow` over a journal; the consumer is a model of the contract: it stores what follows, tells a
gap each time, acknowledges repeats. Messages and acknowledgements are taken from the way in any order, several times
or never. Gateway and consumer crash back to what they had on disk, which may be older than what they said.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.rules.delivery import WINDOW_EVENTS, Flow
from tests.properties.examples import examples

Ack = tuple[int, bool]  # upto, gap
Event = tuple[int, int]  # sequence, and the one before it in the journal


class DeliveryOverABadWay(RuleBasedStateMachine):
    """Steps by chance; at the end the way becomes good, and everything must arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.journal: list[int] = []
        self.newest = 0
        self.cursor_on_disk = 0
        self.flow = Flow(0)
        self.under_way: list[Event] = []
        self.acks: list[Ack] = []
        self.stored: list[int] = []
        self.older_copy: list[int] = []

    # the gateway

    @rule(count=st.integers(1, 400), left_out=st.integers(0, 2))
    def record(self, count: int, left_out: int) -> None:
        """Events are appended; numbers of deleted ones are left out."""
        self.newest += left_out
        self.journal += range(self.newest + 1, self.newest + count + 1)
        self.newest += count

    @rule(most=st.integers(1, 300))
    def send(self, most: int) -> None:
        """The gateway sends in order, as far as the window allows."""
        for sequence in [one for one in self.journal if one > self.flow.last_sent][:most]:
            if not self.flow.room():
                return
            self.under_way.append((sequence, self.flow.last_sent))
            self.flow.sent(sequence, 500, self.now)
            self.flow.published(sequence, self.now)

    @rule(seconds=st.floats(0.1, 100))
    def wait(self, seconds: float) -> None:
        """Time passes; silence has its consequences."""
        self.now += seconds
        ends_at = self.flow.silence_ends_at(in_flight=0)
        if ends_at is not None and ends_at <= self.now:
            self.flow.no_answer(self.now)

    @rule()
    def note_cursor(self) -> None:
        """How far the consumer is comes to the gateway's disk."""
        self.cursor_on_disk = self.flow.acked

    @rule()
    def gateway_crashes(self) -> None:
        """It forgets all but the cursor on disk, which may be older than what was acknowledged."""
        self.flow = Flow(self.cursor_on_disk)
        self.flow.linked_anew(self.now)

    @rule(loses=st.booleans())
    def link_breaks(self, loses: bool) -> None:
        """Another connection; what was under way may be lost."""
        if loses:
            self.under_way.clear()
        self.flow.linked_anew(self.now)

    @rule(sequence=st.integers(1, 300))
    def asked_again(self, sequence: int) -> None:
        """A command asks for older events again."""
        self.flow.begin_at(sequence)

    # the way

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), repeated=st.booleans())
    def event_arrives(self, data: st.DataObject, repeated: bool) -> None:
        """Any event that is under way arrives; it may arrive again."""
        place = data.draw(st.integers(0, len(self.under_way) - 1))
        event = self.under_way[place] if repeated else self.under_way.pop(place)
        self.consume(event)

    @precondition(lambda self: self.under_way)
    @rule(count=st.integers(1, 300))
    def events_arrive(self, count: int) -> None:
        """The oldest arrive in order, as they mostly do."""
        for event in self.under_way[:count]:
            self.consume(event)
        del self.under_way[:count]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def event_is_lost(self, data: st.DataObject) -> None:
        """Any event under way never arrives."""
        self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    @precondition(lambda self: self.acks)
    @rule(data=st.data(), repeated=st.booleans())
    def ack_arrives(self, data: st.DataObject, repeated: bool) -> None:
        """Any acknowledgement under way arrives; it may arrive again."""
        place = data.draw(st.integers(0, len(self.acks) - 1))
        self.hear(self.acks[place] if repeated else self.acks.pop(place))

    @rule()
    def acks_are_lost(self) -> None:
        """None of the acknowledgements under way arrives."""
        self.acks.clear()

    # the consumer

    @rule()
    def consumer_is_copied(self) -> None:
        """A backup of the consumer's database."""
        self.older_copy = list(self.stored)

    @rule()
    def consumer_is_restored(self) -> None:
        """It crashes, and comes back from its backup."""
        self.stored = self.older_copy[: len(self.stored)]

    def consume(self, event: Event) -> None:
        """Store it if it follows; say how far it is each time."""
        sequence, before = event
        upto = self.stored[-1] if self.stored else 0
        if sequence <= upto:
            self.acks.append((upto, False))
        elif before <= upto:
            self.stored.append(sequence)
            self.acks.append((sequence, False))
        else:
            self.acks.append((upto, True))

    def hear(self, ack: Ack) -> None:
        """The gateway hears an acknowledgement, which can never be ahead of the journal."""
        assert self.flow.heard(ack[0], gap=ack[1], newest=self.newest, now=self.now) != "ahead"

    # what must hold

    @invariant()
    def stored_in_order_without_gaps(self) -> None:
        """What is stored is the beginning of the journal: each once, in order."""
        assert self.stored == self.journal[: len(self.stored)]

    @invariant()
    def window_holds(self) -> None:
        """Never more than the window is unacknowledged, and bytes are counted right."""
        assert len(self.flow.unacked) <= WINDOW_EVENTS
        assert self.flow.unacked_bytes == 500 * len(self.flow.unacked)
        assert all(sequence > self.flow.acked for sequence, _ in self.flow.unacked)
        assert self.flow.acked <= self.flow.last_sent <= self.newest

    def teardown(self) -> None:
        """The way is good from now on: everything arrives, soon."""
        self.under_way.clear()
        self.acks.clear()
        for _ in range(40):
            if self.stored == self.journal and self.flow.acked == self.newest:
                break
            self.send(1000)
            self.events_arrive(1000)
            while self.acks:
                self.hear(self.acks.pop(0))
            self.wait(61.0)
        assert self.stored == self.journal


DeliveryOverABadWay.TestCase.settings = settings(
    max_examples=examples(300),
    stateful_step_count=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestDelivery = DeliveryOverABadWay.TestCase
