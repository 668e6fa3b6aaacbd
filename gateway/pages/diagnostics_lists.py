"""Lists to look things up in: the log, the journal, and security events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aiohttp import web

from gateway.pages.diagnostics_words import LEVEL_WORDS, LEVELS, SOURCES
from gateway.pages.journal_words import KINDS, facts_of, kind_text, kinds_listed
from gateway.pages.paging import ways_along
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.pages.worded import badge, worded

Document = Mapping[str, object]

_LOG, _EVENTS, _SECURITY = "/diagnostics/log", "/diagnostics/events", "/diagnostics/security"
_PAGE = 50
_LOG_LINES = 100


async def show_log(visit: Visit) -> web.StreamResponse:
    """The newest lines; those of a level, with words."""
    return visit.page("diagnostics_log.html", await _log(visit))


async def log_pieces(visit: Visit) -> Mapping[str, str]:
    """The lines, kept up to date as long as nobody looks at older ones or for something."""
    facts = await _log(visit)
    return {} if facts["narrow"] else {"lines": visit.text("diagnostics_log_lines.html", facts)}


async def show_events(visit: Visit) -> web.StreamResponse:
    """The journal, newest first."""
    station, kind, before = visit.asked("station"), visit.asked("kind"), visit.asked("before")
    wanted = {"station": station or None, "kind": kind or None}
    found = await visit.get("/events", last=_PAGE, before=before or None, **wanted)
    events = cast(list[Document], found["items"])[::-1]
    oldest = events[-1]["event_id"] if events else None
    # a page is short where events are large: only a look tells whether there are older ones
    if oldest is not None and not (await visit.get("/events", last=1, before=oldest, **wanted))["items"]:
        oldest = None
    values = {
        "events": events, "facts_of": facts_of, "kind_text": kind_text, "kinds": kinds_with(visit, kind), "kind": kind,
        "station": station, "stations": await stations_with(visit, station), "tab": "events",
        "ways": ways_along(_EVENTS, at=before, following=oldest, name="before", station=station, kind=kind),
    }  # fmt: skip
    return visit.page("diagnostics_events.html", values)


async def show_security(visit: Visit) -> web.StreamResponse:
    """Security events of stations and of the gateway."""
    station, only, after = visit.asked("station"), visit.asked("only"), visit.asked("after")
    critical = True if only == "critical" else None
    found = await visit.get(
        "/security-events", limit=_PAGE, after=after or None, station=station or None, critical=critical
    )
    values = {
        "events": found["items"], "station": station, "only": only, "stations": await stations_with(visit, station),
        "ways": ways_along(_SECURITY, at=after, following=found["next"], station=station, only=only),
        "tab": "security", "source_word": _source_word,
    }  # fmt: skip
    return visit.page("diagnostics_security.html", values)


def kinds_with(visit: Visit, kind: str) -> dict[str, str]:
    """The kinds of events to choose from, with the one that was asked for even if nobody knows it."""
    return kinds_listed(visit) if not kind or kind in KINDS else {kind: kind, **kinds_listed(visit)}


async def _log(visit: Visit) -> dict[str, object]:
    level, words, after = visit.asked("level", "info"), visit.asked("q"), visit.asked("after")
    level = level if level in LEVELS else "info"
    found = await visit.get("/log", limit=_LOG_LINES, level=level, q=words or None, after=after or None)
    return {
        "lines": found["items"], "level": level, "levels": {name: visit.gettext(text) for name, text in LEVELS.items()},
        "words": words, "after": after, "narrow": bool(words or after), "level_word": _level_word, "tab": "log",
        "ways": ways_along(_LOG, at=after, following=found["next"], level=level, q=words),
    }  # fmt: skip


async def stations_with(visit: Visit, chosen: str) -> list[str]:
    """The stations to choose from, with the one that was asked for even if nobody knows it."""
    names = [str(each["station"]) for each in await visit.every("/stations")]
    return names if not chosen or chosen in names else [*names, chosen]


def _level_word(visit: Visit, level: object) -> tuple[str, str]:
    return badge(visit, LEVEL_WORDS, level)


def _source_word(visit: Visit, source: object) -> str:
    return worded(visit, SOURCES, source)


PAGES = (
    Page("GET", _LOG, show_log, "operator", pieces=log_pieces),
    Page("GET", _EVENTS, show_events, "operator"),
    Page("GET", _SECURITY, show_security, "operator"),
)
