"""The settings of one station: everything that can be provisioned, where each value comes from, and removing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.station import Document, frame_of, looked_up
from gateway.pages.station_answers import said_by
from gateway.pages.station_fields import GROUPS, Group, mistakes_by_field, texts_of, wishes_of
from gateway.pages.stations import new_station_fields
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.web.problems import Problem


async def show(visit: Visit) -> web.StreamResponse:
    """The form with what is in force."""
    station = await looked_up(visit)
    return await _page(visit, station, texts_of(station), {})


async def save(visit: Visit) -> web.StreamResponse:
    """What was changed is put in force."""
    station, form = await looked_up(visit), await visit.form()
    wishes = wishes_of(form, texts_of(station))
    path = f"/stations/{part(station['id'])}"
    if not wishes:
        return visit.go(f"{path}/settings", visit.gettext("Nothing was changed."))
    answer = await visit.ask("PUT", path, wishes)
    if answer.good:
        return visit.go(f"{path}/settings", visit.gettext("The settings are saved and in force."))
    mistakes = mistakes_by_field(answer.errors) or {"": answer.detail}
    return await _page(visit, station, form, mistakes, HTTPStatus.UNPROCESSABLE_ENTITY)


async def remove(visit: Visit) -> web.StreamResponse:
    """The station is forgotten; its sessions stay."""
    name = visit.matched("station")
    answer = await visit.ask("DELETE", f"/stations/{part(name)}")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go("/stations", visit.gettext("%(station)s was removed. Its sessions are kept.", station=name))


async def secure(visit: Visit) -> web.StreamResponse:
    """A new password or a higher profile, told to the station and to the gateway in one go."""
    station, form = await looked_up(visit), await visit.form()
    profile = form.get("security_profile", "")
    body: Document = {
        **({"new_password": True} if form.get("new_password") else {}),
        **({"security_profile": int(profile)} if profile.isdecimal() and len(profile) <= 9 else {}),
        **({"reset": True} if form.get("reset") else {}),
    }
    answer = await visit.ask("POST", f"/stations/{part(station['id'])}/security", body)
    steps = cast(list[Document], answer.document.get("steps", []))
    said = [
        {"action": step["action"], "answer": said_by(visit, str(step["action"]), replace(answer, document=step))}
        for step in steps
    ]
    refusal = None if steps else said_by(visit, "", answer)
    shown = {"steps": said, "refusal": refusal, "password": answer.document.get("password")}
    # a password that is shown once stands on this page alone, and never in a notice
    return await _page(visit, station, texts_of(station), {}, HTTPStatus.OK if steps else HTTPStatus(422), shown)


async def _page(
    visit: Visit,
    station: Document,
    form: Mapping[str, str],
    mistakes: Mapping[str, str],
    status: int = HTTPStatus.OK,
    secured: Document | None = None,
) -> web.StreamResponse:
    changed = cast(list[str], station["changed_settings"])
    facts = {
        **frame_of(station, "/settings"),
        "groups": [await _group(visit, group, mistakes) for group in GROUPS],
        "form": form,
        "mistakes": mistakes,
        "changed": changed,
        "other_mistakes": [detail for name, detail in mistakes.items() if name not in _NAMES],
        "state": await visit.get(f"/stations/{part(station['id'])}/security"),
        "secured": secured,
    }
    return visit.page("station_settings.html", facts, status=status)


_NAMES = frozenset(field.name for group in GROUPS for field in group.fields)


async def _group(visit: Visit, group: Group, mistakes: Mapping[str, str]) -> Group:
    mistaken = any(field.name in mistakes for field in group.fields)
    return replace(group, fields=await new_station_fields(visit, group.fields), open=group.open or mistaken)


PAGES = (
    Page("GET", "/stations/{station}/settings", show, "installer"),
    Page("POST", "/stations/{station}/settings", save, "installer"),
    Page("POST", "/stations/{station}/remove", remove, "installer"),
    Page("POST", "/stations/{station}/security", secure, "installer"),
)
