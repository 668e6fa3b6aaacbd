"""The first screen, whole and piece by piece."""

from __future__ import annotations

from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.pages.test_sessions import start


async def first_message(reader: Reader, path: str) -> str:
    """What the page's stream sends first: all of its pieces."""
    response = await reader.ask("GET", f"/live{path}")
    assert response.status == 200 and response.content_type == "text/event-stream"
    lines: list[str] = []
    while (line := (await response.content.readline()).decode().rstrip("\n")) or not lines:
        if line.startswith("data: "):
            lines.append(line.removeprefix("data: "))
    response.close()
    return "\n".join(lines)


async def test_every_station_has_a_card(reader: Reader) -> None:
    sight = await reader.see("/")
    assert sight.links["FILE-1"] == "/stations/FILE-1" and "Not connected" in sight.text
    assert sight.by_id("live")[1]["hx-sse:connect"] == "/live/"


async def test_the_stream_brings_what_the_page_has_places_for(reader: Reader) -> None:
    made = await reader.ask("PUT", "/api/v1/stations/a%20%3Cb%3E%22%7B", json={})
    assert made.status == 201
    page = await reader.see("/")
    message = await first_message(reader, "/")
    sight = read(message)
    targets = {attributes["hx-target"] for tag, attributes in sight.elements if tag == "hx-partial"}
    ids = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    assert {"#card-0", "#card-1", "#circuits", "#alarms", "#stations-none"} <= targets <= ids
    assert sight.links['a <b>"{'] == "/stations/a%20%3Cb%3E%22%7B"


async def test_a_card_says_who_charges(reader: Reader) -> None:
    await reader.site.database.write(lambda db: start(db, 1, station="FILE-1", tag="04A1B2"))
    await reader.ask("PUT", "/api/v1/id-tags/04a1b2", json={"note": "Anna <b>"})
    sight = read(await first_message(reader, "/"))
    assert sight.links["04A1B2"] == "/sessions/1" and "04A1B2Anna <b>" in sight.text


async def test_nobody_streams_without_a_login(reader: Reader) -> None:
    response = await reader.ask("GET", "/live/", role=None)
    assert response.status == 401
