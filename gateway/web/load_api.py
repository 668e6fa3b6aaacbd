"""/site and why: what the site does with its current, why a station has its limit, and the decisions on record."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from aiohttp import web

from gateway.model.instants import text_of
from gateway.operations.explain_limit import NoAnswer, explain_limit
from gateway.operations.explain_load import describe_site
from gateway.store import reports_load_decisions
from gateway.store.reports_load_decisions import Recorded
from gateway.web.asking import (
    collection,
    expect_only,
    flag_of,
    instant_of,
    integer_of,
    json_response,
    large_collection,
    limit_of,
)
from gateway.web.problems import Problem
from gateway.web.routes import AFTER, BEGIN, END, LIMIT, SITE, Parameter, Route

MOST_RECORDS = 20  # in a page: each may be large
_STATUSES = {
    "absent": HTTPStatus.NOT_FOUND,
    "ahead": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unreadable": HTTPStatus.CONFLICT,
}


async def get_site(request: web.Request) -> web.StreamResponse:
    """Circuits and stations of the newest decision."""
    expect_only(request, ())
    return json_response(describe_site(request.app[SITE]))


async def get_why(request: web.Request) -> web.StreamResponse:
    """The limit of a station's connector, now or at a moment that is past."""
    expect_only(request, ("at", "connector"))
    station = request.match_info["station"]
    connector, at = integer_of(request, "connector"), instant_of(request, "at")
    answer = await explain_limit(request.app[SITE], station, connector=connector, at=at)
    if isinstance(answer, NoAnswer):
        raise Problem(_STATUSES[answer.kind], answer.detail)
    return json_response(answer)


async def list_decisions(request: web.Request) -> web.StreamResponse:
    """Decisions on record, newest first; with records=true the facts they were made from as well."""
    expect_only(request, ("from", "to", "limit", "after", "records"))
    records, limit = flag_of(request, "records") or False, limit_of(request)
    limit = min(limit, MOST_RECORDS) if records else limit
    found = await reports_load_decisions.page(
        request.app[SITE].readers,
        begin=instant_of(request, "from"),
        end=instant_of(request, "to"),
        before=integer_of(request, "after"),
        limit=limit + 1,
        records=records,
    )
    following = found[limit - 1].decision_id if len(found) > limit else None
    if not records:
        return collection([_line(each) for each in found[:limit]], following)
    return await large_collection(await asyncio.to_thread(decision_documents, found[:limit]), following)


def _line(each: Recorded) -> dict[str, object]:
    return {"decision_id": each.decision_id, "time": text_of(each.decided_at), "text": each.line}


def decision_documents(found: list[Recorded]) -> list[dict[str, object]]:
    """Decisions with the facts they were made from; reading these takes a while, so it is run in a thread."""
    return [{**_line(each), "record": None if each.text is None else json.loads(each.text)} for each in found]


ROUTES = (
    Route(
        "GET", "/api/v1/site", get_site, "viewer", "Circuits and stations: what is measured and allotted",
        answers={200: "Site"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/site/decisions", list_decisions, "viewer", "Decisions of load limits on record, newest first",
        parameters=(BEGIN, END, LIMIT, AFTER, Parameter("records", "true: with their facts", {"type": "boolean"})),
        answers={200: "LoadDecisionCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/stations/{station}/why", get_why, "viewer", "Why a station has the limit it has",
        parameters=(
            Parameter("at", "at this moment that is past (RFC 3339); left out: now"),
            Parameter("connector", "left out: the lowest with a session, else the lowest", {"type": "integer"}),
        ),
        answers={200: "Why"}, errors=(404, 409, 422),
    ),
)  # fmt: skip
