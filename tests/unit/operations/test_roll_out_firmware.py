"""Rollouts beside what else happens: the last look before a request leaves, other campaigns, restores, what is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.operations.ask_for_rollout import ask_for
from gateway.operations.begin_again import doubt_everything
from gateway.operations.campaign_facts import Noticed
from gateway.operations.decide_rollout import Wanted
from gateway.operations.give_links import CannotLink, GivenLink
from gateway.operations.plan_campaigns import CannotCreate
from gateway.rules.firmware_rollout import Asks
from gateway.store import campaigns
from gateway.store.campaigns import CampaignRow
from tests.fakes.updating_station import Oddities
from tests.simulation.rollout_stage import DAY, HOUR, RolloutStage, play_rollout

PROFILE = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]},
}


async def ask(stage: RolloutStage, asks: Asks, *, station: str = "CP-1") -> None:
    """As the loop would, on what it saw a moment ago."""
    (campaign,) = await stage.rows("SELECT campaign_id FROM campaigns")
    noticed = Noticed()
    noticed.look(stage.site, asyncio.get_running_loop().time())
    await ask_for(stage.site, Wanted(campaign["campaign_id"], StationId(station), asks), noticed)


def test_a_car_that_comes_in_the_last_moment_is_not_interrupted(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", connectors=2)
        await stage.campaign(min_connected_seconds=3600, drain=True)
        await asyncio.sleep(HOUR - 120)
        await station.charge(1)
        await asyncio.sleep(90)
        asked = len(station.asked)
        await ask(stage, Asks("update"))
        await ask(stage, Asks("drain", None, 1))
        await ask(stage, Asks("restore", None, 1))
        await ask(stage, Asks("boot"))
        assert station.asked[asked:] == []
        assert (await stage.row("CP-1"))["state"] == "waiting"
        assert await stage.rows("SELECT * FROM transfer_links") == [], "no address was given"

    play_rollout(tmp_path, scene)


def test_no_second_update_is_sent_while_the_first_may_run(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", install_seconds=HOUR)
        await stage.ask("CP-1", "UpdateFirmware", {"location": "http://x/y", "retrieveDate": "2027-01-15T08:00:00Z"})
        await stage.campaign()
        for _ in range(3):
            await asyncio.sleep(600)
            await ask(stage, Asks("update"))
            await stage.restart()
        assert len(station.requests("UpdateFirmware")) == 1
        assert "another update of it is under way" in (await stage.row("CP-1"))["detail"]

    async def load(location: str, piece: int, pieces: int) -> bool:
        return True

    async def alone(stage: RolloutStage) -> None:
        stage._load = load  # type: ignore[method-assign]
        await scene(stage)

    play_rollout(tmp_path, alone)


def test_of_two_campaigns_the_older_one_goes_first_unless_it_is_held(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1")
        first = await stage.campaign(min_connected_seconds=1800)
        await stage.image("img-3", version="3.0")
        second = await stage.campaign(image_id="img-3")
        await asyncio.sleep(600)

        async def row(campaign: str) -> CampaignRow | None:
            return await stage.site.database.write(lambda db: campaigns.find(db, campaign))

        rows = {one["campaign_id"]: one for one in await stage.rows("SELECT * FROM campaign_stations")}
        assert rows[second]["detail"] == "the campaign spring goes first"
        assert await stage.wish(first, "pause") is None
        await asyncio.sleep(600)
        rows = {one["campaign_id"]: one for one in await stage.rows("SELECT * FROM campaign_stations")}
        assert rows[second]["state"] not in ("waiting", "skipped")
        assert rows[first]["state"] == "waiting"
        found = await row(first)
        assert found is not None and found.state == "paused"

    play_rollout(tmp_path, scene)


def test_after_a_restore_nothing_begins_before_somebody_looked(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1")
        campaign = await stage.campaign(min_connected_seconds=600)
        await stage.site.database.write(lambda db: doubt_everything(db, now=stage.site.wall_clock()))
        await asyncio.sleep(2 * HOUR)
        assert (await stage.state(), station.updates) == ("paused", 0)
        assert await stage.wish(campaign, "resume") is None
        await stage.until_state("finished", most_seconds=HOUR)

    play_rollout(tmp_path, scene)


def test_a_station_that_never_comes_is_given_up(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        gone = await stage.station("CP-1")
        await stage.station("CP-2")
        await gone.close()
        await asyncio.sleep(60)
        await stage.campaign(give_up_days=2, canary=0)
        await stage.until_station("CP-2", "done")
        assert (await stage.row("CP-1"))["state"] == "waiting"
        back = int(2 * DAY * 1e6)
        await stage.site.database.write(lambda db: db.execute("UPDATE campaigns SET wave_at = wave_at - ?", (back,)))
        await stage.until_state("finished", most_seconds=HOUR)
        assert await stage.states() == {"CP-1": "skipped", "CP-2": "done"}
        assert (await stage.row("CP-1"))["detail"] == "it could not be asked in time: it is not connected"

    play_rollout(tmp_path, scene)


@pytest.mark.parametrize("automatic", ["true", "false"])
def test_what_it_may_have_lost_is_looked_at_again(tmp_path: Path, automatic: str) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1")
        await stage.ask("CP-1", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE})
        await stage.ask("CP-1", "SendLocalList", {"updateType": "Full", "localAuthorizationList": []})
        await stage.campaign()
        await stage.until_state("finished", most_seconds=HOUR)
        told = await stage.rows("SELECT kind, data FROM events WHERE kind IN ('local_list.doubted',"
                                " 'charging_profiles.uncertain')")  # fmt: skip
        found = {one["kind"]: json.loads(one["data"]) for one in told}
        assert found["local_list.doubted"] == {"reason": "firmware"}
        assert (found["charging_profiles.uncertain"]["action"], found["charging_profiles.uncertain"]["profiles"]) == (
            "firmware",
            [7],
        )

    play_rollout(tmp_path, scene, ocpp=f'unknown_stations = "accept"\nautomatic_calls = {automatic}')


def test_old_campaigns_are_forgotten_but_not_what_is_to_be_put_back(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1")
        await stage.campaign()
        await stage.until_state("finished", most_seconds=HOUR)
        later = stage.at("2028-01-01T00:00:00Z")
        write = stage.site.database.write
        await write(lambda db: db.execute("UPDATE campaign_stations SET drained = '[9]'"))
        assert await write(lambda db: campaigns.delete_old(db, finished_before=later)) == 0
        await write(lambda db: db.execute("UPDATE campaign_stations SET drained = NULL"))
        assert await write(lambda db: campaigns.delete_old(db, finished_before=later)) == 1
        assert await stage.rows("SELECT * FROM campaign_stations") == []

    play_rollout(tmp_path, scene)


def test_an_address_that_was_given_before_is_void_when_the_try_is_over(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1", Oddities(never_begins=True))
        await stage.campaign(tries=2)
        await stage.until_state("finished", most_seconds=6 * HOUR)
        first, second = station.requests("UpdateFirmware")
        assert first["location"] != second["location"]
        for request in (first, second):
            assert not await stage._load(request["location"], 0, 4), "the station may begin late"
        links = await stage.rows("SELECT * FROM transfer_links")
        assert all(link["ended_at"] is not None for link in links)

    play_rollout(tmp_path, scene)


def test_an_image_that_must_be_verified_and_is_not_halts_at_once(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1")
        with pytest.raises(CannotCreate, match="is not verified"):
            await stage.campaign()
        await stage.site.database.write(lambda db: db.execute("UPDATE firmware_images SET verified = 'ecdsa'"))
        await stage.campaign(min_connected_seconds=600)
        await stage.site.database.write(lambda db: db.execute("UPDATE firmware_images SET verified = NULL"))
        await stage.until_state("halted", most_seconds=HOUR)
        assert station.updates == 0

    play_rollout(tmp_path, scene, more="[firmware]\nrequire_verified = true")


def test_why_the_gateway_cannot_give_an_address_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*arguments: object, **terms: object) -> GivenLink:
        raise CannotLink("there is no way to it")

    monkeypatch.setattr("gateway.operations.fill_in_addresses.link_to_image", cannot)

    async def scene(stage: RolloutStage) -> None:
        station = await stage.station("CP-1")
        await stage.campaign()
        await asyncio.sleep(600)
        row = await stage.row("CP-1")
        assert (row["state"], row["detail"], row["tries"]) == ("waiting", "there is no way to it", 0)
        assert station.updates == 0

    play_rollout(tmp_path, scene)
