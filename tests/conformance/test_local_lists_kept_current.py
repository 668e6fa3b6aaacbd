"""Stations get what changed by themselves; what is known of their lists stays honest whoever sends, and when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.operations.keep_backups import back_up, restore
from gateway.operations.manage_tags import import_tags, put_tag, remove_tag
from gateway.operations.send_local_lists import sync_local_list
from gateway.operations.tag_files import Entry
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

NEW = {"NEW": {"status": "Accepted"}}


async def synced(gateway: Bench, station: ScriptedStation) -> int:
    """The station got the list by itself; its version."""
    async with syncing(gateway):
        await tells_version(station, 0)
        got = await gets_list(station)
    return int(got["listVersion"])


# What makes a list due


async def test_a_new_station_is_asked_whether_it_has_lists_and_gets_one(
    gateway: Bench, station: ScriptedStation
) -> None:
    async with syncing(gateway):
        await tells_version(station, 0)
        got = await gets_list(station)
    assert (got["updateType"], tags_in(got).keys()) == ("Full", TAGS.keys())
    await nothing_is_due(gateway)
    assert await gateway.events("local_list.changed") == [
        {"version": 0, "update_type": None, "entries": 0},
        {"version": got["listVersion"], "update_type": "Full", "entries": len(TAGS)},
    ]


async def test_changed_tags_are_sent_as_they_change(gateway: Bench, station: ScriptedStation) -> None:
    version = await synced(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    async with syncing(gateway):
        await tells_version(station, version)
        got = await gets_list(station)
    assert (got["updateType"], tags_in(got)) == ("Differential", NEW)
    await remove_tag(gateway.site, "NEW", actor="tester")
    async with syncing(gateway):
        await tells_version(station, got["listVersion"])
        got = await gets_list(station)
    assert tags_in(got) == {"NEW": None}
    entries = [Entry(number, {"id_tag": f"TAG-{number}"}) for number in range(3)]
    await import_tags(gateway.site, lambda: (entries, []), partial=False, actor="tester")
    async with syncing(gateway):
        await tells_version(station, got["listVersion"])
        got = await gets_list(station)
    assert tags_in(got).keys() == {"TAG-0", "TAG-1", "TAG-2"}
    await nothing_is_due(gateway)


async def test_a_tag_that_expires_is_told(gateway: Bench, station: ScriptedStation) -> None:
    await put_tag(gateway.site, "VALID", {"expiry_date": "2027-01-15T09:00:00Z"}, actor="tester")
    version = await synced(gateway, station)
    gateway.clock.forward(minutes=59)
    await nothing_is_due(gateway)
    gateway.clock.forward(minutes=1)
    async with syncing(gateway):
        await tells_version(station, version)
        got = await gets_list(station)
    assert tags_in(got) == {"VALID": {"status": "Expired"}}
    await nothing_is_due(gateway)


async def test_what_changed_back_needs_nothing(gateway: Bench, station: ScriptedStation) -> None:
    version = await synced(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    await remove_tag(gateway.site, "NEW", actor="tester")
    assert await remove_tag(gateway.site, "NEVER-THERE", actor="tester") is False
    async with syncing(gateway):
        await tells_version(station, version)
    await nothing_is_due(gateway)


async def test_tags_that_change_while_a_list_is_sent_follow(gateway: Bench, station: ScriptedStation) -> None:
    async with syncing(gateway):
        await tells_version(station, 0)
        await station.expect("SendLocalList")
        await put_tag(gateway.site, "NEW", {}, actor="tester")
        await station.answer(ACCEPTED)
        got = await gets_list(station)
    assert (got["updateType"], tags_in(got)) == ("Differential", NEW)
    await nothing_is_due(gateway)


async def test_more_room_is_used(gateway: Bench, station: ScriptedStation) -> None:
    def told(room: int) -> Any:
        key = {"key": "LocalAuthListMaxLength", "readonly": True, "value": str(room)}
        return gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})

    await told(len(TAGS) - 1)
    version = await synced(gateway, station)
    await told(len(TAGS))
    async with syncing(gateway):
        await tells_version(station, version)
        assert tags_in(await gets_list(station)) == {"EXPIRED": {"status": "Expired"}}


async def test_another_device_gets_everything_also_when_its_version_is_the_same(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.boots(chargePointSerialNumber="ONE")
    version = await synced(gateway, station)
    await station.boots(chargePointSerialNumber="TWO")
    async with syncing(gateway):
        await tells_version(station, version)
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"] > version) == ("Full", True)


# Whom the gateway leaves alone


@pytest.mark.parametrize("code", ["NotSupported", "NotImplemented"])
async def test_a_station_without_lists_is_left_alone_until_its_firmware_changes(
    gateway: Bench, station: ScriptedStation, code: str
) -> None:
    await station.boots(firmwareVersion="1")
    async with syncing(gateway):
        await station.expect("GetLocalListVersion")
        await station.refuse(code)
    await nothing_is_due(gateway)
    await station.boots(firmwareVersion="1")
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    gateway.clock.forward(hours=100)
    await nothing_is_due(gateway)
    assert "no local list" in str((await known_list(gateway))["left_alone"])
    await station.boots(firmwareVersion="2")
    await synced(gateway, station)


async def test_a_list_refused_with_a_callerror_means_no_lists(gateway: Bench, station: ScriptedStation) -> None:
    async with sending(gateway, "Full") as order:
        await station.expect("SendLocalList")
        await station.refuse("NotImplemented", "what is that?")
    outcome = await order
    assert (outcome.status, outcome.code, outcome.description) == ("NotSupported", "NotImplemented", "what is that?")
    await nothing_is_due(gateway)


async def test_who_asks_may_ask_a_station_without_lists(gateway: Bench, station: ScriptedStation) -> None:
    await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": -1})
    async with sending(gateway, "Full") as order:
        await gets_list(station)
    assert (await order).status == "Accepted"
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    async with syncing(gateway):
        await tells_version(station, (await order).version)
        assert tags_in(await gets_list(station)) == NEW


async def test_minus_one_before_a_differential_is_told_as_not_supported(
    gateway: Bench, station: ScriptedStation
) -> None:
    await given_full_list(gateway, station)
    async with sending(gateway, "Differential") as order:
        await tells_version(station, -1)
    outcome = await order
    assert (outcome.status, outcome.parts) == ("NotSupported", [])
    assert "-1" in (outcome.description or "")


async def test_a_station_that_does_not_name_the_profile_is_left_alone(gateway: Bench, station: ScriptedStation) -> None:
    def told(profiles: str) -> Any:
        key = {"key": "SupportedFeatureProfiles", "readonly": True, "value": profiles}
        return gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})

    await told("Core,SmartCharging")
    await nothing_is_due(gateway)
    async with sending(gateway, "Full") as order:
        await gets_list(station)
    assert "SupportedFeatureProfiles" in ((await order).warning or "")
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    await nothing_is_due(gateway)
    await told("Core, localAuthListManagement")
    async with syncing(gateway):
        await tells_version(station, (await order).version)
        await gets_list(station)


async def test_lists_that_are_switched_on_in_the_station_are_filled(gateway: Bench, station: ScriptedStation) -> None:
    switch = {"key": "LocalAuthListEnabled", "value": "false"}
    await gateway.sends(station, "ChangeConfiguration", switch, answered=ACCEPTED)
    await nothing_is_due(gateway)
    await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": -1})
    await gateway.sends(station, "ChangeConfiguration", {**switch, "value": "true"}, answered=ACCEPTED)
    await synced(gateway, station)


async def test_a_station_that_switches_lists_on_with_a_reboot_is_asked_again(
    gateway: Bench, station: ScriptedStation
) -> None:
    switch = {"key": "LocalAuthListEnabled", "value": "true"}
    await gateway.sends(station, "ChangeConfiguration", switch, answered={"status": "RebootRequired"})
    async with syncing(gateway):
        await tells_version(station, -1)
    await nothing_is_due(gateway)
    await station.boots()
    await synced(gateway, station)


async def test_a_site_without_tags_leaves_the_list_of_another_alone(gateway: Bench, station: ScriptedStation) -> None:
    for tag in TAGS:
        await remove_tag(gateway.site, tag, actor="tester")
    async with syncing(gateway):
        await tells_version(station, 31)
    await nothing_is_due(gateway)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    async with syncing(gateway):
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"], tags_in(got)) == ("Full", 32, NEW)


# Trouble


@pytest.mark.parametrize("answer", [{"status": "Failed"}, {}, {"status": "Hm"}, "unanswered", "GenericError"])
async def test_a_failure_is_tried_again_later_and_later(gateway: Bench, station: ScriptedStation, answer: Any) -> None:
    async def fails() -> None:
        async with syncing(gateway):
            await station.expect("SendLocalList")
            if answer == "GenericError":
                await station.refuse(answer)
            elif answer == "unanswered":
                gateway.connection().drop()
            else:
                await station.answer(answer)

    await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": 5})
    await fails()
    assert (await known_list(gateway))["retry_time"] == "2027-01-15T08:05:00.000Z"
    await nothing_is_due(gateway)
    if answer == "unanswered":
        return
    gateway.clock.forward(minutes=5)
    await fails()
    gateway.clock.forward(minutes=9)
    await nothing_is_due(gateway)
    gateway.clock.forward(minutes=1)
    async with syncing(gateway):
        assert (await gets_list(station))["updateType"] == "Full"
    assert (await known_list(gateway))["retry_time"] is None
    await nothing_is_due(gateway)


async def test_a_version_that_is_not_told_is_asked_for_again_later(gateway: Bench, station: ScriptedStation) -> None:
    async with syncing(gateway):
        await station.expect("GetLocalListVersion")
        await station.refuse("InternalError")
    await nothing_is_due(gateway)
    gateway.clock.forward(minutes=5)
    async with syncing(gateway):
        await station.expect("GetLocalListVersion")
        await station.answer({"listVersion": "none"})
        # an answer that says nothing is no reason to wait: the list itself will tell
        await gets_list(station)


async def test_a_station_that_cannot_tell_its_version_gets_the_differential_that_was_asked_for(
    gateway: Bench, station: ScriptedStation
) -> None:
    await given_full_list(gateway, station)
    async with sending(gateway, "Differential") as order:
        await station.expect("GetLocalListVersion")
        await station.refuse("InternalError")
        assert (await gets_list(station))["updateType"] == "Differential"
    assert (await order).status == "Accepted"


async def test_an_operator_is_told_what_the_station_did_not_say(gateway: Bench, station: ScriptedStation) -> None:
    await given_full_list(gateway, station)
    gateway.wait_for_answers(seconds=0.05)
    async with sending(gateway, "Differential") as order:
        await station.expect("GetLocalListVersion")
    outcome = await order
    assert (outcome.status, outcome.version) == ("unanswered", None)
    gateway.wait_for_answers(seconds=5)
    async with sending(gateway, "Full") as order:
        await gets_list(station, {"status": "Perhaps"})
    assert (await order).status == "unclear"
    async with sending(gateway, "Full") as order:
        await station.expect("SendLocalList")
        await station.refuse("InternalError", "no memory")
    outcome = await order
    assert (outcome.status, outcome.code, outcome.description) == ("call_error", "InternalError", "no memory")


async def test_after_a_restored_backup_stations_are_asked(gateway: Bench, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with gateway.station() as station:
        await station.boots()
        old = await synced(gateway, station)
        async with back_up(gateway.site) as made:
            copy.write_bytes(made.read_bytes())
        await put_tag(gateway.site, "NEW", {}, actor="tester")
        async with syncing(gateway):
            await tells_version(station, old)
            newer = (await gets_list(station))["listVersion"]
        await restore(gateway.site, copy, actor="tester")
        await gateway.gone()
    async with gateway.station() as station:
        async with syncing(gateway):
            await tells_version(station, newer)
            got = await gets_list(station)
        assert (got["updateType"], got["listVersion"]) == ("Full", newer + 1)
        assert "NEW" not in tags_in(got)


# Several at once


async def test_two_operators_and_the_gateway_never_interleave(gateway: Bench, station: ScriptedStation) -> None:
    key = {"key": "SendLocalListMaxLength", "readonly": True, "value": "2"}
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})
    async with sending(gateway, "Full"):
        got = [await gets_list(station)]
        got.append(await station.expect("SendLocalList"))
        async with sending(gateway, "Full"), syncing(gateway):
            await gateway.site.readers.row("SELECT 1")  # they had time to interfere
            await station.answer(ACCEPTED)
            got += [await gets_list(station) for _ in range(4)]
    assert [one["updateType"] for one in got] == ["Full", "Differential", "Differential"] * 2
    versions = [one["listVersion"] for one in got]
    assert versions == sorted(set(versions))
    await nothing_is_due(gateway)


async def test_a_list_by_hand_between_the_parts_is_noticed(gateway: Bench, station: ScriptedStation) -> None:
    key = {"key": "SendLocalListMaxLength", "readonly": True, "value": "3"}
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": [key]})
    by_hand = {"updateType": "Full", "localAuthorizationList": [{"idTag": "MINE", "idTagInfo": {"status": "Accepted"}}]}
    async with sending(gateway, "Full"):
        await station.expect("SendLocalList")
        order = asyncio.create_task(gateway.order("SendLocalList", by_hand))
        await gateway.site.database.write(lambda db: None)
        await station.answer(ACCEPTED)
        got = [await gets_list(station) for _ in range(4)]
    await order
    assert [one["updateType"] for one in got] == ["Full", "Differential", "Differential", "Differential"]
    assert tags_in(got[0]).keys() == {"MINE"}
    assert "MINE" in tags_in(got[2]) and tags_in(got[2])["MINE"] is None
    assert (await known_list(gateway))["entries"] == len(TAGS)
    await nothing_is_due(gateway)


async def test_what_somebody_else_has_sent_meanwhile_is_awaited_before_more_is_sent(
    gateway: Bench, station: ScriptedStation
) -> None:
    given = await given_full_list(gateway, station)
    await put_tag(gateway.site, "NEW", {}, actor="tester")
    by_hand = {"updateType": "Differential", "localAuthorizationList": [{"idTag": "NEW"}]}
    async with sending(gateway, "Differential") as order:
        await tells_version(station, given["listVersion"])
        await station.expect("SendLocalList")
        by_them = asyncio.create_task(gateway.order("SendLocalList", by_hand))
        await gateway.site.database.write(lambda db: None)  # it is accepted, and waits for its turn
        await station.answer(ACCEPTED)
        assert tags_in(await station.expect("SendLocalList")) == {"NEW": None}
        assert (await order).status == "Accepted"
        await station.answer(ACCEPTED)
    await by_them
    assert (await known_list(gateway))["up_to_date"] is False
    async with syncing(gateway):
        assert tags_in(await gets_list(station)).keys() == {*TAGS, "NEW"}


# Lists by hand


async def test_a_version_that_is_left_out_is_filled_in_and_shown(gateway: Bench, station: ScriptedStation) -> None:
    given = await given_full_list(gateway, station)
    by_hand = {"updateType": "Differential", "localAuthorizationList": [{"idTag": "VALID"}]}
    got, outcome = await gateway.sends(station, "SendLocalList", by_hand, answered=ACCEPTED)
    assert got == {**by_hand, "listVersion": given["listVersion"] + 1}
    assert outcome.request == got
    assert (await known_list(gateway))["entries"] == len(TAGS) - 1


async def test_a_list_by_hand_is_followed_and_then_replaced_by_the_sites(
    gateway: Bench, station: ScriptedStation
) -> None:
    await synced(gateway, station)
    info = {"status": "Blocked", "parentIdTag": "P", "expiryDate": "2030-01-01T00:00:00Z"}
    by_hand = {"listVersion": 77, "updateType": "Full", "localAuthorizationList": [{"idTag": "Own", "idTagInfo": info}]}
    await gateway.sends(station, "SendLocalList", by_hand, answered=ACCEPTED)
    known = await known_list(gateway)
    assert (known["version"], known["entries"], known["up_to_date"]) == (77, 1, False)
    async with syncing(gateway):
        await tells_version(station, 77)
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"]) == ("Differential", 78)
    assert tags_in(got)["Own"] is None
    assert tags_in(got).keys() == {*TAGS, "Own"}


@pytest.mark.parametrize(
    "entries",
    [
        "no list",
        ["no entry"],
        [{"idTagInfo": {"status": "Accepted"}}],
        [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}, {"idTag": "a", "idTagInfo": {"status": "Blocked"}}],
    ],
)
async def test_a_list_that_nobody_can_read_makes_the_contents_unknown(gateway: Bench, entries: object) -> None:
    async with gateway.station(free_payloads=True) as station:
        await station.boots()
        await given_full_list(gateway, station)
        by_hand = {"listVersion": 9, "updateType": "Full", "localAuthorizationList": entries}
        await gateway.sends(station, "SendLocalList", by_hand, answered=ACCEPTED)
        known = await known_list(gateway)
        assert (known["version"], known["entries"], known["up_to_date"]) == (9, None, False)
        async with syncing(gateway):
            got = await gets_list(station)
        assert (got["updateType"], got["listVersion"]) == ("Full", 10)


async def test_a_station_that_is_not_connected_or_not_known_gets_nothing(gateway: Bench) -> None:
    async with sending(gateway, "Full") as order:
        pass
    assert (await order).status == "not_connected"
    await sync_local_list(gateway.site, StationId("CP-1"))
    assert (await known_list(gateway))["highest_version"] == 0


async def test_a_differential_by_hand_on_a_list_that_may_be_gone_is_not_built_upon(
    gateway: Bench, station: ScriptedStation
) -> None:
    await given_full_list(gateway, station)
    await station.boots()  # and the list is gone, which nobody knows yet
    by_hand = {"updateType": "Differential", "localAuthorizationList": []}
    got, _ = await gateway.sends(station, "SendLocalList", by_hand, answered=ACCEPTED)
    async with syncing(gateway):
        await tells_version(station, got["listVersion"])
        again = await gets_list(station)
    assert (again["updateType"], tags_in(again).keys()) == ("Full", TAGS.keys())
