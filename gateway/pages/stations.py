"""The list of stations: who is there, who knocked without being known, and adding one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.station_fields import OF_A_NEW_ONE, Field, mistakes_by_field, texts_of, wishes_of
from gateway.pages.station_words import trouble_of
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.web.problems import Problem

Document = dict[str, object]

# what a station is when nothing is said of it, as in [[station]]
_USUAL: Document = {
    "phase_rotation": "123", "min_amps": 6, "max_amps": 32, "fallback_amps": 6, "connectors_setting": 1, "priority": 0,
    "security_profile": 0,
}  # fmt: skip
_SEARCHED = ("id", "vendor", "model", "firmware_version", "circuit", "serial_number", "box_serial_number")
_MOST = 1000


async def show(visit: Visit) -> web.StreamResponse:
    """The whole screen."""
    fields = await new_station_fields(visit) if visit.may("installer") else ()
    form = texts_of(_USUAL, fields)
    return visit.page("stations.html", {**await _facts(visit), "fields": fields, "form": form, "mistakes": {}})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The stations, and those that knocked."""
    facts = await _facts(visit)
    return {"stations": visit.text("stations_cards.html", facts), "knocked": visit.text("stations_knocked.html", facts)}


async def add(visit: Visit) -> web.StreamResponse:
    """A station made known before it has ever connected."""
    form, fields = await visit.form(), await new_station_fields(visit)
    station = form.get("id", "")
    mistakes = {} if station else {"id": visit.gettext("Enter the identity of the station.")}
    if station:
        known = await visit.ask("GET", f"/stations/{part(station)}")
        if known.good and known.document.get("admission") == "accepted":
            mistakes = {"id": visit.gettext("There is a station with this identity already.")}
    if not mistakes:
        wishes = wishes_of(form, texts_of(_USUAL, fields), fields)
        answer = await visit.ask("PUT", f"/stations/{part(station)}", wishes)
        if answer.good:
            notice = visit.gettext("%(station)s is known now. It may connect.", station=station)
            return visit.go(address_of(station), notice)
        mistakes = mistakes_by_field(answer.errors) or {"id": answer.detail}
    shown = {**await _facts(visit), "fields": fields, "form": form, "mistakes": mistakes}
    return visit.page("stations.html", shown, status=HTTPStatus.UNPROCESSABLE_ENTITY)


async def accept(visit: Visit) -> web.StreamResponse:
    """A station that knocked is let in."""
    station = visit.matched("station")
    answer = await visit.ask("PUT", f"/stations/{part(station)}", {})
    if not answer.good:
        reasons = "; ".join(answer.errors.values()) or answer.detail
        raise Problem(HTTPStatus(answer.status), reasons)
    notice = visit.gettext("%(station)s may charge now. Check its settings.", station=station)
    return visit.go(f"/stations/{part(station)}/settings", notice)


async def new_station_fields(visit: Visit, fields: tuple[Field, ...] = OF_A_NEW_ONE) -> tuple[Field, ...]:
    """Fields whose choices are this site's."""
    circuits = cast(list[Document], (await visit.get("/site"))["circuits"])
    choices = (("", ""), *((str(each["name"]), str(each["name"])) for each in circuits))
    return tuple(replace(field, choices=choices) if field.name == "circuit" else field for field in fields)


def address_of(station: str) -> str:
    """Where the overview of a station is; the screen of keys of all stations stands where one named keys would."""
    return f"/stations/{part(station)}" + ("/overview" if station == "keys" else "")


async def _facts(visit: Visit) -> dict[str, object]:
    page = await visit.get("/stations", limit=_MOST, after=visit.asked("after"))
    asked = visit.asked("q")
    stations = [each for each in cast(list[Document], page["items"]) if _fits(each, asked)]
    return {
        "stations": [_card(visit, each) for each in stations],
        "knocked": page.get("knocked", []),
        "next": page["next"],
        "asked": asked,
        "addresses": await station_addresses(visit),
    }


async def station_addresses(visit: Visit) -> list[str]:
    """What stations have to dial, before their identity; empty when only an installer is told."""
    answer = await visit.ask("GET", "/setup")
    found = answer.document.get("station_addresses") if answer.good else None
    return [str(each) for each in found] if isinstance(found, list) else []


def _fits(station: Document, asked: str) -> bool:
    words = " ".join(str(station[name]) for name in _SEARCHED if station.get(name)).casefold()
    return all(word in words for word in asked.casefold().split())


def _card(visit: Visit, station: Document) -> Document:
    connectors = cast(list[Document], station["connectors"])
    shown = [connector_row(visit, each) for each in connectors]
    statuses = {each["status"] for each in connectors}
    if not station["connected"]:
        look = "gone"
    elif "Faulted" in statuses:
        look = "fault"
    else:
        look = "charging" if station["running_transactions"] else ""
    to = address_of(str(station["id"]))
    return {
        **station,
        "to": to,
        "connectors": [each for each in shown if each["connector"] != 0 or each["error"]],
        "look": look,
    }


def connector_row(visit: Visit, connector: Document) -> Document:
    """A connector with what is wrong with it in words."""
    return {**connector, "error": trouble_of(visit, connector)}


PAGES = (
    Page("GET", "/stations", show, "viewer", pieces=pieces),
    Page("POST", "/stations", add, "installer"),
    Page("POST", "/stations/{station}/accept", accept, "installer"),
)
