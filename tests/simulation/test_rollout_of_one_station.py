"""One station and its campaign in virtual time: each way an update can go, and a kill at each step."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.model.instants import Instant
from gateway.operations import roll_out_firmware as rollout
from tests.fakes.updating_station import Oddities
from tests.simulation.rollout_stage import HOUR, IMAGE, OCPP, RolloutStage, play_rollout

# what is odd, (state, failure, how often it was asked) in the end
WAYS: dict[str, tuple[dict[str, Any], tuple[str, str | None, int]]] = {
    "good": ({}, ("done", None, 1)),
    "flood": ({"floods": 200}, ("done", None, 1)),
    "silent": ({"says_nothing": True}, ("done", None, 1)),
    "tells_no_boot": ({"tells_no_boot": True}, ("done", None, 1)),
    "silent_and_tells_no_boot": ({"tells_no_boot": True, "says_nothing": True}, ("done", None, 1)),
    "needs_no_reboot": ({"needs_no_reboot": True}, ("done", None, 1)),
    "forgets_settings": ({"forgets_settings": True}, ("done", None, 1)),
    "stuck_unavailable": ({"stuck_unavailable": True}, ("done", None, 1)),
    "dies_once": ({"dies_while_loading": 1}, ("done", None, 2)),
    "dies_always": ({"dies_while_loading": 9}, ("failed", "download", 2)),
    "stuck_for_good": ({"stuck_for_good": True}, ("failed", "health", 1)),
    "faulted": ({"faulted_afterwards": True}, ("failed", "health", 1)),
    "wrong_version": ({"boots_with": "1.5"}, ("failed", "version_mismatch", 1)),
    "old_version": ({"boots_with": "1.0"}, ("failed", "version_mismatch", 1)),
    "never_comes_back": ({"never_comes_back": True}, ("failed", "lost", 1)),
    "fails_to_install": ({"fails_to_install": True}, ("failed", "install", 2)),
    "never_begins": ({"never_begins": True}, ("failed", "timeout", 2)),
    "takes_no_update": (
        {"not_done": frozenset({"UpdateFirmware", "SignedUpdateFirmware"})}, ("failed", "refused", 1),
    ),
}  # fmt: skip
SIGNED: dict[str, tuple[dict[str, Any], tuple[str, str | None, int]]] = {
    "good": ({}, ("done", None, 1)),
    "refuses_signature": ({"refuses_signature": True}, ("failed", "signature", 1)),
    "says_no": ({"refuses_all": True}, ("failed", "refused", 1)),
    "knows_plain_only": ({"not_done": frozenset({"SignedUpdateFirmware"})}, ("done", None, 1)),
}


async def result(stage: RolloutStage) -> tuple[str, str | None, int]:
    row = await stage.row("CP-1")
    return row["state"], row["failure"], row["tries"]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_has_its_end(tmp_path: Path, way: str) -> None:
    odd, expected = WAYS[way]

    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", Oddities(**odd))
        await stage.campaign(check_seconds=900)
        await stage.until_state("finished", most_seconds=6 * HOUR)
        assert await result(stage) == expected, await stage.row("CP-1")
        assert not station.interrupted
        assert all(payload.get("retries", 1) >= 1 for payload in station.requests("UpdateFirmware"))
        if expected[0] == "done":
            jobs = await stage.rows("SELECT result FROM station_jobs WHERE finished_at IS NULL")
            assert jobs == [], "what is proven is over, also when the station never says so"

    play_rollout(tmp_path, scene)


@pytest.mark.parametrize("way", SIGNED)
def test_signed_updates_have_their_end(tmp_path: Path, way: str) -> None:
    odd, expected = SIGNED[way]

    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", Oddities(**odd), signed=True)
        await asyncio.sleep(120)  # its keys are read
        await stage.campaign()
        await stage.until_state("finished", most_seconds=6 * HOUR)
        assert await result(stage) == expected, await stage.row("CP-1")
        (request,) = station.requests("SignedUpdateFirmware")
        assert (request["firmware"]["signature"], request["retries"]) == ("c2ln", 3)

    play_rollout(tmp_path, scene)


def test_settings_that_differ_afterwards_are_told(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1", Oddities(forgets_settings=True))
        await asyncio.sleep(120)
        await stage.campaign()
        await stage.until_state("finished", most_seconds=6 * HOUR)
        row = await stage.row("CP-1")
        assert json.loads(row["changed_settings"]) == {"HeartbeatInterval": {"before": "300", "after": "86400"}}
        assert row["detail"] == "one setting is not as before"

    play_rollout(tmp_path, scene)


def test_without_automatic_calls_it_says_that_settings_were_not_read(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1")
        await stage.campaign()
        await stage.until_state("finished", most_seconds=6 * HOUR)
        row = await stage.row("CP-1")
        assert row["state"] == "done"
        assert row["detail"] == "its settings were not read: automatic_calls is off"

    play_rollout(tmp_path, scene, ocpp=f"{OCPP}\nautomatic_calls = false")


@pytest.mark.parametrize("state", ["sent", "downloading", "downloaded", "installing", "verified", "checking"])
@pytest.mark.parametrize("away_seconds", [1.0, 5 * HOUR])
def test_a_kill_in_any_state_changes_nothing_of_the_end(tmp_path: Path, state: str, away_seconds: float) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1")
        killed = stage.when_it_is("CP-1", state)
        await stage.campaign()
        await stage.reached(killed)
        await stage.restart(after_seconds=away_seconds)
        await stage.until_state("finished", most_seconds=8 * HOUR)
        assert await result(stage) == ("done", None, 1), await stage.row("CP-1")
        assert station.updates == 1

    play_rollout(tmp_path, scene)


@pytest.mark.parametrize("state", ["draining", "sent", "downloading", "installing", "checking", "done"])
def test_a_kill_never_leaves_a_connector_out_of_service(tmp_path: Path, state: str) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", connectors=3)
        station.wanted_out.add(3)  # somebody else's wish
        await station.show(3, "Unavailable")
        await station.charge(2)
        killed = stage.when_it_is("CP-1", state)
        await stage.campaign(drain=True, tries=1)
        await stage.until_station("CP-1", "draining")
        if state == "draining":
            await stage.reached(killed)
            await stage.restart(after_seconds=60)
        await asyncio.sleep(HOUR)
        assert station.updates == 0, "a car charges"
        assert station.statuses[1] == "Unavailable"
        await station.stop(2)
        if state != "draining":
            await stage.reached(killed)
            await stage.restart(after_seconds=60)
        await stage.until_state("finished", most_seconds=8 * HOUR)
        await asyncio.sleep(120)
        assert await result(stage) == ("done", None, 1), await stage.row("CP-1")
        assert station.statuses == {1: "Available", 2: "Available", 3: "Unavailable"}
        assert (await stage.row("CP-1"))["drained"] is None

    play_rollout(tmp_path, scene)


@pytest.mark.parametrize("odd", [{"never_comes_back": True}, {"fails_to_install": True}, {"boots_with": "1.0"}])
def test_after_a_failure_the_connectors_are_put_back_as_soon_as_the_station_is_here(
    tmp_path: Path, odd: dict[str, Any]
) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", Oddities(**odd), connectors=2)
        await station.charge(2)
        await stage.campaign(drain=True, tries=1)
        await stage.until_station("CP-1", "draining")
        await asyncio.sleep(120)
        await station.stop(2)
        await stage.until_state("finished", most_seconds=8 * HOUR)
        assert (await result(stage))[0] == "failed"
        await stage.restart()
        if not station.is_on:
            await station.power_on()
        await asyncio.sleep(600)
        assert station.statuses == {1: "Available", 2: "Available"}

    play_rollout(tmp_path, scene)


def test_a_person_who_takes_the_connector_out_meanwhile_is_obeyed(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", Oddities(never_comes_back=True), connectors=2)
        await station.charge(2)
        await stage.campaign(drain=True, tries=1)
        await stage.until_station("CP-1", "draining")
        await asyncio.sleep(120)
        await station.stop(2)
        await stage.until_state("finished", most_seconds=8 * HOUR)
        await stage.ask("CP-1", "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})  # noted, not sent
        await station.power_on()
        await stage.ask("CP-1", "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        await asyncio.sleep(600)
        assert station.statuses[1] == "Unavailable"
        assert (await stage.row("CP-1"))["drained"] is None

    play_rollout(tmp_path, scene)


@pytest.mark.parametrize("seconds", [-7 * 86_400, 20 * 86_400])
def test_a_clock_that_is_set_changes_nothing_of_the_end(tmp_path: Path, seconds: int) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1", load_seconds=1200)
        await stage.campaign()
        for state in ("downloading", "installing", "checking"):
            await stage.until_station("CP-1", state)
            stage.world.clock.step(seconds)
        await stage.until_state("finished", most_seconds=3 * HOUR)
        expired = seconds > 0  # by the clock the address is no longer good: it is tried again with another one
        assert await result(stage) == ("done", None, 2 if expired else 1), await stage.row("CP-1")

    play_rollout(tmp_path, scene)


def test_a_withdrawn_image_halts_its_campaign_and_is_not_served(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        first = await stage.station("CP-1", load_seconds=600)
        second = await stage.station("CP-2")
        await stage.campaign(tries=1, canary=1)
        await stage.until_station("CP-1", "downloading")
        await stage.site.database.write(
            lambda db: db.execute("UPDATE firmware_images SET state = 'withdrawn' WHERE image_id = ?", (IMAGE,))
        )
        await stage.until_state("halted", most_seconds=HOUR)
        await stage.until_station("CP-1", "failed")
        assert (await stage.row("CP-1"))["failure"] == "download"
        campaign = (await stage.rows("SELECT campaign_id FROM campaigns"))[0]["campaign_id"]
        refusal = await stage.wish(campaign, "resume")
        assert refusal is not None and refusal.startswith("its image cannot be used: it was withdrawn")
        await asyncio.sleep(2 * HOUR)
        assert (first.updates, second.updates) == (1, 0)

    play_rollout(tmp_path, scene)


def test_a_reservation_and_a_window_are_waited_for(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1")
        reserved = {"connectorId": 1, "expiryDate": "2027-01-15T23:30:00Z", "idTag": "VALID", "reservationId": 1}
        await stage.ask("CP-1", "ReserveNow", reserved)
        await stage.campaign(window={"from": "22:00", "to": "02:00"})
        await asyncio.sleep(15 * HOUR)  # 23:00
        assert station.updates == 0
        assert (await stage.row("CP-1"))["detail"] == "it is reserved"
        await stage.until_state("finished", most_seconds=2 * HOUR)
        assert await result(stage) == ("done", None, 1)
        (asked,) = await stage.rows("SELECT asked_at FROM commands WHERE action = 'UpdateFirmware'")
        assert Instant(asked["asked_at"]) >= stage.at("2027-01-15T23:30:00Z")

    play_rollout(tmp_path, scene, more="")


def test_a_slow_station_that_was_asked_for_its_version_is_not_given_up(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", Oddities(says_nothing=True), install_seconds=2400)
        await stage.campaign(tries=1)
        await stage.until_station("CP-1", "downloaded")
        await station.power_off()
        await station.power_on(tells_boot=False)  # it was only the network
        await asyncio.sleep(300)
        assert [one["requestedMessage"] for one in station.requests("TriggerMessage")][:1] == ["BootNotification"]
        assert (await stage.row("CP-1"))["state"] == "downloaded"
        await stage.until_state("finished", most_seconds=3 * HOUR)
        assert await result(stage) == ("done", None, 1)

    play_rollout(tmp_path, scene)


def test_a_loop_that_fails_once_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1", Oddities(never_comes_back=True))
        await stage.restart()
        await asyncio.sleep(8 * HOUR)
        await stage.campaign(tries=1)
        await stage.until_station("CP-1", "installing")
        failing, real = [1], rollout.look

        def look(*arguments: Any, **terms: Any) -> Any:
            if failing:
                failing.clear()
                raise RuntimeError("planted")
            return real(*arguments, **terms)

        monkeypatch.setattr(rollout, "look", look)
        await stage.until_state("finished", most_seconds=3 * HOUR)
        assert await result(stage) == ("failed", "lost", 1), "its time limit was not moved by the gateway's age"
        assert not failing

    play_rollout(tmp_path, scene)
