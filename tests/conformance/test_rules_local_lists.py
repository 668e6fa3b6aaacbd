"""Rules 2.8: versions, fallbacks, contents, limits and conflicts of the local authorization list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.operations.manage_tags import put_tag, remove_tag
from gateway.operations.send_local_lists import send_local_list
from tests.conformance.list_at_work import (
    ACCEPTED,
    gets_list,
    given_full_list,
    known_list,
    nothing_is_due,
    sending,
    syncing,
    tags_in,
    tells_version,
)
from tests.conformance.site_under_test import TAGS, Bench
from tests.fakes.scripted_station import ScriptedStation


async def reported(gateway: Bench, station: ScriptedStation, **settings: object) -> None:
    """The station tells some of its configuration."""
    keys = [{"key": key, "readonly": True, "value": str(value)} for key, value in settings.items()]
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})


# 2.8.1 Versions


async def test_rule_2_8_01_versions_rise_with_every_request_also_when_it_fails(
    gateway: Bench, station: ScriptedStation
) -> None:
    used = []
    for answer in (ACCEPTED, {"status": "Failed"}, {"status": "NotSupported"}, {}, ACCEPTED):
        async with sending(gateway, "Full"):
            used.append((await gets_list(station, answer))["listVersion"])
    assert used[0] >= 1
    assert used == sorted(set(used))


async def test_rule_2_8_01_versions_go_on_above_what_the_station_reports(
    gateway: Bench, station: ScriptedStation
) -> None:
    await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": 500})
    assert (await given_full_list(gateway, station))["listVersion"] == 501


async def test_rule_2_8_01_never_minus_one_or_zero_whatever_the_station_reports(
    gateway: Bench, station: ScriptedStation
) -> None:
    for version in (-1, 0, -7, -(2**31), 2**31 - 1, 2**40):
        await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": version})
        assert 1 <= (await given_full_list(gateway, station))["listVersion"] < 2**31


async def test_rule_2_8_01_a_removed_station_keeps_its_versions(gateway: Bench, station: ScriptedStation) -> None:
    from gateway.operations.provision_stations import put_station, remove_station

    await put_station(gateway.site, "CP-2", {}, actor="tester")
    async with gateway.station("CP-2") as other:
        await other.boots()
        order = asyncio.create_task(send_local_list(gateway.site, "CP-2", "Full", "tester"))
        first = (await gets_list(other))["listVersion"]
        await order
    await remove_station(gateway.site, "CP-2", actor="tester")
    await put_station(gateway.site, "CP-2", {}, actor="tester")
    async with gateway.station("CP-2") as other:
        await other.boots()
        order = asyncio.create_task(send_local_list(gateway.site, "CP-2", "Differential", "tester"))
        got = await gets_list(other)
        assert (got["updateType"], got["listVersion"] > first) == ("Full", True)
        await order


# 2.8.2 Fallbacks


@pytest.mark.parametrize("answer", ["VersionMismatch", "Failed"])
async def test_rule_2_8_02_a_refused_differential_is_followed_by_a_full_list(
    gateway: Bench, station: ScriptedStation, answer: str
) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    async with sending(gateway, "Differential") as order:
        await tells_version(station, full["listVersion"])
        refused = await gets_list(station, {"status": answer})
        again = await gets_list(station)
    assert (refused["updateType"], again["updateType"]) == ("Differential", "Full")
    assert again["listVersion"] > refused["listVersion"]
    assert tags_in(again).keys() == {*TAGS, "NEW"}
    outcome = await order
    assert (outcome.status, outcome.version) == ("Accepted", again["listVersion"])
    assert answer in (outcome.fell_back or "")


async def test_rule_2_8_02_a_full_list_that_failed_is_not_followed_by_another(
    gateway: Bench, station: ScriptedStation
) -> None:
    full = await given_full_list(gateway, station)
    async with sending(gateway, "Differential") as order:
        await tells_version(station, full["listVersion"])
        await gets_list(station, {"status": "Failed"})
        await gets_list(station, {"status": "Failed"})
    assert (await order).status == "Failed"
    assert (await known_list(gateway))["version"] == full["listVersion"]


@pytest.mark.parametrize("version", [0, 3, 500, "0"])
async def test_rule_2_8_02_a_station_that_reports_another_version_gets_everything(
    gateway: Bench, station: ScriptedStation, version: object
) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    async with sending(gateway, "Differential"):
        await tells_version(station, version)
        got = await gets_list(station)
    assert got["updateType"] == "Full"
    assert got["listVersion"] > max(full["listVersion"], int(str(version)))
    assert tags_in(got).keys() == {*TAGS, "NEW"}


async def test_rule_2_8_02_only_accepted_makes_a_version_the_stations(gateway: Bench, station: ScriptedStation) -> None:
    full = await given_full_list(gateway, station)
    for answer in ("Failed", "VersionMismatch", "NotSupported"):
        wrong = {"updateType": "Full", "listVersion": 40, "localAuthorizationList": []}
        await gateway.sends(station, "SendLocalList", wrong, answered={"status": answer})
        assert (await known_list(gateway))["version"] == full["listVersion"]


async def test_rule_2_8_02_after_an_unanswered_list_nothing_is_taken_for_granted(
    gateway: Bench, station: ScriptedStation
) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    gateway.wait_for_answers(seconds=0.05)
    async with sending(gateway, "Full") as order:
        lost = await station.expect("SendLocalList")
    assert (await order).status == "unanswered"
    known = await known_list(gateway)
    assert (known["version"], known["up_to_date"]) == (full["listVersion"], False)
    gateway.wait_for_answers(seconds=5)
    async with sending(gateway, "Differential"):
        await tells_version(station, lost["listVersion"])  # it had arrived, but we cannot know what became of it
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"] > lost["listVersion"]) == ("Full", True)


async def test_rule_2_8_02_an_unanswered_list_that_never_arrived_costs_no_full_list(
    gateway: Bench, station: ScriptedStation
) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    gateway.wait_for_answers(seconds=0.05)
    async with sending(gateway, "Full"):
        lost = await station.expect("SendLocalList")
    gateway.wait_for_answers(seconds=5)
    async with sending(gateway, "Differential"):
        await tells_version(station, full["listVersion"])
        got = await gets_list(station)
    assert (got["updateType"], tags_in(got)) == ("Differential", {"NEW": {"status": "Accepted"}})
    assert got["listVersion"] > lost["listVersion"]


async def test_rule_2_8_02_a_full_list_with_too_low_a_version_is_sent_again_above_the_stations(
    gateway: Bench, station: ScriptedStation
) -> None:
    async with sending(gateway, "Full") as order:
        await gets_list(station, {"status": "VersionMismatch"})
        await tells_version(station, 900)
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"]) == ("Full", 901)
    assert (await order).status == "Accepted"


# 2.8.3 Contents


async def test_rule_2_8_03_a_full_list_has_every_tag_with_its_verdict(gateway: Bench, station: ScriptedStation) -> None:
    await put_tag(gateway.site, "UNTIL-MAY", {"expiry_date": "2027-05-01T00:00:00.123456Z"}, actor="tester")
    await put_tag(gateway.site, "NEVER", {"status": "Invalid"}, actor="tester")
    got = tags_in(await given_full_list(gateway, station))
    assert got == {
        "VALID": {"status": "Accepted"},
        "OTHER": {"status": "Accepted"},
        "EXPIRED": {"status": "Expired"},
        "BLOCKED": {"status": "Blocked"},
        "MEMBER-1": {"status": "Accepted", "parentIdTag": "GROUP"},
        "MEMBER-2": {"status": "Accepted", "parentIdTag": "GROUP"},
        "UNTIL-MAY": {"status": "Accepted", "expiryDate": "2027-05-01T00:00:00.123Z"},
        "NEVER": {"status": "Invalid"},
    }
    for tag, info in got.items():  # or the station would be in conflict with us (LocalListConflict)
        assert await station.authorizes(tag) == info


async def test_rule_2_8_03_a_differential_names_what_changed_and_nothing_else(
    gateway: Bench, station: ScriptedStation
) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "ADDED", {}, actor="tester")
    await put_tag(gateway.site, "VALID", {"status": "Blocked"}, actor="tester")
    await put_tag(gateway.site, "OTHER", {"note": "the same for stations"}, actor="tester")
    await put_tag(gateway.site, "GROUP", {"status": "Blocked"}, actor="tester")
    await remove_tag(gateway.site, "member-2", actor="tester")
    async with sending(gateway, "Differential"):
        await tells_version(station, full["listVersion"])
        got = await gets_list(station)
    assert tags_in(got) == {
        "ADDED": {"status": "Accepted"},
        "VALID": {"status": "Blocked"},
        "GROUP": {"status": "Blocked"},
        "MEMBER-1": {"status": "Blocked", "parentIdTag": "GROUP"},
        "MEMBER-2": None,
    }


async def test_rule_2_8_03_no_tag_is_named_twice_whatever_its_letters(gateway: Bench, station: ScriptedStation) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "valid", {"status": "Blocked"}, actor="tester")
    async with sending(gateway, "Differential"):
        await tells_version(station, full["listVersion"])
        got = await gets_list(station)
    assert tags_in(got) == {"valid": {"status": "Blocked"}}
    assert len(tags_in(await given_full_list(gateway, station))) == len(TAGS)


async def test_rule_2_8_03_an_empty_full_list_clears(gateway: Bench, station: ScriptedStation) -> None:
    await given_full_list(gateway, station)
    for tag in TAGS:
        await remove_tag(gateway.site, tag, actor="tester")
    got = await given_full_list(gateway, station)
    assert (got["updateType"], got["localAuthorizationList"]) == ("Full", [])
    known = await known_list(gateway)
    assert (known["entries"], known["up_to_date"]) == (0, True)


async def test_rule_2_8_03_a_differential_that_somebody_asks_for_is_sent_also_when_nothing_changed(
    gateway: Bench, station: ScriptedStation
) -> None:
    full = await given_full_list(gateway, station)
    async with sending(gateway, "Differential") as order:
        await tells_version(station, full["listVersion"])
        got = await gets_list(station)
    assert (got["updateType"], got["localAuthorizationList"]) == ("Differential", [])
    assert (await order).status == "Accepted"
    assert (await known_list(gateway))["entries"] == len(TAGS)


# 2.8.4 Limits


async def test_rule_2_8_04_a_long_list_goes_out_in_parts_with_rising_versions(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reported(gateway, station, SendLocalListMaxLength=4)
    async with sending(gateway, "Full") as order:
        parts = [await gets_list(station), await gets_list(station)]
    assert [part["updateType"] for part in parts] == ["Full", "Differential"]
    assert [len(part["localAuthorizationList"]) for part in parts] == [4, 2]
    assert parts[1]["listVersion"] > parts[0]["listVersion"]
    assert tags_in(parts[0]).keys() | tags_in(parts[1]).keys() == TAGS.keys()
    assert all(info for part in parts for info in tags_in(part).values())
    outcome = await order
    assert (outcome.status, outcome.version) == ("Accepted", parts[1]["listVersion"])
    assert (await known_list(gateway))["up_to_date"] is True


async def test_rule_2_8_04_many_changes_go_out_in_parts_removals_first(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reported(gateway, station, SendLocalListMaxLength=10)
    full = await given_full_list(gateway, station)
    await reported(gateway, station, SendLocalListMaxLength=2)
    for tag in ("VALID", "OTHER", "EXPIRED"):
        await remove_tag(gateway.site, tag, actor="tester")
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    async with sending(gateway, "Differential"):
        await tells_version(station, full["listVersion"])
        parts = [tags_in(await gets_list(station)) for _ in range(2)]
    assert parts == [{"EXPIRED": None, "OTHER": None}, {"VALID": None, "NEW": {"status": "Accepted"}}]


async def test_rule_2_8_04_a_part_that_fails_leads_to_a_full_list(gateway: Bench, station: ScriptedStation) -> None:
    await reported(gateway, station, SendLocalListMaxLength=4)
    async with sending(gateway, "Full") as order:
        await gets_list(station)
        await gets_list(station, {"status": "Failed"})
        again = [(await gets_list(station))["updateType"] for _ in range(2)]
    assert again == ["Full", "Differential"]
    assert (await order).status == "Accepted"


async def test_rule_2_8_04_without_room_those_who_may_charge_come_first_and_the_rest_is_shown(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reported(gateway, station, LocalAuthListMaxLength=3)
    got = tags_in(await given_full_list(gateway, station))
    assert got.keys() == {"MEMBER-1", "MEMBER-2", "OTHER"}
    known = await known_list(gateway)
    assert (known["left_out"], known["left_out_count"]) == (["VALID", "BLOCKED", "EXPIRED"], 3)
    assert known["up_to_date"] is True
    async with sending(gateway, "Full") as order:
        await gets_list(station)
    outcome = await order
    assert outcome.left_out == 3
    assert "3 tags are left out" in (outcome.warning or "")


@pytest.mark.parametrize("value", ["0", "-5", "many", "", "1e3"])
async def test_rule_2_8_04_a_length_that_makes_no_sense_is_no_limit(
    gateway: Bench, station: ScriptedStation, value: str
) -> None:
    await reported(gateway, station, SendLocalListMaxLength=value)
    assert len(tags_in(await given_full_list(gateway, station))) == len(TAGS)


# 2.8.5 Switches and conflicts


async def test_rule_2_8_05_a_station_that_does_not_use_its_list_is_a_warning(
    gateway: Bench, station: ScriptedStation
) -> None:
    await reported(gateway, station, LocalAuthListEnabled="false", LocalPreAuthorize="false")
    async with sending(gateway, "Full") as order:
        await gets_list(station)
    assert "LocalAuthListEnabled is false" in ((await order).warning or "")
    settings: Any = (await known_list(gateway))["settings"]
    assert (settings["LocalAuthListEnabled"], settings["LocalPreAuthorize"]) == ("false", "false")
    assert settings["LocalAuthorizeOffline"] is None


async def test_rule_2_8_05_a_conflict_leads_to_a_full_list(gateway: Bench, station: ScriptedStation) -> None:
    full = await given_full_list(gateway, station)
    await nothing_is_due(gateway)
    gateway.clock.forward(minutes=11)
    told = "2027-01-15T08:11:00Z"
    await station.shows(1, "Available", errorCode="LocalListConflict", timestamp=told)  # only the station as a whole
    await nothing_is_due(gateway)
    await station.shows(0, "Available", errorCode="LocalListConflict", timestamp=told)
    assert (await known_list(gateway))["up_to_date"] is False
    async with syncing(gateway):
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"] > full["listVersion"]) == ("Full", True)
    await nothing_is_due(gateway)


async def test_rule_2_8_05_a_station_that_always_complains_is_not_flooded(
    gateway: Bench, station: ScriptedStation
) -> None:
    await given_full_list(gateway, station)
    gateway.clock.forward(seconds=1)
    told = "2027-01-15T08:00:01Z"
    await station.shows(0, "Available", errorCode="LocalListConflict", timestamp=told)
    await nothing_is_due(gateway)
    gateway.clock.forward(minutes=10)
    async with syncing(gateway):
        await gets_list(station)
