"""What a link to a fleet manager's broker is, for those who use it: the nouns, the ways to fail, and its shape.

Verbs and in-memory brokers of tests need these words and no MQTT library. This file does not know how a link is made
(`upstream/link.py`) nor what travels over it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:  # named as types only: nothing is run
    import asyncio
    from pathlib import Path

MqttVersion = Literal["5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how it is greeted. The files are read anew for each connection.

    `ca`: who may vouch for the broker (None: whom the system trusts). `chain` and `key_file`: what is shown to it;
    the key may stand in the file of the chain.
    """

    host: str
    port: int
    tls: bool
    ca: Path | None
    chain: Path | None
    key_file: Path | None
    username: str | None
    password_file: Path | None
    client_id: str


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish: QoS 1, retained, half a minute after the link broke."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class Message:
    """What came from the broker. `expiry_seconds` is what was left of its life when the broker sent it on.

    `ack()` tells the broker that it may forget the message: call it when the row is on disk. A message that was not
    acknowledged comes again with the next link, and so do all that arrived after it. Calling it twice or after the
    link's end does nothing.
    """

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_seconds: int | None = None
    content_type: str | None = None
    on_ack: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    def ack(self) -> None:
        """Let the broker forget it. Told to the broker in the order of arrival."""
        if self.on_ack is not None:
            self.on_ack()


class NotLinked(Exception):
    """No link came about. `refused`: the broker itself answered no; `bad_credentials`: because of who we are.

    `own_certificate`: our certificate or its key is at fault, because it cannot be used or the broker refused it.
    """

    def __init__(
        self, reason: str, *, refused: bool = False, bad_credentials: bool = False, own_certificate: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.bad_credentials = bad_credentials
        self.own_certificate = own_certificate


class LinkLost(Exception):
    """The link ended. `taken_over`: somebody else connected under our client id."""

    def __init__(self, reason: str, *, taken_over: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.taken_over = taken_over


class PublishRefused(Exception):
    """The broker acknowledged the message with an error: it was not accepted, and the link stays."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SubscribeRefused(Exception):
    """The broker does not grant a subscription at QoS 1; the link stays."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(Exception):
    """Above what the broker takes in one packet; nothing was sent, and the link stays."""


class NoRoom(Exception):
    """As many messages as may be on their way are on their way; nothing was sent."""


class LinkLike(Protocol):
    """One connection to a broker, from its welcome to its end. It never queues: what cannot be sent now is refused."""

    @property
    def session_present(self) -> bool:
        """Whether the broker remembered us: subscriptions, and messages kept meanwhile."""

    @property
    def receive_max(self) -> int:
        """How many QoS 1 messages may be on their way to the broker at once."""

    @property
    def max_packet_bytes(self) -> int:
        """The largest packet that the broker takes (topic and properties count)."""

    @property
    def protocol(self) -> MqttVersion:
        """What is spoken. 3.1.1 has no expiry, response topic, correlation, content type nor refused publishes."""

    @property
    def renewal_trouble(self) -> str | None:
        """Why the client certificate of before was shown and not the one on disk; None: there is no such trouble."""

    @property
    def ended(self) -> asyncio.Future[LinkLost]:
        """Done, with the reason as its result, when the link has ended. Shield it where a wait may be cancelled."""

    def room(self) -> int:
        """How many QoS 1 messages may be published now."""

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

    async def subscribe(self, filters: Sequence[str]) -> None:
        """At QoS 1. Raises SubscribeRefused and LinkLost."""

    def messages(self) -> AsyncIterator[Message]:
        """In the order of arrival, for one reader; ends by raising LinkLost."""

    async def close(self, *, will_publish: bool = False) -> None:
        """Take leave. The broker publishes the will only when told to. Does nothing when the link has ended."""


Connect = Callable[..., Awaitable[LinkLike]]
"""As `upstream/link.connect`: `(broker, will, *, session_expiry_seconds, keepalive_seconds, patience_seconds,
protocol)`. Raises NotLinked."""
