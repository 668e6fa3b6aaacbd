"""/events: pages of the journal and the live feed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse

from gateway.model.identities import StationId
from gateway.store import events, meter_frames, reports_events
from gateway.store.writing import Writing
from gateway.web import live_feed
from gateway.web.routes import CLOSING
from tests.unit.web.conftest import NOON, Door

LIST = "/api/v1/events"
STREAM = "/api/v1/events/stream"
MADE_BY_FIXTURE = 3  # the tokens of the three roles


def tell(db: Writing, kind: str, station: str, **data: object) -> None:
    events.append(db, kind, station=station, connector=1, happened_at=NOON, recorded_at=NOON, data=data)


def story(db: Writing) -> None:
    tell(db, "transaction.started", "S-1", n=1)
    meter_frames.append(db, StationId("S-1"), 1, 7, None, NOON, b'{"meterValue":[]}')
    tell(db, "connector.status", "S-2", n=2)
    meter_frames.append(db, StationId("S-1"), 1, 7, None, NOON, b"\xff")


async def kinds(door: Door, **query: str) -> list[str]:
    found = (await door.document("GET", LIST, params={"after": str(MADE_BY_FIXTURE), **query}))["items"]
    return [event["kind"] for event in found]


async def test_an_event_is_the_document(door: Door) -> None:
    await door.write(story)
    page = await door.document("GET", LIST, role="viewer", params={"after": "3", "limit": "1"})
    (event,) = page["items"]
    epoch = event["epoch"]
    assert event == {
        "id": f"{epoch}:tx:1",
        "event_id": 4,
        "epoch": epoch,
        "stream": "tx",
        "sequence": 1,
        "kind": "transaction.started",
        "station": "S-1",
        "connector": 1,
        "time": "2027-01-15T08:00:00.000Z",
        "recorded_time": "2027-01-15T08:00:00.000Z",
        "data": {"n": 1},
    }
    assert page["next"] == "4"


async def test_a_sample_of_the_site_is_an_event_of_no_station(door: Door) -> None:
    await door.write(story)
    await door.write(lambda db: meter_frames.append_of_site(db, NOON, b'{"meters":[]}'))
    event = (await door.document("GET", LIST, params={"stream": "meter", "last": "1"}))["items"][0]
    assert (event["kind"], event["station"], event["data"]) == ("site.sample", None, {"meters": []})
    assert await kinds(door, stream="meter", station="S-1") == ["meter.values", "meter.values"]


async def test_streams_and_stations_can_be_chosen(door: Door) -> None:
    await door.write(story)
    assert await kinds(door) == ["transaction.started", "connector.status"]
    assert await kinds(door, stream="tx") == ["transaction.started"]
    assert await kinds(door, stream="meter") == ["meter.values", "meter.values"]
    everything = ["transaction.started", "meter.values", "connector.status", "meter.values"]
    assert await kinds(door, stream="all") == await kinds(door, stream="tx,ops,meter") == everything
    assert await kinds(door, stream="all", station="S-2") == ["connector.status"]
    await door.problem("GET", f"{LIST}?stream=other", expect=422)


async def test_meter_frames_show_what_came(door: Door) -> None:
    await door.write(story)
    readable, broken = (await door.document("GET", LIST, params={"stream": "meter"}))["items"]
    assert readable["data"] == {"transaction_id": None, "payload": {"meterValue": []}}
    assert broken["data"]["payload"] == "\ufffd"


async def test_pages_lead_through_the_journal(door: Door) -> None:
    await door.write(story)
    seen: list[int] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = await door.document("GET", LIST, params={"stream": "all", "limit": "2", "after": cursor})
        seen += [event["event_id"] for event in page["items"]]
        cursor = page["next"]
    assert seen == list(range(1, MADE_BY_FIXTURE + 5))


async def read_feed(response: ClientResponse) -> AsyncIterator[dict[str, str]]:
    """Every block of the feed as its fields; a comment has the field ''."""
    fields: dict[str, str] = {}
    async for line in response.content:
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
        else:
            yield fields
            fields = {}


async def test_the_feed_begins_now_and_goes_on(door: Door) -> None:
    response = await door.ask("GET", STREAM, role="viewer")
    assert response.content_type == "text/event-stream"
    blocks = read_feed(response)
    assert "retry" in await anext(blocks)
    for number in (1, 2):
        await door.write(lambda db, number=number: tell(db, "connector.status", "S-1", n=number))
        async with asyncio.timeout(5):
            block = await anext(blocks)
        assert block["event"] == "connector.status"
        event = json.loads(block["data"])
        assert (event["data"]["n"], str(event["event_id"])) == (number, block["id"])
    response.close()


@pytest.mark.parametrize("headers", [{}, {"Last-Event-ID": "4"}])
async def test_the_feed_resumes_from_a_cursor(door: Door, headers: dict[str, str]) -> None:
    await door.write(story)
    response = await door.ask("GET", f"{STREAM}?after=3&stream=all", headers=headers)
    blocks = read_feed(response)
    await anext(blocks)
    expected = ["5", "6", "7"] if headers else ["4", "5", "6", "7"]
    assert [(await anext(blocks))["id"] for _ in expected] == expected
    response.close()


async def test_a_silent_feed_says_that_it_lives(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "KEEP_ALIVE_SECONDS", 0.01)
    response = await door.ask("GET", STREAM)
    blocks = read_feed(response)
    await anext(blocks)
    assert await anext(blocks) == {"": "still here"}
    response.close()


async def test_the_feed_ends_when_the_gateway_stops(door: Door) -> None:
    response = await door.ask("GET", STREAM)
    blocks = read_feed(response)
    await anext(blocks)
    assert door.client.app is not None
    assert not door.client.app[CLOSING].is_set()
    await door.client.app.shutdown()
    async with asyncio.timeout(5):
        assert [block async for block in blocks] == []


async def test_a_reader_that_does_not_read_holds_nobody_up(door: Door) -> None:
    sleeping = await door.ask("GET", f"{STREAM}?after=0")
    await door.write(lambda db: [tell(db, "connector.status", "S-1", text="x" * 10_000) for _ in range(500)])
    awake = await door.ask("GET", STREAM)
    blocks = read_feed(awake)
    await anext(blocks)
    await door.write(lambda db: tell(db, "connector.status", "S-2"))
    async with asyncio.timeout(5):
        assert json.loads((await anext(blocks))["data"])["station"] == "S-2"
    awake.close()
    sleeping.close()


async def test_the_newest_come_oldest_first(door: Door) -> None:
    await door.write(story)
    page = await door.document("GET", LIST, role="viewer", params={"last": "2"})
    assert ([event["kind"] for event in page["items"]], page["next"]) == (
        ["transaction.started", "connector.status"],
        None,
    )
    everything = await door.document("GET", LIST, params={"last": "3", "stream": "all"})
    assert [event["event_id"] for event in everything["items"]] == [5, 6, 7]
    of_one = await door.document("GET", LIST, params={"last": "9", "station": "S-2"})
    assert [event["kind"] for event in of_one["items"]] == ["connector.status"]
    for wrong in ("last=0", "last=1001", "last=x", "last=-1", "last=5&after=3", "last=5&limit=5"):
        await door.problem("GET", f"{LIST}?{wrong}", expect=422)


async def test_a_page_ends_before_it_gets_too_large(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_events, "LARGEST_PAGE_BYTES", 25_000)
    body = b'{"meterValue":["' + b"x" * 10_000 + b'"]}'
    await door.write(lambda db: [meter_frames.append(db, StationId("S-1"), 1, 7, None, NOON, body) for _ in range(40)])
    seen: list[int] = []
    cursor = "0"
    while True:
        page = await door.document("GET", LIST, params={"stream": "meter", "after": cursor, "limit": "1000"})
        assert len(page["items"]) <= 3
        seen += [event["event_id"] for event in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == list(range(4, 44))
    newest = await door.document("GET", LIST, params={"stream": "meter", "last": "1000"})
    assert [event["event_id"] for event in newest["items"]] == [41, 42, 43]


async def test_the_feed_of_a_revoked_token_ends(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "KEEP_ALIVE_SECONDS", 0.01)
    async with asyncio.timeout(20):
        response = await door.ask("GET", STREAM, role="viewer")
        assert (await response.content.readline()).startswith(b"retry")
        assert (await door.ask("DELETE", "/api/v1/tokens/1")).status == 204
        assert await response.content.read() is not None, "it comes to its end"
    assert (await door.ask("GET", STREAM, role="viewer")).status == 401


async def test_the_newest_before_one_and_one_kind(door: Door) -> None:
    await door.write(story)
    await door.write(lambda db: tell(db, "connector.status", "S-1", n=3))
    newest = (await door.document("GET", LIST, params={"last": "2"}))["items"]
    assert [event["data"] for event in newest] == [{"n": 2}, {"n": 3}]
    before = await door.document("GET", LIST, params={"last": "1", "before": str(newest[0]["event_id"])})
    assert [event["data"] for event in before["items"]] == [{"n": 1}]
    of_kind = await door.document("GET", LIST, params={"last": "9", "kind": "connector.status", "station": "S-1"})
    assert [event["data"] for event in of_kind["items"]] == [{"n": 3}]
    assert await kinds(door, kind="connector.status") == ["connector.status", "connector.status"]
    assert await kinds(door, kind="meter.values", stream="all") == ["meter.values", "meter.values"]


async def test_before_belongs_to_the_newest(door: Door) -> None:
    await door.problem("GET", LIST, params={"before": "3"}, expect=422)
