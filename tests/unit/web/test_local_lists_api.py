"""/stations/{station}/local-list: the list in a station, and bringing the site's list there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.model.calls import Answered, CallErrored, NotConnected, Reply, Unanswered
from gateway.model.identities import StationId
from gateway.store import configuration_keys
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door, PlayedConnection

LIST = "/api/v1/stations/FILE-1/local-list"
FULL = {"update_type": "Full"}
ACCEPTED = Answered({"status": "Accepted"})


def reported(key: str, value: str) -> Callable[[Writing], None]:
    """The station told this setting."""
    station = StationId("FILE-1")
    return lambda db: configuration_keys.record(db, station, key, value=value, readonly=True, now=NOON)


async def test_a_list_is_sent_and_shown(door: Door) -> None:
    await door.document("PUT", "/api/v1/id-tags/A", json={})
    await door.document("PUT", "/api/v1/id-tags/B", json={"status": "Blocked"})
    connection = door.connected.play(PlayedConnection("FILE-1", ACCEPTED))
    outcome = await door.document("POST", LIST, role="operator", json=FULL)
    assert outcome == {
        "station": "FILE-1",
        "status": "Accepted",
        "version": 1,
        "update_type": "Full",
        "requests": [{"update_type": "Full", "version": 1, "entries": 2, "status": "Accepted"}],
        "left_out_count": 0,
    }
    ((action, payload),) = connection.asked
    assert (action, payload["listVersion"], payload["updateType"]) == ("SendLocalList", 1, "Full")
    document = await door.document("GET", LIST, role="viewer")
    assert document == {
        "station": "FILE-1",
        "version": 1,
        "entries": 2,
        "up_to_date": True,
        "supported": True,
        "last_status": "Accepted",
        "highest_version": 1,
        "wanted_entries": 2,
        "left_out": [],
        "left_out_count": 0,
        "left_alone": None,
        "given_time": "2027-01-15T08:00:00.000Z",
        "retry_time": None,
        "settings": dict.fromkeys(document["settings"]),
    }
    in_short = (await door.document("GET", "/api/v1/stations/FILE-1"))["local_list"]
    assert in_short == {name: document[name] for name in in_short}


@pytest.mark.parametrize(
    ("reply", "http", "members"),
    [
        (Answered({"status": "Failed"}), 200, {"status": "Failed", "version": 1}),
        (Answered({"status": "NotSupported"}), 200, {"status": "NotSupported", "version": 1}),
        (Answered({}), 200, {"status": "unclear", "version": 1}),
        (
            CallErrored("GenericError", "why", {}),
            200,
            {"status": "call_error", "code": "GenericError", "description": "why"},
        ),
        (CallErrored("NotImplemented", "", {}), 200, {"status": "NotSupported", "code": "NotImplemented"}),
        (Unanswered("silence"), 504, {"status": "unanswered", "version": 1}),
        (NotConnected("FILE-1"), 409, {"status": "not_connected", "version": None}),
    ],
)
async def test_every_other_end_is_told(
    door: Door, reply: Reply | Exception, http: int, members: dict[str, object]
) -> None:
    door.connected.play(PlayedConnection("FILE-1", reply))
    outcome = await door.document("POST", LIST, json=FULL, expect=http)
    assert outcome.items() >= members.items()


async def test_without_a_connection_no_version_is_used(door: Door) -> None:
    outcome = await door.document("POST", LIST, json=FULL, expect=409)
    assert (outcome["status"], outcome["version"], outcome["requests"]) == ("not_connected", None, [])
    assert (await door.document("GET", LIST))["highest_version"] == 0


async def test_a_full_list_instead_of_a_differential_is_told(door: Door) -> None:
    door.connected.play(PlayedConnection("FILE-1", ACCEPTED))
    outcome = await door.document("POST", LIST, json={"update_type": "Differential"})
    assert (outcome["update_type"], outcome["requests"][0]["update_type"]) == ("Differential", "Full")
    assert "never told" in outcome["fell_back"]


async def test_who_may_not_and_what_is_not(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", ACCEPTED))
    await door.problem("POST", LIST, role="viewer", json=FULL, expect=403)
    await door.problem("POST", LIST, role=None, json=FULL, expect=401)
    await door.problem("POST", "/api/v1/stations/NOBODY/local-list", json=FULL, expect=404)
    await door.problem("GET", "/api/v1/stations/NOBODY/local-list", expect=404)
    await door.problem("GET", f"{LIST}?x=1", expect=422)
    assert connection.asked == []


@pytest.mark.parametrize(
    "body", [{}, {"update_type": "full"}, {"update_type": None}, {"update_type": ["Full"]}, {**FULL, "version": 3}]
)
async def test_what_is_no_order_is_refused(door: Door, body: dict[str, object]) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", ACCEPTED))
    problem = await door.problem("POST", LIST, json=body, expect=422)
    assert problem["errors"]
    assert connection.asked == []


async def test_what_a_station_reported_of_its_settings_is_shown(door: Door) -> None:
    await door.write(reported("LOCALPREAUTHORIZE", "true"))
    settings = (await door.document("GET", LIST))["settings"]
    assert settings["LocalPreAuthorize"] == "true"
    assert settings["LocalAuthListEnabled"] is None


async def test_thousands_of_tags_without_room_are_counted_and_some_are_named(door: Door) -> None:
    tags = [{"id_tag": f"T{number:05}"} for number in range(1201)]
    await door.document("POST", "/api/v1/id-tags/import", json=tags)
    await door.write(reported("LocalAuthListMaxLength", "1"))
    document = await door.document("GET", LIST)
    assert (document["wanted_entries"], document["left_out_count"], len(document["left_out"])) == (1, 1200, 1000)


async def test_a_long_list_is_recorded_by_its_length(door: Door) -> None:
    await door.document("POST", "/api/v1/id-tags/import", json=[{"id_tag": f"T{number}"} for number in range(450)])
    connection = door.connected.play(PlayedConnection("FILE-1", ACCEPTED))
    await door.document("POST", LIST, json=FULL)
    ((_, payload),) = connection.asked
    assert len(payload["localAuthorizationList"]) == 450  # type: ignore[arg-type]
    ((request,),) = [tuple(row) for row in await door.site.readers.rows("SELECT request FROM commands")]
    assert request.endswith('"... (450 items)"], "listVersion": 1}')
