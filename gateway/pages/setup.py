"""The setup of a site: which steps there are, how far each is, and what is saved on every one of them.

Everything is saved at once by the API, and the gateway begins anew with it; the reader waits on a small page that goes
on by itself. What stands in an administrator's file is shown, not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.guard import safe_way_back
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark
from gateway.web.asking_within import Answer

Document = dict[str, object]

WAIT = "/setup/wait"
SAVED = mark("Saved.")


@dataclass(frozen=True, slots=True)
class Step:
    """A page of the setup; `of_api`: its name among the steps of GET /setup, empty where the page itself knows."""

    path: str
    title: str
    purpose: str
    of_api: str = ""


STEPS: tuple[Step, ...] = (
    Step("/setup/site", mark("Site"), mark("Name, time zone, and who may connect"), "site"),
    Step("/setup/fuse", mark("Fuses"), mark("What the site may draw at most"), "main_circuit"),
    Step("/setup/meters", mark("Meter"), mark("What the whole site draws now"), "meter"),
    Step("/setup/stations", mark("Stations"), mark("Connect them and let them in"), "stations"),
    Step("/setup/cards", mark("Cards"), mark("Who may charge")),
    Step("/setup/done", mark("First charge"), mark("Try whether it all works")),
)


async def show(visit: Visit) -> web.StreamResponse:
    """Every step with its state, and what to do next."""
    return visit.page("setup.html", await frame_of(visit, ""))


async def pieces(visit: Visit) -> Mapping[str, str]:
    """The steps."""
    return {"setup-overview": visit.text("setup_overview.html", await frame_of(visit, ""))}


async def frame_of(visit: Visit, path: str, setup: Document | None = None) -> Document:
    """What every step shows: all of them with their state, the one before and the one after."""
    setup = setup or await visit.get("/setup")
    done = {str(each["step"]): bool(each["done"]) for each in cast(list[Document], setup["steps"])}
    found = [{"step": step, "done": await _is_done(visit, step, setup, done)} for step in STEPS]
    at = next((number for number, step in enumerate(STEPS) if step.path == path), -1)
    return {
        "setup": setup,
        "steps": found,
        "here": STEPS[at] if at >= 0 else None,
        "number": at + 1,
        "before": STEPS[at - 1].path if at > 0 else "/setup",
        "after": STEPS[at + 1].path if at + 1 < len(STEPS) else "/",
        "next_step": next((each["step"] for each in found if not each["done"]), None),
    }


async def decide(visit: Visit, wishes: Mapping[str, object], to: str) -> web.Response | Answer:
    """Save this and go on to `to`; the API's answer when it refuses."""
    answer = await visit.ask("PUT", "/setup", wishes)
    if not answer.good:
        return answer
    if answer.status == HTTPStatus.ACCEPTED:
        return visit.go(f"{WAIT}?taken={answer.document['taken']}&to={part(to)}")
    return visit.go(to, visit.gettext(SAVED))


async def wait(visit: Visit) -> web.StreamResponse:
    """A page that asks for itself again until the gateway has begun anew; then on to the next step."""
    to = safe_way_back(visit.asked("to", "/setup"))
    before = whole_number(visit.asked("taken"))
    reload = await visit.get("/reload")
    if before is not None and cast(int, reload["taken"]) == before:  # fewer: the daemon itself began anew
        return visit.page("setup_wait.html", {"to": to})
    if reload["failed"]:
        text = visit.gettext("The gateway could not start like this and has gone back to what was before: %(reason)s")
        return visit.go(to, text % {"reason": said(visit, reload["failed"])})
    return visit.go(to, visit.gettext(SAVED))


async def _is_done(visit: Visit, step: Step, setup: Document, done: Mapping[str, bool]) -> bool:
    if step.of_api:
        return done.get(step.of_api, False)
    if step.path == "/setup/cards":
        tags = cast(Mapping[str, Document], setup["site"])["unknown_tags"]
        return tags["value"] == "accept" or await _is_any(visit, "/id-tags")
    return await _is_any(visit, "/transactions")


async def _is_any(visit: Visit, path: str) -> bool:
    return bool((await visit.get(path, limit=1))["items"])


PAGES = (
    Page("GET", "/setup", show, "installer", pieces=pieces),
    Page("GET", WAIT, wait, "installer"),
)
