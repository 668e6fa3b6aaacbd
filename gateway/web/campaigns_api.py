"""/firmware/campaigns: rollouts of firmware are planned, made, watched and steered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from gateway.operations.campaign_facts import Noticed
from gateway.operations.plan_campaigns import (
    CannotCreate,
    Mistake,
    Wish,
    Wishes,
    create_campaign,
    document_of_plan,
    make_plan,
    read_wishes,
    wish,
)
from gateway.store import reports_campaigns
from gateway.web.asking import collection, expect_only, flag_of, integer_of, json_response, limit_of, object_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Handler, Parameter, Route

_PATH = "/api/v1/firmware/campaigns"


async def list_campaigns(request: web.Request) -> web.StreamResponse:
    """Campaigns, newest first, in short."""
    expect_only(request, ("limit", "after", "open"))
    after = max(0, integer_of(request, "after") or 0)
    found = await reports_campaigns.page(
        request.app[SITE].readers, open=flag_of(request, "open"), after=after, limit=limit_of(request)
    )
    return collection(found.items, found.next)


async def get_campaign(request: web.Request) -> web.StreamResponse:
    """One campaign with its stations."""
    expect_only(request, ())
    return await _answer(request, request.match_info["campaign"])


async def get_history(request: web.Request) -> web.StreamResponse:
    """What the journal tells of a campaign."""
    expect_only(request, ("limit", "after"))
    site, campaign_id, limit = request.app[SITE], request.match_info["campaign"], limit_of(request)
    if await reports_campaigns.find(site.readers, campaign_id) is None:
        raise not_found(f"there is no campaign {campaign_id!r}")
    found = await reports_campaigns.history(
        site.readers, campaign_id, before=integer_of(request, "after"), limit=limit + 1
    )
    return collection(found[:limit], found[limit - 1]["event_id"] if len(found) > limit else None)


async def plan_campaign(request: web.Request) -> web.StreamResponse:
    """What a campaign would be; nothing is stored."""
    site, wishes, noticed = request.app[SITE], await _wishes(request, unnamed=True), _noticed(request)
    try:
        plan = await site.database.write(lambda db: make_plan(db, site, wishes, noticed))
    except CannotCreate as error:
        raise _refused(error.mistakes) from None
    return json_response(document_of_plan(plan))


async def post_campaign(request: web.Request) -> web.StreamResponse:
    """Make a campaign; it begins at once."""
    site, wishes, noticed = request.app[SITE], await _wishes(request), _noticed(request)
    actor = actor_of(request)
    try:
        campaign_id = await site.database.write(
            lambda db: create_campaign(db, site, wishes, actor=actor, source="api", noticed=noticed)
        )
    except CannotCreate as error:
        raise _refused(error.mistakes) from None
    return await _answer(request, campaign_id, status=201)


async def pause_campaign(request: web.Request) -> web.StreamResponse:
    """No further station begins."""
    return await _steer(request, "pause")


async def resume_campaign(request: web.Request) -> web.StreamResponse:
    """It goes on."""
    return await _steer(request, "resume")


async def abort_campaign(request: web.Request) -> web.StreamResponse:
    """No further station begins, for ever."""
    return await _steer(request, "abort")


async def retry_campaign(request: web.Request) -> web.StreamResponse:
    """The failed stations are tried again."""
    return await _steer(request, "retry")


async def approve_campaign(request: web.Request) -> web.StreamResponse:
    """The waves after the canary begin."""
    return await _steer(request, "approve")


async def _steer(request: web.Request, what: Wish) -> web.StreamResponse:
    expect_only(request, ())
    site, campaign_id, actor = request.app[SITE], request.match_info["campaign"], actor_of(request)
    try:
        reason = await site.database.write(lambda db: wish(db, site, campaign_id, what, actor=actor))
    except LookupError:
        raise not_found(f"there is no campaign {campaign_id!r}") from None
    if reason is not None:
        raise Problem(HTTPStatus.CONFLICT, reason)
    return await _answer(request, campaign_id)


async def _answer(request: web.Request, campaign_id: str, *, status: int = 200) -> web.StreamResponse:
    found = await reports_campaigns.find(request.app[SITE].readers, campaign_id)
    if found is None:
        raise not_found(f"there is no campaign {campaign_id!r}")
    return json_response(found, status=status)


async def _wishes(request: web.Request, *, unnamed: bool = False) -> Wishes:
    expect_only(request, ())
    heartbeat = request.app[SITE].configuration.ocpp.heartbeat_seconds
    wishes = read_wishes(await object_of(request), unnamed=unnamed, heartbeat_seconds=heartbeat)
    if isinstance(wishes, Wishes):
        return wishes
    raise _refused(wishes)


def _noticed(request: web.Request) -> Noticed:
    noticed = Noticed()
    noticed.look(request.app[SITE], asyncio.get_running_loop().time())
    return noticed


def _refused(mistakes: Iterable[Mistake]) -> Problem:
    errors = [{"field": one.field, "detail": one.detail} for one in mistakes]
    return unacceptable("a campaign cannot be made like this", errors)


def _steering(what: Wish, handler: Handler, summary: str) -> Route:
    return Route(
        "POST", f"{_PATH}/{{campaign}}/{what}", handler, "operator", summary,
        answers={200: "Campaign"}, errors=(404, 409, 422),
    )  # fmt: skip


ROUTES = (
    Route(
        "GET", _PATH, list_campaigns, "viewer", "Rollouts of firmware, newest first",
        parameters=(
            LIMIT, AFTER, Parameter("open", "true: only those that are not over; false: only the others",
                                    {"type": "boolean"}),
        ),
        answers={200: "CampaignCollection"}, errors=(422,),
    ),
    Route(
        "POST", _PATH, post_campaign, "operator", "Roll an image out",
        request={"application/json": "CampaignWish"}, answers={201: "Campaign"}, errors=(400, 422),
    ),
    Route(
        "POST", f"{_PATH}/plan", plan_campaign, "operator", "Which stations a rollout would reach, and why not others",
        request={"application/json": "CampaignPlanWish"}, answers={200: "CampaignPlan"}, errors=(400, 422),
    ),
    Route(
        "GET", f"{_PATH}/{{campaign}}", get_campaign, "viewer", "A rollout, its stations, and what was served to them",
        answers={200: "Campaign"}, errors=(404, 422),
    ),
    Route(
        "GET", f"{_PATH}/{{campaign}}/history", get_history, "viewer",
        "What happened in a rollout and who wanted it, newest first",
        parameters=(LIMIT, AFTER), answers={200: "CampaignHistory"}, errors=(404, 422),
    ),
    _steering("pause", pause_campaign, "Let no further station begin"),
    _steering("resume", resume_campaign, "Go on after a pause or a halt"),
    _steering("abort", abort_campaign, "Let no further station begin, for ever; those under way go on"),
    _steering("retry", retry_campaign, "Try the failed stations again"),
    _steering("approve", approve_campaign, "Let the waves after the canary begin"),
)  # fmt: skip
