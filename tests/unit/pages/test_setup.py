"""The setup on the page: each step shown, saved by the API, mistakes kept; the wait; what a file has fixed."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import load_configuration
from gateway.operations import serial_ports, setup_state
from gateway.operations.manage_tokens import create_token
from gateway.operations.reload_configuration import Outcome, Taken, Unchanged, Wrong
from gateway.pages.application import add_pages
from gateway.reloading import in_force, look_again
from gateway.store import station_facts
from gateway.store.writing import Writing
from gateway.web.application import make_application
from tests.fakes.modbus_meters import on_tcp
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import Sight, read
from tests.unit.web.conftest import NOON, PlayedConnection, open_site
from tests.unit.web.test_setup_api import sdm630

STEPS = ("site", "fuse", "meters", "stations", "cards", "done")
ODD = ["a b", "50%{x}", "q\"uote'", "<b>bold</b>", "sl/ash", "🚗"]


@dataclass
class Stage:
    """A reader whose site may be set up: what is decided is in force at once."""

    reader: Reader
    file: Path

    @property
    def says(self) -> dict[str, object]:
        file = self.reader.site.configuration.data.directory / "site.toml"
        return tomllib.loads(file.read_text()) if file.exists() else {}

    def look(self, decided: str | None = None) -> Outcome:
        load = partial(load_configuration, self.file, environment={}, decided=decided)
        found = look_again(load, in_force(self.reader.site.configuration))
        return found if isinstance(found, Wrong | Unchanged) else Taken()

    async def rehearse(self, decided: str) -> Outcome:
        return await asyncio.to_thread(self.look, decided)

    async def reload(self) -> Outcome:
        """Begin anew, as far as a page can see."""
        outcome = await asyncio.to_thread(self.look)
        if isinstance(outcome, Taken):
            self.read_again()
        return outcome

    def read_again(self) -> None:
        """The files' configuration is that of the site, which is made once in earnest."""
        object.__setattr__(self.reader.site, "configuration", load_configuration(self.file, environment={}))

    async def save(self, path: str, fields: dict[str, str], *, to: str) -> None:
        """Send a form and wait as a browser does, until it is on the next page."""
        response = await self.reader.send(path, fields)
        waits = response.headers["Location"]
        assert urlsplit(waits).path == "/setup/wait" and parse_qs(urlsplit(waits).query)["to"] == [to], waits
        sight = await self.reader.see(waits)
        assert "goes on by itself" in sight.text
        assert ("meta", {"http-equiv": "refresh", "content": "1"}) in sight.elements
        self.reader.site.reloads.taken += 1
        after = await self.reader.ask("GET", waits)
        assert after.status == 303 and after.headers["Location"] == to

    async def mistaken(self, path: str, fields: dict[str, str]) -> Sight:
        before = self.says
        response = await self.reader.send(path, fields, expect=422)
        assert self.says == before
        return read(await response.text())


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(setup_state, "addresses_of_this_machine", lambda: ["192.168.1.10", "10.0.0.2"])
    file = tmp_path / "gateway.toml"
    file.write_text(f'[data]\ndirectory = "{tmp_path}/data"\n[web]\nhost = "127.0.0.1"\n')
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "site.toml").write_text('[site]\nid = "first"\n')
    async with open_site(load_configuration(file, environment={})) as site:
        made = {
            role: (await create_token(site, role=role, name=role, actor="test")).text
            for role in ("viewer", "operator", "installer")
        }
        application = make_application(site)
        add_pages(application)
        async with TestClient(TestServer(application), cookie_jar=DummyCookieJar()) as client:
            stage = Stage(Reader(site, client, made), file)
            site.reloads.rehearse, site.reloads.reload = stage.rehearse, stage.reload
            yield stage


def mistake_at(sight: Sight, field: str) -> None:
    """The field is marked, and its mistake told."""
    assert sight.by_id(field)[1]["aria-invalid"] == "true"
    sight.by_id(sight.by_id(field)[1]["aria-describedby"].split()[-1])


async def knock(stage: Stage, station: str) -> None:
    def unit(db: Writing) -> None:
        station_facts.record_knock(db, station, "192.0.2.9", now=NOON, most=100)

    await stage.reader.site.database.write(unit)


