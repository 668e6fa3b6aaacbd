"""Reservations: those in force, those nobody is sure of, making one and cancelling it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web

from gateway.pages.moments import instant_of_field
from gateway.pages.station_answers import said_by
from gateway.pages.table import Page
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import Visit, part

Document = Mapping[str, object]

_FIELDS = ("station", "connector", "id_tag", "parent_id_tag", "until")
_USUAL_MINUTES = 60
_LONGEST_TAG = 20


async def show(visit: Visit) -> web.StreamResponse:
    """Those in force, and the form for a new one."""
    until = visit.formats.now.astimezone(visit.formats.zone) + timedelta(minutes=_USUAL_MINUTES)
    values = {"connector": "1", "until": until.strftime("%Y-%m-%dT%H:%M"), "station": visit.asked("station")}
    return await _page(visit, values, {})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """Those in force."""
    return {"reservations": visit.text("access_reservations_table.html", await _standing(visit))}


async def make(visit: Visit) -> web.StreamResponse:
    """Ask the station to keep a connector free."""
    fields = await visit.form()
    values = {name: fields.get(name, "") for name in _FIELDS}
    until = instant_of_field(values["until"], visit.formats.zone)
    mistakes = _mistakes(visit, values, until)
    if mistakes:
        return await _page(visit, values, mistakes)
    body: dict[str, object] = {
        "connectorId": int(values["connector"]), "idTag": values["id_tag"], "expiryDate": until,
    }  # fmt: skip
    if values["parent_id_tag"]:
        body["parentIdTag"] = values["parent_id_tag"]
    return await _told(visit, values["station"], "ReserveNow", body)


async def cancel(visit: Visit) -> web.StreamResponse:
    """Ask the station to forget a reservation."""
    fields = await visit.form()
    text = fields.get("reservation_id", "")
    body = {"reservationId": text if whole_number(text.removeprefix("-")) is None else int(text)}
    return await _told(visit, fields.get("station", ""), "CancelReservation", body)


async def _told(visit: Visit, station: str, action: str, body: Mapping[str, object]) -> web.StreamResponse:
    answer = await visit.ask("POST", f"/stations/{part(station)}/commands/{action}", body)
    what = said_by(visit, action, answer)
    if visit.in_part:
        return visit.page("answer_part.html", {"answers": [what]})
    return visit.go("/access/reservations", what.text)


def _mistakes(visit: Visit, values: Mapping[str, str], until: str | None) -> dict[str, str]:
    mistakes: dict[str, str] = {}
    if not values["station"]:
        mistakes["station"] = visit.gettext("Choose a station.")
    if whole_number(values["connector"]) is None:
        mistakes["connector"] = visit.gettext("Write a number, such as 1.")
    if not values["id_tag"]:
        mistakes["id_tag"] = visit.gettext("Write the number of the card.")
    for name in ("id_tag", "parent_id_tag"):
        if len(values[name]) > _LONGEST_TAG:
            mistakes[name] = visit.gettext("A card has at most 20 characters.")
    when = visit.formats.local(until)
    if when is None:
        mistakes["until"] = visit.gettext("Write a date and a time, such as 2027-01-31 12:00.")
    elif when <= visit.formats.now:
        mistakes["until"] = visit.gettext("This time is over already.")
    return mistakes


async def _standing(visit: Visit) -> dict[str, object]:
    uncertain = await visit.every("/reservations", uncertain=True)
    return {"reservations": await visit.every("/reservations"), "uncertain": uncertain}


async def _page(visit: Visit, values: Mapping[str, str], mistakes: Mapping[str, str]) -> web.Response:
    facts = {
        "stations": [str(each["id"]) for each in await visit.every("/stations")],
        "values": {**dict.fromkeys(_FIELDS, ""), **values},
        "mistakes": mistakes,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK
    return visit.page("access_reservations.html", {**facts, **await _standing(visit)}, status=status)


PAGES = (
    Page("GET", "/access/reservations", show, "viewer", pieces=pieces),
    Page("POST", "/access/reservations", make, "operator"),
    Page("POST", "/access/reservations/cancel", cancel, "operator"),
)
