"""What arrives late or in another order than it happened: replayed queues, reboots, lost stops (rules 2.4.6-2.4.8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.operations.keep_house import end_abandoned_sessions
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation

REGISTER = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"}


def at(hour: int, minute: int = 0) -> str:
    return f"2027-01-15T{hour:02d}:{minute:02d}:00Z"


async def test_rule_2_4_06_a_status_that_overtakes_the_queue_ends_no_session(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    gateway.clock.forward(minutes=30)
    assert await station.shows(1, "Available", timestamp=at(8, 30)) == {}
    assert (await gateway.transaction(transaction))["open"] is True
    assert await station.stops(transaction, at=at(8, 29)) == {}
    assert (await gateway.transaction(transaction))["stop_time"] == "2027-01-15T08:29:00.000Z"


async def test_rule_2_4_06_a_status_counts_by_its_own_time(gateway: Bench, station: ScriptedStation) -> None:
    gateway.clock.forward(hours=2)
    assert await station.shows(1, "Available", timestamp=at(9, 50)) == {}
    assert await station.shows(1, "Charging", timestamp=at(9, 10)) == {}  # from the queue
    shown = await gateway.connector(1)
    assert (shown["status"], shown["status_time"]) == ("Available", "2027-01-15T09:50:00.000Z")
    assert [one["historical"] for one in await gateway.events("connector.status")][-2:] == [False, True]


async def test_rule_2_4_06_an_equal_time_is_newer_because_it_came_later(
    gateway: Bench, station: ScriptedStation
) -> None:
    for status in ("Preparing", "Charging", "Finishing"):
        await station.shows(1, status)
        assert (await gateway.connector(1))["status"] == status


async def test_rule_2_4_06_a_status_without_time_counts_by_its_receipt(
    gateway: Bench, station: ScriptedStation
) -> None:
    gateway.clock.forward(seconds=1)
    await station.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})
    assert (await gateway.connector(1))["status_time"] == "2027-01-15T08:00:01.000Z"


async def test_rule_2_4_08_a_queue_of_a_day_is_replayed_in_order(gateway: Bench, station: ScriptedStation) -> None:
    """Three sessions happened offline; the present status and a new Authorize overtake them."""
    gateway.clock.forward(hours=12)  # 20:00
    assert await station.shows(1, "Charging", timestamp=at(19, 59)) == {}
    assert (await station.authorizes("OTHER"))["status"] == "Accepted"
    transactions = []
    for hour, meter in ((9, 1000), (12, 2000), (15, 3000)):
        await station.shows(1, "Charging", timestamp=at(hour))
        started = await station.starts(1, "VALID", meter=meter, at=at(hour))
        assert started["idTagInfo"]["status"] == "Accepted"
        transactions.append(started["transactionId"])
        await station.measures(1, [{"value": str(meter + 500), **REGISTER}], at=at(hour, 30), transactionId=-1)
        assert await station.stops(transactions[-1], meter=meter + 700, at=at(hour + 1)) == {}
        await station.shows(1, "Available", timestamp=at(hour + 1))
    running = (await station.starts(1, "OTHER", meter=4000, at=at(19, 58)))["transactionId"]
    assert (await gateway.connector(1))["status"] == "Charging"
    recorded = [await gateway.transaction(one) for one in transactions]
    assert [one["energy_wh"] for one in recorded] == [700, 700, 700]
    assert [one["anomalies"] for one in recorded] == [[], [], []]
    assert [one["stop_time"][11:16] for one in recorded] == ["10:00", "13:00", "16:00"]
    assert (await gateway.transaction(running))["open"] is True


async def test_rule_2_4_07_a_boot_ends_no_session(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    await station.boots()
    for connector in (0, 1, 2):
        await station.shows(connector, "Available")
    assert (await gateway.transaction(transaction))["open"] is True


async def abandoned(gateway: Bench, station: ScriptedStation) -> int:
    """A session of 08:00 that was measured until 08:20; after a reboot the connector is free since 08:30."""
    transaction = await station.charges(1, meter=1000)
    for minute, register in ((10, 1400), (20, 1800)):
        gateway.clock.forward(minutes=10)
        sample = {"value": str(register), **REGISTER}
        await station.measures(1, [sample], at=at(8, minute), transactionId=transaction)
    gateway.clock.forward(minutes=10)
    await station.boots()
    await station.shows(1, "Available", timestamp=at(8, 30))
    return transaction


async def test_rule_2_4_07_a_session_whose_stop_never_comes_ends_with_what_was_measured(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await abandoned(gateway, station)
    gateway.clock.forward(minutes=59)
    await station.say("Heartbeat", {})
    await end_abandoned_sessions(gateway.site)
    assert (await gateway.transaction(transaction))["open"] is True
    gateway.clock.forward(minutes=2)
    await station.say("Heartbeat", {})
    await end_abandoned_sessions(gateway.site)
    ended = await gateway.transaction(transaction)
    assert (ended["open"], ended["reason"], ended["energy_wh"]) == (False, "Other", 800)
    assert ended["stop_time"] == "2027-01-15T08:20:00.000Z"
    assert "reconstructed" in ended["anomalies"]


async def test_rule_2_4_07_a_late_stop_overrides_the_reconstructed_end(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await abandoned(gateway, station)
    gateway.clock.forward(hours=2)
    await station.say("Heartbeat", {})
    await end_abandoned_sessions(gateway.site)
    assert await station.stops(transaction, meter=2100, at=at(8, 25), reason="PowerLoss") == {}
    ended = await gateway.transaction(transaction)
    assert (ended["reason"], ended["energy_wh"], ended["stop_time"]) == ("PowerLoss", 1100, "2027-01-15T08:25:00.000Z")
    assert "late_stop" in ended["anomalies"]
    corrections = [one["corrects"] for one in await gateway.events("transaction.ended")]
    assert corrections == [None, "reconstructed"]
    assert await station.stops(transaction, meter=9999, at=at(8, 26)) == {}
    assert (await gateway.transaction(transaction))["energy_wh"] == 1100


async def test_rule_2_4_07_a_session_is_not_given_up_while_its_station_is_away(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await abandoned(gateway, station)
    station.cut()
    await gateway.gone()
    gateway.clock.forward(hours=48)
    await end_abandoned_sessions(gateway.site)
    assert (await gateway.transaction(transaction))["open"] is True


async def test_rule_2_4_07_a_session_still_in_use_is_not_given_up(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    gateway.clock.forward(hours=30)
    await station.shows(1, "SuspendedEV", timestamp="2027-01-16T14:00:00Z")
    await station.shows(0, "Available", timestamp="2027-01-16T14:00:00Z")
    await end_abandoned_sessions(gateway.site)
    assert (await gateway.transaction(transaction))["open"] is True


async def test_rule_2_4_07_the_next_start_ends_the_session_before(gateway: Bench, station: ScriptedStation) -> None:
    lost = await station.charges(1, "VALID", meter=1000)
    await station.measures(1, [{"value": "1600", **REGISTER}], at=at(8, 15), transactionId=lost)
    gateway.clock.forward(minutes=40)
    following = (await station.starts(1, "OTHER", meter=1700, at=at(8, 40)))["transactionId"]
    ended = await gateway.transaction(lost)
    assert (ended["open"], ended["energy_wh"]) == (False, 600)
    assert {"reconstructed", "next_session_began"} <= set(ended["anomalies"])
    assert await station.stops(lost, meter=1650, at=at(8, 20)) == {}
    assert (await gateway.transaction(lost))["energy_wh"] == 650
    assert (await gateway.transaction(following))["open"] is True


async def test_rule_2_4_07_nothing_measured_is_nothing_counted(gateway: Bench, station: ScriptedStation) -> None:
    lost = await station.charges(1, "VALID", meter=1000)
    await station.starts(1, "OTHER", meter=9000, at=at(8, 40))
    assert (await gateway.transaction(lost))["energy_wh"] == 0


async def test_rule_2_4_07_the_reconstructed_end_is_overridden_after_a_restart_too(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        lost = await station.charges(1, "VALID", meter=1000)
        await station.starts(1, "OTHER", meter=9000, at=at(8, 40))
    async with bench(tmp_path) as gateway, gateway.station() as station:
        assert await station.stops(lost, meter=3000, at=at(8, 30)) == {}
        assert (await gateway.transaction(lost))["energy_wh"] == 2000


@pytest.mark.parametrize("status", ["Preparing", "Available", "Finishing"])
async def test_rule_2_4_07_the_stop_after_a_power_cut_finds_its_session_whatever_is_shown(
    gateway: Bench, station: ScriptedStation, status: str
) -> None:
    transaction = await station.charges(1)
    station.cut()
    await gateway.gone()
    async with gateway.station() as back:
        await back.boots()
        await back.shows(1, status)
        assert await back.stops(transaction, reason="PowerLoss") == {}
    assert (await gateway.transaction(transaction))["reason"] == "PowerLoss"
