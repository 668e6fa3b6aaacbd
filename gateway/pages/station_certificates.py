"""The certificates of one station: what it has installed, what was issued to it, and asking it to change them.

Everything goes the way of any request to a station. The last root by which it knows the gateway is deleted only after
a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages.station import Document, frame_of, looked_up
from gateway.pages.station_answers import Said, said_by
from gateway.pages.station_words import CERTIFICATE_TYPES
from gateway.pages.system_certificates import REVOCATION_REASONS, issued_rows
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.worded import worded
from gateway.web.problems import Problem

_GATEWAY_ROOT = "CentralSystemRootCertificate"
# as the station named it: the letters are sent back as they came
_HASHES = {
    "hashAlgorithm": "hash_algorithm",
    "issuerNameHash": "issuer_name_hash",
    "issuerKeyHash": "issuer_key_hash",
    "serialNumber": "serial_number",
}


async def show(visit: Visit) -> web.StreamResponse:
    """What it told last, without asking it."""
    return await _page(visit, await looked_up(visit))


async def ask(visit: Visit) -> web.StreamResponse:
    """The station is asked what it has."""
    station = await looked_up(visit)
    answers: list[Said] = []
    for kind in CERTIFICATE_TYPES:
        answers.append(await _sent(visit, station, "GetInstalledCertificateIds", {"certificateType": kind}))
        if answers[-1].look == "bad":
            break
    return await _page(visit, station, answers)


async def install(visit: Visit) -> web.StreamResponse:
    """A root is sent to it: the gateway's own, or the one that was pasted."""
    station, fields = await looked_up(visit), await visit.form()
    kind, pem = fields.get("type") or _GATEWAY_ROOT, fields.get("pem", "")
    if not pem and kind != _GATEWAY_ROOT:
        mistakes = {"pem": visit.gettext("Paste the certificate of the maker.")}
        return await _page(visit, station, fields=fields, mistakes=mistakes)
    payload = {"certificateType": kind, "certificate": _plain(pem) if pem else await _own_root(visit)}
    return await _page(visit, station, [await _sent(visit, station, "InstallCertificate", payload)])


async def delete(visit: Visit) -> web.StreamResponse:
    """A root is taken out of it."""
    station, fields = await looked_up(visit), await visit.form()
    hashes = {name: fields.get(source, "") for name, source in _HASHES.items()}
    return await _page(
        visit, station, [await _sent(visit, station, "DeleteCertificate", {"certificateHashData": hashes})]
    )


async def renew(visit: Visit) -> web.StreamResponse:
    """The station is told to ask for a new certificate of its own."""
    station = await looked_up(visit)
    wish = {"requestedMessage": "SignChargePointCertificate"}
    return await _page(visit, station, [await _sent(visit, station, "ExtendedTriggerMessage", wish)])


async def _own_root(visit: Visit) -> str:
    await visit.hand_through("GET", "/pki/authority")  # made when there is none yet
    authority = (await visit.get("/pki"))["authority"]
    if not isinstance(authority, Mapping):
        raise Problem(HTTPStatus.CONFLICT, visit.gettext("The gateway has no authority yet."))
    return _plain(str(authority["root"]))


async def _sent(visit: Visit, station: Document, action: str, payload: Mapping[str, object]) -> Said:
    return said_by(
        visit, action, await visit.ask("POST", f"/stations/{part(station['id'])}/commands/{action}", payload)
    )


async def _page(
    visit: Visit,
    station: Document,
    answers: list[Said] | None = None,
    *,
    fields: Mapping[str, str] | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    found = await visit.get(f"/stations/{part(station['id'])}/certificates")
    installed = cast(list[Document], found["installed"])
    roots = sum(each["certificate_type"] == _GATEWAY_ROOT for each in installed)
    facts = {
        **frame_of(station, "/certificates"),
        "answers": answers or [],
        "installed": [
            {
                **each,
                "type_word": worded(visit, CERTIFICATE_TYPES, each["certificate_type"]),
                "last_root": roots == 1 and each["certificate_type"] == _GATEWAY_ROOT,
            }
            for each in installed
        ],
        "issued": issued_rows(visit, found["issued"]),
        "reasons": REVOCATION_REASONS,
        "types": {name: visit.gettext(text) for name, text in CERTIFICATE_TYPES.items()},
        "fields": fields or {},
        "mistakes": mistakes or {},
    }
    return visit.page("station_certificates.html", facts, status=HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else 200)


def _plain(pem: str) -> str:
    """PEM with plain line ends; some stations take no others."""
    return "\n".join(line.rstrip() for line in pem.strip().splitlines()) + "\n"


PAGES = (
    Page("GET", "/stations/{station}/certificates", show, "viewer"),
    Page("POST", "/stations/{station}/certificates/ask", ask, "operator"),
    Page("POST", "/stations/{station}/certificates/install", install, "operator"),
    Page("POST", "/stations/{station}/certificates/delete", delete, "operator"),
    Page("POST", "/stations/{station}/certificates/renew", renew, "operator"),
)
