"""Certification cases of Local Auth List Management."""

from __future__ import annotations

import pytest

from gateway.operations.manage_tags import put_tag
from tests.conformance.list_at_work import (
    gets_list,
    given_full_list,
    known_list,
    nothing_is_due,
    sending,
    tags_in,
    tells_version,
)
from tests.conformance.site_under_test import TAGS, Bench
from tests.fakes.scripted_station import ScriptedStation


@pytest.mark.case("TC_042_1_CSMS")
async def test_tc_042_1_csms_list_version_not_supported(gateway: Bench, station: ScriptedStation) -> None:
    got, outcome = await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": -1})
    assert (got, outcome.response) == ({}, {"listVersion": -1})
    known = await known_list(gateway)
    assert (known["version"], known["supported"]) == (-1, False)
    await nothing_is_due(gateway)  # no list is sent to that station automatically afterwards


@pytest.mark.case("TC_042_2_CSMS")
async def test_tc_042_2_csms_list_version_empty(gateway: Bench, station: ScriptedStation) -> None:
    got, outcome = await gateway.sends(station, "GetLocalListVersion", {}, answered={"listVersion": 0})
    assert (got, outcome.response) == ({}, {"listVersion": 0})
    known = await known_list(gateway)
    assert (known["version"], known["entries"], known["supported"]) == (0, 0, True)


@pytest.mark.case("TC_043_1_CSMS")
async def test_tc_043_1_csms_send_list_not_supported(gateway: Bench, station: ScriptedStation) -> None:
    async with sending(gateway, "Full") as order:
        got = await gets_list(station, {"status": "NotSupported"})
    assert got["updateType"] == "Full"
    outcome = await order
    assert (outcome.status, len(outcome.parts)) == ("NotSupported", 1)
    assert (await known_list(gateway))["supported"] is False
    await nothing_is_due(gateway)


@pytest.mark.case("TC_043_3_CSMS")
async def test_tc_043_3_csms_send_list_failed(gateway: Bench, station: ScriptedStation) -> None:
    before = await given_full_list(gateway, station)
    async with sending(gateway, "Full") as order:
        got = await gets_list(station, {"status": "Failed"})
    assert got["updateType"] == "Full"
    outcome = await order
    assert (outcome.status, len(outcome.parts)) == ("Failed", 1)
    assert (await known_list(gateway))["version"] == before["listVersion"]


@pytest.mark.case("TC_043_4_CSMS")
async def test_tc_043_4_csms_send_list_full(gateway: Bench, station: ScriptedStation) -> None:
    async with sending(gateway, "Full") as order:
        got = await gets_list(station)
    assert (got["updateType"], got["listVersion"] >= 1) == ("Full", True)
    assert tags_in(got).keys() == TAGS.keys()
    assert all(entry["idTagInfo"]["status"] for entry in got["localAuthorizationList"])
    outcome = await order
    assert (outcome.status, outcome.version) == ("Accepted", got["listVersion"])
    known = await known_list(gateway)
    assert (known["version"], known["entries"], known["up_to_date"]) == (got["listVersion"], len(TAGS), True)


@pytest.mark.case("TC_043_5_CSMS")
async def test_tc_043_5_csms_send_list_differential(gateway: Bench, station: ScriptedStation) -> None:
    full = await given_full_list(gateway, station)
    await put_tag(gateway.site, "BRAND-NEW", {}, actor="tester")
    async with sending(gateway, "Differential") as order:
        await tells_version(station, full["listVersion"])
        got = await gets_list(station)
    assert got["updateType"] == "Differential"
    assert tags_in(got) == {"BRAND-NEW": {"status": "Accepted"}}
    assert got["listVersion"] > full["listVersion"]
    outcome = await order
    assert (outcome.status, outcome.version) == ("Accepted", got["listVersion"])
