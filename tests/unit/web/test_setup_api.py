"""/setup and what stands beside it: what the first steps of a site show, decide and try."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import load_configuration
from gateway.operations import machine_names, setup_state
from gateway.operations.manage_tokens import create_token
from gateway.operations.reload_configuration import Outcome, Taken, Unchanged, Wrong
from gateway.reloading import in_force, look_again
from gateway.store import durable_files, reports_events
from gateway.web.application import make_application
from gateway.web.documents import SCHEMAS
from tests.fakes.modbus_meters import ServedMeter, float_words, on_tcp
from tests.unit.web.conftest import Door, PlayedConnection, open_site
from tests.unit.web.test_stations_api import knock

SETUP = "/api/v1/setup"
GRID = {"name": "grid", "model": "eastron_sdm630", "transport": {"type": "tcp", "host": "127.0.0.1", "port": 5020}}


def expect_schema(name: str, document: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)


@dataclass
class Stage:
    """A door whose site may be set up; `reloaded` counts how often it would have begun anew."""

    door: Door
    file: Path
    reloaded: int = 0
    trouble: Outcome | Exception | None = None  # in place of what a reload would say
    rehearsed: list[str] = field(default_factory=list)

    @property
    def decided(self) -> Path:
        return self.door.site.configuration.data.directory / "site.toml"

    @property
    def says(self) -> dict[str, object]:
        return tomllib.loads(self.decided.read_text())

    def look(self, decided: str | None = None) -> Outcome:
        load = partial(load_configuration, self.file, environment={}, decided=decided)
        found = look_again(load, in_force(self.door.site.configuration))
        return found if isinstance(found, Wrong | Unchanged) else Taken()

    async def rehearse(self, decided: str) -> Outcome:
        self.rehearsed.append(decided)
        return await asyncio.to_thread(self.look, decided)

    async def reload(self) -> Outcome:
        self.reloaded += 1
        if isinstance(self.trouble, Exception):
            raise self.trouble
        return self.trouble or await asyncio.to_thread(self.look)

    async def put(self, expect: int = 202, **wishes: object) -> dict:  # type: ignore[type-arg]
        ask = self.door.document if expect < 300 else self.door.problem
        return await ask("PUT", SETUP, expect=expect, json=wishes)

    async def fields(self, expect: int = 422, **wishes: object) -> list[str]:
        before = self.decided.read_bytes() if self.decided.exists() else None
        found = [one["field"] for one in (await self.put(expect, **wishes))["errors"]]
        assert (self.decided.read_bytes() if self.decided.exists() else None) == before, "nothing was changed"
        return found


class Opening:
    """Opens stages on a folder; what an administrator wrote and what was decided before are arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, written: str = "", decided: str | None = None) -> AsyncIterator[Stage]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        if decided is not None:
            (data / "site.toml").write_text(decided)
        file = self.folder / "gateway.toml"
        file.write_text(f'site.id = "one"\ndata.directory = "data"\nweb.port = 0\nocpp.port = 0\n{written}')
        async with open_site(load_configuration(file, environment={})) as site:
            tokens = {
                role: (await create_token(site, role=role, name=role, actor="test")).text
                for role in ("viewer", "operator", "installer")
            }
            async with TestClient(TestServer(make_application(site))) as client:
                stage = Stage(Door(site, client, tokens), file)
                site.reloads.reload, site.reloads.rehearse = stage.reload, stage.rehearse
                yield stage


