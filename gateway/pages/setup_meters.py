"""The third step: the meters of the site; each can be tried before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.setup import Document, decide, frame_of
from gateway.pages.setup_meter_scan import line_found, scan_pieces
from gateway.pages.setup_values import mistakes_of, of_this_page
from gateway.pages.station_fields import number_or_text
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.pages.words import mark

PATH = "/setup/meters"
_NAMES = ("name", "model", "device", "baudrate", "parity", "host", "port", "framing", "unit")
PARITIES = {"N": mark("none (8N1)"), "E": mark("even (8E1)"), "O": mark("odd (8O1)")}
_USUAL = {"model": "eastron_sdm630", "line": "cable", "framing": "tcp", "name": "grid", "main": "on"}


async def show(visit: Visit) -> web.StreamResponse:
    """The meters that are decided, and the form for another one; `found`: filled in with one that the search found."""
    found = line_found(await visit.get("/meters/scan"), visit.asked("found"))
    named = {} if not cast(list[Document], (await visit.get("/setup"))["meters"]) else {"name": "", "main": ""}
    return await _page(visit, {**_USUAL, **named, **found})


async def add(visit: Visit) -> web.StreamResponse:
    """Another meter, which may be that of the main fuse."""
    fields, setup = await visit.form(), await visit.get("/setup")
    others = [_as_it_is(each) for each in of_this_page(setup["meters"])]
    meter = {"name": fields.get("name", ""), **await _wish(visit, fields)}
    wishes: dict[str, object] = {"meters": [*others, meter]}
    top = cast(Document | None, setup["main_circuit"])
    if fields.get("main") and top is not None and not top["fixed"]:
        wishes["main"] = {"limit_amps": top["limit_amps"], "meter": meter["name"]}
    outcome = await decide(visit, wishes, PATH)
    if isinstance(outcome, web.Response):
        return outcome
    errors = mistakes_of(visit, outcome, f"meters[{len(others)}].", _NAMES, "name")
    return await _page(visit, {"main": "", **fields}, errors)


async def remove(visit: Visit) -> web.StreamResponse:
    """Without a meter; what measured with it measures no more."""
    setup, name = await visit.get("/setup"), visit.matched("meter")
    wishes: dict[str, object] = {
        "meters": [_as_it_is(each) for each in of_this_page(setup["meters"]) if each["name"] != name],
        "circuits": [
            {"name": each["name"], "parent": each["parent"], **({"meter": None} if each["meter"] == name else {})}
            for each in of_this_page(setup["circuits"])
        ],
    }
    top = cast(Document | None, setup["main_circuit"])
    if top is not None and not top["fixed"] and top["meter"] == name:
        wishes["main"] = {"limit_amps": top["limit_amps"], "meter": None}
    outcome = await decide(visit, wishes, PATH)
    if isinstance(outcome, web.Response):
        return outcome
    text = " ".join(mistakes_of(visit, outcome, "", (), "").values())
    return await _page(visit, _USUAL, {"removing": text})


async def try_it(visit: Visit) -> web.StreamResponse:
    """What the meter says now, or what is wrong."""
    fields = await visit.form()
    answer = await visit.ask("POST", "/meters/try", await _wish(visit, fields))
    errors = {} if answer.good else mistakes_of(visit, answer, "", _NAMES, "tried")
    tried = answer.document if answer.good else None
    if visit.in_part:
        return visit.page("setup_meter_tried.html", {"tried": tried, "errors": errors})
    return await _page(visit, {"main": "", **fields}, errors, tried)


async def _wish(visit: Visit, fields: Mapping[str, str]) -> Document:
    """Model and transport as the API takes them; which kind of line it is says the model."""
    models = cast(list[Document], (await visit.get("/meters/models"))["items"])
    model = next((each for each in models if each["model"] == fields.get("model")), None)
    kind = cast(list[str], model["transports"])[0] if model else "rtu"
    if fields.get("line") == "network":
        kind, names = "tcp", ["host", "port", *(["framing", "unit"] if kind == "rtu" else [])]
    else:
        names = ["device", "baudrate", "parity", *(["unit"] if kind == "rtu" else [])]
    sent = {name: fields.get(name, "") for name in names}
    sent["device"] = fields.get("device_typed") or fields.get("device", "") if "device" in names else ""
    numbers = ("port", "baudrate", "unit")
    transport = {name: number_or_text(text) if name in numbers else text for name, text in sent.items() if text}
    return {"model": fields.get("model", ""), "transport": {"type": kind, **transport}}


def _as_it_is(meter: Document) -> Document:
    return {name: meter[name] for name in ("name", "model", "transport")}


async def _page(
    visit: Visit, fields: Mapping[str, str], errors: Mapping[str, str] | None = None, tried: Document | None = None
) -> web.Response:
    setup, models = await visit.get("/setup"), cast(list[Document], (await visit.get("/meters/models"))["items"])
    ports = cast(list[Document], (await visit.get("/serial-ports"))["items"])
    values = {
        **await frame_of(visit, PATH, setup),
        **await scan_pieces(visit),
        "models": models,
        "modbus": "|".join(str(each["model"]) for each in models if "rtu" in cast(list[str], each["transports"])),
        "ports": ports,
        "parities": PARITIES,
        "fields": dict.fromkeys((*_NAMES, "device_typed", "line", "main"), "") | dict(fields),
        "errors": errors or {},
        "tried": tried,
    }
    return visit.page("setup_meters.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK)


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The search, while it looks and when it has found something."""
    return {"setup-scan": visit.text("setup_meter_scan.html", await scan_pieces(visit))}


PAGES = (
    Page("GET", PATH, show, "installer", pieces=pieces),
    Page("POST", PATH, add, "installer"),
    Page("POST", f"{PATH}/try", try_it, "installer"),
    Page("POST", f"{PATH}/{{meter}}/remove", remove, "installer"),
)
