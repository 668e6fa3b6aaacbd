"""`./dev bench upstream [--events N] [--rounds R]`: catching up after an outage, beside a bare publisher.

The journal is filled, then the daemon is started and delivers everything to one consumer that acknowledges; in the
same round a bare paho client publishes as many payloads of the same size at QoS 1 with the same number on their way to
the same Mosquitto. Printed are the medians and their ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.model.instants import Instant
from gateway.store import events, migrations
from gateway.store.writing import Writing
from tests.fakes.mosquitto import mosquitto

_ROOT = Path(__file__).parent.parent
_ACKNOWLEDGE_EVERY = 50
_ON_THEIR_WAY = 20
_PATIENCE_SECONDS = 300


def _client(name: str, port: int) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(_ON_THEIR_WAY)
    client.connect("127.0.0.1", port)
    return client


def consume(port: int, total: int, site: str, *, batch: bool) -> None:
    """Acknowledge stream `tx` until it is complete; print the seconds from the first event to the last, and a size."""
    client = _client("consumer", port)
    upto, began, size_bytes = 0, 0.0, 0

    def heard(client: Client, userdata: object, message: MQTTMessage) -> None:
        nonlocal upto, began, size_bytes
        began = began or time.perf_counter()
        document = json.loads(message.payload)
        several = document if isinstance(document, list) else [document]
        size_bytes = len(message.payload) // len(several)
        for event in several:
            if event["sequence"] != upto + 1:
                continue
            upto += 1
            if upto % _ACKNOWLEDGE_EVERY == 0 or upto == total:
                ack = {"epoch": event["epoch"], "stream": "tx", "upto": upto, "batch": batch}
                client.publish(f"ocpp-gateway/v1/{site}/dn/ack", json.dumps(ack), qos=1)
            if upto == total:
                print(json.dumps({"seconds": time.perf_counter() - began, "bytes": size_bytes}), flush=True)

    client.on_message = heard
    client.on_subscribe = lambda *arguments: print("ready", flush=True)
    client.subscribe(f"ocpp-gateway/v1/{site}/up/evt/tx/#", qos=1)
    client.loop_forever()


def publish(port: int, total: int, size_bytes: int) -> None:
    """Publish as a bare client does; print the seconds."""
    client = _client("bare", port)
    room, left, over = threading.Semaphore(_ON_THEIR_WAY), total, threading.Event()

    def published(*arguments: object) -> None:
        nonlocal left
        left -= 1
        room.release()
        if not left:
            over.set()

    client.on_publish = published
    client.loop_start()
    began = time.perf_counter()
    for _ in range(total):
        room.acquire()
        client.publish("bare/events", b"x" * size_bytes, qos=1)
    over.wait()
    print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
    client.disconnect()
    client.loop_stop()


def _fill(database: Path, total: int) -> None:
    connection = migrations.open_for_writing(database)
    with contextlib.closing(connection):
        connection.execute("BEGIN")
        db = Writing(connection)
        for number in range(total):
            at = Instant(1_800_000_000_000_000 + number)
            data = {"transaction_id": number, "id_tag": "tag", "meter_start_wh": 0, "meter_stop_wh": 9000,
                    "energy_wh": 9000, "reason": "Local", "source": "station", "corrects": None,
                    "anomalies": []}  # fmt: skip
            events.append(db, "transaction.ended", station=f"CP-{number % 20}", connector=1, happened_at=at,
                          recorded_at=at, data=data)  # fmt: skip
        db.insert_late_rows()
        connection.execute("COMMIT")


def _forget_what_was_acknowledged(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE upstream_cursors SET acked = 0")


async def _ask(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.catching_up", *arguments, stdout=subprocess.PIPE, cwd=_ROOT
    )


async def _answer(process: asyncio.subprocess.Process) -> dict[str, float]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _PATIENCE_SECONDS)
    answer: dict[str, float] = json.loads(line)
    return answer


def _configure(directory: Path, port: int, site: str) -> None:
    (directory / "gateway.toml").write_text(
        f'[site]\nid = "{site}"\n[data]\ndirectory = "{directory}/data"\n[web]\nport = 0\n'
        '[ocpp]\nhost = "127.0.0.1"\nport = 0\n'
        f'[[upstream]]\nname = "fleet"\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
        "start_jitter_seconds = 0\n"
    )


async def _deliver(directory: Path, port: int, total: int, *, batch: bool) -> dict[str, float]:
    _forget_what_was_acknowledged(directory / "data" / "gateway.db")
    site = f"bench-{time.time_ns()}"  # what the broker keeps for the one before would be heard
    _configure(directory, port, site)
    consumer = await _ask("consume", str(port), str(total), site, *(["--batch"] if batch else []))
    assert consumer.stdout is not None
    await asyncio.wait_for(consumer.stdout.readline(), _PATIENCE_SECONDS)  # it has subscribed
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "run", "--config", str(directory / "gateway.toml"), cwd=_ROOT, env=os.environ
    )
    try:
        return await _answer(consumer)
    finally:
        consumer.kill()
        daemon.terminate()
        await asyncio.gather(consumer.wait(), daemon.wait())


async def _measure(directory: Path, total: int, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"one by one": [], "in batches": [], "bare": []}
    (directory / "data").mkdir()
    await asyncio.to_thread(_fill, directory / "data" / "gateway.db", total)
    async with mosquitto(directory / "broker") as broker:
        for _ in range(rounds):
            alone = await _deliver(directory, broker.port, total, batch=False)
            found["one by one"].append(total / alone["seconds"])
            together = await _deliver(directory, broker.port, total, batch=True)
            found["in batches"].append(total / together["seconds"])
            bare = await _ask("publish", str(broker.port), str(total), str(round(alone["bytes"])))
            found["bare"].append(total / (await _answer(bare))["seconds"])
            await bare.wait()
    return found


def main() -> None:
    """Measure, or be one of the processes that measuring needs."""
    if sys.argv[1:2] == ["consume"]:
        consume(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], batch="--batch" in sys.argv)
        return
    if sys.argv[1:2] == ["publish"]:
        publish(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(prog="bench upstream", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocpp-gateway-bench-") as directory:
        found = asyncio.run(_measure(Path(directory), arguments.events, arguments.rounds))
    bare = statistics.median(found["bare"])
    for name, rates in found.items():
        rate = statistics.median(rates)
        print(f"{name:<12} {rate:8.0f} events/s   {rate / bare:5.2f} of a bare publisher   {sorted(map(round, rates))}")


if __name__ == "__main__":
    main()
