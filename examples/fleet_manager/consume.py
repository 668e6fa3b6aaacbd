"""The MQTT side of the fleet manager: take events, store them, acknowledge them; send commands and documents.

One thread does everything with the database; the library's thread only puts what arrives into a queue.
A message is acknowledged to the broker (PUBACK) after the commit, and to the gateway (`dn/ack`) after that: when this
process, the broker or the gateway dies at any moment, what is missing is sent again, and what is there is recognised.
"""

from __future__ import annotations

import json
import queue
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from examples.fleet_manager.commands import new_command
from examples.fleet_manager.ledger import Ledger, now_text, text_of

SESSION_SECONDS = 7 * 86_400
ACK_SECONDS = 0.1  # acknowledge at most so often ...
ACK_EVENTS = 100  # ... or after so many events
GAP_AGAIN_SECONDS = 5.0  # our acknowledgement may have been lost
LOOK_SECONDS = 0.5  # for new commands and documents
SEND_AGAIN_SECONDS = 10
BATCH = "application/cloudevents-batch+json"
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Wishes:
    """Where the broker is, who we are, and what is asked of gateways in each acknowledgement."""

    host: str
    port: int = 1883
    root: str = "ocpp-gateway"
    name: str = "fleet-manager"
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    batch: bool = False
    max_events_per_s: float | None = None
    modern: bool = True  # MQTT 5; else 3.1.1, whose messages have no expiry
    tell: Callable[[str], None] = lambda line: None


