"""How a link to a broker comes about: the socket, the greeting, and which version of MQTT is spoken.

A new client of the library for each connection, so that its queue of unsent messages, its memory of old settings and
its own reconnecting can do no harm. MQTT 5 is tried first, and 3.1.1 where the broker speaks no 5. It decides how long
a greeting may take and what the broker is asked to keep for us. It does not know topics, nor when to connect again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.model.links import Broker, MqttVersion, NotLinked, Will
from gateway.upstream.link_in_use import Link
from gateway.upstream.sockets import reach
from gateway.upstream.tls import plain_words

__all__ = ["Link", "connect"]

# so many messages of the broker may wait for our acknowledgement, each of at most so many bytes
_RECEIVE_MAX = 32
_MAX_PACKET_BYTES = 2_000_000
_WILL_DELAY_SECONDS = 30
_OTHER: dict[MqttVersion, MqttVersion] = {"5": "3.1.1", "3.1.1": "5"}


@dataclass(frozen=True, slots=True)
class _Terms:
    session_expiry_seconds: int
    keepalive_seconds: int
    patience_seconds: float


class _OtherVersion(Exception):
    """The broker answered as those do that do not speak this version."""

    def __init__(self, told: NotLinked) -> None:
        super().__init__(told.reason)
        self.told = told


async def connect(
    broker: Broker,
    will: Will,
    *,
    session_expiry_seconds: int = 7 * 86400,
    keepalive_seconds: int = 30,
    patience_seconds: float = 10,
    protocol: MqttVersion = "5",
) -> Link:
    """A link on which the broker has greeted us; the session that it keeps for us is never begun anew.

    `protocol` is tried first; `Link.protocol` says what is spoken. `patience_seconds` counts for each of the two.
    Cancelled, it leaves nothing behind. Raises NotLinked.
    """
    terms = _Terms(session_expiry_seconds, keepalive_seconds, patience_seconds)
    try:
        return await _connect(broker, will, terms, protocol)
    except _OtherVersion as first:
        try:
            return await _connect(broker, will, terms, _OTHER[protocol])
        except _OtherVersion as second:
            raise (first.told if first.told.refused else second.told) from None


async def _connect(broker: Broker, will: Will, terms: _Terms, protocol: MqttVersion) -> Link:
    stage = "connection"
    try:
        async with asyncio.timeout(terms.patience_seconds):
            client = _client(broker, will, protocol)
            connected = await reach(
                broker, patience_seconds=terms.patience_seconds, silence_seconds=terms.keepalive_seconds
            )
            stage = "greeting"
            link = Link(client, protocol, patience_seconds=terms.patience_seconds)
            try:
                properties = _connect_properties(terms) if protocol == "5" else None
                link.wire.start(connected, broker, keepalive_seconds=terms.keepalive_seconds, properties=properties)
                refusal = await link.welcome
            except BaseException:
                link.wire.cut("the greeting took too long")
                raise
    except TimeoutError:
        raise NotLinked(
            f"no {stage} by {broker.host}, port {broker.port}, within {terms.patience_seconds:g} s"
        ) from None
    if refusal is None:
        return link
    link.wire.cut(refusal.reason)
    if link.perhaps_other_version:
        raise _OtherVersion(refusal)
    raise refusal


def _client(broker: Broker, will: Will, protocol: MqttVersion) -> Client:
    modern = protocol == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=broker.client_id,
        clean_session=None if modern else False,
        protocol=MQTTProtocolVersion.MQTTv5 if modern else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.max_inflight_messages_set(0)  # no limit of its own: above it, it would queue
    will_properties = None
    if modern:
        will_properties = Properties(PacketTypes.WILLMESSAGE)
        will_properties.WillDelayInterval = _WILL_DELAY_SECONDS
    client.will_set(will.topic, will.payload, qos=1, retain=True, properties=will_properties)
    if broker.username is not None or broker.password_file is not None:
        client.username_pw_set(broker.username or "", _password(broker))
    return client


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return broker.password_file.read_bytes().decode().rstrip("\r\n")
    except OSError as error:
        raise NotLinked(f"cannot read {broker.password_file}: {plain_words(error)}") from error
    except UnicodeDecodeError as error:
        raise NotLinked(f"{broker.password_file} is not text in UTF-8") from error


def _connect_properties(terms: _Terms) -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = terms.session_expiry_seconds
    properties.ReceiveMaximum = _RECEIVE_MAX
    properties.MaximumPacketSize = _MAX_PACKET_BYTES
    return properties
