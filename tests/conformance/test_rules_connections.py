"""Half-open and duplicate connections: the newest wins, and the old one's end touches nothing of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.operations.keep_house import end_silent_connections
from gateway.operations.provision_stations import remove_station
from gateway.store.database import Database
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import NOW, ScriptedStation

START = {"connectorId": 1, "idTag": "VALID", "meterStart": 1000, "timestamp": NOW}


async def test_the_newest_connection_wins(gateway: Bench, station: ScriptedStation) -> None:
    async with gateway.station() as newer:
        assert await newer.say("Heartbeat", {})
        assert (await station.hung_up())[0] == 1000
        got, outcome = await gateway.sends(newer, "ClearCache", {}, answered={"status": "Accepted"})
        assert (got, outcome.status) == ({}, "answered")
        assert gateway.is_connected()
    await gateway.gone()
    assert len(await gateway.events("station.connected")) == 2
    assert len(await gateway.events("station.disconnected")) == 1


async def test_the_end_of_the_old_connection_leaves_the_new_one_alone(gateway: Bench, station: ScriptedStation) -> None:
    async with gateway.station() as newer:
        await station.hung_up()
        station.cut()
        assert await newer.say("Heartbeat", {})
        assert gateway.is_connected()
        assert await gateway.events("station.disconnected") == []


async def test_a_half_open_connection_locks_nobody_out(gateway: Bench) -> None:
    """The old socket is dead but nobody told the gateway: no Close, no FIN, and it never reads."""
    async with gateway.station() as dead:
        transaction = await dead.charges(1)
        dead.socket.transport.pause_reading()
        async with gateway.station() as newer:
            assert await newer.stops(transaction) == {}
            got, _ = await gateway.sends(newer, "ClearCache", {}, answered={"status": "Accepted"})
            assert got == {}
        dead.cut()


async def test_a_request_open_on_the_old_connection_ends_at_once(gateway: Bench, station: ScriptedStation) -> None:
    order = asyncio.create_task(gateway.order("ClearCache", {}))
    await station.expect("ClearCache")
    async with gateway.station() as newer:
        async with asyncio.timeout(5):
            assert (await order).status == "unanswered"
        await gateway.sends(newer, "ClearCache", {}, answered={"status": "Accepted"})


async def test_twenty_connections_in_a_row_leave_one(gateway: Bench) -> None:
    async with gateway.station() as first:
        last = first
        for _ in range(20):
            stack = gateway.station()
            last = await stack.__aenter__()
        assert await last.say("Heartbeat", {})
        assert len(gateway.site.connected) == 1
        await first.hung_up()
        await last.socket.close()
    await gateway.gone()


async def test_two_stations_do_not_replace_each_other(tmp_path: Path) -> None:
    more = '[[station]]\nid = "CP-1"\n[[station]]\nid = "CP-2"\n'
    async with bench(tmp_path, more=more) as gateway, gateway.station("CP-1") as one, gateway.station("CP-2") as two:
        assert await one.say("Heartbeat", {})
        assert await two.say("Heartbeat", {})
        assert len(gateway.site.connected) == 2


@pytest.mark.parametrize("sign", ["garbage", "[]", '[3, "late", {}]', '[2, "a", "Dance", {}]', "ping"])
async def test_rule_2_1_10_any_frame_is_a_sign_of_life(tmp_path: Path, sign: str) -> None:
    async with bench(tmp_path, ocpp="idle_timeout_seconds = 1000") as gateway, gateway.station() as station:
        await station.say("Heartbeat", {})
        connection = gateway.connection()
        long_ago = connection.last_message_at = connection.last_message_at - 1001
        station.will_be_answered("a")
        await (station.socket.ping() if sign == "ping" else station.send(sign))
        async with asyncio.timeout(5):
            while connection.last_message_at == long_ago:  # noqa: ASYNC110, the connection tells nobody
                await asyncio.sleep(0)  # until the frame has arrived; the next one would count itself
        end_silent_connections(gateway.site)
        assert await station.say("Heartbeat", {})


async def test_a_start_that_is_being_stored_when_the_new_connection_comes_is_one(
    gateway: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is lost with the old line; the station tells it again over the new one, under its first id."""
    submit, held = Database.submit, list[Callable[[], None]]()

    def slow(database: Database, unit: object, done: Callable[[object, BaseException | None], None]) -> None:
        submit(database, unit, lambda result, error: held.append(lambda: done(result, error)))  # type: ignore[arg-type]

    async with gateway.station() as old:
        await old.boots()
        monkeypatch.setattr(Database, "submit", slow)
        await old.send(json.dumps([2, "s", "StartTransaction", START]))
        await gateway.eventually_event("transaction.started")
        monkeypatch.setattr(Database, "submit", submit)
        async with gateway.station() as new:
            again = asyncio.create_task(new.say("StartTransaction", START, message_id="s"))
            answer = await again
            held.pop()()  # to a line that is gone
            assert answer["idTagInfo"]["status"] == "Accepted"
            assert await new.stops(answer["transactionId"]) == {}
    (recorded,) = await gateway.transactions()
    assert (recorded["transaction_id"], recorded["energy_wh"]) == (answer["transactionId"], 4000)


async def test_silence_beyond_the_bound_ends_the_connection(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp="idle_timeout_seconds = 1000") as gateway, gateway.station() as station:
        connection = gateway.connection()
        connection.last_message_at -= 1001
        end_silent_connections(gateway.site)
        assert (await station.hung_up())[0] == 1000


async def test_silence_is_allowed_for_three_heartbeats_at_least(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp="heartbeat_seconds = 600") as gateway, gateway.station() as station:
        connection = gateway.connection()
        connection.last_message_at -= 1790
        end_silent_connections(gateway.site)
        assert await station.say("Heartbeat", {})


async def test_a_removed_station_is_sent_away(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, ocpp='unknown_stations = "accept"', more="") as gateway,
        gateway.station("GUEST") as station,
    ):
        await station.boots()
        assert await remove_station(gateway.site, "GUEST", actor="tester") == "removed"
        await station.hung_up()


async def test_a_stopping_gateway_hangs_up_without_a_close_frame(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway:
        plugged = gateway.station()
        station = await plugged.__aenter__()
        await station.boots()
    assert await station.hung_up() == (1006, "")
    await plugged.__aexit__(None, None, None)
