"""The second step: the main fuse, and the circuits below it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.setup import Document, decide, frame_of
from gateway.pages.setup_values import amps_of, fields_of_amps, mistakes_of, of_this_page, wrong_amps
from gateway.pages.table import Page
from gateway.pages.visit import Visit

PATH = "/setup/fuse"
_NAMES = ("name", "parent", "limit_amps", "meter")


async def show(visit: Visit) -> web.StreamResponse:
    """The fuses as they are decided now."""
    return await _page(visit, await visit.get("/setup"))


async def save_main(visit: Visit) -> web.StreamResponse:
    """The main fuse."""
    fields = await visit.form()
    setup, errors = await visit.get("/setup"), wrong_amps(visit, fields)
    if errors:
        return await _page(visit, setup, main=fields, main_errors=errors)
    wish = {"limit_amps": amps_of(fields), "meter": fields.get("meter") or None}
    outcome = await decide(visit, {"main": wish}, PATH)
    if isinstance(outcome, web.Response):
        return outcome
    errors = _at_fields(mistakes_of(visit, outcome, "main.", _NAMES, "limit_amps"))
    return await _page(visit, setup, main=fields, main_errors=errors)


async def add(visit: Visit) -> web.StreamResponse:
    """Another circuit."""
    return await _save_circuit(visit, None)


async def change(visit: Visit) -> web.StreamResponse:
    """Another limit, another place or another meter of a circuit."""
    return await _save_circuit(visit, visit.matched("circuit"))


async def remove(visit: Visit) -> web.StreamResponse:
    """Without a circuit; the API refuses while something hangs on it."""
    setup, name = await visit.get("/setup"), visit.matched("circuit")
    outcome = await decide(visit, {"circuits": _others(setup, name)}, PATH)
    if isinstance(outcome, web.Response):
        return outcome
    errors = {"name": " ".join(mistakes_of(visit, outcome, "", (), "name").values())}
    return await _page(visit, setup, circuit={"was": name}, circuit_errors=errors)


async def _save_circuit(visit: Visit, was: str | None) -> web.StreamResponse:
    fields, setup = await visit.form(), await visit.get("/setup")
    name, sent = was or fields.get("name", ""), {**fields, "was": was or ""}
    errors = wrong_amps(visit, fields)
    if not name:
        errors["name"] = visit.gettext("A name is needed.")
    if errors:
        return await _page(visit, setup, circuit=sent, circuit_errors=errors)
    others = _others(setup, was)
    above, meter = fields.get("parent", ""), fields.get("meter") or None
    wish = {"name": name, "parent": above, "limit_amps": amps_of(fields), "meter": meter}
    outcome = await decide(visit, {"circuits": [*others, wish]}, PATH)
    if isinstance(outcome, web.Response):
        return outcome
    errors = _at_fields(mistakes_of(visit, outcome, f"circuits[{len(others)}].", _NAMES, "name"))
    return await _page(visit, setup, circuit=sent, circuit_errors=errors)


def _others(setup: Document, name: str | None) -> list[Document]:
    """The circuits that stay; what is not named of them stays as it is."""
    return [
        {"name": each["name"], "parent": each["parent"]}
        for each in of_this_page(setup["circuits"])
        if each["name"] != name
    ]


def _at_fields(errors: Mapping[str, str]) -> dict[str, str]:
    return {("l1" if name == "limit_amps" else name): text for name, text in errors.items()}


async def _page(
    visit: Visit,
    setup: Document,
    *,
    main: Mapping[str, str] | None = None,
    main_errors: Mapping[str, str] | None = None,
    circuit: Mapping[str, str] | None = None,
    circuit_errors: Mapping[str, str] | None = None,
) -> web.Response:
    top = cast(Document | None, setup["main_circuit"])
    circuits = cast(list[Document], setup["circuits"])
    sent = {"was": "", **(circuit or {})}
    values = {
        **await frame_of(visit, PATH, setup),
        "top": top,
        "main": _fields(top, main),
        "main_errors": main_errors or {},
        "circuits": [
            (each, _fields(each, sent if sent["was"] == each["name"] else None, parent=str(each["parent"])))
            for each in circuits
        ],
        "new": _fields(None, sent if circuit and not sent["was"] else None, parent=str(top["name"]) if top else ""),
        "sent": sent["was"] if circuit else None,
        "circuit_errors": circuit_errors or {},
        "meters": {"": "–"} | {str(each["name"]): str(each["name"]) for each in cast(list[Document], setup["meters"])},
        "parents": {str(each["name"]): str(each["name"]) for each in ([top] if top else []) + circuits},
    }
    mistaken = main_errors or circuit_errors
    return visit.page("setup_fuse.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY if mistaken else HTTPStatus.OK)


def _fields(circuit: Document | None, sent: Mapping[str, str] | None, parent: str = "") -> dict[str, str]:
    """What stands in the fields: what was sent, else what is decided."""
    now = {"name": str(circuit["name"]) if circuit else "", "meter": str((circuit or {}).get("meter") or "")}
    return {**now, "parent": parent, **fields_of_amps((circuit or {}).get("limit_amps")), **(sent or {})}


PAGES = (
    Page("GET", PATH, show, "installer"),
    Page("POST", f"{PATH}/main", save_main, "installer"),
    Page("POST", f"{PATH}/circuits", add, "installer"),
    Page("POST", f"{PATH}/circuits/{{circuit}}", change, "installer"),
    Page("POST", f"{PATH}/circuits/{{circuit}}/remove", remove, "installer"),
)
