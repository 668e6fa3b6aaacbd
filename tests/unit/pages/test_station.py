"""One station's overview and settings."""

from __future__ import annotations

import json

import pytest

from gateway.model.calls import Answered
from gateway.model.identities import StationId
from gateway.store import station_facts
from gateway.store.passwords import is_password
from gateway.store.writing import Writing
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.pages.test_stations import status
from tests.unit.web.conftest import NOON, PlayedConnection

FILE = "/stations/FILE-1"


def much(db: Writing) -> None:
    """A station that has told a lot, some of it odd."""
    station_facts.admit(db, StationId("FILE-1"), origin="file", admission="accepted", now=NOON)
    db.execute(
        "UPDATE stations SET vendor = '<b>V</b>', model = 'M', serial_number = 'S', firmware_version = '1.2',"
        f" booted_at = {NOON}, clock_offset_ms = -65000 WHERE station = 'FILE-1'"
    )
    db.execute(
        "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, start_at, meter_start_wh)"
        f" VALUES (7, 'FILE-1', 1, 'TAG 1', 'tag 1', {NOON}, 0)"
    )
    db.execute(
        "INSERT INTO reservations (command_id, reservation_id, station, connector, id_tag, folded_tag, expiry_at,"
        " standing, asked_at) VALUES ('c', 3, 'FILE-1', 2, 'TAG 2', 'tag 2', ?, 'in_force', ?)",
        (NOON + 3_600_000_000, NOON),
    )


async def test_a_station_that_never_came(reader: Reader) -> None:
    sight = await reader.see(FILE, role="viewer")
    for text in (
        "Not connected",
        "It has never connected.",
        "No connector has told its status yet.",
        "Why this limit?",
    ):
        assert text in sight.text
    assert "Settings" not in sight.links and "Actions" not in sight.links
    assert "Settings" in (await reader.see(FILE)).links


async def test_a_station_with_everything(reader: Reader) -> None:
    connection = reader.connected.play(PlayedConnection("FILE-1"))
    reader.site.quirks_seen[StationId("FILE-1"), "hex_password"] = 3
    await reader.site.database.write(much)
    await reader.site.database.write(status("FILE-1", 1, "Charging"))  # type: ignore[arg-type]
    await reader.site.database.write(status("FILE-1", 2, "Faulted", "HighTemperature"))  # type: ignore[arg-type]
    sight = await reader.see(FILE, role="viewer")
    for text in (
        "Connected since", connection.address, "<b>V</b> M", "1.2", "It is 1 min slow.", "Charging", "too hot inside",
        "Session 7", "TAG 1", "Connector 2 for TAG 2", "The password was sent as hexadecimal text", "3 times",
    ):  # fmt: skip
        assert text in sight.text, text
    chart = sight.by_id("curve-7")[1]
    assert chart["src"] == "/api/v1/transactions/7/curve"
    assert json.loads(chart["series"])[0]["field"] == "power_w"


async def test_the_stream_of_a_station(reader: Reader) -> None:
    headers = {"Authorization": f"Bearer {reader.tokens['viewer']}"}
    async with reader.client.get(f"/live{FILE}", headers=headers) as response:
        text = ""
        while "</hx-partial>\n\n" not in text:
            text += (await response.content.readline()).decode()
    for name in ("connection", "connectors", "why", "curve", "standing"):
        assert f'hx-target="#station-{name}"' in text


async def test_settings_say_where_they_come_from(reader: Reader) -> None:
    await reader.see(f"{FILE}/settings", role="operator", expect=403)
    form = (await reader.see(f"{FILE}/settings")).form_to(f"{FILE}/settings").fields
    assert (form["circuit"], form["max_amps"], form["password"]) == ("main", "16", "")
    response = await reader.send(f"{FILE}/settings", form)
    assert "Nothing%20was%20changed" in response.headers["Set-Cookie"]
    wanted = {
        **form,
        "max_amps": "13",
        "quiet": "true",
        "desired_configuration": "A=1\r\nB = x=y",
        "aliases": "one\ntwo",
    }
    await reader.send(f"{FILE}/settings", wanted)
    station = await reader.document("/stations/FILE-1")
    assert station["changed_settings"] == ["aliases", "desired_configuration", "max_amps", "quiet"]
    assert (station["max_amps"], station["quiet"], station["aliases"]) == (13, True, ["one", "two"])
    assert station["desired_configuration"] == {"A": "1", "B": "x=y"}
    sight = await reader.see(f"{FILE}/settings")
    assert sight.text.count("Changed here; tick to take what the configuration file says") == 4
    form = sight.form_to(f"{FILE}/settings").fields
    assert "reset-max_amps" not in form
    await reader.send(f"{FILE}/settings", {**form, "reset-max_amps": "yes"})
    assert (await reader.document("/stations/FILE-1"))["max_amps"] == 16


