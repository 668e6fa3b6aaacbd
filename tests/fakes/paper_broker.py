"""A broker in memory, for virtual time: sessions, retained messages, wills, expiry, and the ways in which brokers fail.

It decides what a broker does with messages, as MQTT 5 has it; `tests/upstream/test_paper_broker.py` holds it to what a
real one does. `connect` takes the place of `gateway.upstream.link.connect`. It knows nothing of what is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from gateway.model.links import (
    Broker,
    LinkLost,
    Message,
    NoRoom,
    NotLinked,
    PublishRefused,
    SubscribeRefused,
    TooLarge,
    Will,
)

WILL_DELAY_SECONDS = 30.0
_CLIENT_BEARS = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as the broker has it; `expires_at` is on the loop's clock."""

    topic: str
    payload: bytes
    retain: bool
    content_type: str | None
    correlation: bytes | None
    expires_at: float | None


@dataclass
class Session:
    """What the broker remembers of one client."""

    filters: list[str] = field(default_factory=list)
    queue: deque[Kept] = field(default_factory=deque)  # not sent yet
    sent: dict[int, Kept] = field(default_factory=dict)  # sent, not acknowledged
    ends: asyncio.TimerHandle | None = None
    will: asyncio.TimerHandle | None = None


class PaperBroker:
    """`latency_seconds`: each way. `forbids`: topics that may not be published or subscribed."""

    def __init__(
        self,
        *,
        latency_seconds: float = 0.02,
        receive_max: int = 20,
        max_packet_bytes: int = 1_000_000,
        forbids: Callable[[str], bool] = lambda topic: False,
    ) -> None:
        self.latency_seconds = latency_seconds
        self.receive_max = receive_max
        self.max_packet_bytes = max_packet_bytes
        self.forbids = forbids
        self.up = asyncio.Event()
        self.up.set()
        self.refusal: NotLinked | None = None  # of everybody who connects
        self.retained: dict[str, Kept] = {}
        self.sessions: dict[str, Session] = {}
        self.links: dict[str, PaperLink] = {}
        self.tries: dict[str, list[float]] = {}  # when each client tried to connect, on the loop's clock

    async def connect(
        self,
        broker: Broker,
        will: Will | None = None,
        *,
        session_expiry_seconds: float = 7 * 86400,
        keepalive_seconds: int = 30,
        patience_seconds: float = 10,
        **_: object,
    ) -> PaperLink:
        """As `gateway.upstream.link.connect`. Raises NotLinked."""
        loop = asyncio.get_running_loop()
        self.tries.setdefault(broker.client_id, []).append(loop.time())
        await asyncio.sleep(2 * self.latency_seconds)
        if not self.up.is_set():
            raise NotLinked("cannot reach the broker: connection refused")
        if self.refusal is not None:
            raise self.refusal
        name = broker.client_id
        if name in self.links:
            self._end(self.links[name], LinkLost("somebody else connected under our client id", taken_over=True))
        known = self.sessions.get(name)
        session = self.sessions.setdefault(name, Session())
        for timer in (session.ends, session.will):
            if timer is not None:
                timer.cancel()
        link = self.links[name] = PaperLink(self, name, will, session_expiry_seconds, session_present=known is not None)
        for kept in reversed(session.sent.values()):  # sent again, in the same order
            session.queue.appendleft(kept)
        session.sent.clear()
        self.send_on(name)
        return link

    def crash(self, *, forget: bool = False) -> None:
        """The process dies. `forget`: and with it all that it had confirmed, sessions and retained messages."""
        self.up.clear()
        for link in list(self.links.values()):
            self._end(link, LinkLost("the connection broke: the broker closed it"), with_will=False)
        if forget:
            self.sessions.clear()
            self.retained.clear()

    def come_back(self) -> None:
        """It is started again."""
        self.up.set()

    def cut(self, name: str, reason: str = "the connection broke: a cable was pulled") -> None:
        """The connection of one client breaks; what is under way is lost."""
        self._end(self.links[name], LinkLost(reason))

    # what links ask

    def accept(self, kept: Kept, qos: int) -> None:
        """A message has arrived: keep it, and hand it to all who want it."""
        if kept.retain and kept.payload:
            self.retained[kept.topic] = kept
        elif kept.retain:
            self.retained.pop(kept.topic, None)
        for name, session in self.sessions.items():
            if any(matches(one, kept.topic) for one in session.filters) and (qos or name in self.links):
                session.queue.append(replace(kept, retain=False))
                self.send_on(name)

    def subscribe(self, name: str, filters: Sequence[str]) -> None:
        """Remember filters, and send what is retained."""
        session = self.sessions[name]
        session.filters += [one for one in filters if one not in session.filters]
        session.queue += [kept for topic, kept in self.retained.items() if any(matches(one, topic) for one in filters)]
        self.send_on(name)

    def send_on(self, name: str) -> None:
        """Send what the client bears and what has not expired."""
        session, link = self.sessions[name], self.links.get(name)
        now = asyncio.get_running_loop().time()
        while link is not None and session.queue and len(session.sent) < _CLIENT_BEARS:
            kept = session.queue.popleft()
            if kept.expires_at is None or kept.expires_at > now:
                session.sent[link.next_number()] = kept
                link.to_client.carry(partial(link.arrive, link.number, kept))

    def forget(self, name: str, number: int) -> None:
        """A client acknowledged a message."""
        session = self.sessions.get(name)
        if session is not None and session.sent.pop(number, None) is not None:
            self.send_on(name)

    def leave(self, link: PaperLink, *, with_will: bool) -> None:
        """A client said goodbye."""
        self._end(link, LinkLost("we closed the connection"), with_will=with_will)

    def _end(self, link: PaperLink, lost: LinkLost, *, with_will: bool = True) -> None:
        if self.links.get(link.name) is not link:
            return
        del self.links[link.name]
        session, loop = self.sessions[link.name], asyncio.get_running_loop()
        session.ends = loop.call_later(link.expiry_seconds, self.sessions.pop, link.name, None)
        if with_will and link.will is not None:
            wait = min(WILL_DELAY_SECONDS, link.expiry_seconds)
            kept = Kept(link.will.topic, link.will.payload, True, None, None, None)
            session.will = loop.call_later(wait, self.accept, kept, 1)
        link.lose(lost)


