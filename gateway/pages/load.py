"""Load management: circuits with their head-room, limits for a time, "what if", meters, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web

from gateway.pages.guard import safe_way_back
from gateway.pages.moments import instant_of_field
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.typed_numbers import ZERO, number, whole_number
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark
from gateway.web.asking_within import Answer

# How long a limit that a person sets may hold without a date: minutes, and 0 for "until taken away".
_DURATIONS = (30, 60, 120, 240, 480, 1440, 0)
_UNTIL = "until"  # and instead of minutes: until the instant in the field of that name
_SPANS = {"24": 24, "168": 168, "720": 720}
_DECISIONS = 50


async def show(visit: Visit) -> web.StreamResponse:
    """The tree, meters, limits that hold, and the log of limits."""
    return visit.page("load.html", await _facts(visit))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The tree, the meters, and the limits that hold."""
    facts = await _facts(visit)
    return {name: visit.text(f"load_{name}.html", facts) for name in ("tree", "meters", "limits")}


async def show_circuit(visit: Visit) -> web.StreamResponse:
    """One circuit: its history, a lower limit for it, and what would be if it had less."""
    return visit.page("load_circuit.html", await _circuit(visit))


async def circuit_pieces(visit: Visit) -> Mapping[str, str]:
    """The circuit as it is now."""
    facts = await _circuit(visit)
    return {"circuit-now": visit.text("load_circuit_now.html", facts)}


async def set_limit(visit: Visit) -> web.StreamResponse:
    """A lower limit for a time."""
    fields = await visit.form()
    circuit = visit.matched("circuit")
    body, errors = _limit_wanted(visit, fields)
    answer = Answer(422) if errors else await visit.ask("PUT", f"/site/limits/{part(circuit)}", body)
    if answer.good:
        limit = visit.formats.three_amps(answer.document["limit_amps"])
        notice = visit.gettext("%(circuit)s is limited to %(limit)s now.", circuit=circuit, limit=limit)
        return visit.go(f"/load/circuits/{part(circuit)}", notice)
    told = errors or {name: said(visit, text) for name, text in answer.errors.items()}
    facts = await _circuit(visit)
    facts |= {"errors": told or {"limit_amps": said(visit, answer.detail)}, "fields": fields}
    return visit.page("load_circuit.html", facts, status=422)


async def end_limit(visit: Visit) -> web.StreamResponse:
    """A lower limit taken away."""
    fields, circuit = await visit.form(), visit.matched("circuit")
    query = {"source": fields["source"]} if fields.get("source") else None
    answer = await visit.ask("DELETE", f"/site/limits/{part(circuit)}", query=query)
    notice = visit.gettext("The limit of %(circuit)s is lifted.", circuit=circuit)
    return visit.go(safe_way_back(fields.get("back") or "/load"), notice if answer.good else said(visit, answer.detail))


async def imagine(visit: Visit) -> web.StreamResponse:
    """What would be if a circuit had less; nothing is changed."""
    fields, circuit = await visit.form(), visit.matched("circuit")
    amps = [_amps(fields.get(f"lose_{phase}", "")) for phase in (1, 2, 3)]
    if any(value is None for value in amps):
        mistake = visit.gettext("Amperes are needed, such as 20.")
        return await _imagined(visit, {"mistake": mistake}, fields, 422)
    answer = await visit.ask("POST", "/site/what-if", {"circuit": circuit, "lose_amps": amps})
    if not answer.good:
        return await _imagined(visit, {"mistake": said(visit, answer.detail)}, fields, 422)
    return await _imagined(visit, {"outcome": answer.document}, fields, 200)


async def show_log(visit: Visit) -> web.StreamResponse:
    """Every lower limit there was."""
    log = await visit.get("/site/limits/log", after=visit.asked("after") or None, limit=100)
    return visit.page("load_log.html", log)


async def show_decisions(visit: Visit) -> web.StreamResponse:
    """What was decided and why, newest first."""
    decisions = await visit.get("/site/decisions", after=visit.asked("after") or None, limit=_DECISIONS)
    return visit.page("load_decisions.html", decisions)


