"""What is wrong, and with what: the parts of the gateway, the network check, stations that knocked, the bundle.

What the parts are called and what helps is in `diagnostics_words`; what is looked up in `diagnostics_lists`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.diagnostics_words import CHECKS, STATES, part_advice, part_text
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.pages.worded import badge, worded
from gateway.web.asking_within import Answer, ask
from gateway.web.problems import Problem

Document = Mapping[str, object]

_MOST_KNOCKS = 50


async def show(visit: Visit) -> web.StreamResponse:
    """Everything but the network check, which is made when it is asked for."""
    return visit.page("diagnostics.html", await _facts(visit))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The parts of the gateway."""
    return {"health": visit.text("diagnostics_health.html", await _health(visit))}


async def check_network(visit: Visit) -> web.StreamResponse:
    """Look at the network now."""
    answer = await visit.ask("GET", "/network-check")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    findings = {"findings": [_finding(visit, each) for each in cast(list[Document], answer.document["items"])]}
    if visit.in_part:
        return visit.page("diagnostics_findings.html", findings)
    return visit.page("diagnostics.html", {**await _facts(visit), **findings})


async def make_bundle(visit: Visit) -> web.StreamResponse:
    """The support bundle as a download."""
    answer = await visit.hand_through("POST", "/support-bundle")
    if isinstance(answer, Answer):
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return answer


async def _facts(visit: Visit) -> dict[str, object]:
    knocked = await visit.get("/stations", knocked=True, limit=_MOST_KNOCKS)
    return {**await _health(visit), "knocked": _knocks(knocked), "findings": None, "tab": "health"}


def _knocks(found: Document) -> list[Document]:
    return cast(list[Document], found["items"])


async def _health(visit: Visit) -> dict[str, object]:
    """Parts in three groups: unwell, with a notice, well."""
    health = (await ask(visit.request, "GET", "/healthz")).document
    components = cast(Mapping[str, Document], health.get("components", {}))
    unwell: list[dict[str, str]] = []
    noticed: list[dict[str, str]] = []
    well: list[dict[str, str]] = []
    for name, state in components.items():
        line = {
            "name": part_text(visit, name),
            "text": said(visit, state.get("reason")) or said(visit, state.get("notice")),
            "also": said(visit, state.get("notice")) if state.get("reason") else "",
            "advice": part_advice(visit, name),
        }
        (well if state["well"] and "notice" not in state else noticed if state["well"] else unwell).append(line)
    return {"unwell": unwell, "noticed": noticed, "well": sorted(line["name"] for line in well)}


def _finding(visit: Visit, finding: Document) -> dict[str, object]:
    text, tone = badge(visit, STATES, finding["state"])
    return {
        "check": worded(visit, CHECKS, finding["check"]),
        "subject": finding["subject"],
        "state": text,
        "tone": tone,
        "text": said(visit, finding["text"]),
        "advice": said(visit, finding["advice"]),
    }


PAGES = (
    Page("GET", "/diagnostics", show, "operator", pieces=pieces),
    Page("POST", "/diagnostics/network", check_network, "operator"),
    Page("POST", "/diagnostics/bundle", make_bundle, "installer"),
)
