"""/stations/{station}/commands/{action}: verbatim to the station, and its answer back."""

from __future__ import annotations

import io
import json

import pytest

from gateway.model.calls import Answered, CallErrored, NotConnected, Reply, Unanswered
from gateway.model.treatment import Treatment
from tests.unit.web.conftest import Door, PlayedConnection

RESET = "/api/v1/stations/FILE-1/commands/Reset"


async def test_an_answer_comes_back_as_it_is(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted", "more": [1.50, None]})))
    outcome = await door.document("POST", RESET, role="operator", json={"type": "Soft"})
    assert outcome["status"] == "answered"
    assert outcome["response"] == {"status": "Accepted", "more": [1.5, None]}
    assert outcome["command_id"]
    assert connection.asked == [("Reset", {"type": "Soft"})]


async def test_the_payload_reaches_the_station_as_written(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({})))
    body = '{"free": {"limit": 6.0, "big": 12345678901234567890, "text": "\\u00e4\\ud83d\\ude00"}, "b": [1.25e3]}'
    await door.ask("POST", RESET, data=body)
    ((_, payload),) = connection.asked
    assert json.dumps(payload) == body.replace("1.25e3", "1250.0")


async def test_no_body_is_an_empty_payload(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
    assert (await door.document("POST", "/api/v1/stations/FILE-1/commands/ClearCache"))["status"] == "answered"
    assert connection.asked == [("ClearCache", {})]


@pytest.mark.parametrize(
    ("reply", "status", "members"),
    [
        (
            CallErrored("NotSupported", "no", {}),
            200,
            {"status": "call_error", "code": "NotSupported", "description": "no"},
        ),
        (Unanswered("silence"), 504, {"status": "unanswered"}),
        (NotConnected("FILE-1"), 409, {"status": "not_connected"}),
    ],
)
async def test_other_outcomes(door: Door, reply: Reply | Exception, status: int, members: dict[str, object]) -> None:
    door.connected.play(PlayedConnection("FILE-1", reply))
    outcome = await door.document("POST", RESET, json={"type": "Soft"}, expect=status)
    assert outcome.items() >= members.items()


async def test_a_station_that_is_not_connected(door: Door) -> None:
    assert (await door.document("POST", RESET, json={}, expect=409))["status"] == "not_connected"


async def test_a_refusal_says_why(door: Door) -> None:
    door.connected.play(PlayedConnection("FILE-1", treatment=Treatment(pending=True)))
    path = "/api/v1/stations/FILE-1/commands/RemoteStartTransaction"
    outcome = await door.document("POST", path, json={"idTag": "A"}, expect=409)
    assert outcome["status"] == "refused"
    assert outcome["description"]


async def test_unknown_stations_and_actions(door: Door) -> None:
    await door.problem("POST", "/api/v1/stations/NOBODY/commands/Reset", json={}, expect=404)
    await door.problem("POST", "/api/v1/stations/FILE-1/commands/Dance", json={}, expect=422)
    await door.problem("POST", "/api/v1/stations/FILE-1/commands/BootNotification", json={}, expect=422)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{'a': 1}", 400), (b'{"a": NaN}', 400), (b'{"a": 1e999}', 400), (b"[]", 422), (b'"x"', 422), (b"null", 422)],
)
async def test_bodies_that_are_no_payload(door: Door, body: bytes, status: int) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1"))
    await door.problem("POST", RESET, data=body, expect=status)
    assert connection.asked == []


async def test_a_body_over_the_limit_is_refused(door: Door) -> None:
    await door.problem("POST", RESET, data=io.BytesIO(bytes(16 * 1024 * 1024 + 1)), expect=413)
