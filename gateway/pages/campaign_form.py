"""A rollout is made: which image, which stations, how careful; first looked at, then begun.

Which stations an image fits, and why not others, is what the API's plan says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

from gateway.pages import campaign_policy
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.web.asking_within import Answer
from gateway.web.problems import Problem

_CAMPAIGNS = "/firmware/campaigns"


@dataclass(slots=True)
class Wish:
    """The form as it was filled in. `chosen` counts only if not every station that fits is meant."""

    image_id: str
    name: str = ""
    which: str = "all"
    chosen: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """What the API takes."""
        stations = self.chosen if self.which == "chosen" else []
        policy = campaign_policy.policy_of(self.texts, self.days)
        return {"image_id": self.image_id, "stations": stations, "policy": policy}


async def begin(visit: Visit) -> web.StreamResponse:
    """The form with everything as it is usual; without an image, which one it is to be."""
    image_id = visit.asked("image")
    if not image_id:
        return await _choose_image(visit)
    image = await visit.get(f"/firmware/images/{part(image_id)}")
    fits = await _plan(visit, {"image_id": image_id})
    policy = fits["policy"]
    assert isinstance(policy, dict)
    wish = Wish(image_id, name=f"{image['vendor']} {image['version']}"[:64], which="all",
                chosen=_taking_part(fits), texts=campaign_policy.texts_of(policy),
                days=campaign_policy.days_of(policy))  # fmt: skip
    return _form(visit, wish, image, fits)


async def make(visit: Visit) -> web.StreamResponse:
    """Look at what would happen, or begin."""
    wish, only_plan = await _wish(visit)
    image = await visit.get(f"/firmware/images/{part(wish.image_id)}")
    nobody = wish.which == "chosen" and not wish.chosen
    if nobody:
        mistakes = {"stations": [visit.gettext("Choose at least one station.")]}
        return _form(visit, wish, image, await _plan(visit, {"image_id": wish.image_id}), mistakes=mistakes)
    if only_plan:
        answer = await visit.ask("POST", f"{_CAMPAIGNS}/plan", wish.document())
    else:
        answer = await visit.ask("POST", _CAMPAIGNS, {**wish.document(), "name": wish.name})
        if answer.good:
            notice = visit.gettext("The rollout has begun. It goes on by itself, for days if need be.")
            return visit.go(f"{_CAMPAIGNS}/{part(answer.document['campaign_id'])}", notice)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise Problem(HTTPStatus.FORBIDDEN, answer.detail)
    fits = await _plan(visit, {"image_id": wish.image_id})
    if answer.good:
        return _form(visit, wish, image, fits, plan=answer.document)
    return _form(visit, wish, image, fits, mistakes=_mistakes(visit, answer))


async def _choose_image(visit: Visit) -> web.Response:
    images = [image for image in await visit.every("/firmware/images", state="approved") if image["usable"]]
    return visit.page("campaign_image.html", {"images": images})


async def _wish(visit: Visit) -> tuple[Wish, bool]:
    """What was typed, and whether it is only to be looked at."""
    lists = await visit.form_lists()
    texts = {name: values[-1] for name, values in lists.items()}
    wish = Wish(
        image_id=texts.get("image_id", ""),
        name=texts.get("name", ""),
        which=texts.get("which", "all"),
        chosen=lists.get("station", []),
        days=lists.get("window_days", []),
        texts=texts,
    )
    if not wish.image_id:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, visit.gettext("Choose an image first."))
    return wish, texts.get("go") == "plan"


async def _plan(visit: Visit, wishes: dict[str, object]) -> dict[str, object]:
    answer = await visit.ask("POST", f"{_CAMPAIGNS}/plan", wishes)
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return answer.document


def _mistakes(visit: Visit, answer: Answer) -> dict[str, list[str]]:
    """Every mistake at its field; what belongs to none is under the empty name."""
    mistakes: dict[str, list[str]] = {}
    listed = answer.document.get("errors")
    for each in listed if isinstance(listed, list) else []:
        name = campaign_policy.field_of(str(each.get("field", "")))
        mistakes.setdefault(name, []).append(said(visit, each.get("detail")))
    return mistakes or {"": [said(visit, answer.detail)]}


def _taking_part(plan: dict[str, object]) -> list[str]:
    stations = plan["stations"]
    return [one["station"] for one in stations if one["takes_part"]] if isinstance(stations, list) else []


def _form(
    visit: Visit,
    wish: Wish,
    image: dict[str, object],
    fits: dict[str, object],
    *,
    plan: dict[str, object] | None = None,
    mistakes: dict[str, list[str]] | None = None,
) -> web.Response:
    values = {
        "wish": wish, "image": image, "fits": fits, "plan": plan, "mistakes": mistakes or {},
        "careful": campaign_policy.CAREFUL, "when": campaign_policy.WHEN, "times": campaign_policy.TIMES,
        "days": campaign_policy.DAYS,
        "times_open": any(field.name in (mistakes or {}) for field in campaign_policy.TIMES),
    }  # fmt: skip
    return visit.page("campaign_form.html", values, status=422 if mistakes else 200)


PAGES = (
    Page("GET", f"{_CAMPAIGNS}/new", begin, "operator"),
    Page("POST", _CAMPAIGNS, make, "operator"),
)
