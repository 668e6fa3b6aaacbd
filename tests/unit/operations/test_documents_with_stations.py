"""Documents reach stations: the whole gateway and simulated stations, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.carry_out_commands import carry_out
from gateway.operations.manage_tags import put_tag
from gateway.simulated_station import Habits, SimulatedStation
from tests.fakes.documents_desk import Desk
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings

pytestmark = pytest.mark.slow  # weeks of automatic requests in virtual time

START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
MINUTE, HOUR = 60.0, 3600.0


def play(directory: Path, scene: Callable[[Desk, SimulatedStation], Awaitable[None]], *, more: str = "") -> None:
    """A site, a fleet manager's desk, and a station that has just been switched on."""

    async def main(world: World) -> None:
        around, ocpp = surroundings(world), 'unknown_stations = "accept"'
        async with running_gateway(directory, ocpp=ocpp, more=more, surroundings=around) as running:
            station = SimulatedStation(
                "SIM", running.station_url("").removesuffix("/"), seed=1, habits=Habits(busy=False),
                wall_clock=world.clock.true_time,
            )  # fmt: skip
            task = asyncio.create_task(station.run())
            try:
                await asyncio.sleep(MINUTE)
                await scene(Desk(running.site), station)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    run_virtual(main, start=START)


def profile(number: int, amps: float = 10, **more: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}]}
    return {
        "chargingProfileId": number, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative", "chargingSchedule": schedule, **more,
    }  # fmt: skip


