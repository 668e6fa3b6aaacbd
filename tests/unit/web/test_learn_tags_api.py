"""Learning cards over HTTP: begun, read and ended, with the loop's clock and a word in the journal."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.identities import StationId
from gateway.operations.learn_tags_now import MOST_SEEN, LearnTagsNow, SeenTag
from tests.unit.web.conftest import NOON, Door
from tests.unit.web.test_frames_api import expect_shape

LEARN = "/api/v1/id-tags/learn"


def card(name: str, *, connector: int | None = None) -> SeenTag:
    return SeenTag(name, StationId("FILE-1"), connector, NOON, False)


async def test_begin_read_end(door: Door) -> None:
    off = await door.document("GET", LEARN, role="operator")
    assert off == {"state": "off", "until": None, "station": None, "seen": []}
    began = await door.document("PUT", LEARN, json={"station": "FILE-1"}, role="operator")
    expect_shape(began, "Learning")
    assert (began["state"], began["until"]) == ("waiting", "2027-01-15T08:01:00.000Z")
    door.site.learning.note(card("ABC"))
    seen = await door.document("GET", LEARN)
    expect_shape(seen, "Learning")
    assert seen["state"] == "seen"
    assert seen["seen"] == [
        {"id_tag": "ABC", "station": "FILE-1", "connector": None, "time": "2027-01-15T08:00:00.000Z", "known": False}
    ]
    assert (await door.ask("DELETE", LEARN)).status == 204
    assert (await door.ask("DELETE", LEARN)).status == 204
    assert (await door.document("GET", LEARN))["state"] == "off"
    events = (await door.document("GET", "/api/v1/events?stream=ops&after=0"))["items"]
    told = [event["data"] for event in events if event["kind"] == "id_tags.learning"]
    assert [(data["state"], data["seconds"], data["only_station"]) for data in told] == [
        ("begun", 60, "FILE-1"),
        ("ended", None, "FILE-1"),
    ]
    assert all("operator" in told[0]["actor"] for _ in told)


@pytest.mark.parametrize(
    "body", [{"seconds": 0}, {"seconds": 601}, {"seconds": True}, {"seconds": "60"}, {"station": "NOBODY"}, {"x": 1}]
)
async def test_mistakes(door: Door, body: object) -> None:
    await door.problem("PUT", LEARN, json=body, expect=422)
    await door.problem("PUT", LEARN, json={}, role="viewer", expect=403)
    assert not door.site.learning.listens(asyncio.get_running_loop().time())


def test_the_time_ends_and_what_was_seen_stays() -> None:
    learning = LearnTagsNow()
    assert learning.state(0) == "off"
    learning.begin(None, seconds=60, loop_time=100, now=NOON)
    assert learning.listens_to(StationId("ANY"), 159.9)
    learning.note(card("A"))
    assert (learning.state(159.9), learning.state(160.0), len(learning.seen)) == ("seen", "off", 1)
    learning.begin(StationId("CP-1"), seconds=60, loop_time=200, now=NOON)
    assert (learning.seen, learning.listens_to(StationId("CP-2"), 201)) == ([], False)


def test_one_card_is_one_and_many_are_bounded() -> None:
    learning = LearnTagsNow()
    learning.note(card("abc", connector=2))
    learning.note(card("ABC "))
    assert learning.seen == [card("ABC ", connector=2)]
    for number in range(50):
        learning.note(card(f"N{number}"))
    assert [len(learning.seen), learning.seen[0].id_tag] == [MOST_SEEN, "N49"]
