"""The search for Modbus meters on a line: begun here, shown while it looks, and what it found put into the form."""

from __future__ import annotations

import tomllib
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.web.problems import Problem

Document = dict[str, object]

_SECONDS = 80  # shorter than the patience of the page's own requests


async def scan(visit: Visit) -> web.StreamResponse:
    """Look until the line is searched; the stream of the page tells meanwhile where it looks."""
    fields = await visit.form()
    place: Document = {"device": fields.get("device", "")}
    if fields.get("host"):
        port = fields.get("port", "")
        place = {
            "host": fields["host"],
            "port": int(port) if port.isascii() and port.isdecimal() and len(port) <= 9 else 502,
        }
    answer = await visit.ask("POST", "/meters/scan", {**place, "seconds": _SECONDS})
    problem = "" if answer.good else " ".join(said(visit, each) for each in answer.errors.values())
    problem = problem or ("" if answer.good else said(visit, answer.detail))
    if visit.in_part:
        return visit.page("setup_meter_scan.html", {**await scan_pieces(visit), "problem": problem})
    if problem:
        raise Problem(HTTPStatus(answer.status), problem)
    return visit.go("/setup/meters#scan")


async def scan_pieces(visit: Visit) -> Document:
    """What is shown of the search."""
    return {"scan": await visit.get("/meters/scan"), "problem": ""}


def line_found(scan: Document, number: str) -> dict[str, str]:
    """The form's fields for the meter that the search found as number 0, 1, ...; empty when there is none."""
    items = cast(list[Document], scan["items"])
    if not (number.isascii() and number.isdecimal() and len(number) < 4 and int(number) < len(items)):
        return {}
    table = items[int(number)]["toml"]
    if not isinstance(table, str):
        return {}
    meter = tomllib.loads(table)["meter"][0]
    transport = {name: str(value) for name, value in meter["transport"].items()}
    kind = transport.pop("type")
    return {"model": str(meter["model"]), "line": "network" if kind == "tcp" else "cable", **transport}


PAGES = (Page("POST", "/setup/meters/scan", scan, "installer"),)
