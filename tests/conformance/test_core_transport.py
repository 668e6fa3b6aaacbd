"""The upgrade to WebSocket (OCPP-J 1.6 3): identity, order of refusals, sub-protocol, credentials."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.site_under_test import CERTIFICATION, Bench, bench


async def upgrade(gateway: Bench, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Ask for an upgrade as raw HTTP; (status, headers of the answer in lower case)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.running.addresses.stations_port)
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: gateway",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + base64.b64encode(bytes(16)).decode(),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(5):
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    finally:
        writer.close()
    answer = dict(line.lower().split(": ", 1) for line in rest if line)
    return int(first.split()[1]), answer


@pytest.mark.case("TC_088_CSMS")
async def test_tc_088_csms_sub_protocol_negotiation(gateway: Bench) -> None:
    status, answer = await upgrade(gateway, "/ocpp/CP-1", Sec_WebSocket_Protocol="ocpp0.1")
    assert status == 400
    assert "sec-websocket-accept" not in answer
    status, answer = await upgrade(gateway, "/ocpp/CP-1", Sec_WebSocket_Protocol="ocpp0.1,ocpp1.6")
    assert status == 101
    assert answer["sec-websocket-protocol"] == "ocpp1.6"


@pytest.mark.parametrize("offered", ["ocpp1.6", "ocpp1.6, ocpp2.0.1", "ocpp2.0.1,ocpp1.6 "])
async def test_one_common_sub_protocol_is_enough(gateway: Bench, offered: str) -> None:
    status, answer = await upgrade(gateway, "/ocpp/CP-1", Sec_WebSocket_Protocol=offered)
    assert (status, answer["sec-websocket-protocol"]) == (101, "ocpp1.6")


async def test_an_unknown_station_is_not_found_and_not_upgraded(gateway: Bench) -> None:
    status, answer = await upgrade(gateway, "/ocpp/STRANGER", Sec_WebSocket_Protocol="ocpp1.6")
    assert status == 404
    assert "sec-websocket-accept" not in answer
    assert (await gateway.events("station.knocked"))[0]["address"] == "127.0.0.1"


async def test_refusals_come_in_the_order_404_401_400(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"open sesame 12345")
    more = f'[[station]]\nid = "CP-1"\npassword_file = "{tmp_path}/password"\n'
    right = "Basic " + base64.b64encode(b"CP-1:open sesame 12345").decode()
    wrong = "Basic " + base64.b64encode(b"CP-1:close sesame").decode()
    async with bench(tmp_path, more=more) as gateway:
        assert (await upgrade(gateway, "/ocpp/X", Authorization=wrong, Sec_WebSocket_Protocol="soap"))[0] == 404
        status, answer = await upgrade(gateway, "/ocpp/CP-1", Sec_WebSocket_Protocol="soap")
        assert (status, answer["www-authenticate"].split()[0]) == (401, "basic")
        assert (await upgrade(gateway, "/ocpp/CP-1", Authorization=wrong, Sec_WebSocket_Protocol="soap"))[0] == 401
        assert (await upgrade(gateway, "/ocpp/CP-1", Authorization=right, Sec_WebSocket_Protocol="soap"))[0] == 400
        assert (await upgrade(gateway, "/ocpp/CP-1", Authorization=right, Sec_WebSocket_Protocol="ocpp1.6"))[0] == 101


@pytest.mark.parametrize("user", ["CP-2", "cp-1", ""])
async def test_the_user_name_must_be_the_identity(tmp_path: Path, user: str) -> None:
    (tmp_path / "password").write_bytes(b"open sesame 12345")
    more = f'[[station]]\nid = "CP-1"\npassword_file = "{tmp_path}/password"\n'
    async with bench(tmp_path, more=more) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            async with gateway.station(credentials=(user, b"open sesame 12345")):
                pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("RDAM%20123", "RDAM 123"),
        ("A%2FB", "A/B"),
        ("A%252FB", "A%2FB"),
        ("Z%C3%BCrich-1", "Zürich-1"),
        ("CP+1", "CP+1"),
        ("CP-9/", "CP-9"),
        ("CP-9?token=1", "CP-9"),
    ],
)
async def test_the_identity_is_decoded_exactly_once(tmp_path: Path, path: str, identity: str) -> None:
    async with bench(tmp_path, ocpp=CERTIFICATION + '\nunknown_stations = "accept"') as gateway:
        async with gateway.station(path) as station:
            assert (await station.boots())["status"] == "Accepted"
        assert {row["station"] for row in await gateway.rows("SELECT station FROM stations")} == {identity}


@pytest.mark.parametrize("path", ["", "%00", "A%0AB", "x" * 49])
async def test_what_cannot_be_an_identity_is_not_found(tmp_path: Path, path: str) -> None:
    async with bench(tmp_path, ocpp=CERTIFICATION + '\nunknown_stations = "accept"') as gateway:
        status, _ = await upgrade(gateway, f"/{path}", Sec_WebSocket_Protocol="ocpp1.6")
    assert status == 404
