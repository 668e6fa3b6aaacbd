"""Days of a few stations in virtual time: what every change is checked against."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.carry_out_commands import carry_out
from gateway.operations.provision_stations import put_station
from gateway.simulated_outlet import text_of
from gateway.store import connectors
from gateway.store.writing import Writing
from tests.fakes.scripted_station import plugged_in
from tests.fakes.virtual_network import Weather
from tests.simulation.charger import DAY, HOUR, MINUTE, Bad, identity_of
from tests.simulation.ledger import Ledger, billing_complaints, instant_of, journal_complaints
from tests.simulation.played_day import Plan, cards, play, until_settled
from tests.simulation.stage import BUSY, Stage, staged

ROUGH = Weather(loses_request=0.02, loses_answer=0.06)
BAD = Bad(network_every=DAY / 2, reset_every=DAY / 2, power_every=DAY)


@pytest.mark.slow
def test_a_day_of_ten_stations_is_billed_once_and_right(directory: Path) -> None:
    played = play(Plan(10, seed=20260504, gateway_restarts=2, bad=BAD, weather=ROUGH), directory)
    assert played.complaints() == []
    assert played.sessions() > 80
    assert min(played.mishaps("network"), played.mishaps("reset"), played.mishaps("power")) > 0
    assert played.retold("StartTransaction", "transaction.started") > 0
    assert played.retold("StopTransaction", "transaction.ended") > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_day(directory: Path) -> None:
    first, again, other = (
        play(Plan(4, seed=seed, seconds=10 * HOUR, gateway_restarts=1, bad=BAD, weather=ROUGH), directory / name)
        for seed, name in ((1, "first"), (1, "again"), (2, "other"))
    )
    assert first.ledger.transactions == again.ledger.transactions
    assert first.ledger.frames == again.ledger.frames
    assert _by_station(first.ledger) == _by_station(again.ledger)
    assert _by_station(first.ledger) != _by_station(other.ledger)


@pytest.mark.slow
def test_a_week_offline_is_billed_when_the_station_comes_back(directory: Path) -> None:
    async def scene(stage: Stage) -> None:
        away, present = stage.charger(BUSY, sample_seconds=900), stage.charger(BUSY, sample_seconds=900)
        await asyncio.sleep(12 * HOUR)
        await away.station.lose_network(7 * DAY)
        await asyncio.sleep(7 * DAY - MINUTE)
        assert not away.station.connected and present.station.connected
        assert sum(kept.action == "StartTransaction" for kept in away.station.link.kept) > 20
        await asyncio.sleep(2 * MINUTE)
        await until_settled(stage.chargers)

    stage, ledger = staged(directory, scene)
    assert complaints(stage, ledger) == []
    ends = ledger.of_kind("transaction.ended", identity_of(1))
    assert len(ends) > 20
    assert [end["happened_at"] for end in ends] == sorted(end["happened_at"] for end in ends)
    assert max(end["recorded_at"] - end["happened_at"] for end in ends) > 6 * DAY * 1e6


@pytest.mark.slow
def test_no_step_of_the_clock_costs_a_session(directory: Path) -> None:
    stage, ledger, _ = _stepped(directory)
    assert complaints(stage, ledger) == []
    assert len(ledger.of_kind("transaction.ended")) > 25


@pytest.mark.slow
def test_no_step_of_the_clock_makes_a_running_session_look_abandoned(directory: Path) -> None:
    _, ledger, wrong_statuses = _stepped(directory)
    assert [end for end in ledger.of_kind("transaction.ended") if end["data"]["source"] != "station"] == []
    assert wrong_statuses == []


def _stepped(directory: Path) -> tuple[Stage, Ledger, list[str]]:
    """A day on which the gateway's clock is set many times; half of the stations have clocks of their own."""
    wrong_statuses: list[str] = []

    async def scene(stage: Stage) -> None:
        clock = stage.world.clock
        clocks: list[Callable[[], datetime]] = [clock.true_time, clock.true_time, clock.time, clock.time]
        for wall_clock in clocks:
            stage.charger(BUSY, wall_clock=wall_clock)
        for hours in (-3, +5, -2, -24, +24):
            await asyncio.sleep(3.3 * HOUR)
            clock.step(hours * HOUR)
        await asyncio.sleep(3 * HOUR)
        await until_settled(stage.chargers)
        wrong_statuses.extend(await _wrong_statuses(stage))

    stage, ledger = staged(directory, scene)
    return stage, ledger, wrong_statuses


def test_thirty_stations_reset_at_once_in_the_middle_of_their_sessions(directory: Path) -> None:
    async def scene(stage: Stage) -> None:
        for _ in range(30):
            stage.charger()
        await until_settled(stage.chargers)
        for number, charger in enumerate(stage.chargers, 1):
            charger.station.in_background(charger.station.visit(1, cards(number)[0]))
        await asyncio.sleep(HOUR)
        await asyncio.gather(*(charger.station.reboot("Hard") for charger in stage.chargers))
        async with asyncio.timeout(2 * MINUTE):
            await until_settled(stage.chargers)

    stage, ledger = staged(directory, scene)
    assert complaints(stage, ledger) == []
    assert [end["data"]["reason"] for end in ledger.of_kind("transaction.ended")] == 30 * ["HardReset"]
    assert len(ledger.of_kind("station.booted")) == 60


