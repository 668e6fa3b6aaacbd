"""Cards and stations: learning, lists in stations, reservations."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.calls import Answered
from gateway.model.identities import StationId
from gateway.operations.learn_tags_now import SeenTag
from tests.unit.pages.conftest import Reader
from tests.unit.web.conftest import NOON, PlayedConnection

IN_AN_HOUR = "2027-01-15T09:00"


async def test_a_card_is_learned_and_saved(reader: Reader) -> None:
    sight = await reader.see("/access/learn", role="operator")
    assert "Nobody waits for a card now" in sight.text
    assert (await reader.ask("GET", "/access/learn", role="viewer")).status == 403
    await reader.send("/access/learn", {"station": "FILE-1", "seconds": "180"}, role="operator")
    assert (await reader.document("/id-tags/learn"))["station"] == "FILE-1"
    waiting = await reader.see("/access/learn", role="operator")
    assert "Hold the card to a station now" in waiting.text and "at FILE-1 until" in waiting.text
    reader.site.learning.note(SeenTag('<b>"/', StationId("FILE-1"), 2, NOON, False))
    seen = await reader.see("/access/learn", role="operator")
    assert '<b>"/' in seen.text and "connector 2" in seen.text and "Next card" in seen.text
    form = (await reader.see(seen.links["Save this card"], role="operator")).form_to("/access/card").fields
    assert form["id_tag"] == '<b>"/'
    response = await reader.send("/access/card", {**form, "note": "Anna"}, role="operator")
    assert response.headers["Location"] == "/access/learn"
    saved = await reader.see("/access/learn", role="operator")
    assert "Anna" in saved.text and "Change this card" in saved.links
    await reader.send("/access/learn/end", {}, role="operator")
    assert (await reader.document("/id-tags/learn"))["state"] == "off"


async def test_learning_at_a_station_that_is_gone_is_told(reader: Reader) -> None:
    response = await reader.send("/access/learn", {"station": "nowhere", "seconds": "many"}, role="operator")
    assert "cannot%20be%20learned" in response.headers["Set-Cookie"]


async def test_lists_of_stations_and_sending_them(reader: Reader) -> None:
    sight = await reader.see("/access/lists", role="viewer")
    assert "FILE-1" in sight.text and not [form for form in sight.forms if form.action == "/access/lists"]
    whole = {"update_type": "Full", "station": "FILE-1"}
    response = await reader.send("/access/lists", whole, role="operator", expect=200)
    assert "FILE-1 is not connected now" in await response.text()
    response = await reader.send("/access/lists", {"update_type": "Full"}, role="operator", expect=200)
    assert "No station is connected now" in await response.text()
    response = await reader.send("/access/lists", {"station": "no/where"}, role="operator", expect=200)
    assert "is known" in await response.text()
    played = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted", "listVersion": 0})))
    await reader.ask("PUT", "/api/v1/id-tags/A", json={})
    part = await reader.ask("POST", "/access/lists", data={"update_type": "Full"}, headers={"HX-Request": "true"})
    text = await part.text()
    assert "FILE-1 has the list now" in text and "<html" not in text
    assert "SendLocalList" in [action for action, _ in played.asked]
    assert "up to date" in (await reader.see("/access/lists")).text
    played.reply = Answered({"status": "Failed", "listVersion": 1})
    response = await reader.send("/access/lists", whole, role="operator", expect=200)
    assert "could not store the list" in await response.text()


async def test_reservations_are_made_and_cancelled(reader: Reader) -> None:
    sight = await reader.see("/access/reservations", role="operator")
    assert "Nothing is reserved now." in sight.text
    assert sight.form_to("/access/reservations").fields["until"] == IN_AN_HOUR
    fields = {"station": "FILE-1", "connector": "1", "id_tag": "VAN<7>", "until": IN_AN_HOUR, "parent_id_tag": "G"}
    response = await reader.send("/access/reservations", fields, role="operator")
    assert "not%20connected" in response.headers["Set-Cookie"]
    played = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    await reader.send("/access/reservations", fields, role="operator")
    action, payload = played.asked[-1]
    assert action == "ReserveNow"
    assert payload == {
        "connectorId": 1, "idTag": "VAN<7>", "expiryDate": "2027-01-15T09:00:00Z", "parentIdTag": "G",
        "reservationId": payload["reservationId"],
    }  # fmt: skip
    sight = await reader.see("/access/reservations", role="operator")
    assert "VAN<7>" in sight.text
    cancel = sight.form_to("/access/reservations/cancel").fields
    viewed = await reader.see("/access/reservations", role="viewer")
    assert "VAN<7>" in viewed.text and not [form for form in viewed.forms if form.action.startswith("/access")]
    part = await reader.ask("POST", "/access/reservations/cancel", data=cancel, headers={"HX-Request": "true"})
    assert "The reservation is cancelled" in await part.text()
    assert "Nothing is reserved now." in (await reader.see("/access/reservations")).text


async def test_a_reservation_that_is_not_certain_is_shown_as_such(reader: Reader) -> None:
    reader.connected.play(PlayedConnection("FILE-1", reply=TimeoutError()))
    fields = {"station": "FILE-1", "connector": "0", "id_tag": "A", "until": IN_AN_HOUR}
    await reader.ask("POST", "/access/reservations", data=fields)
    sight = await reader.see("/access/reservations")
    assert "Not certain" in sight.text or "Nothing is reserved" in sight.text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"station": ""}, "station"),
        ({"connector": "one"}, "connector"),
        ({"id_tag": ""}, "id_tag"),
        ({"id_tag": "x" * 21}, "id_tag"),
        ({"until": "soon"}, "until"),
        ({"until": "2020-01-01T00:00"}, "until"),
    ],
)
async def test_mistakes_in_a_reservation(reader: Reader, changed: dict[str, str], field: str) -> None:
    played = reader.connected.play(PlayedConnection("FILE-1"))
    fields = {"station": "FILE-1", "connector": "1", "id_tag": "kept<b>", "until": IN_AN_HOUR}
    response = await reader.send("/access/reservations", fields | changed, role="operator", expect=422)
    text = await response.text()
    assert f'id="{field}-mistake"' in text and played.asked == []
    assert field == "id_tag" or "kept&lt;b&gt;" in text


async def test_a_station_that_is_unknown_is_told(reader: Reader) -> None:
    fields = {"station": "no/where {", "connector": "1", "id_tag": "A", "until": IN_AN_HOUR}
    response = await reader.send("/access/reservations", fields, role="operator")
    assert "is%20known" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/access", "/access/learn", "/access/reservations"])
async def test_open_tabs_are_kept_up_to_date(reader: Reader, path: str) -> None:
    response = await reader.ask("GET", f"/live{path}")
    async with asyncio.timeout(20):
        await response.content.readuntil(b"\n\n")
        assert b"hx-partial" in await response.content.readuntil(b"\n\n")
    response.close()