async def test_a_fresh_site_shows_what_to_do_first(stage: Stage) -> None:
    sight = await stage.reader.see("/setup")
    assert sight.links["Go on with: Fuses"] == "/setup/fuse"
    assert sight.text.count("To do") == 5
    for step in STEPS:
        each = await stage.reader.see(f"/setup/{step}")
        assert {"Back"} <= each.links.keys() and each.by_id("content")


async def test_a_gateway_with_files_is_no_demonstration(stage: Stage) -> None:
    assert "a demonstration" not in (await stage.reader.see("/setup")).text


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_only_installers_set_up(stage: Stage, role: str) -> None:
    for path in ("/setup", "/setup/wait", *(f"/setup/{step}" for step in STEPS)):
        await stage.reader.see(path, role=role, expect=403)
    await stage.reader.send("/setup/site", {"id": "x"}, role=role, expect=403)
    assert stage.says == {"site": {"id": "first"}}


async def test_the_site_is_named(stage: Stage) -> None:
    sight = await stage.reader.see("/setup/site")
    assert "data-zones" in sight.by_id("timezone")[1]
    form = sight.form_to("/setup/site")
    assert form.fields["unknown_stations"] == "refuse"
    wanted = form.fields | {"name": "Harbour <garage>", "id": "harbour", "timezone": "Europe/Amsterdam"}
    await stage.save("/setup/site", wanted, to="/setup/fuse")
    assert stage.says["site"] == {"name": "Harbour <garage>", "id": "harbour", "timezone": "Europe/Amsterdam"}
    again = await stage.reader.see("/setup/site")
    assert again.form_to("/setup/site").fields["name"] == "Harbour <garage>"
    assert "data-zones" not in again.by_id("timezone")[1]
    same = await stage.reader.send("/setup/site", again.form_to("/setup/site").fields)
    assert same.headers["Location"] == "/setup/fuse"


async def test_a_wrong_name_is_told_at_its_field(stage: Stage) -> None:
    fields = {"name": "N", "id": "i" * 65, "timezone": "Mars/Olympus", "unknown_stations": "accept"}
    sight = await stage.mistaken("/setup/site", fields)
    mistake_at(sight, "id")
    mistake_at(sight, "timezone")
    assert sight.form_to("/setup/site").fields == fields


async def test_what_a_file_says_is_shown_and_not_asked(stage: Stage) -> None:
    stage.file.write_text(
        stage.file.read_text()
        + '[site]\nid = "depot"\nname = "Depot"\ntimezone = "Europe/Berlin"\n'
        + '[ocpp]\nunknown_tags = "accept"\nunknown_stations = "pending"\n'
        + '[[circuit]]\nname = "main"\nlimit_amps = 63\n[[circuit]]\nname = "row"\nparent = "main"\nlimit_amps = 20\n'
        + '[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\n'
        + 'transport = {type = "tcp", host = "192.0.2.20", port = 502, unit = 1}\n'
    )
    stage.read_again()
    for step in ("site", "fuse", "meters", "cards"):
        sight = await stage.reader.see(f"/setup/{step}")
        assert f"Fixed in {stage.file}" in sight.text, step
    site = await stage.reader.see("/setup/site")
    assert site.form_to("/setup/site").fields == {}
    fuse = await stage.reader.see("/setup/fuse")
    assert not any(form.action.startswith("/setup/fuse/main") for form in fuse.forms)
    refused = await stage.reader.send("/setup/fuse/main", {"l1": "20"}, expect=422)
    assert "set in" in await refused.text()


async def test_the_main_fuse_is_entered_once_for_all_phases_or_three_times(stage: Stage) -> None:
    sight = await stage.reader.see("/setup/fuse")
    assert "Add a fuse below" not in sight.text
    await stage.save("/setup/fuse/main", {"l1": "63", "l2": "", "l3": "", "meter": ""}, to="/setup/fuse")
    assert stage.says["circuit"] == [{"name": "main", "limit_amps": [63, 63, 63]}]
    form = (await stage.reader.see("/setup/fuse")).form_to("/setup/fuse/main")
    assert form.fields == {"l1": "63", "l2": "", "l3": "", "meter": ""}
    await stage.save("/setup/fuse/main", {"l1": "63", "l2": "50,5", "l3": "35"}, to="/setup/fuse")
    assert stage.says["circuit"] == [{"name": "main", "limit_amps": [63, 50.5, 35]}]
    assert (await stage.reader.see("/setup/fuse")).form_to("/setup/fuse/main").fields["l3"] == "35"


