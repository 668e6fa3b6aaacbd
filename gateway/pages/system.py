"""The system: version, machine, clock and disk; reading the configuration again; API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.worded import badge
from gateway.pages.words import ROLE_TEXTS, mark
from gateway.web.asking_within import Answer
from gateway.web.problems import Problem

Document = Mapping[str, object]

_TOKENS = 100
_CLOCKS = {
    "synced": (mark("kept by a time service"), "good"),
    "holdover": (mark("not kept at the moment"), "warning"),
    "unsynced": (mark("never set since the machine started"), "bad"),
}
_PRESSURES = {
    "none": (mark("enough room"), "good"),
    "meter_thinned": (mark("fills up: fewer meter values are kept"), "warning"),
    "meter_stopped": (mark("nearly full: no meter values are kept"), "bad"),
    "operations_stopped": (mark("full: only sessions are kept"), "bad"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """What runs here."""
    return await _system(visit)


async def reload(visit: Visit) -> web.StreamResponse:
    """Read the configuration's files again."""
    answer = await visit.ask("POST", "/reload")
    if answer.status == HTTPStatus.FORBIDDEN:
        raise Problem(HTTPStatus.FORBIDDEN, answer.detail)
    if not answer.good:
        return await _system(visit, answer)
    if answer.status == HTTPStatus.ACCEPTED:
        return visit.go("/system", visit.gettext("The new configuration is good and taken. Stations reconnect now."))
    return visit.go("/system", visit.gettext("Nothing has changed: the files say what is in force."))


async def show_tokens(visit: Visit) -> web.StreamResponse:
    """Who may use the API."""
    return await _tokens(visit)


async def make_token(visit: Visit) -> web.StreamResponse:
    """A new one; its text is on this page only."""
    fields = await visit.form()
    answer = await visit.ask("POST", "/tokens", {"name": fields.get("name", ""), "role": fields.get("role", "")})
    if answer.good:
        return await _tokens(visit, made=answer.document)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise Problem(HTTPStatus.FORBIDDEN, answer.detail)
    errors = {name: said(visit, text) for name, text in answer.errors.items()} or {"name": said(visit, answer.detail)}
    return await _tokens(visit, errors=errors, fields=fields)


async def revoke_token(visit: Visit) -> web.StreamResponse:
    """End one at once."""
    answer = await visit.ask("DELETE", f"/tokens/{part(visit.matched('token'))}")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go("/system/tokens", visit.gettext("The token is revoked: it is worth nothing any more."))


def roles(visit: Visit) -> dict[str, str]:
    """The roles to choose from, with what each may do."""
    told = {
        "viewer": visit.gettext("viewer: only looks"),
        "operator": visit.gettext("operator: runs the site"),
        "installer": visit.gettext("installer: may do everything"),
    }
    return {role: told.get(role, role) for role in ROLE_TEXTS}


async def _system(visit: Visit, refused: Answer | None = None) -> web.Response:
    system = await visit.get("/system")
    clock, data = cast(Document, system["clock"]), cast(Document, system["data"])
    values = {
        **system,
        "tab": "system",
        "refused": refused,
        "clock_word": badge(visit, _CLOCKS, clock["quality"]),
        "disk_word": badge(visit, _PRESSURES, data["pressure"]),
        "newest_change": await visit.get("/reload"),
    }
    return visit.page("system.html", values, status=200 if refused is None else HTTPStatus.UNPROCESSABLE_ENTITY)


async def _tokens(
    visit: Visit,
    *,
    made: Document | None = None,
    errors: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> web.Response:
    found = await visit.get("/tokens", limit=_TOKENS, after=visit.asked("after") or None)
    values = {
        "tokens": found["items"], "next": found["next"], "made": made, "errors": errors or {}, "fields": fields or {},
        "roles": roles(visit), "tab": "tokens",
    }  # fmt: skip
    return visit.page("system_tokens.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else 200)


PAGES = (
    Page("GET", "/system", show),
    Page("POST", "/system/reload", reload, "installer"),
    Page("GET", "/system/tokens", show_tokens, "installer"),
    Page("POST", "/system/tokens", make_token, "installer"),
    Page("POST", "/system/tokens/{token}/revoke", revoke_token, "installer"),
)