async def test_mistakes_in_settings_stand_at_their_fields(reader: Reader) -> None:
    form = (await reader.see(f"{FILE}/settings")).form_to(f"{FILE}/settings").fields
    wrong = {**form, "max_amps": "much", "aliases": "x" * 400, "security_profile": "2"}
    response = await reader.send(f"{FILE}/settings", wrong, expect=422)
    sight = read(await response.text())
    for name in ("max_amps", "aliases", "password"):
        assert sight.by_id(f"set-{name}")[1]["aria-invalid"] == "true"
    assert sight.form_to(f"{FILE}/settings").fields["max_amps"] == "much"
    assert (await reader.document("/stations/FILE-1"))["changed_settings"] == []


async def test_a_station_is_removed_after_a_question(reader: Reader) -> None:
    await reader.ask("PUT", "/api/v1/stations/CP-1", json={})
    sight = await reader.see("/stations/CP-1/settings")
    (question,) = [each[1]["data-question"] for each in sight.elements if each[1].get("action", "").endswith("/remove")]
    assert question.startswith("Remove CP-1?")
    await reader.send("/stations/CP-1/remove", {}, role="operator", expect=403)
    await reader.send("/stations/CP-1/remove", {})
    await reader.see("/stations/CP-1", expect=404)
    assert "/remove" not in str((await reader.see(f"{FILE}/settings")).forms)
    await reader.send(f"{FILE}/remove", {}, expect=409)


async def test_a_new_password_is_told_to_the_station_and_shown_once(reader: Reader) -> None:
    response = await reader.send(f"{FILE}/security", {}, expect=422)
    assert "expected new_password" in read(await response.text()).text
    connection = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    response = await reader.send(f"{FILE}/security", {"new_password": "yes"}, expect=200)
    sight = read(await response.text())
    assert "The new password, shown only now:" in sight.text
    assert connection.asked[0][0] == "ChangeConfiguration"
    assert str(connection.asked[0][1]["value"]) not in (await reader.see(f"{FILE}/settings")).text
    await reader.send(f"{FILE}/security", {"own_password": "0123456789abcdef0123456789abcdef"}, expect=200)
    assert connection.asked[-1][1]["value"] == "0123456789abcdef0123456789abcdef"
    await reader.send(f"{FILE}/security", {"own_password": " with blanks around it "}, expect=200)
    assert connection.asked[-1][1]["value"] == " with blanks around it "


async def test_a_password_counts_with_its_blanks(reader: Reader) -> None:
    form = (await reader.see(f"{FILE}/settings")).form_to(f"{FILE}/settings").fields
    await reader.send(f"{FILE}/settings", {**form, "password": " a secret "})
    ((kept,),) = await reader.site.readers.rows("SELECT password_hash FROM stations WHERE station = 'FILE-1'", ())
    assert is_password(kept, b" a secret ") and not is_password(kept, b"a secret")


async def test_every_period_of_a_charging_profile_is_shown(reader: Reader) -> None:
    reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    for number, hours in ((1, 2), (2, 5)):
        periods = [{"startPeriod": 3600 * hour, "limit": 6 + hour} for hour in range(hours)]
        profile = {
            "chargingProfileId": number, "stackLevel": number, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": periods},
        }  # fmt: skip
        body = {"connectorId": 1, "csChargingProfiles": profile}
        answer = await reader.ask("POST", "/api/v1/stations/FILE-1/commands/SetChargingProfile", json=body)
        assert answer.status == 200, await answer.text()
    text = (await reader.see(FILE, role="viewer")).text.replace("\u202f", " ").replace("\xa0", " ")
    assert "6 A, 7 A, 8 A, …" in text and text.count("All 5 periods") == 1 and "All 2" not in text
    assert "from 3 h on: 9 A" in text and "from 4 h on: 10 A" in text


@pytest.mark.parametrize("language", ["de", "nl", "fr", "en-US"])
async def test_every_screen_in_every_language(reader: Reader, language: str) -> None:
    for path in ("", "/keys", "/messages", "/settings", "/actions"):
        await reader.see(FILE + path, language=language)
    await reader.see("/stations", language=language)
    await reader.see("/stations/keys", language=language)
