"""Rules 2.3: tags, groups, expiry, and when a start is concurrent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.operations.manage_tags import put_tag
from tests.conformance.site_under_test import CERTIFICATION, STATION, Bench, bench
from tests.fakes.scripted_station import ScriptedStation

TWO_STATIONS = STATION + '[[station]]\nid = "CP-2"\n'
PAST, FUTURE = "2027-01-15T07:59:59Z", "2027-01-15T08:00:01Z"


async def test_rule_2_3_01_a_start_checks_the_tag_again(gateway: Bench, station: ScriptedStation) -> None:
    assert (await station.authorizes("VALID"))["status"] == "Accepted"
    await put_tag(gateway.site, "VALID", {"status": "Blocked"}, actor="tester")
    started = await station.starts(1, "VALID")
    assert started["idTagInfo"]["status"] == "Blocked"
    assert started["transactionId"] > 0


@pytest.mark.parametrize("tag", ["NEVER-SEEN", "EXPIRED", "BLOCKED"])
async def test_rule_2_3_01_a_start_that_is_not_accepted_has_a_transaction_too(
    gateway: Bench, station: ScriptedStation, tag: str
) -> None:
    started = await station.starts(1, tag)
    assert started["transactionId"] > 0
    assert started["idTagInfo"]["status"] == (await station.authorizes(tag))["status"]
    assert (await gateway.transaction(started["transactionId"]))["open"] is True


@pytest.mark.parametrize("written", ["valid", "Valid", " VALID", "vAlId"])
async def test_rule_2_3_03_tags_compare_case_insensitively(station: ScriptedStation, written: str) -> None:
    assert (await station.authorizes(written))["status"] == "Accepted"


async def test_rule_2_3_03_the_recorded_tag_is_the_one_that_was_presented(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = (await station.starts(1, "vAlId"))["transactionId"]
    assert (await gateway.transaction(transaction))["id_tag"] == "vAlId"


@pytest.mark.parametrize("tag", ["Ünï-côde", "a b c", "04:A2:FF:19", "'; DROP--", "%_*?", "{}[]", "1"])
async def test_rule_2_3_03_any_characters_are_a_tag(gateway: Bench, station: ScriptedStation, tag: str) -> None:
    assert (await station.authorizes(tag))["status"] == "Invalid"
    await put_tag(gateway.site, tag, {}, actor="tester")
    assert (await station.authorizes(tag))["status"] == "Accepted"


async def test_rule_2_3_04_the_parent_is_told_in_every_id_tag_info(station: ScriptedStation) -> None:
    assert await station.authorizes("MEMBER-1") == {"status": "Accepted", "parentIdTag": "GROUP"}
    started = await station.starts(1, "MEMBER-1")
    assert started["idTagInfo"]["parentIdTag"] == "GROUP"
    stopped = await station.stops(started["transactionId"], idTag="MEMBER-2")
    assert stopped["idTagInfo"] == {"status": "Accepted", "parentIdTag": "GROUP"}


async def test_rule_2_3_04_a_parent_is_no_tag_unless_it_is_listed(gateway: Bench, station: ScriptedStation) -> None:
    assert (await station.authorizes("GROUP"))["status"] == "Invalid"
    await put_tag(gateway.site, "GROUP", {}, actor="tester")
    assert (await station.authorizes("GROUP"))["status"] == "Accepted"


@pytest.mark.parametrize(
    ("tag", "parent", "verdict"),
    [
        ({"status": "Blocked", "expiry_date": PAST}, None, "Blocked"),
        ({"status": "Blocked"}, {"status": "Invalid"}, "Blocked"),
        ({"expiry_date": PAST}, None, "Expired"),
        ({"expiry_date": PAST}, {"status": "Blocked"}, "Expired"),
        ({"status": "Expired", "expiry_date": FUTURE}, None, "Expired"),
        ({"status": "Invalid", "expiry_date": PAST}, None, "Expired"),
        ({"status": "Invalid"}, None, "Invalid"),
        ({}, {"status": "Blocked"}, "Blocked"),
        ({}, {"expiry_date": PAST}, "Expired"),
        ({}, {"status": "Invalid"}, "Invalid"),
        ({}, {}, "Accepted"),
        ({}, None, "Accepted"),
    ],
)
async def test_rule_2_3_04_precedence(
    gateway: Bench, station: ScriptedStation, tag: dict[str, Any], parent: dict[str, Any] | None, verdict: str
) -> None:
    await put_tag(gateway.site, "CHILD", {**tag, "parent_id_tag": "FAMILY"}, actor="tester")
    if parent is not None:
        await put_tag(gateway.site, "FAMILY", parent, actor="tester")
    assert await station.authorizes("CHILD") | {"expiryDate": ""} == {
        "status": verdict,
        "parentIdTag": "FAMILY",
        "expiryDate": "",
    }


async def test_rule_2_3_05_an_expiry_date_is_told_with_accepted_only(gateway: Bench, station: ScriptedStation) -> None:
    assert "expiryDate" not in await station.authorizes("VALID")
    assert "expiryDate" not in await station.authorizes("EXPIRED")
    await put_tag(gateway.site, "VALID", {"expiry_date": FUTURE}, actor="tester")
    assert await station.authorizes("VALID") == {"status": "Accepted", "expiryDate": "2027-01-15T08:00:01.000Z"}
    gateway.clock.forward(seconds=1)
    assert await station.authorizes("VALID") == {"status": "Expired"}


async def test_rule_2_3_06_a_stop_names_a_verdict_only_on_the_tag_it_brought(station: ScriptedStation) -> None:
    first = await station.charges(1)
    assert await station.stops(first) == {}
    second = await station.charges(2)
    assert (await station.stops(second, idTag="NEVER-SEEN")) == {"idTagInfo": {"status": "Invalid"}}


async def test_rule_2_3_06_a_stop_with_a_bad_tag_ends_the_session_all_the_same(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await station.stops(transaction, idTag="BLOCKED")
    recorded = await gateway.transaction(transaction)
    assert (recorded["open"], recorded["stop_id_tag"]) == (False, "BLOCKED")


async def test_rule_2_3_07_free_charging_accepts_and_records_unknown_tags(tmp_path: Path) -> None:
    ocpp = CERTIFICATION + '\nunknown_tags = "accept"'
    async with bench(tmp_path, ocpp=ocpp) as gateway, gateway.station() as station:
        started = await station.starts(1, "NEVER-SEEN")
        assert started["idTagInfo"]["status"] == "Accepted"
        assert (await gateway.transaction(started["transactionId"]))["id_tag"] == "NEVER-SEEN"
        assert (await station.authorizes("BLOCKED"))["status"] == "Blocked"
        # somebody who is not known cannot be known to charge twice
        assert (await station.starts(2, "NEVER-SEEN"))["idTagInfo"]["status"] == "Accepted"


async def test_rule_2_3_02_a_second_session_is_concurrent_and_is_recorded(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, more=TWO_STATIONS) as gateway,
        gateway.station("CP-1") as one,
        gateway.station("CP-2") as two,
    ):
        first = await one.charges(1, "VALID")
        started = await two.starts(1, "valid")
        assert started["idTagInfo"] == {"status": "ConcurrentTx"}
        assert started["transactionId"] not in (0, first)
        assert (await one.starts(2, "VALID"))["idTagInfo"]["status"] == "ConcurrentTx"
        assert (await gateway.transaction(first))["open"] is True


async def test_rule_2_3_02_authorize_is_never_concurrent(station: ScriptedStation) -> None:
    await station.charges(1, "VALID")
    assert (await station.authorizes("VALID"))["status"] == "Accepted"


async def test_rule_2_3_02_two_members_of_a_group_may_charge_at_once(station: ScriptedStation) -> None:
    await station.charges(1, "MEMBER-1")
    await station.charges(2, "MEMBER-2")


async def test_rule_2_3_02_after_the_stop_the_tag_is_free(station: ScriptedStation) -> None:
    await station.stops(await station.charges(1, "VALID"))
    await station.charges(2, "VALID")


async def test_rule_2_3_02_a_retry_is_not_concurrent_with_itself(station: ScriptedStation) -> None:
    first = await station.starts(1, "VALID")
    assert await station.starts(1, "VALID") == first
    assert first["idTagInfo"]["status"] == "Accepted"


async def test_rule_2_3_02_a_concurrent_start_stays_so_when_it_is_told_again(station: ScriptedStation) -> None:
    await station.charges(1, "VALID")
    second = await station.starts(2, "VALID")
    assert await station.starts(2, "VALID") == second
    assert second["idTagInfo"]["status"] == "ConcurrentTx"


async def test_rule_2_3_02_a_station_that_rebooted_is_not_concurrent(gateway: Bench, station: ScriptedStation) -> None:
    await station.charges(1, "VALID")
    station.cut()
    gateway.clock.forward(minutes=1)
    async with gateway.station() as back:
        await back.boots()
        for connector in (1, 2):
            await back.shows(connector, "Available", timestamp="2027-01-15T08:01:00Z")
        started = await back.starts(2, "VALID", at="2027-01-15T08:02:00Z")
        assert started["idTagInfo"]["status"] == "Accepted"


async def test_rule_2_3_02_a_stale_session_on_the_same_connector_is_not_concurrent(
    gateway: Bench, station: ScriptedStation
) -> None:
    stale = await station.charges(1, "VALID")
    gateway.clock.forward(minutes=9)
    started = await station.starts(1, "VALID", at="2027-01-15T08:09:00Z", meter=3000)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert started["transactionId"] != stale
    assert (await gateway.transaction(stale))["open"] is False


async def test_rule_2_3_02_a_start_told_late_is_not_judged_by_who_charges_now(station: ScriptedStation) -> None:
    await station.charges(1, "VALID")
    started = await station.starts(2, "VALID", at="2027-01-15T04:00:00Z")
    assert started["idTagInfo"]["status"] == "Accepted"
