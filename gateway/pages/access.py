"""Who may charge: the list of cards with a search, their groups, and the cards that were refused lately.

One card, and a file of them, have modules of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from aiohttp import web

from gateway.pages.paging import ways_along
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.pages.words import mark

Document = Mapping[str, object]

STATUSES = {
    "Accepted": mark("May charge"),
    "Blocked": mark("Blocked"),
    "Expired": mark("Expired"),
    "Invalid": mark("Not valid"),
}
_LOOKS = {"Accepted": "good", "Blocked": "bad", "Expired": "warning", "Invalid": "warning"}
_REFUSALS = {
    "Blocked": mark("The card is blocked, or its group is."),
    "Expired": mark("The card has expired."),
    "Invalid": mark("The card is not in the list."),
    "ConcurrentTx": mark("The card was charging elsewhere already."),
}
# what says "card not allowed", and the member that says which answer it got
_TELLS = {"authorization.decided": "status", "transaction.started": "authorization"}
_PAGE = 50
_EVENTS_SEEN = 500
_MOST_REFUSED = 5


class State(NamedTuple):
    """What a card may do, in words, and the look of the badge."""

    text: str
    look: str


class Refused(NamedTuple):
    """A card that was not let charge, as it was told last."""

    id_tag: str
    station: str
    time: str
    why: str
    unknown: bool


async def show(visit: Visit) -> web.StreamResponse:
    """The list of cards."""
    asked = {name: visit.asked(name) for name in ("q", "status", "parent")}
    after = visit.asked("after")
    status = asked["status"] if asked["status"] in STATUSES else None
    found = await visit.get(
        "/id-tags", q=asked["q"] or None, status=status, parent_id_tag=asked["parent"] or None, limit=_PAGE,
        after=after or None,
    )  # fmt: skip
    facts = {
        "asked": asked,
        "narrow": any(asked.values()),
        "ways": ways_along("/access", at=after, following=found["next"], **asked),
        "cards": [{"card": card, "state": state_of(visit, card)} for card in cast(list[Document], found["items"])],
        "statuses": {name: visit.gettext(text) for name, text in STATUSES.items()},
    }
    return visit.page("access.html", {**facts, **await _refused(visit)})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The cards that were refused lately."""
    return {"refused": visit.text("access_refused.html", await _refused(visit))}


async def show_groups(visit: Visit) -> web.StreamResponse:
    """The groups: cards that share a parent."""
    after = visit.asked("after")
    found = await visit.get("/id-tag-groups", limit=_PAGE, after=after or None)
    groups = [
        {"group": each, "state": None if each["status"] is None else state_of(visit, each)}
        for each in cast(list[Document], found["items"])
    ]
    ways = ways_along("/access/groups", at=after, following=found["next"])
    return visit.page("access_groups.html", {"groups": groups, "ways": ways})


def state_of(visit: Visit, card: Document) -> State:
    """What a card may do now; one that may charge but whose end has passed has expired."""
    status, end = str(card["status"]), visit.formats.local(card.get("expiry_date"))
    if status == "Accepted" and end is not None and end <= visit.formats.now:
        status = "Expired"
    return State(visit.gettext(STATUSES.get(status, status)), _LOOKS.get(status, ""))


async def _refused(visit: Visit) -> dict[str, object]:
    found = await visit.get("/events", last=_EVENTS_SEEN, stream="tx")
    return {"refused": refused_in(visit, reversed(cast(list[Document], found["items"])))}


def refused_in(visit: Visit, events: Iterable[Document]) -> list[Refused]:
    """The cards whose newest answer was a refusal; `events` come newest first."""
    seen: dict[str, Refused | None] = {}
    for event in events:
        data = cast(Mapping[str, object], event["data"])
        id_tag, told_as = data.get("id_tag"), _TELLS.get(str(event["kind"]))
        if told_as is None or not isinstance(id_tag, str) or id_tag.casefold() in seen:
            continue
        status = str(data.get(told_as) or "Accepted")
        why = visit.gettext(_REFUSALS.get(status, status))
        told = Refused(id_tag, str(event["station"] or ""), str(event["time"]), why, status == "Invalid")
        seen[id_tag.casefold()] = None if status == "Accepted" else told
    return [each for each in seen.values() if each is not None][:_MOST_REFUSED]


PAGES = (
    Page("GET", "/access", show, "viewer", pieces=pieces),
    Page("GET", "/access/groups", show_groups, "viewer"),
)
