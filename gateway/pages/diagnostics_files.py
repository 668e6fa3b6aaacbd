"""Files that stations uploaded, and what stations load, install and upload at the moment and did before."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.diagnostics_lists import stations_with
from gateway.pages.diagnostics_words import FORWARDING, JOB_RESULTS, UPLOAD_KINDS
from gateway.pages.paging import ways_along
from gateway.pages.said import said
from gateway.pages.station_words import JOBS
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.worded import badge, worded
from gateway.web.problems import Problem

_PAGE = 50
_FILES = "/diagnostics/uploads"
_JOBS = "/diagnostics/jobs"


async def show_uploads(visit: Visit) -> web.StreamResponse:
    """What stations uploaded, and where to ask one for its diagnostics."""
    station, after = visit.asked("station"), visit.asked("after")
    found = await visit.get("/uploads", limit=_PAGE, station=station or None, after=after or None)
    values = {
        "uploads": found["items"], "station": station, "stations": await stations_with(visit, station),
        "ways": ways_along(_FILES, at=after, following=found["next"], station=station), "tab": "uploads",
        "kind_word": _kind_word, "forwarding_word": _forwarding_word,
        "upstreams": (await visit.get("/upstreams"))["items"],
    }  # fmt: skip
    return visit.page("diagnostics_uploads.html", values)


async def delete(visit: Visit) -> web.StreamResponse:
    """A file is deleted for ever."""
    answer = await visit.ask("DELETE", f"/uploads/{part(visit.matched('upload'))}")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go(_FILES, visit.gettext("The file is deleted."))


async def forward(visit: Visit) -> web.StreamResponse:
    """A file goes to the fleet manager, once more."""
    answer = await visit.ask("POST", f"/uploads/{part(visit.matched('upload'))}/forward")
    if answer.status == HTTPStatus.CONFLICT:
        return visit.go(_FILES, said(visit, answer.detail))
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go(_FILES, visit.gettext("The file is being sent to the fleet manager."))


async def show_jobs(visit: Visit) -> web.StreamResponse:
    """Firmware updates, diagnostics and logs, newest first."""
    station, kind, after = visit.asked("station"), visit.asked("kind"), visit.asked("after")
    only = visit.asked("only")
    found = await visit.get(
        "/jobs", limit=_PAGE, after=after or None, station=station or None,
        kind=kind if kind in JOBS else None, open=True if only == "open" else None,
    )  # fmt: skip
    values = {
        "jobs": [_job(visit, each) for each in cast(list[Mapping[str, object]], found["items"])],
        "kinds": {name: visit.gettext(text) for name, text in JOBS.items()}, "kind": kind, "only": only,
        "station": station, "stations": await stations_with(visit, station), "tab": "jobs",
        "ways": ways_along(_JOBS, at=after, following=found["next"], station=station, kind=kind, only=only),
    }  # fmt: skip
    return visit.page("diagnostics_jobs.html", values)


def _job(visit: Visit, job: Mapping[str, object]) -> dict[str, object]:
    return {**job, "what": worded(visit, JOBS, job["kind"]), "badge": badge(visit, JOB_RESULTS, job["result"])}


def _kind_word(visit: Visit, kind: object) -> str:
    return worded(visit, UPLOAD_KINDS, kind)


def _forwarding_word(visit: Visit, state: object) -> str:
    return worded(visit, FORWARDING, state) if state else ""


PAGES = (
    Page("GET", _FILES, show_uploads, "operator"),
    Page("POST", f"{_FILES}/{{upload}}/delete", delete, "operator"),
    Page("POST", f"{_FILES}/{{upload}}/forward", forward, "operator"),
    Page("GET", _JOBS, show_jobs, "operator"),
)
