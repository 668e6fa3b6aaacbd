"""How a link to a broker comes about: the socket, the greeting, and which version of MQTT is spoken.

A new client of the library for each connection, so that its queue of unsent messages, its memory of old settings and
its own reconnecting can do no harm. MQTT 5 is tried first, and 3.1.1 where the broker speaks no 5. It decides how long
a greeting may take and what the broker is asked to keep for us. It does not know topics, nor when to connect again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.model.links import Broker, MqttVersion, NotLinked, Will
from gateway.upstream.link_in_use import Link
from gateway.upstream.sockets import reach
from gateway.upstream.tls import Shown, plain_words, read_files, still_trusted

__all__ = ["Connector", "Link", "connect"]

logger = logging.getLogger(__name__)

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
    fallback: Shown | None = None,
) -> Link:
    """A link on which the broker has greeted us; the session that it keeps for us is never begun anew.

    `protocol` is tried first; `Link.protocol` says what is spoken. `fallback`: `Link.shown` of an earlier link, for
    when the certificate on disk is at fault; `Link.renewal_trouble` then says why. `patience_seconds` counts for each
    try. Cancelled, it leaves nothing behind but a name that is being looked up. Raises NotLinked.
    """
    terms = _Terms(session_expiry_seconds, keepalive_seconds, patience_seconds)
    try:
        shown = await asyncio.to_thread(read_files, broker) if broker.tls else None
        return await _connect(broker, will, terms, protocol, shown)
    except NotLinked as refusal:
        if not refusal.own_certificate or fallback is None or not still_trusted(fallback, broker):
            raise
        link = await _connect(broker, will, terms, protocol, fallback)
        link.renewal_trouble = refusal.reason
        return link


class Connector:
    """`connect` for one upstream, which goes on showing its old certificate while a renewed one is at fault."""

    def __init__(self) -> None:
        self._shown: Shown | None = None

    async def __call__(self, broker: Broker, will: Will, **terms: Any) -> Link:
        """As `connect`. Raises NotLinked."""
        link = await connect(broker, will, **terms, fallback=self._shown)
        self._shown = link.shown
        if link.renewal_trouble is not None:
            logger.warning("the client certificate of before is shown to %s: %s", broker.host, link.renewal_trouble)
        return link


async def _connect(broker: Broker, will: Will, terms: _Terms, protocol: MqttVersion, shown: Shown | None) -> Link:
    try:
        return await _greeted(broker, will, terms, protocol, shown)
    except _OtherVersion as first:
        try:
            return await _greeted(broker, will, terms, _OTHER[protocol], shown)
        except _OtherVersion as second:
            raise (first.told if first.told.refused else second.told) from None


async def _greeted(broker: Broker, will: Will, terms: _Terms, protocol: MqttVersion, shown: Shown | None) -> Link:
    patience = terms.patience_seconds
    stage = "connection"
    client = _client(broker, will, protocol)
    try:
        async with asyncio.timeout(patience):
            connected = await reach(broker, shown, patience_seconds=patience, silence_seconds=terms.keepalive_seconds)
            stage = "greeting"
            link = Link(client, protocol, patience_seconds=patience, shown=shown)
            try:
                properties = _connect_properties(terms) if protocol == "5" else None
                link.wire.start(connected, broker, keepalive_seconds=terms.keepalive_seconds, properties=properties)
                refusal = await link.welcome
            except BaseException:
                link.wire.cut("the greeting took too long")
                raise
    except TimeoutError:
        raise NotLinked(f"no {stage} by {broker.host}, port {broker.port}, within {patience:g} s") from None
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
