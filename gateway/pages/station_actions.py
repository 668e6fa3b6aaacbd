"""What a person can ask one station for, and what it answered: forms that work with and without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.station import Document, frame_of, looked_up
from gateway.pages.station_answers import Said, said_by
from gateway.pages.station_deeds import Deed, Reading
from gateway.pages.station_deeds_listed import DEEDS, GROUPS
from gateway.pages.station_fields import Field
from gateway.pages.station_schedules import Schedules, schedules_of
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.web.problems import Problem

Choices = Mapping[str, tuple[tuple[str, str], ...]]

# deeds of a plug, not of a station; and those where the station may choose the connector itself
_OF_A_PLUG = frozenset({"unlock"})
_STATION_CHOOSES = frozenset({"start"})


async def show(visit: Visit) -> web.StreamResponse:
    """All forms."""
    station = await looked_up(visit)
    return await _page(visit, station, visit.asked("open"))


async def do(visit: Visit) -> web.StreamResponse:
    """One form sent: the station is asked, and its answer shown where the form is."""
    station, form = await looked_up(visit), await visit.form()
    deed = DEEDS.get(visit.matched("deed"))
    if deed is None:
        raise Problem(HTTPStatus.NOT_FOUND, visit.gettext("There is no page at this address."))
    reading = Reading(form, visit.formats)
    request = deed.made(reading)
    answer: Said | None = None
    schedules: Schedules | None = None
    if not reading.mistakes:
        path = f"/stations/{part(station['id'])}{request.path}"
        told = await visit.ask("POST", path, request.body, query=request.query)
        answer = said_by(visit, request.action, told)
        if deed.name == "schedule":
            schedules = await schedules_of(visit, str(station["id"]), request.body, told.document)
    mistakes = {name: visit.gettext(text) for name, text in reading.mistakes.items()}
    shown: Document = {"form": form, "mistakes": mistakes, "answer": answer, "schedules": schedules}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if reading.mistakes else HTTPStatus.OK
    if visit.in_part:
        filled = _filled(deed, await _choices(visit, station))
        facts = {**frame_of(station, "/actions"), **_deed(filled, shown)}
        return visit.page("station_deed.html", facts, status=status)
    return await _page(visit, station, deed.name, shown, status)


async def _page(
    visit: Visit, station: Document, opened: str, shown: Document | None = None, status: int = HTTPStatus.OK
) -> web.StreamResponse:
    choices = await _choices(visit, station)
    groups = [
        (title, [_deed(_filled(deed, choices), shown if deed.name == opened else None) for deed in listed])
        for title, listed in GROUPS
    ]
    facts = {**frame_of(station, "/actions"), "groups": groups, "opened": opened}
    return visit.page("station_actions.html", facts, status=status)


def _deed(deed: Deed, shown: Document | None) -> Document:
    """What the template of one form knows."""
    lacking = bool(deed.needs) and not any(each.choices for each in deed.fields if each.name == deed.needs)
    usual = {"form": deed.usual, "mistakes": {}, "answer": None, "schedules": None}
    return {"deed": deed, "lacks": lacking, **(shown or usual)}


def _filled(deed: Deed, choices: Choices) -> Deed:
    """The deed with what this station offers to choose from."""
    return replace(deed, fields=tuple(_field(deed, each, choices) for each in deed.fields))


def _field(deed: Deed, field: Field, choices: Choices) -> Field:
    if field.kind != "choice" or field.choices:
        return field
    if field.name != "connector":
        found = choices[field.name]
        return replace(field, choices=(("", ""), *found) if field.optional else found)
    if deed.name in _OF_A_PLUG:
        return replace(field, choices=choices["plug"])
    return replace(field, choices=choices["any" if deed.name in _STATION_CHOOSES else "whole"] + choices["plug"])


async def _choices(visit: Visit, station: Document) -> Choices:
    connectors = cast(list[Document], station["connectors"])
    highest = max([cast(int, station["connectors_setting"]), *(cast(int, each["connector"]) for each in connectors)])
    sessions = cast(list[Document], station["running_transactions"])
    reservations = cast(list[Document], station["reservations"])
    images = await visit.every("/firmware/images", state="approved")
    return {
        "plug": tuple((str(number), str(number)) for number in range(1, highest + 1)),
        "any": (("0", visit.gettext("the station chooses")),),
        "whole": (("0", visit.gettext("the whole station")),),
        "transaction": tuple((str(each["transaction_id"]), _session(visit, each)) for each in sessions),
        "reservation": tuple((str(each["reservation_id"]), _reservation(visit, each)) for each in reservations),
        "image": tuple(
            (str(each["image_id"]), f"{each['vendor']} {each['version']} ({each['file_name']})")
            for each in images
            if each["usable"]
        ),
    }


def _session(visit: Visit, session: Document) -> str:
    return visit.gettext(
        "Session %(number)s, connector %(connector)s, %(tag)s",
        number=session["transaction_id"], connector=session["connector"], tag=session["id_tag"] or "–",
    )  # fmt: skip


def _reservation(visit: Visit, reservation: Document) -> str:
    return visit.gettext(
        "Number %(number)s, connector %(connector)s, %(tag)s",
        number=reservation["reservation_id"], connector=reservation["connector"], tag=reservation["id_tag"],
    )  # fmt: skip


PAGES = (
    Page("GET", "/stations/{station}/actions", show, "operator"),
    Page("POST", "/stations/{station}/actions/{deed}", do, "operator"),
)
