"""A fleet manager's consumer as a process: `python -m tests.fleet.consumer --port N --database FILE --root TOPIC`.

MQTT 5 in, with a session that the broker keeps; commits, then acknowledges to the broker, then to the gateway. May be
killed at any moment. It connects anew for as long as it lives, and then says again how far it has stored. It does not
know the gateway's code.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.fleet.ledger import Arrival, Ledger

_AGAIN_SECONDS = 1.0  # longer than the gateway takes: then it publishes to a broker that knows no consumer
_SESSION_SECONDS = 3600


class Consumer:
    """One consumer of all gateways below a root; `run` returns when `stop` is set."""

    def __init__(self, port: int, ledger: Ledger, root: str) -> None:
        self.stop = threading.Event()
        self._port, self._ledger, self._root = port, ledger, root
        self._arrived: list[MQTTMessage] = []

    def run(self) -> None:
        """Consume over as many connections as it takes."""
        while not self.stop.is_set():
            client = self._client()
            try:
                client.connect("127.0.0.1", self._port, keepalive=5, clean_start=False, properties=_session())
                self._consume(client)
            except OSError:
                pass
            self.stop.wait(_AGAIN_SECONDS)

    # Private

    def _client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="consumer",
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )

        def connected(client: Client, *of_no_interest: object) -> None:
            client.subscribe(f"{self._root}/v1/+/up/evt/#", qos=1)
            self._acknowledge(client, self._ledger.all_acknowledgements())

        client.on_connect = connected
        client.on_message = lambda client, userdata, message: self._arrived.append(message)
        self._arrived.clear()
        return client

    def _consume(self, client: Client) -> None:
        while client.loop(timeout=0.05) == MQTTErrorCode.MQTT_ERR_SUCCESS and not self.stop.is_set():
            if not self._arrived:
                continue
            arrived, self._arrived = self._arrived, []
            due = self._ledger.take(arrival(message.topic.split("/"), message.payload) for message in arrived)
            for message in arrived:
                client.ack(message.mid, message.qos)
            self._acknowledge(client, due)

    def _acknowledge(self, client: Client, due: dict[str, list[dict[str, object]]]) -> None:
        for gateway, acknowledgements in due.items():
            for acknowledgement in acknowledgements:
                client.publish(f"{self._root}/v1/{gateway}/dn/ack", json.dumps(acknowledgement), qos=1)


def arrival(levels: list[str], payload: bytes) -> Arrival:
    """What was published under ROOT v1 GATEWAY up evt STREAM STATION."""
    *_, gateway, _, _, _, station = levels
    return Arrival(gateway, station, payload)


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = _SESSION_SECONDS
    return properties


def main() -> None:
    """Consume until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--root", required=True)
    arguments = parser.parse_args()
    consumer = Consumer(arguments.port, Ledger(arguments.database), arguments.root)
    signal.signal(signal.SIGTERM, lambda *_: consumer.stop.set())
    consumer.run()


if __name__ == "__main__":
    main()
