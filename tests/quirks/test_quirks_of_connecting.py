"""Quirks of the upgrade and of the connection: odd paths, missing headers, odd passwords, sockets that linger."""

from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from gateway.operations.keep_house import end_silent_connections
from gateway.operations.provision_stations import put_station
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import plugged_in

ASSUMED = '[[station]]\nid = "CP-1"\nallow_missing_subprotocol = true\n'
KEY = "0123456789abcdef0011223344556677"


async def refusal(gateway: Bench, identity: str = "CP-1", **how: object) -> int:
    """The HTTP status that a connection is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        async with gateway.station(identity, **how):
            pass
    return int(refused.value.response.status_code)


async def test_quirk_3_01_no_sub_protocol_is_refused_by_default(gateway: Bench) -> None:
    assert await refusal(gateway, subprotocols=()) == 400


async def test_quirk_3_01_no_sub_protocol_where_it_is_allowed(tmp_path: Path) -> None:
    async with bench(tmp_path, more=ASSUMED) as gateway:
        async with gateway.station(subprotocols=()) as station:
            assert station.socket.subprotocol is None
            assert (await station.boots())["status"] == "Accepted"
        assert await refusal(gateway, subprotocols=("ocpp2.0.1",)) == 400


async def test_quirk_3_02_a_broken_upgrade_is_refused_and_costs_nothing(gateway: Bench) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.running.addresses.stations_port)
    key = base64.b64encode(bytes(16)).decode()
    writer.write(
        f"GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] in (b"400", b"426")
    writer.close()
    async with gateway.station() as station:
        assert await station.boots()


@pytest.mark.parametrize(
    "path",
    ["/ocpp//CP-1", "/CP-1", "//CP-1", "/ws://host:9000/CP-1", "/ocpp/SERIAL-7/CP-1", "/ocpp/CP-1/", "/ocpp/%43P-1"],
)
async def test_quirk_3_03_odd_paths(gateway: Bench, path: str) -> None:
    base = gateway.url("").removesuffix("/ocpp/")
    async with plugged_in(base + path) as station:
        assert (await station.boots())["status"] == "Accepted"


async def test_quirk_3_03_another_identity_of_the_same_station(tmp_path: Path) -> None:
    more = '[[station]]\nid = "CP-1"\naliases = ["SERIAL-7"]\n'
    async with bench(tmp_path, more=more) as gateway, gateway.station("CP-1/SERIAL-7") as station:
        assert (await station.boots())["status"] == "Accepted"
        transaction = await station.charges(1)
        assert (await gateway.transaction(transaction))["station"] == "CP-1"


async def test_quirk_3_23_no_boot_and_no_status_after_a_reconnect(gateway: Bench) -> None:
    async with gateway.station() as station:
        await station.boots()
        await station.shows(1, "Charging")
    async with gateway.station() as station:
        assert await station.say("Heartbeat", {})
        assert (await gateway.connector(1))["status"] == "Charging"
        assert (await station.starts(2, "OTHER"))["transactionId"] > 0


async def test_quirk_3_24_a_slow_station_has_its_own_patience(tmp_path: Path) -> None:
    more = '[[station]]\nid = "CP-1"\ncall_timeout_seconds = 120\n'
    async with bench(tmp_path, ocpp="call_timeout_seconds = 0.1", more=more) as gateway, gateway.station() as station:
        connection = gateway.connection()
        assert connection.treatment.call_patience_seconds == 120
        trigger = {"requestedMessage": "MeterValues"}
        _, outcome = await gateway.sends(station, "TriggerMessage", trigger, answered={"status": "Rejected"})
        assert outcome.status == "answered"


async def test_quirk_3_24_no_answer_at_all_frees_the_queue(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp="call_timeout_seconds = 0.1") as gateway, gateway.station() as station:
        for _ in range(2):
            order = asyncio.create_task(gateway.order("TriggerMessage", {"requestedMessage": "Heartbeat"}))
            await station.expect("TriggerMessage")
            assert (await order).status == "unanswered"


async def test_quirk_3_25_requests_never_overlap_and_keep_a_little_distance(gateway: Bench) -> None:
    async with gateway.station() as station:
        orders = [asyncio.create_task(gateway.order("ClearCache", {})) for _ in range(3)]
        answered_at = 0.0
        for _ in orders:
            await station.expect("ClearCache")
            assert time.monotonic() - answered_at > 0.01
            assert await station.say("Heartbeat", {})
            assert station.requests.empty()
            answered_at = time.monotonic()
            await station.answer({"status": "Accepted"})
        assert {(await order).status for order in orders} == {"answered"}


@pytest.mark.parametrize("repeated", [False, True])
async def test_quirk_3_26_an_answer_that_must_not_come_too_soon(tmp_path: Path, repeated: bool) -> None:
    more = '[[station]]\nid = "CP-1"\nanswer_delay_ms = 150\n'
    async with bench(tmp_path, more=more) as gateway:
        if repeated:  # the answer is known already
            async with gateway.station() as station:
                await station.starts(message_id="a")
        async with gateway.station() as station:
            before = time.monotonic()
            assert (await station.starts(message_id="a"))["transactionId"] > 0
            assert time.monotonic() - before > 0.14


async def test_quirk_3_27_a_half_open_connection_does_not_lock_the_station_out(gateway: Bench) -> None:
    async with gateway.station() as dead:
        assert await dead.boots()
        dead.socket.transport.pause_reading()  # it will never see our Close
        async with gateway.station() as station:
            assert await station.boots()
            dead.cut()
            assert await station.say("Heartbeat", {})
            assert gateway.is_connected()
            await gateway.sends(station, "ClearCache", {}, answered={"status": "Accepted"})


async def test_quirk_3_28_a_quiet_station_is_not_hung_up_on(gateway: Bench) -> None:
    async with gateway.station() as station:
        interval = (await station.boots())["interval"]
        connection = gateway.connection()
        connection.last_message_at -= 3 * interval - 5
        end_silent_connections(gateway.site)
        assert await station.say("Heartbeat", {})


@pytest.mark.parametrize("password", [bytes.fromhex(KEY), KEY.encode(), KEY.upper().encode()])
async def test_quirk_3_36_a_key_presented_as_bytes_or_as_hex_text(gateway: Bench, password: bytes) -> None:
    await put_station(gateway.site, "CP-1", {"password": KEY}, actor="tester")
    async with gateway.station(credentials=("CP-1", password)) as station:
        assert await station.boots()
    assert gateway.quirks() == (set() if password == bytes.fromhex(KEY) else {"hex_password"})
    assert await refusal(gateway, credentials=("CP-1", b"x" + password)) == 401


async def test_quirk_3_36_hex_text_may_be_forbidden(gateway: Bench) -> None:
    await put_station(gateway.site, "CP-1", {"password": KEY, "accept_hex_password": False}, actor="tester")
    assert await refusal(gateway, credentials=("CP-1", KEY.encode())) == 401
    async with gateway.station(credentials=("CP-1", bytes.fromhex(KEY))) as station:
        assert await station.boots()


@pytest.mark.parametrize(
    "password", [b"\xff\xfe\x00\x80 not UTF-8 \xc3\x28", b"a:b:c:d:e:f:g:h:", "pässwörd-1234567".encode()]
)
async def test_quirk_3_36_passwords_are_bytes(tmp_path: Path, password: bytes) -> None:
    (tmp_path / "password").write_bytes(password)
    more = f'[[station]]\nid = "CP-1"\npassword_file = "{tmp_path}/password"\n'
    async with bench(tmp_path, more=more) as gateway:
        async with gateway.station(credentials=("CP-1", password)) as station:
            assert await station.boots()
        assert await refusal(gateway, credentials=("CP-1", password[:-1])) == 401
