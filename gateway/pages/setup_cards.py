"""The fifth step: who may charge, everybody or whose card is known."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.setup import STEPS, Document, decide, frame_of
from gateway.pages.setup_values import mistakes_of
from gateway.pages.table import Page
from gateway.pages.visit import Visit

PATH = "/setup/cards"
_MOST_SHOWN = 5


async def show(visit: Visit) -> web.StreamResponse:
    """The choice as it is decided now, and the cards that are known."""
    return await _page(visit, {})


async def save(visit: Visit) -> web.StreamResponse:
    """Cards, or free charging."""
    fields = await visit.form()
    outcome = await decide(visit, {"unknown_tags": fields.get("unknown_tags", "")}, _after(fields))
    if isinstance(outcome, web.Response):
        return outcome
    return await _page(visit, mistakes_of(visit, outcome, "", ("unknown_tags",), "unknown_tags"))


def _after(fields: Mapping[str, str]) -> str:
    """Who charges by cards stays, to have some learned."""
    return STEPS[-1].path if fields.get("unknown_tags") == "accept" else PATH


async def _page(visit: Visit, errors: Mapping[str, str]) -> web.Response:
    frame = await frame_of(visit, PATH)
    tags = await visit.get("/id-tags", limit=_MOST_SHOWN)
    values = {
        **frame,
        "unknown_tags": cast(Mapping[str, Document], cast(Document, frame["setup"])["site"])["unknown_tags"],
        "tags": tags["items"],
        "more": tags["next"] is not None,
        "errors": errors,
    }
    return visit.page("setup_cards.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK)


PAGES = (
    Page("GET", PATH, show, "installer"),
    Page("POST", PATH, save, "installer"),
)
