"""The store of firmware images: the list, one image with what may be done with it, and addresses for stations."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.pages.firmware_words import IMAGE_STATES, word_of
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.web.problems import Problem

_MOST_IMAGES = 50
_MOST_LINKS = 20


async def show(visit: Visit) -> web.StreamResponse:
    """Images, newest first; those that were withdrawn only when asked for."""
    state = visit.asked("state")
    wanted = state if state in IMAGE_STATES else None
    found = await visit.get("/firmware/images", limit=_MOST_IMAGES, after=visit.asked("after") or None, state=wanted)
    values = {"images": found["items"], "next": found["next"], "state": wanted or "", "states": IMAGE_STATES}
    return visit.page("firmware.html", {**values, "state_word": _word})


async def check(visit: Visit) -> web.StreamResponse:
    """Read the bytes of all images again."""
    answer = await visit.ask("POST", "/firmware/check")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    damaged, whole = _count(answer.document["damaged"]), _count(answer.document["whole"])
    if damaged:
        notice = visit.ngettext(
            "%(num)s image is damaged: add it again.", "%(num)s images are damaged: add them again.", damaged
        )
    else:
        notice = visit.ngettext("%(num)s image was read: all is well.", "%(num)s images were read: all is well.", whole)
    return visit.go("/firmware", notice)


async def show_image(visit: Visit) -> web.StreamResponse:
    """One image."""
    return await _image_page(visit)


async def approve(visit: Visit) -> web.StreamResponse:
    """Let stations have it."""
    path = f"/firmware/images/{part(visit.matched('image'))}"
    answer = await visit.ask("POST", f"{path}/approve")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go(path, visit.gettext("Approved: stations may have this image now."))


async def withdraw(visit: Visit) -> web.StreamResponse:
    """Nobody can fetch it from now on."""
    answer = await visit.ask("DELETE", f"/firmware/images/{part(visit.matched('image'))}")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return visit.go("/firmware", visit.gettext("Withdrawn: no station can fetch this image any more."))


async def give_link(visit: Visit) -> web.StreamResponse:
    """A new address from which one station can fetch it; it is shown this once."""
    station = (await visit.form()).get("station", "")
    path = f"/firmware/images/{part(visit.matched('image'))}/links"
    answer = await visit.ask("POST", path, {"station": station})
    if answer.status == HTTPStatus.FORBIDDEN:
        raise Problem(HTTPStatus.FORBIDDEN, answer.detail)
    if not answer.good:
        return await _image_page(visit, station=station, mistake=said(visit, answer.detail))
    return await _image_page(visit, station=station, link=answer.document)


async def _image_page(
    visit: Visit, *, station: str = "", mistake: str = "", link: dict[str, object] | None = None
) -> web.Response:
    image_id = visit.matched("image")
    image = await visit.get(f"/firmware/images/{part(image_id)}")
    links = await visit.get("/firmware/links", image=image_id, limit=_MOST_LINKS)
    stations = await visit.every("/stations") if visit.may("operator") else []
    values = {
        "image": image, "links": links["items"], "stations": stations, "state_word": _word,
        "station": station, "mistake": mistake, "link": link,
    }  # fmt: skip
    return visit.page("firmware_image.html", values, status=422 if mistake else 200)


def _word(visit: Visit, image: dict[str, object]) -> tuple[str, str]:
    """The state of an image in words, and how its badge looks."""
    if image["state"] == "approved" and not image["usable"]:
        return visit.gettext("Cannot be used now"), "bad"
    word = word_of(IMAGE_STATES, image["state"])
    return visit.gettext(word.text), word.look


def _count(listed: object) -> int:
    return len(listed) if isinstance(listed, list) else 0


PAGES = (
    Page("GET", "/firmware", show),
    Page("POST", "/firmware/check", check, "operator"),
    Page("GET", "/firmware/images/{image}", show_image),
    Page("POST", "/firmware/images/{image}/approve", approve, "operator"),
    Page("POST", "/firmware/images/{image}/withdraw", withdraw, "operator"),
    Page("POST", "/firmware/images/{image}/links", give_link, "operator"),
)
