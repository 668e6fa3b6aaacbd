"""What the machine tells of itself; brokers that are tried once: open, silent, refused, without a name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Configuration, Data, Firmware, Ocpp, Upstream
from gateway.configuration import Site as SiteSection
from gateway.model.instants import Instant
from gateway.operations import check_network
from gateway.operations.check_network import network_check_offline
from gateway.operations.machine_ports import default_routes, listening_ports

NOW = Instant(1_800_000_000_000_000)


@asynccontextmanager
async def listening(host: str = "127.0.0.1") -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configuration(tmp_path: Path, *, port: int, upstreams: tuple[Upstream, ...] = ()) -> Configuration:
    return Configuration(
        site=SiteSection(id="s"),
        data=Data(directory=tmp_path),
        ocpp=Ocpp(host="127.0.0.1", port=port),
        firmware=Firmware(port=closed_port()),
        upstreams=upstreams,
    )


async def found(told: Configuration) -> dict[tuple[str, object], dict[str, object]]:
    documents = await network_check_offline(told, clock=lambda: None, now=NOW)
    return {(str(one["check"]), one["subject"]): one for one in documents}


async def test_ports_and_brokers(tmp_path: Path) -> None:
    async with listening() as stations, listening() as broker:
        there = Upstream(name="there", host="127.0.0.1", port=broker)
        away = replace(there, name="away", port=closed_port())
        nameless = replace(there, name="nameless", host="no such name.invalid")
        documents = await found(configuration(tmp_path, port=stations, upstreams=(there, away, nameless)))
    states = {key: one["state"] for key, one in documents.items()}
    assert states["daemon", None] == "bad"
    assert states["stations_port", None] == "warning", "on the loopback only"
    assert states["firmware_port", None] == "bad"
    assert states["dns", "there"] == states["reach", "there"] == states["dns", "away"] == "good"
    assert states["reach", "away"] == states["dns", "nameless"] == "bad"
    assert states["clock", None] == "unknown"
    assert states["disk", None] in ("good", "warning")


async def test_a_broker_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_network, "_REACH_SECONDS", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        host, port = silent.getsockname()
        with socket.create_connection((host, port)), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex((host, port))  # the queue is full: whoever comes now gets no answer
            upstream = Upstream(name="silent", host=host, port=port)
            documents = await found(configuration(tmp_path, port=1, upstreams=(upstream,)))
    assert documents["reach", "silent"]["state"] == "bad"
    assert "no answer within 0.05 s" in str(documents["reach", "silent"]["text"])


def test_a_name_that_nobody_resolves_takes_bounded_time() -> None:
    assert check_network._RESOLVE_SECONDS + check_network._REACH_SECONDS < 5


def test_the_lists_of_the_kernel(tmp_path: Path) -> None:
    header = "  sl  local_address rem_address   st tx_queue\n"
    (tmp_path / "tcp").write_text(
        f"{header}   0: 0100007F:1F90 00000000:0000 0A 0:0\n   1: 0A01A8C0:2328 0101A8C0:0001 01 0:0\n"
    )
    (tmp_path / "tcp6").write_text(
        f"{header}   0: 00000000000000000000000000000000:2328 0:0 0A 0:0\n"
        "   1: 0000000000000000FFFF00000A01A8C0:2329 0:0 0A 0:0\n"
    )
    assert listening_ports(tmp_path) == {("127.0.0.1", 8080), ("::", 9000), ("192.168.1.10", 9001)}
    assert listening_ports(tmp_path / "absent") is None
    (tmp_path / "route").write_text(
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0\n"
        "eth0 0001A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
        "eth1 00000000 0101A8C0 0002 0 0 0 00000000 0 0 0\n"
    )
    assert default_routes(tmp_path) == ["192.168.1.1 (eth0)"]
    assert default_routes(tmp_path / "absent") is None


async def test_the_kernel_tells_of_this_very_port() -> None:
    async with listening() as port:
        assert ("127.0.0.1", port) in (listening_ports() or ())
