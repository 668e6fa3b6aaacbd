"""Diagnostics: the parts of the gateway, the network check, the bundle, and lists to look things up in."""

from __future__ import annotations

import io
import logging
import tarfile

import pytest

from gateway.model.identities import StationId
from gateway.pages.diagnostics_words import CHECKS
from gateway.pages.journal_words import KINDS
from gateway.store import events, security_events, station_facts
from gateway.store.events import STREAM_OF_KIND
from gateway.store.writing import Writing
from tests.fakes.uploaded_files import uploaded
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.web.conftest import NOON

ODD = 'CP <b>"1/2"</b> {x} 🚗'
LISTS = ["/diagnostics/log", "/diagnostics/events", "/diagnostics/security", "/diagnostics/uploads"]


@pytest.mark.parametrize("path", ["/diagnostics", *LISTS])
async def test_who_sees_it(reader: Reader, path: str) -> None:
    await reader.see(path, role="viewer", expect=403)
    await reader.see(path, role="operator")
    assert (await reader.ask("GET", path, role=None)).status == 303


async def test_all_is_well(reader: Reader) -> None:
    reader.site.health.report("store", None)
    sight = await reader.see("/diagnostics")
    assert "All is well All 2 parts work." in sight.text
    assert "No unknown station has knocked." in sight.text


async def test_what_is_unwell_comes_with_what_to_do(reader: Reader) -> None:
    reader.site.health.report("upstream fleet <1>", "no route to host")
    reader.site.health.report("something new", "it broke", notice="and more")
    reader.site.health.report("clock", None, notice="no time service")
    sight = await reader.see("/diagnostics")
    assert "Link to a fleet manager fleet <1>: no route to hostTest the link" in sight.text
    assert "something new: it brokeand moreLook at the log." in sight.text
    assert "Clock: no time serviceLet a time service" in sight.text


async def test_the_bundle_is_for_installers(reader: Reader) -> None:
    sight = await reader.see("/diagnostics", role="operator")
    assert "An installer can make one here." in sight.text
    assert not [form for form in sight.forms if form.action == "/diagnostics/bundle"]
    await reader.send("/diagnostics/bundle", {}, expect=403, role="operator")
    response = await reader.ask("POST", "/diagnostics/bundle", data={})
    assert response.status == 200 and "attachment" in response.headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(await response.read())) as bundle:
        assert "ocpp-gateway-support/about.json" in bundle.getnames()


async def test_the_network_check(reader: Reader) -> None:
    whole = read(await (await reader.send("/diagnostics/network", {}, expect=200)).text())
    assert "Parts of the gateway" in whole.text and "The gateway Good the gateway runs" in whole.text
    part = await reader.send("/diagnostics/network", {}, expect=200, headers={"HX-Request": "true"})
    text = read(await part.text()).text
    assert "Parts of the gateway" not in text and "The gateway Good" in text


async def test_every_check_has_its_words(reader: Reader) -> None:
    found = await reader.document("/network-check")
    assert {each["check"] for each in found["items"]} <= set(CHECKS)  # type: ignore[attr-defined]


async def test_an_unknown_station_that_knocked(reader: Reader) -> None:
    await reader.site.database.write(lambda db: station_facts.record_knock(db, ODD, "192.0.2.7", now=NOON, most=9))
    sight = await reader.see("/diagnostics")
    assert ODD in sight.text and "192.0.2.7" in sight.text


