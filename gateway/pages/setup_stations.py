"""The fourth step: the address for stations, who knocked, letting one in, and copying from another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.qr_codes import qr_code_of
from gateway.pages.setup import Document, frame_of
from gateway.pages.station_fields import (
    CIRCUIT,
    CONNECTORS,
    MOST,
    ROTATION,
    Field,
    mistakes_by_field,
    texts_of,
    wishes_of,
)
from gateway.pages.stations import new_station_fields
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark

PATH = "/setup/stations"

ROTATIONS: tuple[tuple[str, str], ...] = (
    ("123", mark("As labelled: its L1 on L1, L2 on L2, L3 on L3")),
    ("231", mark("Turned by one: its L1 on L2, L2 on L3, L3 on L1")),
    ("312", mark("Turned by two: its L1 on L3, L2 on L1, L3 on L2")),
    ("132", mark("L2 and L3 swapped")),
    ("213", mark("L1 and L2 swapped")),
    ("321", mark("L1 and L3 swapped")),
    ("1", mark("One phase only, on L1")),
    ("2", mark("One phase only, on L2")),
    ("3", mark("One phase only, on L3")),
)
_WIRED = replace(
    ROTATION,
    label=mark("How it is wired"),
    hint=mark("On which phases of the fuse the station's own L1, L2 and L3 are."),
    choices=ROTATIONS,
)
_FIELDS = (CIRCUIT, _WIRED, MOST, CONNECTORS)
# what one station has from another one: not who it is, nor how it proves it
_COPIED = (
    "circuit", "phase_rotation", "min_amps", "max_amps", "fallback_amps", "priority", "weight", "eco", "no_resume",
    "load_mode", "desired_configuration", "reboot_when_idle", "quiet", "strict", "call_timeout_seconds",
    "answer_delay_ms", "utc_offset_minutes", "energy_scale", "allow_missing_subprotocol", "transfer_scheme",
)  # fmt: skip
_USUAL: Document = {"phase_rotation": "123", "max_amps": 16, "connectors_setting": 1}


async def show(visit: Visit) -> web.StreamResponse:
    """Where to connect, who knocked, who is there."""
    frame, facts = await frame_of(visit, PATH), await _facts(visit)
    addresses = cast(list[str], cast(Document, frame["setup"])["station_addresses"])
    codes = [{"address": each, "code": qr_code_of(each)} for each in addresses]
    return visit.page("setup_stations.html", {**frame, **facts, "codes": codes})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """Who knocked, and who is there."""
    facts = await _facts(visit)
    return {
        "setup-knocks": visit.text("setup_knocks.html", facts),
        "setup-known": visit.text("setup_known.html", facts),
    }


async def show_one(visit: Visit) -> web.StreamResponse:
    """The few things that count before a station may charge."""
    known = await _known(visit)
    return await _one(visit, texts_of({**await _usual(visit), **(known or {})}, _FIELDS), {})


async def save_one(visit: Visit) -> web.StreamResponse:
    """Let it in, with what the form says."""
    form = await visit.form()
    before = texts_of(await _known(visit) or {}, _FIELDS)
    answer = await visit.ask("PUT", _path(visit), wishes_of(form, before, _FIELDS))
    if answer.good:
        return visit.go(PATH, _let_in(visit))
    mistakes = mistakes_by_field(answer.errors) or {"circuit": answer.detail}
    return await _one(visit, form, mistakes)


async def copy(visit: Visit) -> web.StreamResponse:
    """Let it in with the settings of another station."""
    other = (await visit.form()).get("from", "")
    model = await visit.get(f"/stations/{part(other)}") if other else None
    if model is None:
        form = texts_of(await _usual(visit), _FIELDS)
        return await _one(visit, form, {"from": visit.gettext("Choose a station.")})
    wishes = {**{name: model.get(name) for name in _COPIED}, "connectors": model.get("connectors_setting")}
    answer = await visit.ask("PUT", _path(visit), wishes)
    if answer.good:
        return visit.go(PATH, _let_in(visit))
    form = texts_of({**await _usual(visit), **model}, _FIELDS)
    return await _one(visit, form, mistakes_by_field(answer.errors) or {"from": answer.detail})


def _let_in(visit: Visit) -> str:
    station = visit.matched("station")
    return visit.gettext("%(station)s is let in. It comes back by itself within a minute or two.", station=station)


def _path(visit: Visit) -> str:
    return f"/stations/{part(visit.matched('station'))}"


async def _known(visit: Visit) -> Document | None:
    answer = await visit.ask("GET", _path(visit))
    return answer.document if answer.good else None


async def _usual(visit: Visit) -> Document:
    top = cast(Document | None, (await visit.get("/setup"))["main_circuit"])
    return {**_USUAL, "circuit": top["name"] if top else None}


async def _one(visit: Visit, form: Mapping[str, str], mistakes: Mapping[str, str]) -> web.Response:
    stations, name = await visit.every("/stations"), visit.matched("station")
    fields: tuple[Field, ...] = await new_station_fields(visit, _FIELDS)
    values = {
        **await frame_of(visit, PATH),
        "station": name,
        "is_known": any(each["id"] == name and each["admission"] == "accepted" for each in stations),
        "others": [each["id"] for each in stations if each["id"] != name],
        "fields": fields,
        "form": form,
        "mistakes": mistakes,
    }
    return visit.page("setup_station.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else 200)


async def _facts(visit: Visit) -> Document:
    stations = await visit.every("/stations")
    return {
        "knocks": await visit.every("/stations", knocked=True),
        "waiting": [each for each in stations if each["admission"] == "pending"],
        "stations": [each for each in stations if each["admission"] != "pending"],
    }


PAGES = (
    Page("GET", PATH, show, "installer", pieces=pieces),
    Page("GET", f"{PATH}/{{station}}", show_one, "installer"),
    Page("POST", f"{PATH}/{{station}}", save_one, "installer"),
    Page("POST", f"{PATH}/{{station}}/copy", copy, "installer"),
)
