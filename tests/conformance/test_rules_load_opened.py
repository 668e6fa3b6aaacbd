"""A profile of others that lets a session charge which load limits let wait at 0 A."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.operations.carry_out_commands import Outcome, carry_out
from tests.fakes.limited_site import LimitedSite, Vehicle, story

SITE: dict[str, Any] = {"cars": 3, "metered": True, "more": "background_worst_amps = 22"}


def profile(**more: object) -> dict[str, object]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32}]}
    return {
        "chargingProfileId": 900,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **more,
    }


async def one_waits(site: LimitedSite) -> Vehicle:
    """The car that waits for its turn, at 0 A."""
    site.building = (22.0, 22.0, 22.0)
    await asyncio.sleep(150)
    (waiting,) = [car for car in site.cars if max(car.amps()) == 0]
    return waiting


async def asks(site: LimitedSite, car: Vehicle, action: str, payload: dict[str, object]) -> Outcome:
    outcome = await carry_out(site.running.site, station=car.identity, action=action, payload=payload, actor="operator")
    assert (outcome.response or {}).get("status") == "Accepted", outcome
    return outcome


def test_an_operators_profile_for_a_session_that_waits_opens_it_only_until_it_has_a_limit(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        waiting = await one_waits(site)
        session = waiting.outlets[0].session
        assert session is not None
        theirs = profile(transactionId=session.transaction_id)
        site.judge.longest = 0
        await asks(site, waiting, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": theirs})
        await site.until(lambda: max(waiting.amps()) == 0, within=40)
        await asyncio.sleep(200)
        assert site.judge.longest <= 30

    story(tmp_path, scene, **SITE)


def test_a_remote_start_with_a_profile_opens_its_session_only_until_it_has_a_limit(tmp_path: Path) -> None:
    async def scene(site: LimitedSite) -> None:
        waiting = await one_waits(site)
        session = waiting.outlets[0].session
        assert session is not None
        await asks(site, waiting, "RemoteStopTransaction", {"transactionId": session.transaction_id})
        await site.until(waiting.outlets[0].free, within=60)
        site.judge.longest = 0
        payload = {"idTag": waiting.card, "connectorId": 1, "chargingProfile": profile()}
        outcome = await asks(site, waiting, "RemoteStartTransaction", payload)
        assert "load limits" in str(outcome.warning)
        await site.until(lambda: waiting.outlets[0].session is not None, within=60)
        await asyncio.sleep(200)
        assert site.judge.longest <= 30

    story(tmp_path, scene, **SITE)
