"""/site/history and /site/limits/log: what circuits carried, and every lower limit for a time that there was."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from gateway.operations.describe_history import describe_history
from gateway.store import reports_limits_log
from gateway.store.reports_limits_log import Filters
from gateway.web.asking import (
    collection,
    expect_only,
    instant_of,
    integer_of,
    json_response,
    limit_of,
    points_of,
    require,
)
from gateway.web.csv_files import (
    SPREADSHEET,
    SPREADSHEET_PARAMETERS,
    TIMES,
    TIMES_PARAMETER,
    CsvForm,
    form_asked,
    send_csv,
)
from gateway.web.problems import not_found
from gateway.web.routes import AFTER, BEGIN, END, LIMIT, SITE, Parameter, Route

_POINTS = 300
_LOG_FILTERS = ("circuit", "source", "from", "to")
_LOG_MEMBERS = ("log_id", "circuit", "source")
_LOG_AMPS = ("limit_amps_1", "limit_amps_2", "limit_amps_3")
_LOG_TIMES = ("set_time", "until", "ended_time")
_LOG_REST = ("ended_why", "set_by", "ended_by")


async def get_history(request: web.Request) -> web.StreamResponse:
    """One circuit over time: the lowest limit and the highest currents of each step, null where nothing is known."""
    expect_only(request, ("circuit", "from", "to", "points"))
    circuit, points = request.query.get("circuit"), points_of(request, default=_POINTS)
    begin, end = instant_of(request, "from"), instant_of(request, "to")
    require(begin is None or end is None or begin < end, "from: expected a time before to")
    history = await describe_history(request.app[SITE], circuit, begin=begin, end=end, points=points)
    if history is None:
        raise not_found("the configuration has no circuit" if circuit is None else f"there is no circuit {circuit!r}")
    return json_response(history)


async def list_limits_log(request: web.Request) -> web.StreamResponse:
    """Lower limits that were set, newest first, with how they ended."""
    expect_only(request, (*_LOG_FILTERS, "limit", "after"))
    limit, before = limit_of(request), integer_of(request, "after")
    filters = _log_filters(request)
    found = await reports_limits_log.page(request.app[SITE].readers, filters, before=before, limit=limit + 1)
    return collection(found[:limit], found[limit - 1]["log_id"] if len(found) > limit else None)


async def get_limits_log_csv(request: web.Request) -> web.StreamResponse:
    """The same, all that fit, oldest first, as RFC 4180 CSV with a header line."""
    expect_only(request, (*_LOG_FILTERS, *SPREADSHEET, TIMES))
    return await send_csv(request, "limits.csv", _lines(request, _log_filters(request), form_asked(request)))


async def _lines(request: web.Request, filters: Filters, form: CsvForm) -> AsyncIterator[bytes]:
    yield form.header((*_LOG_MEMBERS, *_LOG_AMPS, *_LOG_TIMES, *_LOG_REST))
    async for documents in reports_limits_log.walk(request.app[SITE].readers, filters):
        yield form.lines(_row(document, form) for document in documents)


def _row(document: dict[str, object], form: CsvForm) -> list[object]:
    amps = document["limit_amps"]
    assert isinstance(amps, list)
    before, after = ([form.cell(document[name]) for name in names] for names in (_LOG_MEMBERS, _LOG_REST))
    return [*before, *map(form.cell, amps), *(form.time(document[name]) for name in _LOG_TIMES), *after]


def _log_filters(request: web.Request) -> Filters:
    return Filters(
        circuit=request.query.get("circuit"),
        source=request.query.get("source"),
        begin=instant_of(request, "from"),
        end=instant_of(request, "to"),
    )


_LOG_PARAMETERS = (
    Parameter("circuit", "only this circuit's"), Parameter("source", "only this source's"),
    Parameter("from", "only those that held after this (RFC 3339 or a date, UTC)"),
    Parameter("to", "only those that were set before this (RFC 3339 or a date, UTC)"),
)  # fmt: skip

ROUTES = (
    Route(
        "GET", "/api/v1/site/history", get_history, "viewer", "Limit and currents of a circuit over time",
        parameters=(
            Parameter("circuit", "left out: the first that no other feeds"), BEGIN, END,
            Parameter(
                "points", "how many steps at most",
                {"type": "integer", "minimum": 2, "maximum": 2000, "default": _POINTS},
            ),
        ),
        answers={200: "CircuitHistory"}, errors=(404, 422),
    ),
    Route(
        "GET", "/api/v1/site/limits/log", list_limits_log, "viewer", "Lower limits for a time that there were",
        parameters=(LIMIT, AFTER, *_LOG_PARAMETERS), answers={200: "LoggedLimitCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/site/limits/log.csv", get_limits_log_csv, "viewer",
        "Lower limits for a time as CSV, oldest first",
        parameters=(*_LOG_PARAMETERS, *SPREADSHEET_PARAMETERS, TIMES_PARAMETER),
        answers={200: {"text/csv": {"type": "string"}}}, errors=(422,),
    ),
)  # fmt: skip
