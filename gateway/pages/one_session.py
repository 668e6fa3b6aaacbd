"""One session: its facts, its curve, what its meter said, what was remarkable, and stopping it while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from gateway.pages.session_words import anomalies_of, readings_of, reason_text
from gateway.pages.sessions import documents_of, duration_seconds, note_of, with_all_members
from gateway.pages.station_answers import said_by
from gateway.pages.table import Page
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import API, Visit, part
from gateway.web.problems import Problem

_MOST_READINGS = 500


async def show(visit: Visit) -> web.StreamResponse:
    """The whole screen."""
    number = visit.matched("transaction_id")
    session = await visit.get(f"/transactions/{part(number)}")
    readings = readings_of(session["meter_values"])
    path = f"{API}/transactions/{session['transaction_id']}"
    return visit.page(
        "session.html",
        {
            **await _facts(visit, session),
            "readings": readings[-_MOST_READINGS:],
            "readings_count": len(readings),
            "signed": session["signed_values"],
            "document": path,
            "zone": str(visit.formats.zone),
        },
    )


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The facts, and the button that ends it; without the meter values, which may be many."""
    facts = await _facts(visit, await _in_short(visit))
    return {"facts": visit.text("session_facts.html", facts), "ending": visit.text("session_ending.html", facts)}


async def stop(visit: Visit) -> web.StreamResponse:
    """Ask the station to end the session."""
    session = await _in_short(visit)
    station = str(session["station"])
    answer = await visit.ask(
        "POST",
        f"/stations/{part(station)}/commands/RemoteStopTransaction",
        {"transactionId": session["transaction_id"]},
    )
    what = said_by(visit, "RemoteStopTransaction", answer)
    if visit.in_part:
        return visit.page("answer_part.html", {"answers": [what]})
    return visit.go(f"/sessions/{session['transaction_id']}", what.text)


async def _facts(visit: Visit, session: Mapping[str, object]) -> dict[str, object]:
    return {
        "session": with_all_members(session),
        "note": await note_of(visit, session.get("id_tag")),
        "seconds": duration_seconds(visit, session),
        "reason": reason_text(visit, session),
        "anomalies": anomalies_of(visit, session),
    }


async def _in_short(visit: Visit) -> Mapping[str, object]:
    """The session without its meter values: the first of the list from its number on."""
    number = whole_number(visit.matched("transaction_id"), digits=15)
    if number is not None:
        found = documents_of(await visit.get("/transactions", after=number + 1, limit=1))
        if found and found[0]["transaction_id"] == number:
            return found[0]
    raise Problem(HTTPStatus.NOT_FOUND, visit.gettext("There is no session with this number."))


PAGES = (
    Page("GET", "/sessions/{transaction_id}", show, "viewer", pieces=pieces),
    Page("POST", "/sessions/{transaction_id}/stop", stop, "operator"),
)