async def test_the_log(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert "No line of this level" in (await reader.see("/diagnostics/log?level=error")).text
    with reader.site.log.listening():
        logging.getLogger("gateway.x").info("hello <b>", extra={"station": ODD})
        logging.getLogger("gateway.x").error("it broke")
    sight = await reader.see("/diagnostics/log")
    assert "hello <b>" in sight.text and f"station: {ODD}" in sight.text and "it broke" in sight.text
    assert "hello" not in (await reader.see("/diagnostics/log?level=error")).text
    found = await reader.see("/diagnostics/log?q=BROKE&level=nonsense")
    assert "it broke" in found.text and "hello" not in found.text and "stand still" in found.text
    assert found.form_to("/diagnostics/log").fields == {"level": "info", "q": "BROKE"}
    assert "No line has these words." in (await reader.see("/diagnostics/log?q=never")).text


async def test_the_log_is_paged(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with reader.site.log.listening():
        for number in range(120):
            logging.getLogger("gateway.x").info("line %03d", number)
    sight = await reader.see("/diagnostics/log")
    assert "line 119" in sight.text and "line 019" not in sight.text
    assert "line 019" in (await reader.see(sight.links["Older"])).text


async def test_no_file_was_uploaded(reader: Reader) -> None:
    assert "No file was uploaded." in (await reader.see("/diagnostics/uploads")).text
    chosen = await reader.see("/diagnostics/uploads", params={"station": ODD})
    assert chosen.form_to("/diagnostics/uploads").fields == {"station": ODD}
    assert "/stations/CP%20%3Cb%3E" in chosen.links[f"Ask {ODD} for its diagnostics"]


async def test_large_events_are_on_pages_too(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(db: Writing) -> None:
        for number in range(9):
            data = {"status": "Charging", "error_code": f"N{number}"}
            events.append(
                db, "connector.status", station=ODD, connector=1, happened_at=NOON, recorded_at=NOON, data=data
            )

    await reader.site.database.write(tell)
    monkeypatch.setattr("gateway.store.reports_events.LARGEST_PAGE_BYTES", 100)
    seen, path = "", "/diagnostics/events?kind=connector.status"
    for _ in range(9):
        sight = await reader.see(path)
        seen += sight.text
        if (path := sight.links.get("Older", "")) == "":
            break
    assert path == "" and all(f"N{number}" in seen for number in range(9))


async def test_events_newest_first_with_their_words(reader: Reader) -> None:
    def tell(db: Writing) -> None:
        for number in range(60):
            data = {"status": "Charging", "nothing": None, "historical": False, "error_code": f"N{number}"}
            events.append(
                db, "connector.status", station=ODD, connector=1, happened_at=NOON, recorded_at=NOON, data=data
            )
        events.append(
            db, "gateway.restored", happened_at=NOON, recorded_at=NOON, data={"<i>": {"x": [1]}, "actor": "Ann"}
        )

    await reader.site.database.write(tell)
    sight = await reader.see("/diagnostics/events")
    assert '<i> {"x": [1]}by Ann gateway.restored' in sight.text
    assert "Status Charging historical no Error N59" in sight.text and "N5 " not in sight.text
    older = await reader.see(sight.links["Older"])
    assert "Error N5 " in older.text and "An API token was made" in older.text and "Older" not in older.links
    chosen = await reader.see("/diagnostics/events", params={"kind": "gateway.restored", "station": ""})
    assert chosen.form_to("/diagnostics/events").fields == {"kind": "gateway.restored", "station": ""}
    assert "N59" not in chosen.text
    none = await reader.see("/diagnostics/events", params={"station": "nobody"})
    assert "No event is like this." in none.text
    await reader.see("/diagnostics/events?before=x", expect=422)


def test_every_kind_of_event_has_its_words() -> None:
    assert set(STREAM_OF_KIND) == set(KINDS)


async def test_files_of_stations(reader: Reader) -> None:
    await uploaded(reader.site, b"1234", station="S 1/<x>", reason="noise & smoke")
    await uploaded(reader.site, b"", station="S-2", kind="log")
    sight = await reader.see("/diagnostics/uploads", role="operator")
    assert "S 1/<x> Diagnostics" in sight.text and "B noise & smoke" in sight.text and "S-2 Log" in sight.text
    assert sight.links["log.txt"] == "/api/v1/uploads/1/file" and "empty" in sight.text
    assert sight.links["S 1/<x>"] == "/stations/S%201%2F%3Cx%3E/actions"
    assert await (await reader.ask("GET", "/api/v1/uploads/1/file", role="operator")).read() == b"1234"
    only = await reader.see("/diagnostics/uploads?station=S-2")
    assert "S-2 Log" in only.text and "noise" not in only.text


async def test_security_events(reader: Reader) -> None:
    assert "There is no security event. That is good." in (await reader.see("/diagnostics/security")).text

    def tell(db: Writing) -> None:
        for type, info in (("TamperDetectionActivated", "lid <open>"), ("FailedToAuthenticateAtCentralSystem", None)):
            security_events.record(
                db, station=StationId(ODD), source="station", type=type, tech_info=info, happened_at=NOON, now=NOON
            )

    await reader.site.database.write(tell)
    sight = await reader.see("/diagnostics/security")
    assert "TamperDetectionActivated important" in sight.text and f"{ODD} told by the station lid <open>" in sight.text
    assert "FailedToAuthenticateAtCentralSystem" in sight.text
    assert "FailedToAuthenticateAtCentralSystem" not in (await reader.see("/diagnostics/security?only=critical")).text
    none = await reader.see("/diagnostics/security", params={"station": "nobody"})
    assert "No security event is like this." in none.text


@pytest.mark.parametrize("path", ["/diagnostics", "/diagnostics/log"])
async def test_the_pieces_are_on_the_page(reader: Reader, path: str) -> None:
    names = {"/diagnostics": "health", "/diagnostics/log": "lines"}
    sight = await reader.see(path)
    assert sight.by_id(names[path])
    response = await reader.ask("GET", f"/live{path}")
    sent = b""
    while b"\n\n" not in sent.partition(b"retry: 1500\n\n")[2]:
        sent += await response.content.readany()
    response.close()
    assert f'hx-target="#{names[path]}"'.encode() in sent
