"""Limits over a night and a day in virtual time: the simulated station obeys, and both sides calculate the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.model.identities import StationId
from gateway.model.instants import SECOND
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.known_profiles import known_of
from gateway.operations.reconcile_profiles import reconcile_profiles
from gateway.rules.charging_schedule import Station, composite_schedule
from gateway.simulated_outlet import text_of
from gateway.store import transactions
from gateway.store.writing import Writing
from tests.simulation.charger import HOUR, MINUTE, Charger, identity_of
from tests.simulation.played_day import cards, until_settled
from tests.simulation.stage import QUIET, Stage, staged

CP = StationId(identity_of(1))


async def sends(stage: Stage, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    outcome = await carry_out(stage.running.site, station=CP, action=action, payload=payload, actor="test")
    assert outcome.status == "answered", outcome
    return dict(outcome.response or {})


async def both_say(stage: Stage, connector: int, *, most: float) -> None:
    """What the station expects is our composite, as far as it can carry that: the same changes."""
    site = stage.running.site
    held = await site.database.write(what_is_held)
    begin = site.wall_clock()
    own = composite_schedule(held, connector=connector, start_at=begin, duration_seconds=3000, unit="A")
    wanted = {"connectorId": connector, "duration": 3000, "chargingRateUnit": "A"}
    told = await sends(stage, "GetCompositeSchedule", wanted)
    ours = [(one.start_seconds, most if one.limit is None else min(most, float(one.limit))) for one in own.periods]
    theirs = [(one["startPeriod"], one["limit"]) for one in told["chargingSchedule"]["chargingSchedulePeriod"]]
    asked_at, answered_at = own.start_at / SECOND, moment(told["scheduleStart"])
    shared = (answered_at + 1, asked_at + 2998)  # seconds that both windows hold
    by_us, by_it = changes(asked_at, ours, shared), changes(answered_at, theirs, shared)
    assert [amps for _, amps in by_us] == [amps for _, amps in by_it]
    # we cut to whole seconds, the station looks once a second from where the request fell
    assert all(abs(one - other) < 2 for (one, _), (other, _) in zip(by_us, by_it, strict=True))


def what_is_held(db: Writing) -> Station:
    """By a unit, because virtual time does not wait for readers."""
    known = known_of(db, CP)
    assert all(row.certain for row, _ in known)
    sessions = {int(one.connector): one.start_at for one in transactions.open_of_station(db, CP)}
    return Station([one for _, one in known], (1, 2), sessions)


def moment(text: object) -> float:
    return datetime.fromisoformat(str(text)).timestamp()


def changes(begin: float, periods: list[tuple[int, float]], shared: tuple[float, float]) -> list[tuple[float, float]]:
    """(when, amps) at the beginning of the span and at every change inside it."""
    found = [(begin + start, amps) for start, amps in periods]
    first = [amps for at, amps in found if at <= shared[0]][-1]
    inside = [(shared[0], first), *(one for one in found if shared[0] < one[0] < shared[1])]
    return [one for index, one in enumerate(inside) if index == 0 or one[1] != inside[index - 1][1]]


def limit(purpose: str, *periods: tuple[int, float], **more: Any) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": amps} for start, amps in periods],
        **more.pop("schedule", {}),
    }
    return {
        "stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative",
        "chargingSchedule": schedule, **more,
    }  # fmt: skip


def test_a_station_obeys_and_both_sides_calculate_the_same(directory: Path) -> None:
    drawn: list[float] = []

    async def charging(stage: Stage, charger: Charger) -> None:
        start = text_of(stage.world.clock.true_time())
        daily = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
        night = limit(
            "TxDefaultProfile", (0, 7), (2 * 3600, 9), schedule={"startSchedule": start, "duration": 3 * 3600}, **daily
        )
        assert await sends(stage, "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": night}) == {
            "status": "Accepted"
        }
        own = limit("TxProfile", (0, 6.5), schedule={"duration": 3600})
        started = {"connectorId": 1, "idTag": cards(1)[0], "chargingProfile": own}
        assert await sends(stage, "RemoteStartTransaction", started) == {"status": "Accepted"}
        outlet = charger.station.outlets[0]
        begun = asyncio.get_running_loop().time()
        for hour in range(28):
            await asyncio.sleep(begun + (hour + 0.5) * HOUR - asyncio.get_running_loop().time())
            drawn.append(max(outlet.meter.amps))
            for connector, most in ((1, 16.0), (2, 16.0), (0, 32.0)):
                await both_say(stage, connector, most=most)

    async def scene(stage: Stage) -> None:
        charger = stage.charger(replace(QUIET, connectors=2), sample_seconds=60)
        await asyncio.sleep(MINUTE)
        await charging(stage, charger)
        await charger.station.reboot("Soft")
        await asyncio.sleep(10 * MINUTE)
        await until_settled(stage.chargers)
        await reconcile_profiles(stage.running.site, CP)
        known = await stage.running.site.database.write(lambda db: known_of(db, CP))
        held = [(one.connector, one.profile) for one in charger.station.profiles.held]
        assert [(row.connector, row.document()) for row, _ in known] == held
        assert len(held) == 1

    staged(directory, scene)
    free = drawn[12]
    assert free > 9
    # the session's own, the night's second hour, its last, nothing for the rest of the day, and again
    assert drawn == [6.5, 7, 9, *[free] * 21, 7, 7, 9, free]
