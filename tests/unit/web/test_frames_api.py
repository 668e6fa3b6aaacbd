"""What a station and the gateway said to each other, and the log, over HTTP: pages, filters, roles."""

from __future__ import annotations

import json
import logging

import jsonschema
import pytest

from gateway.model.identities import StationId
from gateway.web.documents import SCHEMAS
from tests.unit.web.conftest import NOON, Door

FRAMES = "/api/v1/stations/FILE-1/frames"


def expect_shape(document: object, name: str) -> None:
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)


@pytest.fixture
def talk(door: Door) -> Door:
    for number in range(5):
        request = json.dumps([2, f"m{number}", "Heartbeat" if number else "BootNotification", {}])
        door.site.frames.note(StationId("FILE-1"), "from_station", request.encode(), NOON)
        door.site.frames.note(StationId("FILE-1"), "to_station", f'[3,"m{number}",{{}}]'.encode(), NOON)
    return door


async def test_a_page_of_messages(talk: Door) -> None:
    page = await talk.document("GET", f"{FRAMES}?limit=4")
    expect_shape(page, "FrameCollection")
    assert [one["frame_id"] for one in page["items"]] == [10, 9, 8, 7]
    assert page["items"][0] == {
        "frame_id": 10,
        "time": "2027-01-15T08:00:00.000Z",
        "direction": "to_station",
        "kind": "result",
        "action": "Heartbeat",
        "message_id": "m4",
        "size_bytes": 11,
        "text": '[3, "m4", {}]',
    }
    rest = await talk.document("GET", f"{FRAMES}?limit=10&after={page['next']}")
    assert ([one["frame_id"] for one in rest["items"]], rest["next"]) == ([6, 5, 4, 3, 2, 1], None)


async def test_filters_and_mistakes(talk: Door) -> None:
    boot = await talk.document("GET", f"{FRAMES}?action=BootNotification&direction=from_station&q=m0")
    assert [one["frame_id"] for one in boot["items"]] == [1]
    await talk.problem("GET", f"{FRAMES}?direction=up", expect=422)
    await talk.problem("GET", f"{FRAMES}?wrong=1", expect=422)
    await talk.problem("GET", "/api/v1/stations/NOBODY/frames", expect=404)
    await talk.problem("GET", FRAMES, role="viewer", expect=403)
    await talk.problem("GET", "/api/v1/log", role="viewer", expect=403)


async def test_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with door.site.log.listening():
        logging.getLogger("gateway.x").info("hello", extra={"station": "CP-1"})
        logging.getLogger("gateway.x").error("the password is secret=abcdefgh")
        page = await door.document("GET", "/api/v1/log?limit=1")
        errors = await door.document("GET", "/api/v1/log?level=error")
        with_words = await door.document("GET", "/api/v1/log?q=cp-1")
        assert [line["text"] for line in with_words["items"]] == ["hello"]
        rest = await door.document("GET", f"/api/v1/log?after={page['next']}")
    expect_shape(rest, "LogLineCollection")
    assert (
        [one["text"] for one in page["items"]]
        == ["the password is secret=***"]
        == [one["text"] for one in errors["items"]]
    )
    assert [(one["text"], one["level"], one["details"]) for one in rest["items"]] == [
        ("hello", "info", {"station": "CP-1"})
    ]
    await door.problem("GET", "/api/v1/log?level=loud", expect=422)
