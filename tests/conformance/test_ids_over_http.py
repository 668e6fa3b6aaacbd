"""Ids that the operator leaves out are chosen by the gateway, sent, and told back; what became of them is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conformance.site_under_test import Bench, bench
from tests.conformance.test_through_http_api import ACCEPTED, FIRMWARE, PROFILE, command, operator
from tests.fakes.scripted_station import ScriptedStation

NO_ID = {name: value for name, value in PROFILE.items() if name != "chargingProfileId"}
RESERVATION = {"connectorId": 1, "expiryDate": "2027-01-15T09:00:00Z", "idTag": "VALID"}
# What is asked, and where in it the gateway puts the id.
WITHOUT_ID: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("ReserveNow", RESERVATION, ("reservationId",)),
    (
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": NO_ID},
        ("csChargingProfiles", "chargingProfileId"),
    ),
    (
        "RemoteStartTransaction",
        {"connectorId": 1, "idTag": "VALID", "chargingProfile": {**NO_ID, "chargingProfilePurpose": "TxProfile"}},
        ("chargingProfile", "chargingProfileId"),
    ),
    ("SendLocalList", {"updateType": "Full", "localAuthorizationList": []}, ("listVersion",)),
    ("GetLog", {"logType": "DiagnosticsLog", "log": {"remoteLocation": "http://10.0.0.1/in"}}, ("requestId",)),
    ("SignedUpdateFirmware", {"firmware": FIRMWARE}, ("requestId",)),
]


@asynccontextmanager
async def at_work(tmp_path: Path) -> AsyncIterator[tuple[Bench, aiohttp.ClientSession, ScriptedStation]]:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        yield gateway, session, station


async def sent(
    session: aiohttp.ClientSession, station: ScriptedStation, action: str, payload: object, answer: object
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the station got, the API's document)."""
    asked = asyncio.create_task(command(session, action, payload))
    got = await station.expect(action)
    await station.answer(answer)
    status, outcome = await asked
    assert status == 200, outcome
    return got, outcome


async def items(session: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    async with session.get(f"/api/v1{path}") as answer:
        assert answer.status == 200, await answer.text()
        found: list[dict[str, Any]] = (await answer.json())["items"]
        return found


@pytest.mark.parametrize(("action", "payload", "place"), WITHOUT_ID, ids=[action for action, _, _ in WITHOUT_ID])
async def test_an_id_that_is_left_out_is_filled_in_and_told(
    tmp_path: Path, action: str, payload: dict[str, Any], place: tuple[str, ...]
) -> None:
    async with at_work(tmp_path) as (_, session, station):
        chosen = []
        for _ in range(2):
            got, outcome = await sent(session, station, action, payload, ACCEPTED)
            assert outcome["request"] == got
            chosen.append(taken_out(got, place))
            assert got == payload, "nothing else is changed"
        assert all(isinstance(number, int) and number > 0 for number in chosen)
        assert chosen[0] < chosen[1]


def taken_out(got: dict[str, Any], place: tuple[str, ...]) -> object:
    """The id at its place; `got` is without it afterwards."""
    for name in place[:-1]:
        got[name] = got = deepcopy(got[name])
    return got.pop(place[-1])


async def test_a_reservation_in_force_is_shown_until_it_is_cancelled(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (_, session, station):
        wanted = {**RESERVATION, "parentIdTag": "GROUP"}
        got, _ = await sent(session, station, "ReserveNow", wanted, ACCEPTED)
        number = got["reservationId"]
        assert await items(session, "/reservations") == [
            {
                "reservation_id": number,
                "station": "CP-1",
                "connector": 1,
                "id_tag": "VALID",
                "parent_id_tag": "GROUP",
                "expiry_time": "2027-01-15T09:00:00.000Z",
            }
        ]
        await sent(session, station, "CancelReservation", {"reservationId": number}, {"status": "Rejected"})
        assert await items(session, "/reservations") == []


async def test_a_profile_in_force_is_shown_verbatim_until_it_is_cleared(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (_, session, station):
        got, _ = await sent(
            session, station, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": NO_ID}, ACCEPTED
        )
        profile = got["csChargingProfiles"]
        assert await items(session, "/charging-profiles?station=CP-1") == [
            {
                "station": "CP-1",
                "connector": 1,
                "charging_profile_id": profile["chargingProfileId"],
                "transaction_id": None,
                "profile": profile,
            }
        ]
        query = "/api/v1/stations/CP-1/composite-schedule?connector=1&duration=7200&unit=A"
        async with session.get(query) as answer:
            schedule = await answer.json()
        assert (schedule["connector"], schedule["duration_seconds"], schedule["unit"]) == (1, 7200, "A")
        assert schedule["start_time"] == "2027-01-15T08:00:00.000Z"
        assert schedule["periods"] == [
            {"start_seconds": 0, "limit": 6.0, "number_phases": 1},
            {"start_seconds": 3600, "limit": 10.5, "number_phases": 3},
        ]
        await sent(session, station, "ClearChargingProfile", {}, {"status": "Unknown"})
        assert await items(session, "/charging-profiles?station=CP-1") == []


@pytest.mark.parametrize("status", ["Accepted", "Failed", "NotSupported"])
async def test_the_list_is_sent_and_the_station_has_the_last_word(tmp_path: Path, status: str) -> None:
    async with at_work(tmp_path) as (_, session, station):
        asked = asyncio.create_task(session.post("/api/v1/stations/CP-1/local-list", json={"update_type": "Full"}))
        got = await station.expect("SendLocalList")
        assert got["updateType"] == "Full"
        assert got["listVersion"] >= 1
        assert all("idTagInfo" in entry for entry in got["localAuthorizationList"])
        await station.answer({"status": status})
        answer = await asked
        document = await answer.json()
        assert (answer.status, document["status"]) == (200, status), document
        assert station.requests.empty()


async def test_a_mismatch_is_followed_by_the_full_list(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (_, session, station):
        full = asyncio.create_task(session.post("/api/v1/stations/CP-1/local-list", json={"update_type": "Full"}))
        first = await station.expect("SendLocalList")
        await station.answer(ACCEPTED)
        await full
        async with session.put("/api/v1/id-tags/NEWCOMER", json={}) as answer:
            assert answer.status in (200, 201)
        asked = asyncio.create_task(
            session.post("/api/v1/stations/CP-1/local-list", json={"update_type": "Differential"})
        )
        sent_types = []
        while not asked.done():
            request = await station.requests.get()
            station._open = request
            if request.action == "GetLocalListVersion":
                await station.answer({"listVersion": first["listVersion"]})
                continue
            assert request.payload["listVersion"] > first["listVersion"]
            sent_types.append(request.payload["updateType"])
            await station.answer({"status": "VersionMismatch"} if len(sent_types) == 1 else ACCEPTED)
            if len(sent_types) == 2:
                break
        document = await (await asked).json()
        assert sent_types == ["Differential", "Full"]
        assert document["status"] == "Accepted"
