"""Rollouts of firmware: all of them, and one with its stations as they get on; a person pauses, ends or goes on."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from gateway.pages.firmware_words import CAMPAIGN_STATES, FAILURES, STATION_STATES, word_of
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark
from gateway.web.problems import Problem

_CAMPAIGNS = "/firmware/campaigns"
_PAGE = 20
_HISTORY = 100
_ENDED = ("done", "failed", "skipped", "aborted")
# what may be wished, and what is said when it is done
WISHES = {
    "pause": mark("Paused: no further station begins. Those under way go on."),
    "resume": mark("The rollout goes on."),
    "approve": mark("Approved: the other stations begin."),
    "retry": mark("The failed stations are tried again."),
    "abort": mark("Ended: no further station begins. Those under way are followed to their end."),
}
_POSSIBLE = {
    "running": ("pause", "abort"),
    "waiting": ("approve", "pause", "abort"),
    "paused": ("resume", "abort"),
    "halted": ("resume", "abort"),
}


async def show_all(visit: Visit) -> web.StreamResponse:
    """Rollouts, newest first."""
    return visit.page("campaigns.html", await _all(visit))


async def pieces_of_all(visit: Visit) -> Mapping[str, str]:
    """The list."""
    return {"campaigns": visit.text("campaigns_list.html", await _all(visit))}


async def show(visit: Visit) -> web.StreamResponse:
    """One rollout."""
    return visit.page("campaign.html", await _one(visit))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """How far it is, and each wave of stations."""
    facts = await _one(visit)
    waves = facts["waves"]
    assert isinstance(waves, dict)
    of_waves = {
        f"wave-{number}": visit.text("campaign_wave.html", {**facts, "stations": stations})
        for number, stations in waves.items()
    }
    return {"campaign": visit.text("campaign_state.html", facts), **of_waves}


async def show_history(visit: Visit) -> web.StreamResponse:
    """What happened, newest first."""
    path = f"{_CAMPAIGNS}/{part(visit.matched('campaign'))}"
    campaign = await visit.get(path)
    found = await visit.get(f"{path}/history", limit=_HISTORY, after=visit.asked("after") or None)
    values = {"campaign": campaign, "events": found["items"], "next": found["next"]}
    return visit.page("campaign_history.html", {**values, **_WORDS})


async def steer(visit: Visit) -> web.StreamResponse:
    """Pause it, let it go on, and so on."""
    wish = visit.matched("wish")
    if wish not in WISHES:
        raise Problem(HTTPStatus.NOT_FOUND, visit.gettext("There is no page at this address."))
    path = f"{_CAMPAIGNS}/{part(visit.matched('campaign'))}"
    answer = await visit.ask("POST", f"{path}/{wish}")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go(path, visit.gettext(WISHES[wish]))


async def _all(visit: Visit) -> dict[str, object]:
    found = await visit.get(_CAMPAIGNS, limit=_PAGE, after=visit.asked("after") or None)
    items = found["items"]
    campaigns = [{**one, **_progress(one["counts"])} for one in items] if isinstance(items, list) else []
    return {"campaigns": campaigns, "next": found["next"], "first": not visit.asked("after"), **_WORDS}


async def _one(visit: Visit) -> dict[str, object]:
    campaign = await visit.get(f"{_CAMPAIGNS}/{part(visit.matched('campaign'))}")
    state, counts, stations = str(campaign["state"]), campaign["counts"], campaign["stations"]
    assert isinstance(counts, dict) and isinstance(stations, list)
    waves: dict[int, list[dict[str, object]]] = {}
    for one in stations:
        waves.setdefault(one["wave"], []).append(one)
    possible = (*_POSSIBLE.get(state, ()), *(("retry",) if counts.get("failed") else ()))
    canary = isinstance(campaign["policy"], dict) and bool(campaign["policy"].get("canary"))
    return {
        "campaign": campaign, "waves": waves, "possible": possible, "canary": canary,
        **_progress(counts), **_WORDS,
    }  # fmt: skip


def _progress(counts: dict[str, int]) -> dict[str, int]:
    ended = sum(counts.get(state, 0) for state in _ENDED)
    whole = sum(counts.values())
    return {"whole": whole, "ended": ended, "done": counts.get("done", 0), "failed": counts.get("failed", 0)}


_WORDS: Mapping[str, object] = {
    "word_of": word_of, "campaign_states": CAMPAIGN_STATES, "station_states": STATION_STATES, "failures": FAILURES,
}  # fmt: skip

PAGES = (
    Page("GET", _CAMPAIGNS, show_all, pieces=pieces_of_all),
    Page("GET", f"{_CAMPAIGNS}/{{campaign}}", show, pieces=pieces),
    Page("GET", f"{_CAMPAIGNS}/{{campaign}}/history", show_history),
    Page("POST", f"{_CAMPAIGNS}/{{campaign}}/{{wish}}", steer, "operator"),
)