@pytest.mark.parametrize("amps", ["", "many", "-3"])
async def test_what_is_no_fuse_is_told(stage: Stage, amps: str) -> None:
    sight = await stage.mistaken("/setup/fuse/main", {"l1": amps, "l2": "", "l3": "7"})
    mistake_at(sight, "main-l1")
    assert sight.form_to("/setup/fuse/main").fields["l3"] == "7"


@pytest.mark.parametrize("name", ["row A", "50%{x}", "<b>"])
async def test_circuits_are_added_changed_and_removed(stage: Stage, name: str) -> None:
    await stage.save("/setup/fuse/main", {"l1": "63"}, to="/setup/fuse")
    new = (await stage.reader.see("/setup/fuse")).form_to("/setup/fuse/circuits")
    assert new.fields["parent"] == "main"
    await stage.save(new.action, new.fields | {"name": name, "l1": "32"}, to="/setup/fuse")
    await stage.save(new.action, new.fields | {"name": "below", "parent": name, "l1": "16"}, to="/setup/fuse")
    action = f"/setup/fuse/circuits/{quote(name, safe='')}"
    change = (await stage.reader.see("/setup/fuse")).form_to(action)
    assert change.fields["l1"] == "32"
    await stage.save(action, change.fields | {"l1": "25"}, to="/setup/fuse")
    assert stage.says["circuit"][1] == {"name": name, "parent": "main", "limit_amps": [25, 25, 25]}  # type: ignore[index]
    wrong = await stage.mistaken(action, change.fields | {"l1": "lots"})
    assert wrong.form_to(action).fields["l1"] == "lots"
    held = await stage.mistaken(f"{action}/remove", {})
    assert "below" in held.text
    await stage.save("/setup/fuse/circuits/below/remove", {}, to="/setup/fuse")
    assert len(stage.says["circuit"]) == 2  # type: ignore[arg-type]


async def test_a_circuit_needs_a_name_and_amperes(stage: Stage) -> None:
    await stage.save("/setup/fuse/main", {"l1": "63"}, to="/setup/fuse")
    sight = await stage.mistaken("/setup/fuse/circuits", {"name": "", "parent": "main", "l1": ""})
    mistake_at(sight, "new-name")
    mistake_at(sight, "new-l1")


GRID = {"name": "grid", "model": "eastron_sdm630", "line": "network", "host": "192.0.2.20", "port": "", "unit": "3"}


async def test_a_meter_is_added_for_the_main_fuse_and_removed(stage: Stage) -> None:
    await stage.save("/setup/fuse/main", {"l1": "63"}, to="/setup/fuse")
    form = (await stage.reader.see("/setup/meters")).form_to("/setup/meters")
    assert form.fields["main"] == "on" and form.fields["line"] == "cable"
    await stage.save("/setup/meters", form.fields | GRID, to="/setup/meters")
    (meter,) = stage.says["meter"]  # type: ignore[misc]
    assert meter["transport"] == {"type": "tcp", "host": "192.0.2.20", "framing": "tcp", "unit": 3}
    assert stage.says["circuit"][0]["meter"] == "grid"  # type: ignore[index]
    sight = await stage.reader.see("/setup/meters")
    assert "192.0.2.20" in sight.text and "unit 3" in sight.text
    await stage.save("/setup/meters/grid/remove", {}, to="/setup/meters")
    assert "meter" not in stage.says and "meter" not in stage.says["circuit"][0]  # type: ignore[index]


