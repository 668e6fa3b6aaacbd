"""One card: added, changed or removed, in a form that keeps what was written."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.access import STATUSES, state_of
from gateway.pages.moments import field_of_instant, instant_of_field
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit, address_with, part

_FIELDS = ("id_tag", "was", "status", "parent_id_tag", "expiry", "note", "then")
# where the form may lead, beside the list
_THEN = {"learn": "/access/learn"}
_LONGEST_TAG = 20


async def show(visit: Visit) -> web.StreamResponse:
    """A card of the list, or the empty form for one that is not in it (`id_tag` fills it in)."""
    id_tag = visit.asked("id_tag")
    card = await _card(visit, id_tag) if id_tag else None
    values = {
        "id_tag": id_tag if card is None else str(card["id_tag"]),
        "was": "" if card is None else str(card["id_tag"]),
        "status": "Accepted" if card is None else str(card["status"]),
        "parent_id_tag": "" if card is None else str(card["parent_id_tag"] or ""),
        "expiry": "" if card is None else field_of_instant(visit.formats, card["expiry_date"]),
        "note": "" if card is None else str(card["note"]),
        "then": visit.asked("then"),
    }
    return _form(visit, values, card, {})


async def save(visit: Visit) -> web.StreamResponse:
    """Add the card or change it."""
    fields = await visit.form()
    values = {name: fields.get(name, "") for name in _FIELDS}
    id_tag = values["was"] or values["id_tag"]
    card = await _card(visit, id_tag) if id_tag else None
    mistakes = _mistakes(visit, values, card)
    if not mistakes:
        answer = await visit.ask("PUT", f"/id-tags/{part(id_tag)}", _body(visit, values, card))
        if answer.good:
            return visit.go(_THEN.get(values["then"], "/access"), _saved(visit, id_tag, values, answer.document))
        mistakes = {_field(name): said(visit, detail) for name, detail in answer.errors.items()}
        mistakes = mistakes or {"": said(visit, answer.detail)}
    return _form(visit, values, card, mistakes)


async def remove(visit: Visit) -> web.StreamResponse:
    """Take the card out of the list."""
    id_tag = (await visit.form()).get("id_tag", "")
    answer = await visit.ask("DELETE", f"/id-tags/{part(id_tag)}")
    if answer.good:
        return visit.go("/access", visit.gettext("The card %(card)s was removed.", card=id_tag))
    return visit.go("/access", said(visit, answer.detail))


async def _card(visit: Visit, id_tag: str) -> Mapping[str, object] | None:
    answer = await visit.ask("GET", f"/id-tags/{part(id_tag)}")
    return answer.document if answer.good and "id_tag" in answer.document else None


def _mistakes(visit: Visit, values: Mapping[str, str], card: Mapping[str, object] | None) -> dict[str, str]:
    mistakes: dict[str, str] = {}
    if not (values["was"] or values["id_tag"]):
        mistakes["id_tag"] = visit.gettext("Write the number of the card.")
    elif not values["was"] and len(values["id_tag"]) > _LONGEST_TAG:
        mistakes["id_tag"] = visit.gettext("A card has at most 20 characters.")
    elif not values["was"] and card is not None:
        mistakes["id_tag"] = visit.gettext("This card is in the list already.")
    if values["expiry"] and instant_of_field(values["expiry"], visit.formats.zone) is None:
        mistakes["expiry"] = visit.gettext("Write a date and a time, such as 2027-01-31 12:00.")
    return mistakes


def _body(visit: Visit, values: Mapping[str, str], card: Mapping[str, object] | None) -> dict[str, object]:
    expiry = instant_of_field(values["expiry"], visit.formats.zone) if values["expiry"] else None
    kept = None if card is None else card["expiry_date"]
    if expiry is not None and field_of_instant(visit.formats, kept) == values["expiry"]:
        expiry = str(kept)  # the field has no seconds: what nobody changed stays exact
    return {
        "status": values["status"] or "Accepted",
        "parent_id_tag": values["parent_id_tag"] or None,
        "expiry_date": expiry,
        "note": values["note"],
    }


def _saved(visit: Visit, id_tag: str, values: Mapping[str, str], stored: Mapping[str, object]) -> str:
    if stored.get("status") != (values["status"] or "Accepted"):
        return visit.gettext(
            "The card %(card)s was saved, but a fleet manager decides otherwise. What counts is: %(state)s.",
            card=id_tag, state=state_of(visit, stored).text,
        )  # fmt: skip
    return visit.gettext("The card %(card)s was saved.", card=id_tag)


def _form(
    visit: Visit, values: Mapping[str, str], card: Mapping[str, object] | None, mistakes: Mapping[str, str]
) -> web.Response:
    facts = {
        "values": values,
        "card": card,
        "upstreams": [] if card is None else cast(list[str], card["upstreams"]),
        "state": None if card is None else state_of(visit, card),
        "mistakes": mistakes,
        "statuses": {name: visit.gettext(text) for name, text in STATUSES.items()},
        "existing": address_with("/access/card", id_tag=values["id_tag"]) if card is not None else "",
    }
    return visit.page("access_card.html", facts, status=HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK)


def _field(name: str) -> str:
    return "expiry" if name == "expiry_date" else name if name in _FIELDS else ""


PAGES = (
    Page("GET", "/access/card", show, "viewer"),
    Page("POST", "/access/card", save, "operator"),
    Page("POST", "/access/card/remove", remove, "operator"),
)
