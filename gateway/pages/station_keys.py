"""The configuration keys of one station: looking, comparing with another one, changing one here or in many."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.station import Document, frame_of, looked_up
from gateway.pages.station_answers import Said, outcome_text, said_by
from gateway.pages.station_words import DRIFTS
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.worded import worded
from gateway.web.asking import MOST_ITEMS

_MASKED = "***"  # how a secret comes from the API: never to be sent back


async def show(visit: Visit) -> web.StreamResponse:
    """The keys, and the form for one of them when it is asked for."""
    facts = await _facts(visit)
    key = visit.asked("change")
    form = {"key": key, "value": _value_of(facts, key), "stations": [str(cast(Document, facts["station"])["id"])]}
    more = {"form": form, "mistakes": {}, "answer": None, "others": await _others(visit), "results": []}
    return visit.page("station_keys.html", {**facts, **more})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The table."""
    return {"station-keys": visit.text("station_keys_table.html", await _facts(visit))}


async def change(visit: Visit) -> web.StreamResponse:
    """One key set in this station, or in all that were ticked."""
    station, lists = await looked_up(visit), await visit.form_lists()
    fields = {name: values[-1] for name, values in lists.items() if values}
    name, key, value = str(station["id"]), fields.get("key", ""), fields.get("value", "")
    stations = lists.get("stations", []) if visit.may("installer") else [name]
    secret = await _is_secret(visit, key)
    value = value if secret else value.strip()
    mistakes = _mistakes(visit, key, value.strip(), stations, secret=secret)
    answer: Said | None = None
    results: list[Document] = []
    if not mistakes and stations == [name]:
        body = {"key": key, "value": value}
        told = await visit.ask("POST", f"/stations/{part(name)}/commands/ChangeConfiguration", body)
        answer = said_by(visit, "ChangeConfiguration", told)
    elif not mistakes:
        wish = {"stations": stations, "key": key, "value": value}
        applied = await visit.ask("POST", "/configuration-keys/apply", wish)
        if applied.good:
            results = [_result(visit, each) for each in cast(list[Document], applied.document["items"])]
        else:
            answer = said_by(visit, "ChangeConfiguration", applied)
    more = {
        "form": {"key": key, "value": value, "stations": stations},
        "mistakes": mistakes,
        "answer": answer,
        "results": results,
        "others": await _others(visit),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK
    if visit.in_part:
        return visit.page("station_key_change.html", {**frame_of(station, "/keys"), **more}, status=status)
    return visit.page("station_keys.html", {**await _facts(visit), **more}, status=status)


async def read_again(visit: Visit) -> web.StreamResponse:
    """The station is asked for all of its keys."""
    name = visit.matched("station")
    told = await visit.ask("POST", f"/stations/{part(name)}/commands/GetConfiguration", {})
    answer = said_by(visit, "GetConfiguration", told)
    notice = visit.gettext("The station has told its keys.") if answer.look == "good" else answer.text
    return visit.go(f"/stations/{part(name)}/keys", notice)


async def _facts(visit: Visit) -> Document:
    station = await looked_up(visit)
    other_name, asked, only = visit.asked("with"), visit.asked("q"), visit.asked("only")
    other = await visit.get(f"/stations/{part(other_name)}") if other_name else None
    keys = cast(list[Document], station["configuration"])
    drifts = {str(each["key"]).casefold(): each for each in cast(list[Document], station["settings_drift"])}
    others = (
        {str(each["key"]).casefold(): each for each in cast(list[Document], other["configuration"])} if other else {}
    )
    told = {str(each["key"]).casefold() for each in keys}
    absent = [{"key": each["key"], "value": None, "readonly": None, "reboot_required": False, "absent": True}
              for key, each in sorted((others if other else drifts).items()) if key not in told]  # fmt: skip
    rows = [_row(visit, each, drifts, others, compared=other is not None) for each in [*keys, *absent]]
    return {
        **frame_of(station, "/keys"),
        "rows": [
            each for each in rows if asked.casefold() in str(each["key"]).casefold() and (not only or each["differs"])
        ],
        "count": len(keys),
        "newest": max((str(each["updated_time"]) for each in keys), default=None),
        "asked": asked,
        "only": only,
        "other": other_name,
    }


def _row(
    visit: Visit, key: Document, drifts: Mapping[str, Document], others: Mapping[str, Document], *, compared: bool
) -> Document:
    name = str(key["key"]).casefold()
    drift, other = drifts.get(name), others.get(name)
    differs = other is None or other["value"] != key["value"] if compared else drift is not None
    return {
        "absent": False,
        **key,
        "drift": worded(visit, DRIFTS, drift["state"]) if drift else "",
        "desired": drift["desired"] if drift else None,
        "other": other["value"] if other else None,
        "other_has": other is not None,
        "differs": differs,
    }


def _value_of(facts: Document, key: str) -> str:
    station = cast(Document, facts["station"])
    for each in cast(list[Document], station["configuration"]):
        if str(each["key"]).casefold() == key.casefold():
            return "" if each["value"] in (None, _MASKED) else str(each["value"])
    return ""


def _mistakes(visit: Visit, key: str, value: str, stations: list[str], *, secret: bool) -> dict[str, str]:
    mistakes = {} if key else {"key": visit.gettext("Enter the name of a key.")}
    if value == _MASKED:
        text = visit.gettext("*** stands for a value that is not shown. It is unchanged; enter the new one.")
        mistakes["value"] = text
    elif secret and not value:
        mistakes["value"] = visit.gettext("Enter the new value: an empty one would take the secret away.")
    if not stations:
        mistakes["stations"] = visit.gettext("Tick at least one station.")
    return mistakes


async def _is_secret(visit: Visit, key: str) -> bool:
    """Whether the value of a key is shown masked, whichever station told it."""
    found = await visit.get("/configuration-keys", key=key, limit=MOST_ITEMS) if key else {"items": []}
    return any(
        value["value"] == _MASKED
        for each in cast(list[Document], found["items"])
        if str(each["key"]).casefold() == key.casefold()
        for value in cast(list[Document], each["values"])
    )


def _result(visit: Visit, outcome: Document) -> Document:
    look, text = outcome_text(visit, "ChangeConfiguration", outcome)
    return {"station": outcome["station"], "look": look, "text": text}


async def _others(visit: Visit) -> list[str]:
    return [str(each["id"]) for each in await visit.every("/stations")]


PAGES = (
    Page("GET", "/stations/{station}/keys", show, "viewer", pieces=pieces),
    Page("POST", "/stations/{station}/keys/change", change, "operator"),
    Page("POST", "/stations/{station}/keys/read", read_again, "operator"),
)
