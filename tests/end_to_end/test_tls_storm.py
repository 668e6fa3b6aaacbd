"""A port scanner and stations with wrong certificates, all at once: neither good stations nor the disk notice."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.end_to_end.running_gateway import free_ports, running_gateway
from tests.fakes.certificate_maker import Authority, self_signed

ATTACKERS = 6
_SECONDS = 6.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


def scan(port: int, number: int, context: ssl.SSLContext, stop: threading.Event, tries: list[int]) -> None:
    """Connect again and again: saying nothing, rubbish, plain HTTP, or showing a certificate that nobody trusts."""
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as opened:
                tries[number] += 1
                if number % 3 == 0:
                    opened.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    opened.recv(100)
                elif number % 3 == 1:
                    with context.wrap_socket(opened, server_hostname="localhost") as wrapped:
                        wrapped.recv(100)
        except OSError:
            continue


def test_a_storm_of_handshakes_slows_nobody_and_fills_nothing(place: Path, authority: Authority) -> None:
    (port,) = free_ports(1)
    pair = authority.issue("localhost", names="DNS:localhost")
    more = f'[ocpp.tls]\nport = {port}\nclient_ca = "{authority.file}"\ncertificates = [{pair.toml()}]\n'
    wrong = authority.client_context(self_signed(place / "wrong", "CP-1"))
    stop, tries, slowest = threading.Event(), [0] * ATTACKERS, 0.0
    with running_gateway(place, more=more) as gateway:
        gateway.put("/stations/GOOD-1", {"security_profile": 3})
        good = authority.client_context(authority.issue("GOOD-1"))
        url = f"wss://localhost:{port}/ocpp/GOOD-1"
        with connect(url, ssl=good, subprotocols=["ocpp1.6"], proxy=None) as station:  # type: ignore[list-item]
            database = place / "data" / "gateway.db"
            before = database.stat().st_size
            attackers = [
                threading.Thread(target=scan, args=(port, number, wrong, stop, tries)) for number in range(ATTACKERS)
            ]
            for attacker in attackers:
                attacker.start()
            until = time.monotonic() + _SECONDS
            while time.monotonic() < until:
                begin = time.monotonic()
                station.send(json.dumps([2, "1", "Heartbeat", {}]))
                assert json.loads(station.recv(timeout=10))[0] == 3
                slowest = max(slowest, time.monotonic() - begin)
            stop.set()
            for attacker in attackers:
                attacker.join()
        assert sum(tries) > 500, tries
        assert slowest < 2.0, slowest
        told = gateway.get("/events?limit=1000")["items"]
        assert isinstance(told, list)
        assert 0 < len([one for one in told if one["kind"] == "gateway.security_event"]) <= 20
        assert database.stat().st_size - before < 300_000
        assert len(gateway.log_text()) < 100_000
