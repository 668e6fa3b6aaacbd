"""Who is asking, and may they: bearer tokens, cookies of people who logged in, and three roles, each containing the one
before.

Peers on the unix socket are installers: whoever may open that file may also read the database. Peers on loopback need
no token for health and metrics, unless a proxy speaks for somebody else. What a cookie allows to change it allows only
to pages of this very address (`expect_own_page`).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from gateway.operations.log_in import LONGEST_SECONDS, whose_session
from gateway.operations.manage_tokens import ROLES, Role, actor_of_token
from gateway.operations.manage_users import actor_of_user
from gateway.store import tokens
from gateway.web.problems import Problem
from gateway.web.routes import SITE, Access, Route

COOKIE = "ocppgw_session"
ACTOR: web.RequestKey[str] = web.RequestKey("actor", str)

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ocpp-gateway"'}
_BAD_TOKEN = {"WWW-Authenticate": 'Bearer realm="ocpp-gateway", error="invalid_token"'}
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
_CHANGES_NOTHING = ("GET", "HEAD")
_USUAL_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who logged in, showed a token, or came through the unix socket.

    `name` is what the journal calls them, `shown` what they are called on a page; `user_id` is None unless `kind` is
    user.
    """

    name: str
    role: Role
    kind: Literal["user", "token", "local"]
    shown: str
    user_id: int | None = None

    def may(self, needed: Role) -> bool:
        """Whether the role contains `needed`."""
        return ROLES.index(self.role) >= ROLES.index(needed)


PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)


def guarded(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler, reached only by those who may: 401 for strangers, 403 with too low a role."""

    async def handler(request: web.Request) -> web.StreamResponse:
        needed = _role_needed(request, route.access)
        if needed is not None:
            person = await _expected_person(request)
            if not person.may(needed):
                who = "the token" if person.kind == "token" else person.shown
                raise Problem(HTTPStatus.FORBIDDEN, f"this needs the role {needed}; {who} has the role {person.role}")
            if person.kind == "user" and request.method not in _CHANGES_NOTHING:
                expect_own_page(request)
            request[ACTOR] = person.name
            request[PERSON] = person
        return await route.handler(request)

    return handler


def actor_of(request: web.Request) -> str:
    """Who asks, for the journal."""
    return request[ACTOR]


async def person_of(request: web.Request) -> Person | None:
    """Who asks; None: nobody who is known. A page may ask whatever the request is; it is refused nothing."""
    user = _unix_user(request)
    if user is not None:
        return Person(f"local user {user}", "installer", "local", f"local user {user}")
    if "Authorization" in request.headers:
        return await _token_holder(request)
    secret = request.cookies.get(COOKIE)
    found = await whose_session(request.app[SITE], secret) if secret else None
    if found is None:
        return None
    return Person(actor_of_user(found.name), _role(found.role), "user", found.name, found.user_id)


def expect_own_page(request: web.Request) -> None:
    """403 when a page of another address has the browser send this: its user does not know.

    The cookie is SameSite=Strict already; this also holds apart what a browser takes for one site, such as two ports
    of one machine. Programs that are no browser send neither header. A name that was made to point at this machine
    (DNS rebinding) has no cookie of ours.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site != "same-origin" or (origin is not None and not _is_own(request, origin)):
        raise Problem(HTTPStatus.FORBIDDEN, "a page of another address may not do this with your login")


def address_of_page(request: web.Request) -> str:
    """How the browser calls this gateway, such as `http://192.168.1.10:8080`."""
    return f"{'https' if _is_https(request) else 'http'}://{_host_of(request)}"


def set_cookie(request: web.Request, response: web.StreamResponse, secret: str) -> None:
    """Log the browser in: from now on it shows `secret` to this address, to no script and from no other site."""
    response.set_cookie(
        COOKIE, secret, max_age=LONGEST_SECONDS, path="/", httponly=True, samesite="Strict", secure=_is_https(request)
    )


def clear_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Have the browser forget the cookie."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_is_https(request))


def session_secret(request: web.Request) -> str | None:
    """The cookie's value, whether or not it is good."""
    return request.cookies.get(COOKIE)


def address_of(request: web.Request) -> str:
    """Where the request comes from; what a proxy on this machine says of it is believed."""
    forwarded = _from_proxy(request, "X-Forwarded-For")
    if forwarded:
        return forwarded.rpartition(",")[2].strip()[:64]
    address = request.transport.get_extra_info("peername") if request.transport else None
    return str(address[0]) if isinstance(address, tuple) and address else "local"


def _role_needed(request: web.Request, access: Access) -> Role | None:
    if access == "public" or (access == "loopback" and _is_local(request)):
        return None
    return "viewer" if access == "loopback" else access


async def _expected_person(request: web.Request) -> Person:
    person = await person_of(request)
    if person is not None:
        return person
    if _bearer(request) is not None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "the token is unknown or revoked", headers=_BAD_TOKEN)
    if session_secret(request) is not None and "Authorization" not in request.headers:
        raise Problem(HTTPStatus.UNAUTHORIZED, "the login has ended: log in again", headers=_CHALLENGE)
    raise Problem(HTTPStatus.UNAUTHORIZED, "this needs a login or `Authorization: Bearer TOKEN`", headers=_CHALLENGE)


async def _token_holder(request: web.Request) -> Person | None:
    token = _bearer(request)
    row = None if token is None else await tokens.find(request.app[SITE].readers, token)
    if row is None:
        return None
    name = actor_of_token(row)
    return Person(name, _role(row.role), "token", row.name or name)


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _role(text: str) -> Role:
    return next((role for role in ROLES if role == text), "viewer")


def _is_own(request: web.Request, origin: str) -> bool:
    scheme, _, theirs = origin.lower().partition("://")
    usual = _USUAL_PORTS.get(scheme)
    if usual is None:
        return False
    ours = _host_of(request).lower()
    return theirs.removesuffix(f":{usual}") == ours.removesuffix(f":{usual}")


def _host_of(request: web.Request) -> str:
    return str(_from_proxy(request, "X-Forwarded-Host") or request.headers.get("Host") or "")


def _is_https(request: web.Request) -> bool:
    return request.scheme == "https" or (_from_proxy(request, "X-Forwarded-Proto") or "").lower() == "https"


def _from_proxy(request: web.Request, name: str) -> str | None:
    """What a proxy on this machine says; others say nothing that counts. Its own line is the last."""
    lines = request.headers.getall(name, ()) if _peer_is_loopback(request) else ()
    return lines[-1] if lines else None


def _unix_user(request: web.Request) -> int | None:
    """The user id of a peer on the unix socket; None for every other peer."""
    peer = request.transport.get_extra_info("socket") if request.transport else None
    if peer is None or peer.family != socket.AF_UNIX:
        return None
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user


def _is_local(request: web.Request) -> bool:
    if _unix_user(request) is not None:
        return True
    return not any(name in request.headers for name in _PROXY_HEADERS) and _peer_is_loopback(request)


def _peer_is_loopback(request: web.Request) -> bool:
    address = request.transport.get_extra_info("peername") if request.transport else None
    if not isinstance(address, tuple) or not address:
        return False
    peer = ipaddress.ip_address(str(address[0]).partition("%")[0])
    return peer.is_loopback or bool(peer.version == 6 and peer.ipv4_mapped and peer.ipv4_mapped.is_loopback)


def allows(person: Person | None, access: Access) -> bool:
    """Whether this person (None: nobody who logged in) may use what needs `access`."""
    if access == "public":
        return True
    return person is not None and person.may("viewer" if access == "loopback" else access)
