"""Certificates: the site's authority and its next generation, what was issued to stations, and what ends when.

A key that was made stands on the page that answers, once, and nowhere else. What a station has: `station_certificates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.paging import ways_through
from gateway.pages.said import said
from gateway.pages.station_words import CERTIFICATE_STATES, CERTIFICATE_TYPES
from gateway.pages.table import Page
from gateway.pages.visit import Visit, address_with, part
from gateway.pages.worded import worded
from gateway.pages.words import mark
from gateway.web.asking_within import Answer
from gateway.web.problems import Problem

Document = Mapping[str, object]

PATH = "/system/certificates"
_ISSUED = 50
_KINDS = {
    "authority": mark("The site's own authority"),
    "server": mark("Of this gateway, shown to stations"),
    "client_ca": mark("Authority of stations' certificates"),
    "upstream": mark("For a fleet manager"),
    "station": mark("Of a station"),
    "installed": mark("In a station, as it told"),
}
# What the page offers; the API takes any words. They are kept in English and shown like what the API says.
REVOCATION_REASONS = (
    mark("somebody else may have the key"),
    mark("another certificate took its place"),
    mark("the station was taken away"),
    mark("the station is not trusted any more"),
)


async def show(visit: Visit) -> web.StreamResponse:
    """Everything that ends one day, soonest first, and what was issued."""
    return await _page(visit)


async def renew(visit: Visit) -> web.StreamResponse:
    """A new generation of the authority."""
    answer = await visit.ask("POST", "/pki/authority/renew", {})
    if not answer.good:
        return await _page(visit, refused=_refused(answer))
    return visit.go(PATH, _next_step(visit, answer))


async def take_over(visit: Visit) -> web.StreamResponse:
    """The operator's own authority issues from now on."""
    fields = await visit.form()
    pairs = [(fields.get(f"key{end}", ""), fields.get(f"chain{end}", "")) for end in ("", "_2")]
    parts = [{"private_key": f"{key}\n", "chain": f"{chain}\n"} for key, chain in pairs if key or chain]
    answer = await visit.ask("POST", "/pki/authority/import", {"authorities": parts})
    if not answer.good:
        # the keys are not sent back to the browser: they are pasted again
        return await _page(visit, fields={**fields, "key": "", "key_2": ""}, refused=_refused(answer), opened="import")
    return visit.go(PATH, _next_step(visit, answer))


async def make(visit: Visit) -> web.StreamResponse:
    """A key and a certificate for a station that cannot ask for one."""
    fields = await visit.form()
    wishes = {name: fields[name] for name in ("station", "common_name", "algorithm") if fields.get(name)}
    answer = await visit.ask("POST", "/pki/station-certificates", wishes)
    if not answer.good:
        return await _page(visit, fields=fields, refused=_refused(answer), opened="make")
    return await _page(visit, made=answer.document)


async def revoke(visit: Visit) -> web.StreamResponse:
    """A station's certificate counts no more."""
    fields = await visit.form()
    path = f"/pki/certificates/{part(visit.matched('serial'))}/revoke"
    answer = await visit.ask("POST", path, {"reason": fields.get("reason", "")})
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    station = fields.get("station", "")
    notice = visit.gettext("The certificate is revoked. It counts no more from the next connection on.")
    return visit.go(f"/stations/{part(station)}/certificates" if station else PATH, notice)


async def _page(
    visit: Visit,
    *,
    made: Document | None = None,
    refused: str = "",
    fields: Mapping[str, str] | None = None,
    opened: str = "",
) -> web.Response:
    pki = await visit.get("/pki")
    after = visit.asked("after")
    issued = await visit.get("/pki/certificates", limit=_ISSUED, after=after or None)
    stations = [str(each["id"]) for each in await visit.every("/stations")]
    dates = [_dated(visit, each) for each in cast(list[Document], pki["certificates"])]
    dates.sort(key=lambda each: str(each["not_after"] or ""))
    ways = ways_through(lambda cursor: f"{address_with(PATH, after=cursor)}#issued", at=after, following=issued["next"])
    values = {
        "authority": pki["authority"],
        "dates": dates,
        "issued": issued_rows(visit, issued["items"]),
        "reasons": REVOCATION_REASONS,
        "ways": ways,
        "stations": {name: name for name in stations},
        "made": made,
        "refused": refused,
        "fields": fields or {},
        "opened": opened,
        "tab": "certificates",
    }
    return visit.page("system_certificates.html", values, status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else 200)


def issued_rows(visit: Visit, issued: object) -> list[dict[str, object]]:
    """Issued certificates with their state in words, and whether they can still be revoked."""
    return [
        {
            **each,
            "state_word": worded(visit, CERTIFICATE_STATES, each["state"]),
            "revocable": bool(each["serial_number"]) and each["state"] != "revoked",
        }
        for each in cast(list[Document], issued)
    ]


def _next_step(visit: Visit, answer: Answer) -> str:
    return visit.gettext(
        "Generation %(number)s issues now. Give every station the new root before the former one ends:"
        " under Certificates of the station.",
        number=answer.document["generation"],
    )


def _refused(answer: Answer) -> str:
    if answer.status == HTTPStatus.FORBIDDEN:
        raise Problem(HTTPStatus.FORBIDDEN, answer.detail)
    return answer.detail


def _dated(visit: Visit, certificate: Document) -> dict[str, object]:
    what = worded(visit, _KINDS, certificate["kind"])
    told = certificate["kind"] == "installed"
    name = worded(visit, CERTIFICATE_TYPES, certificate["name"]) if told else certificate["name"]
    return {**certificate, "what": what, "name": name, "said": said(visit, certificate["warning"])}


PAGES = (
    Page("GET", PATH, show),
    Page("POST", f"{PATH}/renew", renew, "installer"),
    Page("POST", f"{PATH}/import", take_over, "installer"),
    Page("POST", f"{PATH}/station", make, "installer"),
    Page("POST", f"{PATH}/issued/{{serial}}/revoke", revoke, "installer"),
)