def test_an_abandoned_session_is_closed_and_its_late_stop_has_the_last_word(directory: Path) -> None:
    async def scene(stage: Stage) -> None:
        charger = stage.charger(sample_seconds=60)
        station, card = charger.station, cards(1)[0]
        await until_settled([charger])
        station.in_background(station.visit(1, card))
        await asyncio.sleep(30 * MINUTE)
        await charger.power_off()
        charger.power_on()
        await asyncio.sleep(2 * HOUR)
        (session,) = station.sessions
        session.stop_at, session.stop_wh = stage.world.clock.true_time(), charger.cut_at_wh(session)
        told = {"transactionId": session.transaction_id, "meterStop": session.stop_wh}
        told["timestamp"] = text_of(session.stop_at)
        station.link.keep("StopTransaction", lambda: {**told, "reason": "PowerLoss"}, lambda answer: None)
        await until_settled([charger])

    stage, ledger = staged(directory, scene)
    assert journal_complaints(ledger) == []
    (session,) = stage.chargers[0].station.sessions
    (row,) = ledger.transactions
    assert session.stop_at is not None
    assert (row["stop_source"], row["reason"], row["meter_stop_wh"]) == ("station", "PowerLoss", session.stop_wh)
    assert row["stop_at"] == instant_of(session.stop_at)
    assert "late_stop" in row["anomalies"]
    first, last = ledger.of_kind("transaction.ended")
    assert (first["data"]["source"], last["data"]["source"]) == ("reconstructed", "station")
    assert last["data"]["corrects"] == "reconstructed"
    # the last sample was taken at most a minute before the power cut
    assert 0 < first["data"]["energy_wh"] <= last["data"]["energy_wh"]
    assert last["data"]["energy_wh"] - first["data"]["energy_wh"] < last["data"]["energy_wh"] / 29
    assert len(ledger.of_kind("station.booted")) == 2
    available = ledger.of_kind("connector.status")[-1]
    assert available["data"]["status"] == "Available"
    waited_minutes = (first["recorded_at"] - available["happened_at"]) / 60e6
    assert 60 <= waited_minutes < 70


def test_a_remote_start_that_nobody_uses_is_forgotten(directory: Path) -> None:
    card, other = cards(1)[:2]

    async def scene(stage: Stage) -> None:
        site = stage.running.site

        async def ask(id_tag: str) -> Any:
            payload = {"connectorId": 1, "idTag": id_tag}
            return await carry_out(site, station="POST", action="RemoteStartTransaction", payload=payload, actor="test")

        async def expected() -> int:
            # through the writer: virtual time does not see the threads of readers
            return await site.database.write(_expected_remote_starts)

        await put_station(site, "POST", {"quiet": True}, actor="test")  # it answers only what this scene asks
        async with plugged_in(stage.running.station_url("POST")) as post:
            await post.boots()
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(ask(card))
                await post.expect("RemoteStartTransaction")
                await post.answer({"status": "Accepted"})
            assert (asked.result().status, await expected()) == ("answered", 1)
            await asyncio.sleep(12 * MINUTE)
            assert await expected() == 0
            # the driver comes at last, by himself: nobody's command asked for this
            await post.starts(1, card, meter=100, at=text_of(stage.world.clock.true_time()))
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(ask(other))
                await post.expect("RemoteStartTransaction")
            assert (asked.result().status, await expected()) == ("unanswered", 1), "it may come about all the same"
            await asyncio.sleep(12 * MINUTE)
            assert await expected() == 0

    _, ledger = staged(directory, scene)
    (row,) = ledger.transactions
    assert (row["id_tag"], row["remote_start_command"]) == (card, None)
    answered, unanswered = ledger.of_kind("command.finished")
    assert 59 < (unanswered["recorded_at"] - answered["recorded_at"]) / 1e6 - 12 * MINUTE < 62


def _expected_remote_starts(db: Writing) -> int:
    (count,) = db.execute("SELECT count(*) FROM remote_starts WHERE station = 'POST'").fetchone()
    return int(count)


def complaints(stage: Stage, ledger: Ledger) -> list[str]:
    """Everything that is not as it must be."""
    return journal_complaints(ledger) + billing_complaints(ledger, stage.chargers)


async def _wrong_statuses(stage: Stage) -> list[str]:
    """Connectors of which the gateway believes something else than they show."""
    wrong = []
    for charger in stage.chargers:
        for outlet in charger.station.outlets:
            identity, number = charger.station.identity, outlet.number
            known = await stage.running.site.database.write(
                lambda db, identity=identity, number=number: connectors.find(db, identity, number)
            )
            if known is None or known.status != outlet.status:
                wrong.append(f"{identity} connector {number} shows {outlet.status}, believed is {known}")
    return wrong


def _by_station(ledger: Ledger) -> dict[str | None, list[tuple[Any, ...]]]:
    """What the journal says of each station, in order; who hangs up first when the gateway stops is left to chance."""
    told = defaultdict(list)
    for event in ledger.events:
        told[event["station"]].append((event["kind"], event["happened_at"], event["recorded_at"], event["data"]))
    return told