def profiles(version: int, *entries: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    listed = [{"station": "SIM", "connector": connector, "profile": one} for connector, one in entries]
    return {"doc": "profiles", "version": version, "entries": listed}


def held(station: SimulatedStation) -> dict[int, float]:
    """The limit of every profile in the station, by id."""
    found: dict[int, float] = {}
    for one in station.profiles.held:
        document: Any = one.profile
        found[document["chargingProfileId"]] = document["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
    return found


async def newest(desk: Desk, doc: str) -> dict[str, Any]:
    await desk.is_born()
    return desk.report(doc)


def test_the_list_reaches_the_stations_and_is_told(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await put_tag(desk.site, "OWN", {}, actor="anna")
        entries = [{"id_tag": "A", "status": "Accepted"}, {"id_tag": "own", "status": "Blocked"}]
        report = await desk.send("auth-list", {"doc": "auth-list", "version": 1, "entries": entries})
        assert report["per_station"]["SIM"]["up_to_date"] is False
        await asyncio.sleep(MINUTE)
        assert {tag: info["status"] for tag, info in station.local_list.entries.items()} == {
            "a": "Accepted", "own": "Blocked",
        }  # fmt: skip
        told = (await newest(desk, "auth-list"))["per_station"]["SIM"]
        assert told == {"status": "Accepted", "list_version": station.local_list.version, "up_to_date": True}

    play(tmp_path, scene)


def test_profiles_are_sent_replaced_and_cleared(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        report = await desk.send("profiles", profiles(1, (1, profile(7)), (0, profile(8, 20, stackLevel=2))))
        assert [one["status"] for one in report["per_station"]["SIM"]["profiles"]] == ["pending", "pending"]
        await asyncio.sleep(MINUTE)
        assert held(station) == {7: 10, 8: 20}
        report = await newest(desk, "profiles")
        assert [one["status"] for one in report["per_station"]["SIM"]["profiles"]] == ["applied", "applied"]
        await desk.send("profiles", profiles(2, (1, profile(7, 12))))
        await asyncio.sleep(MINUTE)
        assert held(station) == {7: 12}
        assert len((await newest(desk, "profiles"))["per_station"]["SIM"]["profiles"]) == 1
        await desk.send("profiles", None)
        await asyncio.sleep(MINUTE)
        assert held(station) == {7: 12}, "taken away by the fleet, what was applied stays"

    play(tmp_path, scene)


def test_what_an_operator_clears_is_told_and_not_sent_again(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await desk.send("profiles", profiles(1, (1, profile(7))))
        await asyncio.sleep(MINUTE)
        await carry_out(desk.site, station="SIM", action="ClearChargingProfile", payload={"id": 7}, actor="anna")
        await asyncio.sleep(25 * HOUR)
        assert held(station) == {}
        report = await newest(desk, "profiles")
        assert report["per_station"]["SIM"]["profiles"][0]["status"] == "overridden"
        assert [one["profile_id"] for one in report["overrides"]] == [7]

    play(tmp_path, scene)


def test_a_profile_that_an_operator_put_in_place_of_the_fleets_is_left_alone(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await desk.send("profiles", profiles(1, (1, profile(7))))
        await asyncio.sleep(MINUTE)
        payload = {"connectorId": 1, "csChargingProfiles": profile(7, 6)}
        await carry_out(desk.site, station="SIM", action="SetChargingProfile", payload=payload, actor="anna")
        await asyncio.sleep(HOUR)
        assert [one["profile_id"] for one in (await newest(desk, "profiles"))["overrides"]] == [7]
        await desk.send("profiles", profiles(2))
        await asyncio.sleep(HOUR)
        assert held(station) == {7: 6}

    play(tmp_path, scene)


def test_one_that_was_changed_while_the_station_was_away_and_then_left_out_is_cleared(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await desk.send("profiles", profiles(1, (1, profile(7))))
        await asyncio.sleep(MINUTE)
        await desk.send("profiles", profiles(2, (1, profile(7, 12))))
        await desk.send("profiles", profiles(3))
        await asyncio.sleep(MINUTE)
        assert held(station) == {}

    play(tmp_path, scene)


def test_what_the_station_refuses_is_told_and_tried_again_after_a_boot(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await desk.send("profiles", profiles(1, (1, profile(7, stackLevel=1000))))
        await asyncio.sleep(MINUTE)
        report = await newest(desk, "profiles")
        assert report["per_station"]["SIM"]["profiles"][0] == {
            "connector": 1, "profile_id": 7, "status": "rejected", "answer": "Rejected",
        }  # fmt: skip
        asked = await sent(desk, "SetChargingProfile")
        await asyncio.sleep(25 * HOUR)
        assert await sent(desk, "SetChargingProfile") == asked
        await station.reboot("Hard")
        await asyncio.sleep(2 * MINUTE)
        assert await sent(desk, "SetChargingProfile") == asked + 1

    play(tmp_path, scene)


def test_wrong_profiles_are_named(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        bad = profiles(
            1, (1, profile(150)), (1, profile(7)), (1, profile(7, stackLevel=3)),
            (1, profile(9, chargingProfilePurpose="TxProfile")), (-1, {}),
        )  # fmt: skip
        report = await desk.send("profiles", bad)
        assert [(error["code"], error["path"]) for error in report["errors"]] == [
            ("reserved_id", "entries[0].profile.chargingProfileId"),
            ("invalid", "entries[2].profile.chargingProfileId"),
            ("invalid", "entries[3].profile.chargingProfilePurpose"),
            ("invalid", "entries[4].connector"), ("invalid", "entries[4].profile"),
        ]  # fmt: skip
        assert (await desk.send("profiles", {"version": 1, "x": 1}))["status"] == "rejected"
        await asyncio.sleep(MINUTE)
        assert held(station) == {}

    play(tmp_path, scene)


async def sent(desk: Desk, action: str) -> int:
    """How many commands of this action there were."""
    count = await desk.site.database.write(
        lambda db: db.execute("SELECT count(*) FROM commands WHERE action = ?", (action,)).fetchone()
    )
    return int(count[0])


def firmware(version: int, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"doc": "firmware", "version": version, "entries": list(entries)}


def test_a_station_is_asked_for_its_firmware_once_and_when_nobody_uses_it(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await put_tag(desk.site, "CARD", {}, actor="t")
        outlet = station.outlets[0]
        station.start_remotely(outlet, "CARD", None)
        await asyncio.sleep(MINUTE)
        entry = {"vendor": "*", "version": "9.1", "url": "http://192.0.2.1/sim-9.1.bin"}
        report = await desk.send("firmware", firmware(1, entry))
        assert report["per_station"]["SIM"]["status"] == "due"
        await asyncio.sleep(10 * MINUTE)
        running = outlet.running()
        assert running is not None
        assert await sent(desk, "UpdateFirmware") == 0
        payload = {"transactionId": running.transaction_id}
        await carry_out(desk.site, station="SIM", action="RemoteStopTransaction", payload=payload, actor="t")
        await asyncio.sleep(HOUR)
        told = (await newest(desk, "firmware"))["per_station"]["SIM"]
        assert (told["status"], told["version"], told["tries"]) == ("up_to_date", "9.1", 1)
        assert await sent(desk, "UpdateFirmware") == 1

    play(tmp_path, scene)


def test_an_update_that_fails_is_tried_three_times_and_told(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        entry = {"stations": ["SIM"], "version": "9.1", "url": "sftp://192.0.2.1/sim-9.1.bin"}
        await desk.send("firmware", firmware(1, entry))
        await asyncio.sleep(48 * HOUR)
        told = (await newest(desk, "firmware"))["per_station"]["SIM"]
        assert (told["status"], told["tries"], told["job"]) == (
            "failed", 3, {"status": "DownloadFailed", "result": "failed"},
        )  # fmt: skip
        assert await sent(desk, "UpdateFirmware") == 3
        await desk.send("firmware", None)
        await asyncio.sleep(24 * HOUR)
        assert await sent(desk, "UpdateFirmware") == 3

    play(tmp_path, scene)


def test_a_signature_makes_it_a_signed_update(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        entry = {
            "version": "9.1", "url": "http://192.0.2.1/sim-9.1.bin", "signature": "c2ln",
            "signing_certificate": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
        }  # fmt: skip
        await desk.send("firmware", firmware(1, entry))
        await asyncio.sleep(HOUR)
        assert await sent(desk, "SignedUpdateFirmware") == 1
        assert await sent(desk, "UpdateFirmware") == 0

    play(tmp_path, scene)


def test_wrong_entries_are_named(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        report = await desk.send(
            "firmware",
            firmware(
                1, {"version": "1", "url": "gopher://x"}, {"url": "http://x/", "stations": [], "x": 1},
                {"version": "1", "url": "http://x/", "vendor": "V", "stations": ["A"], "signature": "s"},
                {"version": "1", "url": "http://x/", "sha256": "z", "not_before": "soon"},
            ),
        )  # fmt: skip
        assert {error["path"] for error in report["errors"]} == {
            "entries[0].url", "entries[1].x", "entries[1].version", "entries[1].stations", "entries[2].stations",
            "entries[2].signing_certificate", "entries[3].sha256", "entries[3].not_before",
        }  # fmt: skip
        assert (await desk.send("firmware", {"version": 1, "x": []}))["status"] == "rejected"

    play(tmp_path, scene)


def test_a_station_that_loads_firmware_is_not_rebooted_for_its_settings(tmp_path: Path) -> None:
    async def scene(desk: Desk, station: SimulatedStation) -> None:
        await desk.send("gateway", {"version": 1, "reboot_when_idle": True})
        await desk.site.database.write(lambda db: db.execute("UPDATE configuration_keys SET reboot_required = 1"))
        await desk.send("firmware", firmware(1, {"version": "9.1", "url": "http://192.0.2.1/sim-9.1.bin"}))
        await asyncio.sleep(30 * MINUTE)
        assert (await newest(desk, "firmware"))["per_station"]["SIM"]["status"] == "up_to_date"
        assert (await sent(desk, "UpdateFirmware"), await sent(desk, "Reset")) == (1, 0)

    play(tmp_path, scene)