@dataclass
class FleetManager:
    """`run` returns when `stopping` is set."""

    wishes: Wishes
    ledger: Ledger
    stopping: bool = False
    _arrived: queue.Queue[tuple[int, mqtt.MQTTMessage]] = field(default_factory=queue.Queue)
    _connection: int = 0  # a PUBACK belongs to the connection over which the message came
    _connected: bool = False
    _due: dict[tuple[str, str], bool] = field(default_factory=dict)  # acknowledgements to send, and whether of a gap
    _gaps: dict[tuple[str, str], tuple[tuple[str | None, int], float]] = field(
        default_factory=dict
    )  # told: where, when
    _since: str = field(default_factory=now_text)
    _events_since: int = 0
    _acked_at: float = 0.0
    _looked_at: float = 0.0
    _asked_for_birth: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Consume until told to stop."""
        client = self._client()
        with self.ledger.transaction():
            self.ledger.publish_again()
        client.connect_async(
            self.wishes.host, self.wishes.port, keepalive=30, **(_session() if self.wishes.modern else {})
        )
        client.loop_start()
        try:
            while not self.stopping:
                self._step(client)
        finally:
            if self._connected:
                self._say(client, self._host_topic, self._presence("offline"), retain=True)
            client.disconnect()
            client.loop_stop()

    def _step(self, client: mqtt.Client) -> None:
        taken = self._gather()
        if taken:
            with self.ledger.transaction():
                for _, message in taken:
                    self._heed(message)
        for connection, message in taken:
            if connection == self._connection:
                client.ack(message.mid, message.qos)
        now = time.monotonic()
        if self._connected and (now - self._acked_at >= ACK_SECONDS or self._events_since >= ACK_EVENTS):
            self._acked_at = now
            self._acknowledge(client)
        if self._connected and now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._send_what_waits(client)

    def _gather(self) -> list[tuple[int, mqtt.MQTTMessage]]:
        """What has arrived by now: one commit for all of it."""
        taken = []
        try:
            taken.append(self._arrived.get(timeout=ACK_SECONDS / 2))
            while len(taken) < MOST_AT_ONCE:
                taken.append(self._arrived.get_nowait())
        except queue.Empty:
            pass
        return taken

    # What arrives

    def _heed(self, message: mqtt.MQTTMessage) -> None:
        gateway, _, suffix = message.topic.removeprefix(f"{self.wishes.root}/v1/").partition("/up/")
        if not message.payload:
            return  # a retained message was taken back
        try:
            what, _, rest = suffix.partition("/")
            document = json.loads(message.payload)
            if what == "evt":
                for event in document if isinstance(document, list) else [document]:
                    self._heed_event(gateway, event)
            elif what == "info":
                for stream, lacking in self.ledger.heed_info(gateway, document).items():
                    # retained: it is we who have come, perhaps with an older database: the gateway is told where we are
                    self._due[gateway, stream] = self._due.get((gateway, stream), False) or lacking or message.retain
            elif what == "state":
                self.ledger.heed_state(gateway, document)
                self._forget_gaps(gateway)
            elif what == "res":
                self.ledger.heed_result(document)
            elif what == "rep":
                self.ledger.heed_report(gateway, rest, document)
        except (ValueError, KeyError, TypeError) as error:
            self.ledger.open_incident(gateway, "unreadable", {"topic": message.topic, "error": repr(error)})

    def _heed_event(self, gateway: str, event: dict[str, Any]) -> None:
        key = (gateway, event["stream"])
        verdict = self.ledger.take(gateway, event)
        self._events_since += 1
        if verdict == "unknown_epoch":
            self._ask_for_birth(gateway)
            return
        if verdict == "gap":
            self._tell_gap_once(key)
            return
        if verdict == "known":
            self._due.setdefault(key, False)  # the gateway missed our acknowledgement
            return
        self._due[key] = False
        if event["type"] == "ocpp-gateway.stream.dropped.v1":
            self.ledger.open_incident(gateway, "dropped", event["data"])
        if event["type"] == "ocpp-gateway.command.finished.v1" and "upstream" in event["data"]:  # one of ours, perhaps
            self.ledger.heed_result({**event["data"], "id": event["data"]["fleet_command_id"]})
        self.wishes.tell(f"{event['time']}  {gateway}  {event['type']}  {event.get('subject') or ''}")

    def _tell_gap_once(self, key: tuple[str, str]) -> None:
        """Everything behind a gap arrives too: the gateway is asked once to go back, not by every event."""
        place, now = self.ledger.position(*key), time.monotonic()
        told_place, told_at = self._gaps.get(key, (None, 0.0))
        if told_place != place or now - told_at >= GAP_AGAIN_SECONDS:
            self._gaps[key] = (place, now)
            self._due[key] = True

    def _ask_for_birth(self, gateway: str) -> None:
        """Events of an epoch that was never announced, or whose announcement the broker lost."""
        now = time.monotonic()
        if now - self._asked_for_birth.get(gateway, -60.0) >= 60.0:
            self._asked_for_birth[gateway] = now
            self.ledger.add_command(gateway, new_command("rebirth", seconds=60))

    def _forget_gaps(self, gateway: str) -> None:
        for key in [key for key in self._gaps if key[0] == gateway]:
            del self._gaps[key]

    # What is said

    def _acknowledge(self, client: mqtt.Client) -> None:
        self._events_since = 0
        for (gateway, stream), gap in self._due.items():
            epoch, upto = self.ledger.position(gateway, stream)
            ack: dict[str, Any] = {"epoch": epoch, "stream": stream, "upto": upto, "gap": gap}
            if self.wishes.batch:
                ack["batch"] = True
            if self.wishes.max_events_per_s is not None:
                ack["flow"] = {"max_events_per_s": self.wishes.max_events_per_s}
            self._say(client, self._down(gateway, "ack"), ack)
        self._due.clear()

    def _send_what_waits(self, client: mqtt.Client) -> None:
        sent_before = datetime.now(UTC) - timedelta(seconds=SEND_AGAIN_SECONDS)
        with self.ledger.transaction():
            commands = self.ledger.commands_to_send(sent_before=text_of(sent_before))
            documents = self.ledger.documents_to_publish()
            retained = self.ledger.topics_to_clear()
        for gateway, command in commands:
            self._send(client, gateway, command)
        for gateway, doc, text in documents:
            client.publish(self._down(gateway, f"des/{doc}"), text or b"", qos=1, retain=True)
        for topic in retained:
            client.publish(f"{self.wishes.root}/v1/{topic}", b"", qos=1, retain=True)

    def _send(self, client: mqtt.Client, gateway: str, command: dict[str, Any]) -> None:
        """Id, expiry and reply topic stand in the payload; MQTT 5 carries them as well."""
        command = {**command, "reply_to": f"{self.wishes.root}/v1/{gateway}/up/res"}
        left = datetime.fromisoformat(command["expires_at"]) - datetime.now(UTC)
        properties = Properties(PacketTypes.PUBLISH) if self.wishes.modern else None
        if properties is not None:
            properties.ResponseTopic = command["reply_to"]
            properties.CorrelationData = command["id"].encode()
            properties.MessageExpiryInterval = max(1, int(left.total_seconds()))
        client.publish(self._down(gateway, "cmd"), json.dumps(command), qos=1, properties=properties)

    def _say(self, client: mqtt.Client, topic: str, document: dict[str, Any], *, retain: bool = False) -> None:
        client.publish(topic, json.dumps(document), qos=1, retain=retain)

    def _down(self, gateway: str, suffix: str) -> str:
        return f"{self.wishes.root}/v1/{gateway}/dn/{suffix}"

    @property
    def _host_topic(self) -> str:
        return f"{self.wishes.root}/v1/_host/{self.wishes.name}"

    def _presence(self, state: str) -> dict[str, Any]:
        """The time is that of our start, so that the will of an earlier life is seen to be older."""
        return {"state": state, "timestamp": self._since}

    # The connection

    def _client(self) -> mqtt.Client:
        wishes = self.wishes
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=wishes.name,
            clean_session=None if wishes.modern else False,
            protocol=mqtt.MQTTv5 if wishes.modern else mqtt.MQTTv311,
            manual_ack=True,
        )
        if wishes.tls is not None:
            client.tls_set_context(wishes.tls)
        if wishes.username is not None:
            client.username_pw_set(wishes.username, wishes.password)
        client.will_set(self._host_topic, json.dumps(self._presence("offline")), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = lambda _client, _userdata, message: self._arrived.put((self._connection, message))
        return client

    def _on_connect(self, client: mqtt.Client, userdata: object, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.wishes.tell(f"the broker refuses: {reason}")
            return
        self._connection += 1
        client.subscribe(f"{self.wishes.root}/v1/+/up/#", qos=1)
        self._say(client, self._host_topic, self._presence("online"), retain=True)
        self._connected = True
        self.wishes.tell(f"connected to {self.wishes.host}:{self.wishes.port}")

    def _on_disconnect(self, client: mqtt.Client, userdata: object, flags: Any, reason: Any, properties: Any) -> None:
        if self._connected:
            self.wishes.tell(f"not connected any more: {reason}")
        self._connected = False


def _session() -> dict[str, Any]:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_SECONDS
    properties.ReceiveMaximum = 200
    return {"clean_start": False, "properties": properties}
