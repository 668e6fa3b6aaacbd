"""/pki and /stations/{station}/certificates: the site's authority, what it issued, what stations have, what ends when.

Sending certificates to stations is a matter of /stations/{station}/commands/. Keys leave in one answer only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from aiohttp import web

from gateway.operations import keep_authority
from gateway.operations.keep_authority import LONGEST_COMMON_NAME, Algorithm, CannotIssue, UnfitAuthority
from gateway.operations.known_stations import is_known
from gateway.operations.watch_certificates import certificate_dates
from gateway.store import reports_certificates, reports_stations
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, object_of
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

_PEM = "application/x-pem-file"
_LONGEST_REASON = 200
_MOST_PARTS = 2


async def get_pki(request: web.Request) -> web.StreamResponse:
    """The authority, and everything that ends one day."""
    expect_only(request, ())
    site = request.app[SITE]
    with _trouble_told():
        authority = await keep_authority.find_authority(site)
    return json_response({"authority": authority, "certificates": await certificate_dates(site)})


async def get_authority(request: web.Request) -> web.StreamResponse:
    """The root that stations must trust, as PEM."""
    expect_only(request, ())
    with _trouble_told():
        authority = await keep_authority.show_authority(request.app[SITE])
    return web.Response(text=str(authority["root"]), content_type=_PEM)


async def post_renewal(request: web.Request) -> web.StreamResponse:
    """Begin a new generation of the authority."""
    expect_only(request, ())
    _only(await object_of(request), ())
    with _trouble_told():
        return json_response(await keep_authority.renew_authority(request.app[SITE], actor=actor_of(request)))


async def post_import(request: web.Request) -> web.StreamResponse:
    """Let the operator's own authority issue."""
    expect_only(request, ())
    fields = await object_of(request)
    _only(fields, ("authorities",))
    parts = fields.get("authorities")
    if not isinstance(parts, list) or not 0 < len(parts) <= _MOST_PARTS:
        raise unacceptable("authorities: expected a list of one or two, each with private_key and chain")
    read = [_part(part) for part in parts]
    with _trouble_told():
        return json_response(await keep_authority.import_authority(request.app[SITE], read, actor=actor_of(request)))


async def list_issued(request: web.Request) -> web.StreamResponse:
    """Certificates that were issued to stations, newest first."""
    expect_only(request, ("station", "limit", "after"))
    limit = limit_of(request)
    found = await reports_certificates.issued(
        request.app[SITE].readers,
        station=request.query.get("station"),
        before=integer_of(request, "after"),
        limit=limit + 1,
    )
    return collection(found[:limit], found[limit - 1]["certificate_id"] if len(found) > limit else None)


async def post_station_certificate(request: web.Request) -> web.StreamResponse:
    """A key and certificate for a station that cannot ask for one."""
    expect_only(request, ())
    fields = await object_of(request)
    _only(fields, ("station", "common_name", "algorithm"))
    station, name = fields.get("station"), fields.get("common_name") or fields.get("station")
    algorithm = _algorithm(fields.get("algorithm", "ecdsa"))
    if not isinstance(station, str) or not station:
        raise unacceptable("station: expected the id of a station")
    if not isinstance(name, str) or not name.isprintable() or len(name) > LONGEST_COMMON_NAME or name != name.strip():
        raise unacceptable(f"common_name: expected 1 to {LONGEST_COMMON_NAME} printable characters")
    with _trouble_told():
        made = await keep_authority.make_station_certificate(
            request.app[SITE], station, common_name=name, algorithm=algorithm, actor=actor_of(request)
        )
    if made is None:
        raise not_found(f"no station {station!r} is known")
    response = json_response(
        {"station": station, **made.facts, "private_key": made.key, "chain": made.chain}, status=201
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def post_revocation(request: web.Request) -> web.StreamResponse:
    """Revoke a certificate by its serial number or fingerprint."""
    expect_only(request, ())
    fields = await object_of(request)
    _only(fields, ("reason",))
    reason, serial = fields.get("reason") or "", request.match_info["serial"]
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise unacceptable(f"reason: expected printable text of up to {_LONGEST_REASON} characters")
    stations = await keep_authority.revoke(request.app[SITE], serial, reason=reason, actor=actor_of(request))
    if stations is None:
        raise not_found(f"no certificate {serial!r} was issued here")
    return json_response({"status": "revoked", "stations": stations})


async def get_of_station(request: web.Request) -> web.StreamResponse:
    """What was issued to the station, and what it says it has installed."""
    expect_only(request, ())
    site, station = request.app[SITE], request.match_info["station"]
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    if not is_known(site.configuration, station, row):
        raise not_found(f"no station {station!r} is known")
    issued = await reports_certificates.issued(site.readers, station=station, limit=100)
    return json_response(
        {"station": station, "issued": issued, "installed": await reports_certificates.installed(site.readers, station)}
    )


@contextlib.contextmanager
def _trouble_told() -> Iterator[None]:
    """422 for what cannot be imported, 507 when the authority's files cannot be used; neither changes anything."""
    try:
        yield
    except UnfitAuthority as unfit:
        raise unacceptable(f"nothing was changed: {unfit}") from None
    except CannotIssue as trouble:
        raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, f"the authority cannot be used: {trouble}") from None


