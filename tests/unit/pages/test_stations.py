"""The list of stations: what is shown to whom, accepting, adding, odd names."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from gateway.model.identities import StationId
from gateway.pages.station_fields import number_or_text
from gateway.store import station_facts
from gateway.store.writing import Writing
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.web.conftest import NOON, PlayedConnection

ODD = ["a b", "50%{x}", "q\"uote'", "<b>bold</b>", "sl/ash", "🚗", "keys"]


def knock(db: Writing) -> None:
    station_facts.record_knock(db, "<i>NEW</i> 1", "192.0.2.9", now=NOON, most=100)


def status(station: str, connector: int, word: str, error: str = "NoError") -> object:
    def unit(db: Writing) -> None:
        db.execute(
            "INSERT INTO connectors (station, connector, status, error_code, status_at, received_at)"
            f" VALUES (?, ?, ?, ?, {NOON}, {NOON})",
            (station, connector, word, error),
        )

    return unit


@pytest.mark.parametrize("role", ["viewer", "operator", "installer"])
async def test_a_station_is_shown_with_what_it_does(reader: Reader, role: str) -> None:
    reader.connected.play(PlayedConnection("FILE-1"))
    await reader.site.database.write(status("FILE-1", 1, "Faulted", "HighTemperature"))  # type: ignore[arg-type]
    await reader.site.database.write(status("FILE-1", 2, "Sideways"))  # type: ignore[arg-type]
    sight = await reader.see("/stations", role=role)
    assert sight.links["FILE-1"] == "/stations/FILE-1"
    for text in ("Connected", "Faulted", "too hot inside", "Sideways", "main"):
        assert text in sight.text
    assert ("Add a station" in sight.text) == (role == "installer")


async def test_words_are_searched(reader: Reader) -> None:
    assert "FILE-1" in (await reader.see("/stations?q=file+main")).links
    sight = await reader.see("/stations?q=elsewhere")
    assert "FILE-1" not in sight.links
    assert "No station has these words" in sight.text


async def test_a_knock_is_shown_and_accepted(reader: Reader) -> None:
    await reader.site.database.write(knock)
    sight = await reader.see("/stations", role="operator")
    assert "<i>NEW</i> 1 · from 192.0.2.9, once" in sight.text
    assert "An installer can accept them." in sight.text
    sight = await reader.see("/stations")
    action = f"/stations/{quote('<i>NEW</i> 1', safe='')}/accept"
    assert sight.form_to(action).method == "post"
    await reader.send(action, {}, role="operator", expect=403)
    response = await reader.send(action, {})
    assert response.headers["Location"] == action.removesuffix("accept") + "settings"
    assert (await reader.document("/stations"))["knocked"] == []


async def test_a_pending_station_waits_to_be_accepted(reader: Reader) -> None:
    await reader.site.database.write(
        lambda db: station_facts.admit(db, StationId("PEND"), origin="knock", admission="pending", now=NOON)
    )
    assert "Waits to be accepted" in (await reader.see("/stations", role="viewer")).text
    assert (await reader.see("/stations/PEND")).form_to("/stations/PEND/accept")
    await reader.send("/stations/PEND/accept", {})
    assert (await reader.document("/stations/PEND"))["admission"] == "accepted"


async def test_a_station_is_added_with_what_was_changed(reader: Reader) -> None:
    sight = await reader.see("/stations")
    form = next(form.fields for form in sight.forms if "max_amps" in form.fields)
    response = await reader.send("/stations", {**form, "id": "CP 7", "circuit": "main", "max_amps": "16,5"})
    assert response.headers["Location"] == "/stations/CP%207"
    station = await reader.document("/stations/CP%207")
    assert (station["circuit"], station["max_amps"]) == ("main", 16.5)
    assert station["changed_settings"] == ["circuit", "max_amps"]


async def test_mistakes_stand_at_their_fields_and_what_was_typed_is_kept(reader: Reader) -> None:
    fields = {"id": "CP-8", "max_amps": "much", "security_profile": "1", "phase_rotation": "123"}
    response = await reader.send("/stations", fields, expect=422)
    sight = read(await response.text())
    assert sight.by_id("new-max_amps")[1]["aria-invalid"] == "true"
    assert "new-max_amps-mistake" in sight.by_id("new-max_amps")[1]["aria-describedby"]
    assert sight.by_id("new-password-mistake")
    assert next(form for form in sight.forms if "max_amps" in form.fields).fields["max_amps"] == "much"
    assert (await reader.ask("GET", "/api/v1/stations/CP-8")).status == 404


@pytest.mark.parametrize(("name", "told"), [("", "Enter the identity"), ("FILE-1", "already")])
async def test_an_identity_is_needed_and_is_new(reader: Reader, name: str, told: str) -> None:
    response = await reader.send("/stations", {"id": name}, expect=422)
    assert told in read(await response.text()).text


@pytest.mark.parametrize("name", ODD)
async def test_odd_names_break_nothing(reader: Reader, name: str) -> None:
    await reader.site.database.write(status(name, 1, "<u>", "<s>"))  # type: ignore[arg-type]
    path = f"/stations/{quote(name, safe='')}"
    assert (await reader.ask("PUT", f"/api/v1{path}", json={})).status == 201
    reader.connected.play(PlayedConnection(name))
    sight = await reader.see("/stations")
    own = f"{path}/overview" if name == "keys" else path
    assert sight.links[" ".join(name.split())] == own
    for address in (own, f"{path}/keys", f"{path}/messages", f"{path}/settings", f"{path}/actions"):
        sight = await reader.see(address)
        assert name in sight.text, address
    sight = await reader.see(own)
    assert sight.links["Settings"] == f"{path}/settings"
    assert sight.links["Overview"] == own


async def test_no_station_at_all(reader: Reader) -> None:
    for path in ("", "/keys", "/messages", "/settings", "/actions"):
        sight = await reader.see(f"/stations/NOBODY{path}", expect=404)
        assert "Not found" in sight.text


async def test_the_stream_has_stations_and_knocks(reader: Reader) -> None:
    await reader.site.database.write(knock)
    async with reader.client.get(
        "/live/stations", headers={"Authorization": f"Bearer {reader.tokens['viewer']}"}
    ) as response:
        text = ""
        while "\n\n" not in text.partition("retry")[2].partition("\n\n")[2]:
            text += (await response.content.readline()).decode()
    assert 'hx-target="#stations"' in text and 'hx-target="#knocked"' in text


@pytest.mark.parametrize(("text", "number"), [("6", 6), ("6,5", 6.5), ("6.5", 6.5), ("six", "six"), ("", "")])
def test_numbers_as_people_write_them(text: str, number: object) -> None:
    assert number_or_text(text) == number
