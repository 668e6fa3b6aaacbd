"""Who gets in at the stations' door, in which order refusals come, and how the door is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.model.calls import Unanswered
from gateway.model.identities import StationId
from gateway.model.treatment import Treatment
from gateway.operations import keep_house
from gateway.stations.server import Knock, Refusal, Welcome, credentials_of, end_idle, identity_of
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.unit.stations.opened_door import RawStation, basic, opened_door, raw_station, request, until, upgrade


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/CP1", "CP1"),
        ("/a/b/c/CP1/", "CP1"),
        ("/ocpp/CP1?token=a/b", "CP1"),
        ("/ocpp/RDAM%20123", "RDAM 123"),
        ("/ocpp/A%2FB", "A/B"),
        ("/ocpp/A%252FB", "A%2FB"),
        ("/ocpp/S%C3%A4ule", "Säule"),
        ("/ocpp/%", "%"),
        ("/", ""),
        ("", ""),
    ],
)
def test_the_identity_is_the_last_segment_decoded_once(path: str, identity: str) -> None:
    assert identity_of(path) == identity


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        ("Basic Q1AxOnNlY3JldA==", (b"CP1", b"secret")),
        ("basic  Q1AxOnNlY3JldA== ", (b"CP1", b"secret")),
        ("Basic Q1AxOmE6Yjpj", (b"CP1", b"a:b:c")),
        ("Basic Q1AxOg==", (b"CP1", b"")),
        ("Basic Q1AxOv8A", (b"CP1", b"\xff\x00")),
        (None, None),
        ("", None),
        ("Basic", None),
        ("Bearer Q1AxOnNlY3JldA==", None),
        ("Basic Q1Ax", None),
        ("Basic !!!!", None),
        ("Basic Q1AxOnNlY3JldA", None),
        ("Basic Säule", None),
    ],
)
def test_credentials_are_bytes(header: str | None, credentials: tuple[bytes, bytes] | None) -> None:
    assert credentials_of(header) == credentials


async def test_the_door_asks_with_what_it_read() -> None:
    async with opened_door() as door:
        await upgrade(door.port, "/ocpp/A%2FB", more=basic(b"A/B", "pässwört".encode()))
        await upgrade(door.port, "/ocpp/A%2FB", more=basic(b"A/B", b"1") + basic(b"A/B", b"2"))
        await upgrade(door.port, "/ocpp/A%2FB")
    assert door.knocks == [
        Knock("A/B", b"A/B", "pässwört".encode(), "127.0.0.1"),
        Knock("A/B", None, None, "127.0.0.1"),  # two sets of credentials are none
        Knock("A/B", None, None, "127.0.0.1"),
    ]


async def test_refusals_come_before_the_question_of_the_sub_protocol() -> None:
    async def admit(knock: Knock) -> Welcome | Refusal:
        if knock.identity == "nobody":
            return Refusal(404, "unknown station")
        if knock.password != b"right":
            return Refusal(401, "wrong password")
        return Welcome(StationId(knock.identity), Treatment(needs_subprotocol=knock.identity != "old"))

    right, wrong = basic(b"x", b"right"), basic(b"x", b"wrong")
    async with opened_door(admit=admit) as door:
        for protocol in ("ocpp0.1", None, "ocpp1.6"):
            assert (await upgrade(door.port, "/ocpp/nobody", protocol=protocol, more=right))[0] == 404
            status, head = await upgrade(door.port, "/ocpp/CP1", protocol=protocol, more=wrong)
            assert status == 401
            assert 'WWW-Authenticate: Basic realm="ocpp-gateway"' in head
        for protocol in ("ocpp0.1", "ocpp2.0.1,ocpp1.5", None):
            status, head = await upgrade(door.port, "/ocpp/CP1", protocol=protocol, more=right)
            assert status == 400
            assert "Sec-WebSocket-Accept" not in head
        assert door.arrived == []
        status, head = await upgrade(door.port, "/ocpp/CP1", protocol="ocpp2.0.1, ocpp1.6", more=right)
        assert status == 101
        assert "Sec-WebSocket-Protocol: ocpp1.6\r\n" in head


async def test_a_missing_sub_protocol_is_for_those_who_are_allowed() -> None:
    async def admit(knock: Knock) -> Welcome | Refusal:
        return Welcome(StationId(knock.identity), Treatment(needs_subprotocol=knock.identity != "old"))

    async with opened_door(admit=admit) as door:
        status, head = await upgrade(door.port, "/ocpp/old", protocol=None)
        assert status == 101
        assert "Sec-WebSocket-Protocol" not in head
        assert (await upgrade(door.port, "/ocpp/old", protocol="ocpp0.1"))[0] == 400
        assert (await upgrade(door.port, "/ocpp/new", protocol=None))[0] == 400


async def test_a_browser_is_no_station() -> None:
    async with opened_door() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /favicon.ico HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 426")
        writer.transport.abort()
        for upgraded in ("Upgrade: h2c\r\n", "Upgrade: a\r\nUpgrade: b\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(f"GET /ocpp/CP1 HTTP/1.1\r\nHost: gateway\r\n{upgraded}\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 426")
            writer.transport.abort()
        assert door.knocks == []


async def test_a_fault_in_admission_lets_nobody_in() -> None:
    async def admit(knock: Knock) -> Welcome | Refusal:
        raise RuntimeError("our fault")

    async with opened_door(admit=admit) as door:
        assert (await upgrade(door.port, "/ocpp/CP1"))[0] == 500
        assert door.arrived == []


async def test_the_newest_connection_wins() -> None:
    async with opened_door() as door, raw_station(door.port) as old:
        await until(lambda: door.arrived)
        first = door.connection()
        async with raw_station(door.port) as new:
            opcode, payload = await old.frame()
            assert (opcode, payload[:2]) == (8, b"\x03\xe8")
            assert door.connection() is not first
            old.writer.transport.abort()
            await until(lambda: first.transport.is_closing())
            new.send(b'[2,"1","Heartbeat",{}]')
            assert await new.frame() == (1, b'[3,"1",{"action":"Heartbeat"}]')
            assert door.left == []
            assert len(door.connected) == 1
        await until(lambda: door.left)
        assert not door.connected.is_connected(StationId("CP1"))


async def test_stopping_hangs_up_without_a_close_frame() -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(opened_door())
        silent = await asyncio.open_connection("127.0.0.1", door.port)  # has not said who it is
        one = await _raw(door.port, "/ocpp/CP1")
        two = await _raw(door.port, "/ocpp/CP2")
        await until(lambda: len(door.arrived) == 2)
        call = asyncio.create_task(door.connection().call("Reset", {}, patience_seconds=60))
        assert await one.frame() == (1, b'[2,"our-1","Reset",{}]')
        two.send(b'[2,"1","Heartbeat",{}]')
        assert (await two.frame())[0] == 1
        began = asyncio.get_running_loop().time()
        await stack.aclose()
        assert asyncio.get_running_loop().time() - began < 2, "nobody can hold up the stop"
        with pytest.raises(Unanswered, match="hung up"):
            await call
        assert await one.rest() == b""
        assert await two.rest() == b""
        assert await silent[0].read() == b""
        assert len(door.left) == 2
        for writer in (silent[1], one.writer, two.writer):
            writer.transport.abort()


async def _raw(port: int, path: str) -> RawStation:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(path, protocol="ocpp1.6"))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return RawStation(reader, writer)


async def test_whoever_is_silent_for_too_long_is_ended() -> None:
    async with opened_door() as door, raw_station(door.port) as quiet, raw_station(door.port, "/ocpp/CP2") as lively:
        await until(lambda: len(door.arrived) == 2)
        later = asyncio.get_running_loop().time() + 100
        door.connection("CP2").last_message_at = later
        assert end_idle(door.connected, now=later, limit_seconds=60) == ["CP1"]
        assert end_idle(door.connected, now=later, limit_seconds=60) == []
        assert (await quiet.frame())[1][:2] == b"\x03\xe8"
        lively.send(b"", opcode=9)
        assert await lively.frame() == (10, b"")


async def test_a_ping_is_a_sign_of_life() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        for opcode in (9, 10):
            door.connection().last_message_at = 0.0
            station.send(b"", opcode=opcode)
            await until(lambda: door.connection().last_message_at)


STATIONS = """
[[station]]
id = "OPEN"
[[station]]
id = "OLD"
allow_missing_subprotocol = true
[[station]]
id = "A/B"
[[station]]
id = "BYTES"
password_file = "bytes.secret"
[[station]]
id = "HEX"
password_file = "hex.secret"
[[station]]
id = "STRICTHEX"
password_file = "hex.secret"
accept_hex_password = false
[[station]]
id = "TLS"
security_profile = 2
password_file = "bytes.secret"
"""
SECRET = "pässwört ✓".encode() + b"\xff\x00"
HEX = b"4F43415F4F4354545F61646D696E5F74657374"


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/ocpp/OPEN", "", 101),
        ("/ocpp/open", "", 404),
        ("/ocpp/A%2FB", "", 101),
        ("/ocpp/A/B", "", 404),
        ("/ocpp/A%252FB", "", 404),
        ("/ocpp/" + "x" * 49, "", 404),
        ("/ocpp/a%00b", "", 404),
        ("/", "", 404),
        ("/ocpp/BYTES", "", 401),
        ("/ocpp/BYTES", basic(b"BYTES", SECRET), 101),
        ("/ocpp/BYTES", basic(b"BYTES", SECRET[:-1]), 401),
        ("/ocpp/BYTES", basic(b"OPEN", SECRET), 401),
        ("/ocpp/HEX", basic(b"HEX", bytes.fromhex(HEX.decode())), 101),
        ("/ocpp/HEX", basic(b"HEX", HEX), 101),
        ("/ocpp/HEX", basic(b"HEX", HEX.lower()), 101),
        ("/ocpp/STRICTHEX", basic(b"STRICTHEX", bytes.fromhex(HEX.decode())), 101),
        ("/ocpp/STRICTHEX", basic(b"STRICTHEX", HEX), 401),
        ("/ocpp/TLS", basic(b"TLS", SECRET), 403),
    ],
)
async def test_passwords_and_identities_of_the_real_gateway(
    gateway: Running, path: str, more: str, status: int
) -> None:
    assert (await upgrade(gateway.addresses.stations_port, path, more=more))[0] == status


async def test_a_missing_sub_protocol_at_the_real_gateway(gateway: Running) -> None:
    port = gateway.addresses.stations_port
    assert (await upgrade(port, "/ocpp/OLD", protocol=None))[0] == 101
    assert (await upgrade(port, "/ocpp/OPEN", protocol=None))[0] == 400


async def test_the_rounds_end_silent_connections(gateway: Running) -> None:
    async with raw_station(gateway.addresses.stations_port, "/ocpp/OPEN") as station:
        await until(lambda: gateway.site.connected.is_connected(StationId("OPEN")))
        keep_house.end_silent_connections(gateway.site)
        station.send(b"", opcode=9)
        assert (await station.frame())[0] == 10
        connection = gateway.site.connected.get(StationId("OPEN"))
        assert connection is not None
        connection.last_message_at -= gateway.site.configuration.ocpp.silence_allowed_seconds + 1
        keep_house.end_silent_connections(gateway.site)
        assert (await station.frame())[0] == 8


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Running]:
    (tmp_path / "bytes.secret").write_bytes(SECRET)
    (tmp_path / "hex.secret").write_bytes(HEX + b"\n")
    for file in ("bytes.secret", "hex.secret"):
        (tmp_path / file).chmod(0o600)
    async with running_gateway(tmp_path, more=STATIONS) as running:
        yield running