def _only(fields: Mapping[str, object], known: tuple[str, ...]) -> None:
    unknown = [name for name in fields if name not in known]
    if unknown:
        told = f"known are {', '.join(known)}" if known else "nothing is expected"
        raise unacceptable("unknown fields", [{"field": name, "detail": f"unknown; {told}"} for name in unknown])


def _part(part: object) -> tuple[str, str]:
    if isinstance(part, Mapping):
        key, chain = part.get("private_key"), part.get("chain")
        if isinstance(key, str) and isinstance(chain, str):
            return key, chain
    raise unacceptable("authorities: expected private_key and chain in each, both PEM text")


def _algorithm(text: object) -> Algorithm:
    if text == "rsa":
        return "rsa"
    if text == "ecdsa":
        return "ecdsa"
    raise unacceptable("algorithm: expected rsa or ecdsa")


ROUTES = (
    Route(
        "GET", "/api/v1/pki", get_pki, "viewer", "The site's authority, and every certificate with its end",
        answers={200: "Pki"}, errors=(507,),
    ),
    Route(
        "GET", "/api/v1/pki/authority", get_authority, "viewer",
        "The root that stations must trust (PEM); the authority is made when there is none yet",
        answers={200: {_PEM: {"type": "string"}}}, errors=(507,),
    ),
    Route(
        "POST", "/api/v1/pki/authority/renew", post_renewal, "installer",
        "Begin a new generation of the authority; what was issued before stays valid",
        answers={200: "Authority"}, errors=(400, 413, 422, 507),
    ),
    Route(
        "POST", "/api/v1/pki/authority/import", post_import, "installer",
        "Let the operator's own authority issue from now on: one RSA, one EC, or both",
        request={"application/json": "AuthorityImport"}, answers={200: "Authority"}, errors=(400, 413, 422, 507),
    ),
    Route(
        "GET", "/api/v1/pki/certificates", list_issued, "viewer", "Certificates issued to stations, newest first",
        parameters=(Parameter("station", "only this station's"), LIMIT, AFTER),
        answers={200: "IssuedCertificateCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/pki/station-certificates", post_station_certificate, "installer",
        "Make a key and certificate for a station that cannot ask for one; the key is shown only in this answer",
        request={"application/json": "StationCertificateFields"}, answers={201: "StationCertificate"},
        errors=(400, 404, 413, 422, 507),
    ),
    Route(
        "POST", "/api/v1/pki/certificates/{serial}/revoke", post_revocation, "installer",
        "Revoke a certificate by its serial number or SHA-256 fingerprint",
        request={"application/json": {"type": "object", "properties": {"reason": {"type": "string"}}}},
        answers={200: "Revoked"}, errors=(400, 404, 413, 422),
    ),
    Route(
        "GET", "/api/v1/stations/{station}/certificates", get_of_station, "viewer",
        "Certificates issued to the station, and those it says it has installed",
        answers={200: "StationCertificates"}, errors=(404,),
    ),
)  # fmt: skip
