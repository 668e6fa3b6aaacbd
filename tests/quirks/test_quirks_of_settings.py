"""Quirks that concern what the gateway asks of stations by itself: silence after a reconnect, settings, reboots.

Played in virtual time, because it asks late: the stations write raw JSON all the same.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from gateway.operations.carry_out_commands import carry_out
from tests.fakes.keyed_station import MEASURANDS, key, usual_keys
from tests.fakes.virtual_site import DAY, HOUR, MINUTE, VirtualSite, play, wants

NEVER_IDLE = "idle_timeout_seconds = 604800"


def test_quirk_3_23_a_station_that_comes_back_without_a_word_is_asked_for_its_status_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station()
        await station.boot()
        await asyncio.sleep(HOUR)
        assert station.requests("TriggerMessage") == [], "it has told"
        await station.connect()
        await asyncio.sleep(50)
        assert station.requests("TriggerMessage") == [], "it may still tell"
        await asyncio.sleep(MINUTE)
        assert station.requests("TriggerMessage") == [{"requestedMessage": "StatusNotification"}]
        await asyncio.sleep(2 * DAY)
        assert len(station.requests("TriggerMessage")) == 1

    play(tmp_path, scene, ocpp=NEVER_IDLE)


@pytest.mark.parametrize(("answer", "times"), [("Rejected", 3), ("NotImplemented", 1)])
def test_quirk_3_23_the_station_may_refuse(tmp_path: Path, answer: str, times: int) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(triggers=answer)
        await station.boot()
        for _ in range(3):
            await station.connect()
            await asyncio.sleep(HOUR)
        assert len(station.requests("TriggerMessage")) == times

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_quirk_3_23_a_station_without_triggers_is_not_asked(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(keys={**usual_keys(), "SupportedFeatureProfiles": key("Core")})
        await station.boot()
        await asyncio.sleep(MINUTE)
        await station.connect()
        await asyncio.sleep(HOUR)
        assert station.requests("TriggerMessage") == []

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_quirk_3_24_no_answer_to_triggers_frees_the_queue_and_is_not_repeated_at_once(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(never_answered=frozenset({"TriggerMessage"}))
        await station.boot()
        await asyncio.sleep(MINUTE)
        await station.connect()
        await asyncio.sleep(6 * HOUR)
        assert len(station.requests("TriggerMessage")) == 1
        outcome = await carry_out(site.site, station="CP-1", action="ClearCache", payload={}, actor="tester")
        assert outcome.status == "answered"

    play(tmp_path, scene, ocpp=NEVER_IDLE)


def test_quirk_3_25_the_gateway_s_own_requests_keep_a_distance_and_never_overlap(tmp_path: Path) -> None:
    moments: list[float] = []

    async def scene(site: VirtualSite) -> None:
        station = site.station()
        answer = station._conf

        def noted(action: str, payload: dict[str, object]) -> object:
            moments.append(site.world.clock.seconds)
            return answer(action, payload)

        station._conf = noted  # type: ignore[assignment, method-assign]
        await station.boot()
        await asyncio.sleep(HOUR)

    more = wants(HeartbeatInterval="600", MeterValueSampleInterval="60", MeterValuesSampledData="Voltage")
    play(tmp_path, scene, ocpp=NEVER_IDLE, more=more)
    assert len(moments) == 4
    assert all(later - earlier >= 0.5 for earlier, later in itertools.pairwise(moments))


def test_quirk_3_32_values_as_numbers_in_odd_case_are_compared_by_what_they_mean(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = {
            "heartbeatINTERVAL": key(600),
            "LocalPreAuthorize": key(True),
            "numberOFconnectors": key(2, readonly=True),
            "supportedFeatureProfiles": key("core,REMOTETRIGGER", readonly=True),
            "StationPassword": key("in the clear"),
        }
        station = site.station(keys=keys)
        await station.boot()
        await asyncio.sleep(HOUR)
        assert station.changes() == []
        assert await site.drift() == {}
        capabilities = await site.capabilities()
        assert (capabilities.connectors, capabilities.feature_profiles) == (2, ("Core", "RemoteTrigger"))
        assert "in the clear" not in str(await site.rows("SELECT * FROM configuration_keys"))

    more = wants(HeartbeatInterval="600", LocalPreAuthorize="true")
    play(tmp_path, scene, ocpp=NEVER_IDLE, more=more)


def test_quirk_3_33_readonly_keys_are_never_written(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        keys = {**usual_keys(), "HeartbeatInterval": key("300", readonly=True)}
        station = site.station(keys=keys)
        for _ in range(3):
            await station.boot()
            await asyncio.sleep(9 * HOUR)
        assert station.changes() == []
        assert await site.drift() == {"HeartbeatInterval": "readonly"}

    play(tmp_path, scene, ocpp=NEVER_IDLE, more=wants(HeartbeatInterval="600"))


def test_quirk_3_33_measurands_are_tried_one_by_one(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(unknown_measurands=frozenset({"Current.Offered"}))
        await station.boot()
        await asyncio.sleep(HOUR)
        assert station.keys[MEASURANDS]["value"] == "Energy.Active.Import.Register,Voltage"
        assert await site.drift() == {MEASURANDS: "partly"}

    wanted = "Energy.Active.Import.Register,Current.Offered,Voltage"
    play(tmp_path, scene, ocpp=NEVER_IDLE, more=wants(**{MEASURANDS: wanted}))


def test_quirk_3_35_a_reset_waits_until_nobody_uses_the_station(tmp_path: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        station = site.station(reboot_required=frozenset({"HeartbeatInterval"}))
        await station.boot()
        await asyncio.sleep(MINUTE)
        await station.show("Charging")
        payload = {"key": "HeartbeatInterval", "value": "60"}
        await carry_out(site.site, station="CP-1", action="ChangeConfiguration", payload=payload, actor="tester")
        await asyncio.sleep(30 * MINUTE)
        assert station.requests("Reset") == []
        await station.show("Available")
        await asyncio.sleep(26 * HOUR)
        assert station.requests("Reset") == [{"type": "Soft"}]

    play(tmp_path, scene, ocpp=f"{NEVER_IDLE}\nreboot_when_idle = true")
