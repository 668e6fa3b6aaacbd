"""One MQTT connection to a broker, until it ends; it is not used again afterwards.

It decides what may be on its way at once, and what counts as sent: only what the broker acknowledged without an
error. Nothing is queued here: what is to be sent is kept by whoever calls. It does not know how the connection came
about (`link`), what the topics mean, and not when to connect again (`rules/reconnecting.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.model.links import (
    LinkLost,
    Message,
    MqttVersion,
    NoRoom,
    NotLinked,
    PublishRefused,
    SubscribeRefused,
    TooLarge,
)
from gateway.upstream.tls import Shown, refusal_in_tls
from gateway.upstream.wire import Wire, words_of

# what we let be on its way at once; 3.1.1 cannot say what the broker bears, and 20 is what most brokers bear
OWN_RECEIVE_MAX: dict[MqttVersion, int] = {"5": 64, "3.1.1": 20}
# the largest packet that we send to a broker that names no limit: some close the connection at 1 MiB
OWN_MAX_PACKET_BYTES = 1_000_000
_MOST_UNWRITTEN = 64  # messages at QoS 0 that the socket has not taken yet
_LEAVE_SECONDS = 2.0
_GRANTED = 1
_OTHER_VERSION = 0x84
# bad user name or password, not authorized, banned, bad authentication method
_BAD_CREDENTIALS = {0x86, 0x87, 0x8A, 0x8C}


@dataclass(slots=True)
class _Unacked:
    """A message from the broker that we have not acknowledged."""

    mid: int
    qos: int
    may_be_forgotten: bool = False


class Link:
    """See `LinkLike`. Made by `connect`, for which alone `welcome`, `perhaps_other_version` and `wire` are."""

    def __init__(
        self, client: Client, protocol: MqttVersion, *, patience_seconds: float, shown: Shown | None = None
    ) -> None:
        self.shown = shown
        self.renewal_trouble: str | None = None
        loop = asyncio.get_running_loop()
        self.protocol: MqttVersion = protocol
        self.session_present = False
        self.receive_max = OWN_RECEIVE_MAX[protocol]
        self.max_packet_bytes = OWN_MAX_PACKET_BYTES
        self.ended: asyncio.Future[LinkLost] = loop.create_future()
        self.welcome: asyncio.Future[NotLinked | None] = loop.create_future()
        self.perhaps_other_version = False
        self.wire = Wire(client, self._end)
        self._client = client
        self._patience_seconds = patience_seconds
        self._leaving = False
        self._over: LinkLost | None = None  # not asked of `ended`, which anybody might cancel
        self._on_their_way: dict[int, asyncio.Future[None]] = {}
        self._unwritten: set[int] = set()
        self._asked: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._unacked: deque[_Unacked] = deque()
        self._arrived: deque[Message] = deque()
        self._something_arrived = asyncio.Event()
        client.on_connect = self._greeted
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_message = self._received

    def room(self) -> int:
        """How many QoS 1 messages may be published now."""
        if self._over is not None or self._leaving:
            return 0
        return self.receive_max - len(self._on_their_way)

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
        """Done when the broker has acknowledged it (QoS 0: at once).

        Raises LinkLost, TooLarge and NoRoom at once; the future raises LinkLost or PublishRefused.
        """
        self._must_be_alive()
        properties = self._properties(content_type, expiry_seconds, correlation)
        size = _packet_bytes(topic, payload, qos, properties)
        if size > self.max_packet_bytes:
            raise TooLarge(f"{size} bytes; the broker takes {self.max_packet_bytes}")
        if self.room() == 0 if qos else len(self._unwritten) >= _MOST_UNWRITTEN:
            raise NoRoom
        mid = self._sent(topic, payload, qos, retain, properties)
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if qos:
            self._on_their_way[mid] = outcome
        else:
            self._unwritten.add(mid)
            outcome.set_result(None)
        return outcome

    async def subscribe(self, filters: Sequence[str]) -> None:
        """At QoS 1. Raises SubscribeRefused and LinkLost."""
        self._must_be_alive()
        if self.protocol == "5":
            _, mid = self._client.subscribe([(one, SubscribeOptions(qos=_GRANTED)) for one in filters])
        else:
            _, mid = self._client.subscribe([(one, _GRANTED) for one in filters])
        if mid is None:
            raise LinkLost("the connection broke")
        answer: asyncio.Future[list[ReasonCode]] = asyncio.get_running_loop().create_future()
        self._asked[mid] = answer
        try:
            async with asyncio.timeout(self._patience_seconds):
                granted = await answer
        except TimeoutError:
            raise SubscribeRefused(f"the broker did not answer within {self._patience_seconds:g} s") from None
        finally:
            self._asked.pop(mid, None)
        refused = [
            f"{one}: {code.getName().lower()}"
            for one, code in zip(filters, granted, strict=False)
            if code.value != _GRANTED
        ]
        if refused:
            raise SubscribeRefused(", ".join(refused))

    async def messages(self) -> AsyncIterator[Message]:
        """In the order of arrival, for one reader; ends by raising LinkLost."""
        while True:
            self._something_arrived.clear()
            while self._arrived and self._over is None:
                yield self._arrived.popleft()
            if self._over is not None:
                raise _same(self._over)
            await self._something_arrived.wait()

    async def close(self, *, will_publish: bool = False) -> None:
        """Take leave. The broker publishes the will only when told to. Does nothing when the link has ended."""
        if self._over is not None:
            return
        self._leaving = True
        try:
            if not will_publish or self.protocol == "5":  # 3.1.1 knows no leave with a will
                self.wire.leave(will_publish=will_publish)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LEAVE_SECONDS):
                        await asyncio.shield(self.ended)
        finally:
            self.wire.cut("we closed the connection")

    def _must_be_alive(self) -> None:
        if self._over is not None:
            raise _same(self._over)
        if self._leaving:
            raise LinkLost("we are closing the connection")

    def _properties(
        self, content_type: str | None, expiry_seconds: int | None, correlation: bytes | None
    ) -> Properties | None:
        if self.protocol != "5":
            return None
        properties = Properties(PacketTypes.PUBLISH)
        if content_type is not None:
            properties.ContentType = content_type
        if expiry_seconds is not None:
            properties.MessageExpiryInterval = expiry_seconds
        if correlation is not None:
            properties.CorrelationData = correlation
        return properties

    def _sent(self, topic: str, payload: bytes, qos: int, retain: bool, properties: Properties | None) -> int:
        for _ in range(self.receive_max + 1):
            info = self._client.publish(topic, payload, qos, retain, properties)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                return info.mid
            if info.rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                break
            # the number is that of a message that went round all 65535 unacknowledged: the next number may be free
        raise LinkLost("the connection broke")

    def _greeted(
        self, _client: Client, _data: object, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if self.welcome.done():
            return
        if code.is_failure:
            self.perhaps_other_version = code.value == _OTHER_VERSION
            self.welcome.set_result(
                NotLinked(
                    f"the broker refuses us: {words_of(code, properties)}",
                    refused=True,
                    bad_credentials=code.value in _BAD_CREDENTIALS,
                )
            )
            return
        self.session_present = flags.session_present
        self.receive_max = min(self.receive_max, getattr(properties, "ReceiveMaximum", self.receive_max))
        self.max_packet_bytes = min(
            self.max_packet_bytes, getattr(properties, "MaximumPacketSize", self.max_packet_bytes)
        )
        if getattr(properties, "MaximumQoS", _GRANTED) < _GRANTED:
            self.welcome.set_result(NotLinked("the broker acknowledges no message: it offers QoS 0 only"))
        else:
            self.welcome.set_result(None)

    def _published(self, _client: Client, _data: object, mid: int, code: ReasonCode, properties: Properties) -> None:
        self._unwritten.discard(mid)
        outcome = self._on_their_way.pop(mid, None)
        if outcome is None or outcome.done():
            return
        if code.is_failure:
            outcome.set_exception(PublishRefused(words_of(code, properties)))
        else:
            outcome.set_result(None)

    def _subscribed(
        self, _client: Client, _data: object, mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        answer = self._asked.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(codes)

    def _received(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        on_ack: Callable[[], None] | None = None
        if message.qos:
            unacked = _Unacked(message.mid, message.qos)
            self._unacked.append(unacked)
            on_ack = partial(self._let_forget, unacked)
        told = message.properties
        self._arrived.append(
            Message(
                topic=message.topic,
                payload=bytes(message.payload),
                retain=message.retain,
                response_topic=getattr(told, "ResponseTopic", None),
                correlation=getattr(told, "CorrelationData", None),
                expiry_seconds=getattr(told, "MessageExpiryInterval", None),
                content_type=getattr(told, "ContentType", None),
                on_ack=on_ack,
            )
        )
        self._something_arrived.set()

    def _let_forget(self, unacked: _Unacked) -> None:
        unacked.may_be_forgotten = True
        # MQTT 4.6: PUBACKs in the order of arrival
        while self._unacked and self._unacked[0].may_be_forgotten and self._over is None:
            first = self._unacked.popleft()
            self._client.ack(first.mid, first.qos)

    def _end(self, lost: LinkLost) -> None:
        if self._over is not None:
            return
        self._over = lost
        if not self.welcome.done():
            self._not_greeted()
        if not self.ended.done():
            self.ended.set_result(lost)
        unanswered: list[asyncio.Future[None] | asyncio.Future[list[ReasonCode]]]
        unanswered = [*self._on_their_way.values(), *self._asked.values()]
        for waiting in unanswered:
            if not waiting.done():
                waiting.set_exception(_same(lost))
                waiting.exception()  # nobody has to ask for it: `ended` says the same
        self._on_their_way.clear()
        self._something_arrived.set()

    def _not_greeted(self) -> None:
        trouble = self.wire.trouble
        answer = refusal_in_tls(trouble)  # TLS 1.3 refuses a client's certificate only after the handshake
        if answer is None:
            self.perhaps_other_version = True
            answer = NotLinked(f"the broker closed the connection instead of answering{trouble and f': {trouble}'}")
        self.welcome.set_result(answer)


def _same(lost: LinkLost) -> LinkLost:
    return LinkLost(lost.reason, taken_over=lost.taken_over)  # each raiser has a traceback of its own


def _packet_bytes(topic: str, payload: bytes, qos: int, properties: Properties | None) -> int:
    """MQTT 3.3: the whole PUBLISH packet, with its fixed header."""
    told = 0 if properties is None else len(properties.pack())
    rest = 2 + len(topic.encode()) + (2 if qos else 0) + told + len(payload)
    length_bytes = max(1, -(-rest.bit_length() // 7))
    return 1 + length_bytes + rest
