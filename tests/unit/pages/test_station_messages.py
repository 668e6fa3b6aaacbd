"""What a station and the gateway said to each other, as a person sees it."""

from __future__ import annotations

import json

from gateway.model.identities import StationId
from tests.unit.pages.conftest import Reader
from tests.unit.web.conftest import NOON

MESSAGES = "/stations/FILE-1/messages"


def talk(reader: Reader, times: int) -> None:
    for number in range(times):
        request = json.dumps([2, f"m{number}", "Heartbeat" if number else "BootNotification", {"x": "<b>"}])
        reader.site.frames.note(StationId("FILE-1"), "from_station", request.encode(), NOON)
        reader.site.frames.note(StationId("FILE-1"), "to_station", f'[3,"m{number}",{{}}]'.encode(), NOON)


async def test_nothing_was_said_yet(reader: Reader) -> None:
    assert "No message yet since the gateway started." in (await reader.see(MESSAGES, role="operator")).text
    await reader.see(MESSAGES, role="viewer", expect=403)


async def test_messages_are_shown_and_filtered(reader: Reader) -> None:
    talk(reader, 3)
    reader.site.frames.note(StationId("FILE-1"), "from_station", b"no json", NOON)
    sight = await reader.see(MESSAGES)
    for text in (
        "BootNotification Request",
        "from the station",
        "to the station",
        "Answer",
        '"x": "<b>"',
        "Unreadable",
    ):
        assert text in sight.text, text
    assert "Heartbeat" not in (await reader.see(f"{MESSAGES}?action=BootNotification")).text
    assert "to the station Heartbeat" not in (await reader.see(f"{MESSAGES}?direction=from_station")).text
    assert "No message fits." in (await reader.see(f"{MESSAGES}?q=nothing")).text
    await reader.see(f"{MESSAGES}?direction=sideways")


async def test_older_messages_have_a_page(reader: Reader) -> None:
    talk(reader, 40)
    older = (await reader.see(MESSAGES)).links["Older"]
    sight = await reader.see(MESSAGES + older)
    assert "BootNotification" in sight.text and "These are older messages" in sight.text


async def test_new_messages_come_by_themselves(reader: Reader) -> None:
    talk(reader, 1)
    headers = {"Authorization": f"Bearer {reader.tokens['operator']}"}
    async with reader.client.get(f"/live{MESSAGES}", headers=headers) as response:
        text = ""
        while "</hx-partial>\n\n" not in text:
            text += (await response.content.readline()).decode()
    assert 'hx-target="#frames"' in text and "BootNotification" in text


async def test_a_message_nested_beyond_reason_fills_no_page(reader: Reader) -> None:
    for depth in (500, 5000):
        frame = f'[2,"m{depth}","DataTransfer",{"[" * depth}{"]" * depth}]'
        reader.site.frames.note(StationId("FILE-1"), "from_station", frame.encode(), NOON)
    text = await (await reader.ask("GET", MESSAGES)).text()
    assert "m500" in text and len(text) < 100_000
