"""The sessions: running, filtered, summed up, one of them, and stopping it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.configuration import Site as SiteSection
from gateway.model.calls import Answered, CallErrored
from gateway.model.identities import StationId
from gateway.store import meter_frames
from gateway.store.writing import Writing
from tests.unit.pages.conftest import Reader
from tests.unit.web.conftest import NOON, PlayedConnection

ODD = 'A/b {"<i>&🚗'
HOUR = 3_600_000_000


def start(db: Writing, number: int, *, station: str = "S-1", tag: str | None = "Tag", hours: float = 0) -> None:
    db.execute(
        "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, start_at, meter_start_wh)"
        " VALUES (?, ?, 1, ?, ?, ?, 1000)",
        (number, station, tag, tag and tag.casefold(), NOON + round(hours * HOUR)),
    )


def stop(db: Writing, number: int, *, anomalies: Sequence[str] = (), reason: str = "Local") -> None:
    db.execute(
        "UPDATE transactions SET stop_at = start_at + 3600000000, meter_stop_wh = 3500, reason = ?,"
        " stop_id_tag = 'Tag', stop_source = 'station', anomalies = ? WHERE transaction_id = ?",
        (reason, json.dumps(list(anomalies)), number),
    )


def orphan(db: Writing, number: int) -> None:
    db.execute(
        "INSERT INTO transactions (transaction_id, station, stop_at, meter_stop_wh, stop_source,"
        " claimed_transaction_id, anomalies)"
        " VALUES (?, 'S-2', ?, 900, 'station', '-1', '[\"stop_without_start\"]')",
        (number, NOON),
    )


async def stored(reader: Reader) -> Reader:
    """One ended, one that runs at a station with an odd name, one whose start nobody knows."""

    def unit(db: Writing) -> None:
        start(db, 1, hours=-30)
        stop(db, 1, anomalies=("meter_went_backwards", "never heard of"), reason="EVDisconnected")
        start(db, 2, station=ODD, tag=ODD[:20], hours=-2)
        orphan(db, 3)

    await reader.site.database.write(unit)
    return reader


@pytest.mark.parametrize("path", ["/sessions", "/sessions/totals", "/sessions?span=dates&first=2027-01-01"])
@pytest.mark.parametrize("role", ["viewer", "operator", "installer"])
async def test_without_sessions_it_is_said(reader: Reader, path: str, role: str) -> None:
    sight = await reader.see(path, role=role)
    assert "0 sessions" in sight.text
    assert ("No session yet" in sight.text) == (path == "/sessions")


async def test_the_list_says_everything_in_words(reader: Reader) -> None:
    await stored(reader)
    await reader.ask("PUT", "/api/v1/id-tags/tag", json={"note": "Anna's <card>"})
    sight = await reader.see("/sessions", role="viewer")
    assert "3 sessions" in sight.text and "2.50 kWh" in sight.text
    for said in ("Cable was unplugged from the car", "Meter went backwards", "never heard of", "Anna's <card>"):
        assert said in sight.text
    assert ODD in sight.text and "Start unknown" in sight.text
    assert {"/sessions/1", "/sessions/2", "/sessions/3"} <= set(sight.links.values())


async def test_what_is_chosen_is_shown_summed_up_and_exported(reader: Reader) -> None:
    await stored(reader)
    sight = await reader.see("/sessions?span=dates&first=2027-01-14&last=2027-01-14&station=S-1&state=ended")
    assert "1 session" in sight.text and "in what you chose" in sight.text
    address = sight.links["Table for Excel"]
    exported = await (await reader.ask("GET", address)).text()
    assert len(exported.splitlines()) == 2 and exported.startswith("\ufefftransaction_id,")
    for link in ("Table (CSV)", "JSON", "Charge records as in OCPI"):
        response = await reader.ask("GET", sight.links[link])
        assert response.status == 200 and "attachment" in response.headers["Content-Disposition"]
    totals = await reader.see(sight.links["Totals"].replace("?", "?by=station&"))
    assert "S-1" in totals.text and "2.50 kWh" in totals.text
    assert totals.form_to("/sessions/totals").fields["station"] == "S-1"
    assert "No session fits" in (await reader.see("/sessions?id_tag=nobody")).text


async def test_the_table_for_excel_is_as_the_excel_of_the_reader_reads_it(reader: Reader) -> None:
    await stored(reader)
    section = SiteSection(id="site-1", timezone="Europe/Berlin")
    object.__setattr__(reader.site, "configuration", replace(reader.site.configuration, site=section))
    for language, link, separator, energy in (
        ("de-DE", "Tabelle für Excel", ";", "2,500"), ("nl", "Tabel voor Excel", ";", "2,500"),
        ("fr-FR", "Tableau pour Excel", ";", "2,500"), ("en-US", "Table for Excel", ",", "2.500"),
    ):  # fmt: skip
        sight = await reader.see("/sessions", language=language)
        raw = await (await reader.ask("GET", sight.links[link])).read()
        row = next(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=separator))
        assert (row["energy_kwh"], row["start_time"]) == (energy, "2027-01-14 03:00:00"), language
    plain = await (
        await reader.ask("GET", (await reader.see("/sessions", language="de")).links["Tabelle (CSV)"])
    ).text()
    assert plain.startswith("transaction_id,") and ",2027-01-14T02:00:00.000Z," in plain


async def test_totals_are_taken_away_as_totals(reader: Reader) -> None:
    await stored(reader)
    await reader.ask("PUT", "/api/v1/id-tags/tag", json={"note": "Anna"})
    sight = await reader.see("/sessions/totals?by=id_tag&station=S-1", language="de")
    for_excel = await (await reader.ask("GET", sight.links["Tabelle für Excel"])).text()
    assert for_excel.splitlines() == ["\ufeffkey;note;sessions;energy_kwh;duration_hours", "Tag;Anna;1;2,500;1,000"]
    plain = await (await reader.ask("GET", sight.links["Tabelle (CSV)"])).text()
    assert plain.splitlines()[1] == "Tag,Anna,1,2.500,1.000"
    assert not [href for href in sight.links.values() if "/api/v1/transactions." in href]
    assert "totals.csv?by=month" in (await reader.see("/sessions/totals")).links["Table (CSV)"]


async def test_a_person_is_found_by_name(reader: Reader) -> None:
    await stored(reader)
    await reader.ask("PUT", "/api/v1/id-tags/tag", json={"note": "Özlem Müller"})
    sight = await reader.see("/sessions?note=m%C3%BCller+%C3%B6zlem")
    assert "1 session" in sight.text and "/sessions/1" in sight.links.values()
    assert sight.form_to("/sessions").fields["note"] == "müller özlem"
    exported = await (await reader.ask("GET", sight.links["Table (CSV)"])).text()
    assert len(exported.splitlines()) == 2 and exported.endswith(",Özlem Müller\r\n")
    totals = await reader.see(sight.links["Totals"])
    forms = [form.fields["note"] for form in totals.forms if form.action == "/sessions/totals"]
    assert "1 session" in totals.text and forms == ["müller özlem"] * 2
    assert "No session fits" in (await reader.see("/sessions?note=nobody")).text


@pytest.mark.parametrize("by", ["station", "id_tag", "day", "month", "colour"])
async def test_totals_by_anything(reader: Reader, by: str) -> None:
    await stored(reader)
    await reader.see(f"/sessions/totals?by={by}")


async def test_mistakes_stand_at_their_fields(reader: Reader) -> None:
    for query, field in (
        ("span=dates&first=soon", "first"),
        ("span=dates&first=1969-12-31", "first"),
        ("span=dates&first=0002-01-01", "first"),
        ("span=dates&last=9998-12-31", "last"),
        ("span=dates&last=9999-12-31", "last"),
        ("span=dates&first=2027-02-01&last=2027-01-01", "last"),
        ("connector=one", "connector"),
    ):
        sight = await reader.see(f"/sessions?{query}", expect=422)
        _, attributes = sight.by_id(field)
        assert attributes["aria-invalid"] == "true" and attributes["aria-describedby"] == f"{field}-mistake"
        await reader.see(f"/sessions/totals?{query}", expect=422)
    assert (await reader.see("/sessions?connector=one", expect=422)).by_id("connector")[1]["value"] == "one"


async def test_older_ones_are_on_the_next_page(reader: Reader) -> None:
    def unit(db: Writing) -> None:
        for number in range(1, 53):
            start(db, number, hours=-number)
            stop(db, number)

    await reader.site.database.write(unit)
    sight = await reader.see("/sessions?station=S-1")
    assert "/sessions/3" in sight.links.values() and "/sessions/2" not in sight.links.values()
    older = await reader.see(sight.links["Older"])
    assert "/sessions/2" in older.links.values() and older.links["Newest"] == "/sessions?station=S-1"


async def test_one_session_with_what_its_meter_said(reader: Reader) -> None:
    await stored(reader)
    signed = {"value": "OCMF|<x>|y", "format": "SignedData", "context": "Transaction.End"}
    current = {"value": "16", "measurand": "Current.Import", "unit": "A"}
    body = json.dumps(
        {"transactionId": 1, "meterValue": [
            {"timestamp": "yesterday", "sampledValue": [current, signed]},
            {"timestamp": None, "sampledValue": {"value": "1200"}},
        ]}
    ).encode()  # fmt: skip

    def unit(db: Writing) -> None:
        meter_frames.append(db, StationId("S-1"), 1, 1, None, NOON, body)

    await reader.site.database.write(unit)
    sight = await reader.see("/sessions/1", role="viewer")
    for said in (
        "2 meter values",
        "Current.Import: 16 A",
        "1200 Wh",
        "yesterday",
        "OCMF|<x>|y",
        "lower than at the start",
    ):
        assert said in sight.text, said
    assert "Duration1 h" in sight.text
    one = await reader.ask("GET", sight.links["Download number 1"])
    assert await one.text() == "OCMF|<x>|y"
    assert (await reader.ask("GET", sight.links["Download all"])).status == 200
    curves = [attributes for tag, attributes in sight.elements if tag == "power-chart"]
    assert len(curves) == 4 and all(json.loads(each["series"]) for each in curves)
    assert (await reader.ask("GET", curves[0]["src"])).status == 200


async def test_odd_sessions_are_shown(reader: Reader) -> None:
    await stored(reader)
    assert ODD in (await reader.see("/sessions/2")).text
    assert "unknown" in (await reader.see("/sessions/3")).text
    for path in ("/sessions/4", "/sessions/x", "/sessions/99999999999999999999"):
        await reader.see(path, expect=404)


async def test_what_runs_is_kept_up_to_date(reader: Reader) -> None:
    await stored(reader)
    response = await reader.ask("GET", "/live/sessions")
    first = (await response.content.readuntil(b"\n\n")) + (await response.content.readuntil(b"\n\n"))
    assert b'hx-target="#running"' in first
    response.close()


async def test_an_operator_ends_a_session_and_is_told_what_the_station_said(reader: Reader) -> None:
    def unit(db: Writing) -> None:
        start(db, 5, station="FILE-1", hours=-1)

    await reader.site.database.write(unit)
    assert "End the session" not in (await reader.see("/sessions/5", role="viewer")).text
    assert (await reader.ask("POST", "/sessions/5/stop", role="viewer")).status == 403
    response = await reader.send("/sessions/5/stop", {}, role="operator")
    assert "not%20connected" in response.headers["Set-Cookie"]
    played = reader.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    shown = await reader.see("/sessions/5", role="operator")
    assert "End the session" in shown.text
    form = next(each[1] for each in shown.elements if each[1].get("action") == "/sessions/5/stop")
    assert "The car stops charging." in form["data-question"]
    await reader.send("/sessions/5/stop", {}, role="operator")
    assert ("RemoteStopTransaction", {"transactionId": 5}) in played.asked
    for reply, said in (
        (Answered({"status": "Rejected"}), "refused to end"),
        (Answered({"status": "Maybe"}), "Maybe"),
        (CallErrored("InternalError", "100 % odd", {}), "100 % odd"),
    ):
        played.reply = reply
        answer = await reader.ask("POST", "/sessions/5/stop", headers={"HX-Request": "true"})
        assert said in await answer.text()
    assert (await reader.ask("POST", "/sessions/6/stop")).status == 404
