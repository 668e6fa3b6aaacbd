"""/charging-profiles and /stations/{station}/composite-schedule."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.calls import Answered, Unanswered
from tests.unit.web.conftest import Door, PlayedConnection

SET = "/api/v1/stations/FILE-1/commands/SetChargingProfile"
SCHEDULE = "/api/v1/stations/FILE-1/composite-schedule"


def profile(number: int | None, limit: float = 10.5, *, level: int = 0) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    chosen = {} if number is None else {"chargingProfileId": number}
    return {
        **chosen, "stackLevel": level, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative", "chargingSchedule": schedule,
    }  # fmt: skip


async def set_profiles(door: Door, count: int) -> None:
    door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
    for level in range(count):
        await door.document("POST", SET, json={"connectorId": 1, "csChargingProfiles": profile(None, level=level)})


async def test_a_profile_in_force_is_shown_verbatim(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
    body = {"connectorId": 1, "csChargingProfiles": profile(None)}
    outcome = await door.document("POST", SET, role="operator", json=body)
    filled_in = profile(1)
    assert outcome["request"] == {"connectorId": 1, "csChargingProfiles": filled_in}
    assert connection.asked == [("SetChargingProfile", outcome["request"])]
    found = await door.document("GET", "/api/v1/charging-profiles?station=FILE-1", role="viewer")
    assert found == {
        "items": [
            {
                "station": "FILE-1",
                "connector": 1,
                "charging_profile_id": 1,
                "transaction_id": None,
                "profile": filled_in,
            }
        ],
        "next": None,
        "uncertain": [],
        "unverified": [],
    }
    assert (await door.document("GET", "/api/v1/charging-profiles?station=OTHER"))["items"] == []


async def test_what_nobody_knows_is_no_item(door: Door) -> None:
    door.connected.play(PlayedConnection("FILE-1", Unanswered("silence")))
    outcome = await door.document("POST", SET, json={"connectorId": 1, "csChargingProfiles": profile(3)}, expect=504)
    assert "request" not in outcome
    found = await door.document("GET", "/api/v1/charging-profiles")
    assert found["items"] == []
    assert [(one["charging_profile_id"], one["wanted"]) for one in found["uncertain"]] == [(3, True)]
    assert (await door.document("GET", SCHEDULE))["uncertain"] is True


async def test_pages(door: Door) -> None:
    await set_profiles(door, 3)
    first = await door.document("GET", "/api/v1/charging-profiles?limit=2")
    assert ([one["charging_profile_id"] for one in first["items"]], first["next"]) == ([1, 2], "2")
    second = await door.document("GET", "/api/v1/charging-profiles?limit=2&after=2")
    assert ([one["charging_profile_id"] for one in second["items"]], second["next"]) == ([3], None)
    assert "uncertain" not in second


async def test_the_composite_schedule(door: Door) -> None:
    await set_profiles(door, 1)
    document = await door.document("GET", f"{SCHEDULE}?connector=1&duration=60&unit=W")
    assert document == {
        "station": "FILE-1",
        "connector": 1,
        "start_time": "2027-01-15T08:00:00.000Z",
        "duration_seconds": 60,
        "unit": "W",
        "periods": [{"start_seconds": 0, "limit": 7245.0, "number_phases": 3}],
        "uncertain": False,
        "reported": None,
    }
    usual = await door.document("GET", SCHEDULE)
    assert (usual["connector"], usual["duration_seconds"], usual["unit"]) == (0, 86_400, "A")
    assert usual["periods"] == [{"start_seconds": 0, "limit": 10.5, "number_phases": 3}]


async def test_the_connectors_that_a_station_told_of_count(door: Door) -> None:
    await set_profiles(door, 1)
    for told, limit in (("2", None), ("many", 10.5), ("99999", 10.5)):
        await door.write(
            lambda db, told=told: db.execute(  # type: ignore[misc]
                "INSERT OR REPLACE INTO configuration_keys"
                " VALUES ('FILE-1', 'numberofconnectors', 'NumberOfConnectors', ?, 1, 0, 5)",
                (told,),
            )
        )
        assert (await door.document("GET", SCHEDULE))["periods"][0]["limit"] == limit
    await door.write(lambda db: db.execute("DELETE FROM charging_profiles"))
    assert (await door.document("GET", SCHEDULE))["periods"][0]["limit"] is None


@pytest.mark.parametrize(
    "query", ["connector=-1", "connector=x", "duration=0", "duration=2678401", "unit=kW", "units=A", "unit="]
)
async def test_questions_that_make_no_sense(door: Door, query: str) -> None:
    await door.problem("GET", f"{SCHEDULE}?{query}", expect=422)


async def test_unknown_stations_and_wrong_cursors(door: Door) -> None:
    await door.problem("GET", "/api/v1/stations/NOBODY/composite-schedule", expect=404)
    await door.problem("GET", "/api/v1/charging-profiles?after=-1", expect=422)
    await door.problem("GET", "/api/v1/charging-profiles?after=x", expect=422)


async def test_a_removed_station_holds_nothing_here_but_its_ids_are_not_given_again(door: Door) -> None:
    await door.document("PUT", "/api/v1/stations/CP-9", json={}, expect=201)
    door.connected.play(PlayedConnection("CP-9", Answered({"status": "Accepted"})))
    path = SET.replace("FILE-1", "CP-9")
    body = {"connectorId": 1, "csChargingProfiles": profile(None)}
    await door.document("POST", path, json=body)
    await door.ask("DELETE", "/api/v1/stations/CP-9")
    assert (await door.document("GET", "/api/v1/charging-profiles"))["items"] == []
    await door.document("PUT", "/api/v1/stations/CP-9", json={}, expect=201)
    outcome = await door.document("POST", path, json=body)
    assert outcome["request"]["csChargingProfiles"]["chargingProfileId"] == 2
