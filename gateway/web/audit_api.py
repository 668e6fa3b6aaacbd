"""/audit: who wanted what, newest first: the events of the journal that have an actor."""

from __future__ import annotations

from aiohttp import web

from gateway.store import reports_audit
from gateway.web.asking import collection, expect_only, instant_of, integer_of, limit_of
from gateway.web.routes import BEGIN, END, LIMIT, SITE, Parameter, Route


async def list_audit(request: web.Request) -> web.StreamResponse:
    """What people, programs and fleet managers wanted."""
    expect_only(request, ("from", "to", "actor", "kind", "after", "limit"))
    limit = limit_of(request)
    wanted = reports_audit.Wanted(
        before=integer_of(request, "after"),
        begin=instant_of(request, "from"),
        end=instant_of(request, "to"),
        actor=request.query.get("actor"),
        kind=request.query.get("kind"),
    )
    found = await reports_audit.page(request.app[SITE].readers, wanted, limit=limit + 1)
    return collection(found[:limit], found[limit - 1]["event_id"] if len(found) > limit else None)


_ACTOR = Parameter("actor", "only what this one did, such as `user Ann`")
_KIND = Parameter("kind", "only this kind of event, such as `station.provisioned`")
_OLDER = Parameter("after", "the `next` of the page before: only older events", {"type": "integer"})

ROUTES = (
    Route(
        "GET", "/api/v1/audit", list_audit, "installer", "Who wanted what, newest first",
        parameters=(BEGIN, END, _ACTOR, _KIND, _OLDER, LIMIT), answers={200: "AuditCollection"}, errors=(422,),
    ),
)  # fmt: skip