async def _facts(visit: Visit) -> dict[str, object]:
    site, meters = await visit.get("/site"), await visit.every("/meters")
    limits = await visit.get("/site/limits")
    return {
        "circuits": site["circuits"],
        "connectors": site["stations"],
        "notes": site["notes"],
        "meters": meters,
        "limits": limits["items"],
        "where": await _circuits_of_stations(visit),
    }


async def _circuits_of_stations(visit: Visit) -> dict[str, object]:
    """Which circuit a station hangs on, by its id."""
    return {str(each["station"]): each.get("circuit") for each in await visit.every("/stations")}


async def _circuit(visit: Visit) -> dict[str, object]:
    name = visit.matched("circuit")
    site = await visit.get("/site")
    limits = _listed((await visit.get("/site/limits"))["items"])
    circuit = next((each for each in _listed(site["circuits"]) if each["name"] == name), None)
    if circuit is None:
        await visit.get("/site/history", circuit=name, points=2)  # says that there is no such circuit
    span = visit.asked("hours", "24")
    return {
        "circuit": circuit,
        "limits": [each for each in limits if each["circuit"] == name],
        "hours": _SPANS.get(span, 24),
        "spans": _SPANS,
        "durations": _DURATIONS,
        "zero": ZERO,
        "errors": {},
        "fields": {},
        "outcome": None,
        "mistake": "",
    }


async def _imagined(visit: Visit, values: dict[str, object], fields: dict[str, str], status: int) -> web.Response:
    if visit.in_part:
        return visit.page("load_outcome.html", {"outcome": None, "mistake": "", **values})
    facts = await _circuit(visit)
    return visit.page("load_circuit.html", {**facts, **values, "fields": fields}, status=status)


def _limit_wanted(visit: Visit, fields: dict[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    amps = [_amps(text) for text in fields.get("limit_amps", "").split("/")]
    watts = fields.get("unit") == "W"
    good = None not in amps and len(amps) in ((1,) if watts else (1, 3))
    text = mark("Watts are needed, such as 11000.") if watts else mark("Amperes are needed, such as 20.")
    errors = {} if good else {"limit_amps": visit.gettext(text)}
    body: dict[str, object] = {"limit_watts" if watts else "limit_amps": amps[0] if len(amps) == 1 else amps}
    if fields.get("source"):
        body["source"] = fields["source"]
    minutes = whole_number(fields.get("minutes", ""))
    if fields.get("minutes") == _UNTIL:
        body["until"] = moment = instant_of_field(fields.get(_UNTIL, ""), visit.formats.zone)
        when = visit.formats.local(moment)
        if when is None:
            errors[_UNTIL] = visit.gettext("Write a date and a time, such as 2027-01-31 12:00.")
        elif when <= visit.formats.now:
            errors[_UNTIL] = visit.gettext("This time is over already.")
    elif minutes:
        until = visit.formats.now + timedelta(minutes=min(minutes, 525_600))
        body["until"] = f"{_whole(until):%Y-%m-%dT%H:%M:%SZ}"
    return body, errors


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _amps(text: str) -> float | None:
    value = number(text)
    return value if value is not None and 0 <= value < 1e6 else None


def _listed(items: object) -> list[dict[str, object]]:
    assert isinstance(items, list)
    return items


PAGES = (
    Page("GET", "/load", show, "viewer", pieces=pieces),
    Page("GET", "/load/log", show_log, "viewer"),
    Page("GET", "/load/decisions", show_decisions, "viewer"),
    Page("GET", "/load/circuits/{circuit}", show_circuit, "viewer", pieces=circuit_pieces),
    Page("POST", "/load/circuits/{circuit}/limit", set_limit, "operator"),
    Page("POST", "/load/circuits/{circuit}/limit/end", end_limit, "operator"),
    Page("POST", "/load/circuits/{circuit}/what-if", imagine, "viewer"),
)