@pytest.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Parametrized with what was written and decided before."""
    async for one in Opening(tmp_path)(*getattr(request, "param", ())):
        yield one


before = pytest.mark.parametrize


async def test_a_site_of_which_nothing_is_decided(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_state, "addresses_of_this_machine", lambda: ["192.168.1.10"])
    await stage.door.write(knock)
    found = await stage.door.document("GET", SETUP, role="viewer")
    expect_schema("Setup", found)
    file = str(stage.file)
    assert found["site"]["id"] == {"value": "one", "origin": "file", "fixed": True, "file": file}
    assert found["site"]["timezone"] == {"value": "UTC", "origin": "default", "fixed": False, "file": None}
    assert found["station_addresses"] == ["ws://192.168.1.10:0/ocpp/"]
    assert (found["meters"], found["main_circuit"], found["circuits"]) == ([], None, [])
    assert found["clock"]["quality"] == "synced" and found["clock"]["synchronised"] is True
    assert found["stations"] == {"known": 0, "connected": 0}
    assert found["knocks"] == [
        {
            "station": "NEW-1",
            "address": "192.0.2.9",
            "last_time": "2027-01-15T08:00:00.000Z",
            "count": 1,
            "reason": "unknown_station",
        }
    ]
    assert {step["step"]: step["done"] for step in found["steps"]} == {
        "site": True, "clock": True, "meter": False, "main_circuit": False, "stations": False,
    }  # fmt: skip
    assert found["complete"] is False and found["left_out"] == []


DECIDED = (
    '[site]\nname = "Depot"\n[[meter]]\nname = "grid"\nmodel = "sdm630"\n'
    'transport = { type = "tcp", host = "127.0.0.1" }\n'
    '[[circuit]]\nname = "main"\nlimit_amps = 63\nmeter = "grid"\n'
    '[[circuit]]\nname = "row"  # by hand\nparent = "main"\nlimit_amps = 32\nbackground_worst_amps = 1\n'
)
BY_FILE = '[[circuit]]\nname = "fuse"\nlimit_amps = 40\n[[meter]]\nname = "old"\nmodel = "sdm630"\n' + (
    'transport = { type = "tcp", host = "127.0.0.2", unit = 7 }\n'
)


@before("stage", [("", DECIDED)], indirect=True)
async def test_a_site_that_is_set_up(stage: Stage) -> None:
    await stage.door.document("PUT", "/api/v1/stations/CP-1", json={"circuit": "main"}, expect=201)
    stage.door.connected.play(PlayedConnection("CP-1"))
    stage.door.connected.play(PlayedConnection("STRANGER"))
    found = await stage.door.document("GET", SETUP, role="viewer")
    expect_schema("Setup", found)
    assert found["site"]["name"] == {"value": "Depot", "origin": "wizard", "fixed": False, "file": None}
    assert found["main_circuit"]["limit_amps"] == [63, 63, 63] and found["main_circuit"]["origin"] == "wizard"
    assert [one["name"] for one in found["circuits"]] == ["row"]
    assert found["meters"][0]["title"].startswith("Eastron") and found["meters"][0]["transport"]["unit"] == 1
    assert found["stations"] == {"known": 1, "connected": 1}
    assert found["complete"] is True


async def test_decisions_are_written_journalled_and_put_to_work(stage: Stage) -> None:
    taken = await stage.put(
        name="Depot", timezone="Europe/Amsterdam", unknown_stations="pending", meters=[GRID],
        main={"limit_amps": [63, 63, 35], "meter": "grid"},
        circuits=[{"name": "row", "parent": "main", "limit_amps": 32}],
    )  # fmt: skip
    expect_schema("SetupTaken", taken)
    assert taken["status"] == "taken" and "stations reconnect" in taken["detail"]
    assert stage.reloaded == 1
    assert stage.says["site"] == {"name": "Depot", "timezone": "Europe/Amsterdam"}
    made = load_configuration(stage.file, environment={})
    assert {one.name: one.limit_amps for one in made.circuits} == {"main": (63, 63, 35), "row": (32, 32, 32)}
    assert made.circuits[1].meter == "grid" and made.ocpp.unknown_stations == "pending"
    events, _ = await reports_events.page(stage.door.site.readers, after=0, limit=100, streams=("ops",), station=None)
    (event,) = [one for one in events if one["kind"] == "configuration.decided"]
    assert event["data"] == {
        "fields": ["circuits", "main", "meters", "name", "timezone", "unknown_stations"],
        "actor": event["data"]["actor"],
    }
    assert "installer" in event["data"]["actor"]


@before("stage", [("", DECIDED)], indirect=True)
async def test_what_is_decided_already_begins_nothing(stage: Stage) -> None:
    told = await stage.put(200, name="Depot", main={"limit_amps": [63, 63, 63]})
    assert told["status"] == "unchanged"
    assert (await stage.put(200))["status"] == "unchanged"
    assert stage.reloaded == 0 and stage.decided.read_text() == DECIDED


@before("stage", [("", DECIDED)], indirect=True)
async def test_what_a_person_wrote_stays_and_null_goes_back_to_the_default(stage: Stage) -> None:
    await stage.put(name=None, circuits=[{"name": "row", "parent": "main", "limit_amps": 25}], main={"meter": None})
    assert "# by hand" in stage.decided.read_text() and stage.says["site"] == {}
    main, row = stage.says["circuit"]  # type: ignore[misc]
    assert main == {"name": "main", "limit_amps": 63}
    assert row == {"name": "row", "parent": "main", "limit_amps": 25, "background_worst_amps": 1}
    await stage.put(circuits=[], meters=[])
    assert [one["name"] for one in stage.says["circuit"]] == ["main"] and "meter" not in stage.says  # type: ignore[attr-defined]


@before("stage", [(BY_FILE, None)], indirect=True)
async def test_what_a_file_says_is_fixed(stage: Stage) -> None:
    problem = await stage.put(409, id="two", main={"limit_amps": 63}, meters=[{**GRID, "name": "old"}])
    assert [(one["field"], one["detail"]) for one in problem["errors"]] == [
        (name, f"set in {stage.file}") for name in ("id", "main", "meters[0]")
    ]
    assert await stage.fields(409, main=None) == ["main"]
    assert await stage.fields(409, main={"name": "main"}) == ["main"]
    circuit = {"name": "fuse", "parent": "x", "limit_amps": 1}
    assert await stage.fields(409, circuits=[circuit]) == ["circuits[0]"]
    # who sends a whole form repeats what is fixed
    transport = {"type": "tcp", "host": "127.0.0.2", "unit": 7}
    same = {"name": "old", "model": "sdm630", "transport": transport}
    await stage.put(id="one", name="Depot", main={"name": "fuse", "limit_amps": 40}, meters=[same, GRID])
    assert stage.says["site"] == {"name": "Depot"} and "circuit" not in stage.says
    assert [one["name"] for one in stage.says["meter"]] == ["grid"]  # type: ignore[attr-defined]


@before("stage", [("", DECIDED)], indirect=True)
async def test_every_mistake_is_told_by_its_field(stage: Stage) -> None:
    wrong = {**GRID, "name": "roof", "transport": {"type": "tcp", "host": "127.0.0.1", "unit": 999}}
    grid = {**GRID, "model": "no such"}
    coloured = {**GRID, "colour": "red"}
    fields = await stage.fields(timezone="Mars", unknown_stations=5, meters=[wrong, coloured])
    assert sorted(fields) == [
        "meters[0].transport.unit", "meters[1].colour", "timezone", "unknown_stations",
    ]  # fmt: skip
    assert await stage.fields(meters=[grid]) == ["meters[0].model"]
    assert await stage.fields(main={"limit_amps": -1}) == ["main.limit_amps"]
    row = {"name": "row", "parent": "nowhere"}
    assert await stage.fields(circuits=[row]) == ["circuits[0].parent"]
    assert await stage.fields(meters=[]) == ["circuit[0].meter"]
    assert await stage.fields(main={"name": "other"}) == ["main.name"]
    assert stage.reloaded == 0


async def test_a_main_circuit_that_is_new_needs_its_limit(stage: Stage) -> None:
    assert await stage.fields(main={}) == ["main.limit_amps"]
    await stage.put(200, main=None)


@before("wishes", [
    {"colour": "red"}, {"main": 63}, {"meters": {}}, {"meters": [5]}, {"meters": [GRID, GRID]},
    {"circuits": [{"name": "main", "limit_amps": 63}]}, {"name": [None]}, {"main": {"limit_amps": [63, None, 63]}},
])  # fmt: skip
async def test_what_has_not_the_right_shape(stage: Stage, wishes: dict[str, object]) -> None:
    assert await stage.fields(**wishes)
    assert stage.rehearsed == []


@before("stage", [("", "[site")], indirect=True)
async def test_a_file_that_is_left_out_is_begun_anew_and_kept(stage: Stage) -> None:
    found = await stage.door.document("GET", SETUP)
    assert "expected valid TOML" in found["left_out"][0]
    await stage.put(name="Depot")
    assert stage.says == {"site": {"name": "Depot"}}
    assert stage.decided.with_name("site.toml.left-out").read_text() == "[site"


@before("stage", [("", DECIDED)], indirect=True)
async def test_a_file_that_was_broken_since_is_for_a_person(stage: Stage) -> None:
    stage.decided.write_text("[site")
    assert await stage.fields(name="X") == [None]


@before("stage", [("", DECIDED), ("", None)], indirect=True)
async def test_what_is_not_taken_is_put_back(stage: Stage) -> None:
    was = stage.decided.read_text() if stage.decided.exists() else None
    mistakes = stage.look("[site")
    assert isinstance(mistakes, Wrong)
    stage.trouble = mistakes
    assert await stage.fields(name="New") == [None]
    stage.trouble = RuntimeError("the store is gone")
    await stage.put(500, name="New")
    assert (stage.decided.read_text() if stage.decided.exists() else None) == was


async def test_a_disk_that_cannot_be_written(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_files, "replace_text", full)
    assert "No space left" in (await stage.put(503, name="New"))["detail"]
    assert stage.reloaded == 0


async def test_a_demo_has_no_files(door: Door) -> None:
    await door.problem("PUT", SETUP, json={"name": "X"}, expect=409)


async def test_who_may(door: Door) -> None:
    for method, path, body, least in (
        ("GET", SETUP, None, "viewer"), ("PUT", SETUP, {}, "installer"), ("GET", "/api/v1/time-zones", None, "viewer"),
        ("GET", "/api/v1/serial-ports", None, "installer"), ("GET", "/api/v1/meters/models", None, "viewer"),
        ("POST", "/api/v1/meters/try", {}, "installer"),
    ):  # fmt: skip
        assert (await door.ask(method, path, role=None, json=body)).status == 401
        denied = (await door.ask(method, path, role="operator", json=body)).status == 403
        assert denied is (least == "installer"), path
        assert (await door.ask(method, f"{path}?x=1", json=body)).status == 422


async def test_time_zones(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await door.document("GET", "/api/v1/time-zones", role="viewer")
    expect_schema("TimeZoneCollection", found)
    assert "Europe/Amsterdam" in found["items"]
    monkeypatch.setattr("zoneinfo.available_timezones", set)  # no tzdata
    assert (await door.document("GET", "/api/v1/time-zones"))["items"] == ["UTC"]


async def test_serial_ports_and_models(door: Door) -> None:
    expect_schema("SerialPortCollection", await door.document("GET", "/api/v1/serial-ports"))
    found = await door.document("GET", "/api/v1/meters/models", role="viewer")
    expect_schema("MeterModelCollection", found)
    by_name = {one["model"]: one for one in found["items"]}
    assert by_name["schneider_iem3000"]["defaults"] == {"baudrate": 19_200, "parity": "E", "unit": 1, "port": 502}
    assert by_name["dsmr_p1"]["transports"] == ["serial", "tcp"]


def sdm630() -> ServedMeter:
    values = (0, 230.0), (2, 231.0), (4, 229.0), (6, 5.0), (8, 6.0), (10, 7.0), (12, 1150.0), (14, 1386.0), (
        16, 1603.0), (0x34, 4139.0), (0x46, 50.0), (0x48, 1000.0)  # fmt: skip
    registers = dict.fromkeys(range(80), 0)
    for address, value in values:
        registers |= {address + offset: word for offset, word in float_words(value).items()}
    return ServedMeter(1, registers)


def wish(port: int, **transport: object) -> dict[str, object]:
    return {"model": "SDM630", "transport": {"type": "tcp", "host": "127.0.0.1", "port": port, **transport}}


class TestTrying:
    PATH = "/api/v1/meters/try"

    async def test_a_meter_that_answers(self, door: Door) -> None:
        async with on_tcp(sdm630()) as port:
            found = await door.document("POST", self.PATH, json=wish(port))
        expect_schema("TriedMeter", found)
        assert (found["model"], found["plausible"], found["line"]) == ("eastron_sdm630", True, f"127.0.0.1:{port}")
        assert found["reading"]["amps"] == [5.0, 6.0, 7.0] and found["reading"]["energy_import_wh"] == 1_000_000

    async def test_nobody_there_or_another_unit(self, door: Door, unused_tcp_port: int) -> None:
        told = await door.problem("POST", self.PATH, json=wish(unused_tcp_port), expect=422)
        assert "cannot be reached" in told["detail"]
        async with on_tcp(sdm630()) as port:
            told = await door.problem("POST", self.PATH, json=wish(port, unit=9), expect=422)
        assert "the meter refuses" in told["detail"]

    @before("stage", [("", DECIDED)], indirect=True)
    async def test_a_line_in_use_is_left_alone(self, stage: Stage) -> None:
        told = await stage.door.problem("POST", self.PATH, json=wish(502), expect=409)
        assert "in use by the gateway (meter grid" in told["detail"]

    @before(("body", "where"), [
        ({}, "model"), ({"model": "nonesuch", "transport": {"type": "tcp", "host": "a"}}, "model"),
        ({"model": "sml", "transport": {"type": "rtu", "device": "/dev/x"}}, "transport"),
        ({"model": "sdm630", "transport": {"type": "tcp", "host": "a", "unit": 900}}, "transport.unit"),
    ])  # fmt: skip
    async def test_no_good_meter(self, door: Door, body: dict[str, object], where: str) -> None:
        told = await door.problem("POST", self.PATH, json=body, expect=422)
        assert told["errors"][0]["field"] == where

    async def test_one_that_keeps_silent(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.operations.try_meter._TALKS_SECONDS", 0.05)

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            body = {"model": "p1", "transport": {"type": "tcp", "host": "127.0.0.1", "port": port}}
            told = await door.problem("POST", self.PATH, json=body, expect=504)
        assert "within 0.05 s" in told["detail"]


def test_addresses_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [("lo", "127.0.0.1"), ("eth0", "192.168.1.10"), ("docker0", "172.17.0.1"), ("eth0", "192.168.1.10")]
    monkeypatch.setattr(machine_names, "_interfaces", lambda: told)
    assert machine_names.addresses_of_this_machine() == ["192.168.1.10"]