async def test_the_line_follows_from_the_model(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    port = {"path": "/dev/serial/by-id/usb-1", "device": "/dev/ttyUSB0", "by_id": None, "by_path": None, "meters": []}
    monkeypatch.setattr("gateway.web.setup_api.serial_ports", lambda _: [port])
    assert serial_ports  # the page asks the API, which asks this
    form = (await stage.reader.see("/setup/meters")).form_to("/setup/meters")
    assert form.fields["device"] == "/dev/serial/by-id/usb-1"
    fields = {"name": "p1", "model": "dsmr_p1", "device_typed": "/dev/ttyS0", "unit": "7"}
    await stage.save("/setup/meters", form.fields | fields, to="/setup/meters")
    assert stage.says["meter"][0]["transport"] == {"type": "serial", "device": "/dev/ttyS0"}  # type: ignore[index]


async def test_what_is_no_meter_is_told_and_kept(stage: Stage) -> None:
    sight = await stage.mistaken("/setup/meters", GRID | {"unit": "900", "host": "h o s t"})
    mistake_at(sight, "unit")
    assert sight.form_to("/setup/meters").fields["host"] == "h o s t"
    assert "192.0.2.1" not in sight.text


async def test_a_meter_is_tried(stage: Stage) -> None:
    async with on_tcp(sdm630()) as port:
        fields = GRID | {"host": "127.0.0.1", "port": str(port), "unit": "1"}
        part = await stage.reader.ask("POST", "/setup/meters/try", data=fields, headers={"HX-Request": "true"})
        text = await part.text()
        assert part.status == 200 and "<html" not in text
        assert "L1: 5 A at 230 V, 1.2 kW" in text.replace("\xa0", " ") and "4.1 kW are drawn" in text.replace(
            "\xa0", " "
        )
        whole = await stage.reader.ask("POST", "/setup/meters/try", data=fields)
        sight = read(await whole.text())
        assert "It answers." in sight.text and sight.form_to("/setup/meters").fields["host"] == "127.0.0.1"
    silent = await stage.reader.ask("POST", "/setup/meters/try", data=fields, headers={"HX-Request": "true"})
    assert "notice bad" in await silent.text()
    wrong = await stage.reader.send("/setup/meters/try", fields | {"unit": "x"}, expect=422)
    mistake_at(read(await wrong.text()), "unit")


async def test_a_search_is_shown_and_what_it_found_fills_the_form(stage: Stage) -> None:
    scan = stage.reader.site.scan
    scan.begin(NOON)
    scan.note("looking on /dev/ttyUSB0 at 9600 baud, 8N1")
    assert "looking on /dev/ttyUSB0" in (await stage.reader.see("/setup/meters")).text
    toml = (
        '[[meter]]\nname = "meter-5"\nmodel = "abb_b23"\n'
        'transport = { type = "rtu", device = "/dev/ttyUSB0", baudrate = 19200, parity = "E", unit = 5 }\n'
    )
    known = {"line": "/dev/ttyUSB0", "unit": 5, "models": [{"model": "abb_b23", "title": "ABB"}], "toml": toml}
    unknown = {"line": "/dev/ttyUSB0", "unit": 6, "models": [], "toml": None}
    empty = {"amps": None, "volts": None, "watts": None}
    scan.found.extend([{**known, **empty, "amps": [1.0, 2.0, 3.0]}, {**unknown, **empty}])
    scan.end("done")
    sight = await stage.reader.see("/setup/meters")
    assert sight.links["Use this one"] == "/setup/meters?found=0#add"
    fields = (await stage.reader.see("/setup/meters?found=0")).form_to("/setup/meters").fields
    assert (fields["model"], fields["device"], fields["baudrate"], fields["parity"], fields["unit"]) == (
        "abb_b23", "/dev/ttyUSB0", "19200", "E", "5",
    )  # fmt: skip
    for nothing in ("1", "2", "x", "-1"):
        fields = (await stage.reader.see(f"/setup/meters?found={nothing}")).form_to("/setup/meters").fields
        assert fields["model"] == "eastron_sdm630"


async def test_a_search_is_begun_here(stage: Stage) -> None:
    async with on_tcp(sdm630()) as port:
        fields = {"device": "", "host": "127.0.0.1", "port": str(port)}
        response = await stage.reader.ask("POST", "/setup/meters/scan", data=fields, headers={"HX-Request": "true"})
        text = await response.text()
    assert response.status == 200 and "<html" not in text
    refused = await stage.reader.ask("POST", "/setup/meters/scan", data={}, headers={"HX-Request": "true"})
    assert "notice bad" in await refused.text()
    await stage.reader.send("/setup/meters/scan", {}, expect=422)


async def test_stations_are_told_the_address_in_text_and_as_a_picture(stage: Stage) -> None:
    sight = await stage.reader.see("/setup/stations")
    for number, host in ((1, "192.168.1.10"), (2, "10.0.0.2")):
        assert sight.by_id(f"address-{number}")[0] == "code"
        assert f"QR code of ws://{host}:9000/ocpp/" in sight.text
    outline = next(attributes["d"] for tag, attributes in sight.elements if tag == "path")
    assert outline.startswith("M2 2h1v1h-1z")
    assert "No unknown station has tried" in sight.text and "No station belongs" in sight.text


@pytest.mark.parametrize("station", ODD)
async def test_a_station_that_knocked_is_let_in(stage: Stage, station: str) -> None:
    await stage.save("/setup/fuse/main", {"l1": "63"}, to="/setup/fuse")
    await knock(stage, station)
    assert "One station knocked" in (await stage.reader.see("/setup")).text
    sight = await stage.reader.see("/setup/stations")
    action = f"/setup/stations/{quote(station, safe='')}"
    assert sight.links[f"Accept {station}"] == action
    form = (await stage.reader.see(action)).form_to(action)
    assert form.fields == {"circuit": "main", "phase_rotation": "123", "max_amps": "16", "connectors": "1"}
    wrong = read(await (await stage.reader.send(action, form.fields | {"max_amps": "x"}, expect=422)).text())
    mistake_at(wrong, "of-max_amps")
    response = await stage.reader.send(action, form.fields | {"phase_rotation": "231"})
    assert response.headers["Location"] == "/setup/stations"
    known = await stage.reader.document(f"/stations/{quote(station, safe='')}")
    assert (known["circuit"], known["phase_rotation"], known["max_amps"]) == ("main", "231", 16)
    after = await stage.reader.see("/setup/stations")
    assert f"Accept {station}" not in after.links and after.links[station] == action
    again = (await stage.reader.see(action)).form_to(action)
    assert again.fields["phase_rotation"] == "231"


async def test_settings_are_copied_from_another_station(stage: Stage) -> None:
    await stage.save("/setup/fuse/main", {"l1": "63"}, to="/setup/fuse")
    settings = {
        "circuit": "main", "max_amps": 20, "phase_rotation": "312", "connectors": 2,
        "desired_configuration": {"HeartbeatInterval": "300"}, "password": "not-copied-at-all",
    }  # fmt: skip
    assert (await stage.reader.ask("PUT", "/api/v1/stations/FIRST", json=settings)).status == 201
    await knock(stage, "SECOND")
    action = "/setup/stations/SECOND/copy"
    form = (await stage.reader.see("/setup/stations/SECOND")).form_to(action)
    assert form.fields == {"from": "FIRST"}
    await stage.reader.send(action, form.fields)
    second = await stage.reader.document("/stations/SECOND")
    for name in ("circuit", "max_amps", "phase_rotation", "connectors_setting", "desired_configuration"):
        assert second[name] == (await stage.reader.document("/stations/FIRST"))[name], name
    assert second["has_password"] is False
    shown = (await stage.reader.see("/setup/stations/SECOND")).elements
    assert "are lost" in next(each["data-question"] for _, each in shown if each.get("action") == action)
    assert "Choose a station" in await (await stage.reader.send(action, {}, expect=422)).text()
    await stage.reader.send(action, {"from": "NOBODY"}, expect=404)


async def test_what_the_other_station_has_not_is_gone_after_copying(stage: Stage) -> None:
    await stage.save("/setup/fuse/main", {"l1": "63"}, to="/setup/fuse")
    own = {
        "circuit": "main", "reboot_when_idle": True, "strict": True, "call_timeout_seconds": 20,
        "desired_configuration": {"HeartbeatInterval": "300"}, "remote_id_tag": "OWN",
    }  # fmt: skip
    assert (await stage.reader.ask("PUT", "/api/v1/stations/FIRST", json={})).status == 201
    assert (await stage.reader.ask("PUT", "/api/v1/stations/SECOND", json=own)).status == 201
    await stage.reader.send("/setup/stations/SECOND/copy", {"from": "FIRST"})
    second = await stage.reader.document("/stations/SECOND")
    assert {name: second[name] for name in own} == dict.fromkeys(own) | {
        "desired_configuration": {}, "remote_id_tag": "OWN",
    }  # fmt: skip


async def test_a_station_that_waits_is_shown_with_what_it_is(stage: Stage) -> None:
    def unit(db: Writing) -> None:
        station_facts.admit(db, "PEND-1", origin="knock", admission="pending", now=NOON)  # type: ignore[arg-type]

    await stage.reader.site.database.write(unit)
    stage.reader.connected.play(PlayedConnection("PEND-1"))
    sight = await stage.reader.see("/setup/stations")
    assert "PEND-1 (–) is connected and waits" in sight.text
    await stage.reader.send("/setup/stations/PEND-1", {"phase_rotation": "123", "max_amps": "16", "connectors": "1"})
    assert "Connected" in (await stage.reader.see("/setup/stations")).text


async def test_everybody_charges_or_only_known_cards(stage: Stage) -> None:
    sight = await stage.reader.see("/setup/cards")
    assert sight.links["Learn a card"] == "/access/learn" and "No card is known" in sight.text
    assert sight.form_to("/setup/cards").fields == {"unknown_tags": "refuse"}
    await stage.save("/setup/cards", {"unknown_tags": "accept"}, to="/setup/done")
    assert stage.says["ocpp"] == {"unknown_tags": "accept"}
    assert "at your cost" in (await stage.reader.see("/setup/cards")).text
    assert "hold any card" in (await stage.reader.see("/setup/done")).text
    await stage.save("/setup/cards", {"unknown_tags": "refuse"}, to="/setup/cards")
    wrong = await stage.mistaken("/setup/cards", {"unknown_tags": "<b>"})
    wrong.by_id("unknown_tags-mistake")
    await stage.reader.ask("PUT", "/api/v1/id-tags/A%20%3Cb%3E", json={"status": "Accepted"})
    assert "A <b>" in (await stage.reader.see("/setup/cards")).links


async def test_a_gateway_without_files_says_so_before_and_when_asked(reader: Reader) -> None:
    for path in ("", "/site", "/fuse"):
        assert "a demonstration" in (await reader.see(f"/setup{path}")).text
    for path, fields in (("site", {"id": "x"}), ("fuse/main", {"l1": "20"}), ("cards", {"unknown_tags": "accept"})):
        response = await reader.send(f"/setup/{path}", fields, expect=422)
        assert "this gateway has no files to read again" in read(await response.text()).text


async def test_the_wait_ends_with_what_went_wrong_and_goes_nowhere_else(stage: Stage) -> None:
    reloads = stage.reader.site.reloads
    for odd in ("taken=x", "taken=99999999999999999999", "to=//elsewhere.invalid"):
        response = await stage.reader.ask("GET", f"/setup/wait?{odd}")
        assert response.status == 303 and response.headers["Location"].startswith("/"), odd
        assert not response.headers["Location"].startswith("//")
    response = await stage.reader.ask("GET", f"/setup/wait?taken={reloads.taken + 4}&to=/setup/fuse")
    assert response.status == 303, "the daemon itself was started again meanwhile: it has counted fewer"
    reloads.taken, reloads.failed = 5, "OSError: the port is taken"
    response = await stage.reader.ask("GET", "/setup/wait?taken=4&to=/setup/fuse")
    assert "port" in response.headers["Set-Cookie"] and response.headers["Location"] == "/setup/fuse"


async def test_a_file_that_cannot_be_used_is_told(stage: Stage) -> None:
    stage.file.write_text(stage.file.read_text() + '[site]\nid = "depot"\n')
    (stage.reader.site.configuration.data.directory / "site.toml").write_text("[site]\nname = 5\n")
    stage.read_again()
    assert "cannot be used" in (await stage.reader.see("/setup")).text
    assert "cannot be used" in (await stage.reader.see("/setup/site")).text