class Pipe:
    """One direction of a connection: everything arrives in order, `latency_seconds` later, until it is cut."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._under_way: deque[tuple[float, Callable[[], object]]] = deque()
        self._cut = False

    def carry(self, arrival: Callable[[], object]) -> None:
        """Send something; `arrival` is called when it is there."""
        loop = asyncio.get_running_loop()
        self._under_way.append((loop.time() + self._latency_seconds, arrival))
        if len(self._under_way) == 1:
            loop.call_later(self._latency_seconds, self._arrive)

    def cut(self) -> None:
        """What is under way is lost."""
        self._cut = True
        self._under_way.clear()

    def _arrive(self) -> None:
        loop = asyncio.get_running_loop()
        while self._under_way and self._under_way[0][0] <= loop.time() + 1e-9 and not self._cut:
            self._under_way[0][1]()
            if self._under_way:
                self._under_way.popleft()
        if self._under_way:
            loop.call_at(self._under_way[0][0], self._arrive)


class PaperLink:
    """As `gateway.model.links.LinkLike`."""

    def __init__(
        self, broker: PaperBroker, name: str, will: Will | None, expiry_seconds: float, *, session_present: bool
    ) -> None:
        self.protocol = "5"
        self.session_present = session_present
        self.receive_max = broker.receive_max
        self.max_packet_bytes = broker.max_packet_bytes
        self.renewal_trouble: str | None = None
        self.ended: asyncio.Future[LinkLost] = asyncio.get_running_loop().create_future()
        self.name = name
        self.will = will
        self.expiry_seconds = expiry_seconds
        self.number = 0
        self.to_client = Pipe(broker.latency_seconds)
        self._to_broker = Pipe(broker.latency_seconds)
        self._broker = broker
        self._on_their_way: set[asyncio.Future[None]] = set()
        self._arrived: deque[Message] = deque()
        self._something_arrived = asyncio.Event()
        self._unacked: deque[list[int]] = deque()  # number, and 1 when it may be forgotten
        self._lost: LinkLost | None = None

    def room(self) -> int:
        """How many QoS 1 messages may be published now."""
        return 0 if self._lost else self.receive_max - len(self._on_their_way)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        content_type: str | None = None,
        expiry_seconds: int | None = None,
        correlation: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Done when the broker has acknowledged it."""
        self._must_be_alive()
        if len(topic) + len(payload) + 7 > self.max_packet_bytes:
            raise TooLarge(f"the broker takes {self.max_packet_bytes} bytes")
        if qos and not self.room():
            raise NoRoom
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[None] = loop.create_future()
        expires_at = None if expiry_seconds is None else loop.time() + expiry_seconds
        kept = Kept(topic, bytes(payload), retain, content_type, correlation, expires_at)
        self._to_broker.carry(partial(self._reach_broker, kept, qos, outcome))
        if qos:
            self._on_their_way.add(outcome)
        else:
            outcome.set_result(None)
        return outcome

    async def subscribe(self, filters: Sequence[str]) -> None:
        """At QoS 1."""
        self._must_be_alive()
        if any(self._broker.forbids(one) for one in filters):
            raise SubscribeRefused("not authorized")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_their_way.add(done)
        self._to_broker.carry(partial(self._broker.subscribe, self.name, list(filters)))
        self._to_broker.carry(partial(self.to_client.carry, partial(self._settle, done, None)))
        await done

    async def messages(self) -> AsyncIterator[Message]:
        """In the order of arrival."""
        while True:
            self._something_arrived.clear()
            while self._arrived and self._lost is None:
                yield self._arrived.popleft()
            self._must_be_alive()
            await self._something_arrived.wait()

    async def close(self, *, will_publish: bool = False) -> None:
        """Take leave, when all that was said before has arrived."""
        if self._lost is None:
            self._to_broker.carry(partial(self._broker.leave, self, with_will=will_publish))
            await asyncio.shield(self.ended)

    # what the broker does

    def next_number(self) -> int:
        """The number of the next message to this client."""
        self.number += 1
        return self.number

    def arrive(self, number: int, kept: Kept) -> None:
        """A message has arrived at the client."""
        left = None if kept.expires_at is None else max(0, round(kept.expires_at - asyncio.get_running_loop().time()))
        entry = [number, 0]
        self._unacked.append(entry)
        self._arrived.append(
            Message(
                kept.topic,
                kept.payload,
                retain=kept.retain,
                correlation=kept.correlation,
                expiry_seconds=left,
                content_type=kept.content_type,
                on_ack=partial(self._let_forget, entry),
            )
        )
        self._something_arrived.set()

    def lose(self, lost: LinkLost) -> None:
        """The connection is gone."""
        self._lost = lost
        self.to_client.cut()
        self._to_broker.cut()
        if not self.ended.done():
            self.ended.set_result(lost)
        for outcome in self._on_their_way:
            if not outcome.done():
                outcome.set_exception(LinkLost(lost.reason, taken_over=lost.taken_over))
                outcome.exception()
        self._something_arrived.set()

    def _reach_broker(self, kept: Kept, qos: int, outcome: asyncio.Future[None]) -> None:
        refused = self._broker.forbids(kept.topic)
        if not refused:
            self._broker.accept(kept, qos)
        if qos:
            error = PublishRefused("not authorized") if refused else None
            self.to_client.carry(partial(self._settle, outcome, error))

    def _settle(self, outcome: asyncio.Future[None], error: PublishRefused | None) -> None:
        self._on_their_way.discard(outcome)
        if not outcome.done():
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

    def _let_forget(self, entry: list[int]) -> None:
        entry[1] = 1
        while self._lost is None and self._unacked and self._unacked[0][1]:
            number, _ = self._unacked.popleft()
            self._to_broker.carry(partial(self._broker.forget, self.name, number))

    def _must_be_alive(self) -> None:
        if self._lost is not None:
            raise LinkLost(self._lost.reason, taken_over=self._lost.taken_over)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter with `+` and `#` means a topic."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for position, want in enumerate(wanted):
        if want == "#":
            return True
        if position >= len(levels) or want not in ("+", levels[position]):
            return False
    return len(wanted) == len(levels)
