"""Who is asking, and may they: bearer tokens and three roles, each containing the one before.

Peers on the unix socket are installers: whoever may open that file may also read the database. Peers on loopback need
no token for health and metrics, unless a proxy speaks for somebody else.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from gateway.operations.manage_tokens import ROLES, Role
from gateway.store import tokens
from gateway.web.problems import Problem
from gateway.web.routes import SITE, Access, Route

ACTOR: web.RequestKey[str] = web.RequestKey("actor", str)

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ocpp-gateway"'}
_BAD_TOKEN = {"WWW-Authenticate": 'Bearer realm="ocpp-gateway", error="invalid_token"'}
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who showed a token or came through the unix socket. `name` is what the journal calls them."""

    name: str
    role: Role


def guarded(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler, reached only by those who may: 401 without a good token, 403 with too low a role."""

    async def handler(request: web.Request) -> web.StreamResponse:
        needed = _role_needed(request, route.access)
        if needed is not None:
            person = await _person(request)
            if ROLES.index(person.role) < ROLES.index(needed):
                detail = f"this needs the role {needed}; the token has the role {person.role}"
                raise Problem(HTTPStatus.FORBIDDEN, detail)
            request[ACTOR] = person.name
        return await route.handler(request)

    return handler


def actor_of(request: web.Request) -> str:
    """Who asks, for the journal."""
    return request[ACTOR]


def _role_needed(request: web.Request, access: Access) -> Role | None:
    if access == "public" or (access == "loopback" and _is_local(request)):
        return None
    return "viewer" if access == "loopback" else access


async def _person(request: web.Request) -> Person:
    user = _unix_user(request)
    if user is not None:
        return Person(f"local user {user}", "installer")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(HTTPStatus.UNAUTHORIZED, "this needs `Authorization: Bearer TOKEN`", headers=_CHALLENGE)
    row = await tokens.find(request.app[SITE].readers, token.strip())
    if row is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "the token is unknown or revoked", headers=_BAD_TOKEN)
    role: Role = next((role for role in ROLES if role == row.role), "viewer")
    return Person(f"token {row.token_id} ({row.name})" if row.name else f"token {row.token_id}", role)


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
    if any(name in request.headers for name in _PROXY_HEADERS):
        return False
    address = request.transport.get_extra_info("peername") if request.transport else None
    if not isinstance(address, tuple) or not address:
        return False
    peer = ipaddress.ip_address(str(address[0]).partition("%")[0])
    return peer.is_loopback or bool(peer.version == 6 and peer.ipv4_mapped and peer.ipv4_mapped.is_loopback)


def allows(person: Person | None, access: Access) -> bool:
    """Whether this person (None: nobody who logged in) may use what needs `access`."""
    if access == "public":
        return True
    needed = "viewer" if access == "loopback" else access
    return person is not None and ROLES.index(person.role) >= ROLES.index(needed)


async def person_of(request: web.Request) -> Person | None:
    """Who asks, or None: nobody is turned away here."""
    try:
        return await _person(request)
    except Problem:
        return None


def check_origin(request: web.Request) -> None:
    """403 when a browser sends this from another site's page (Sec-Fetch-Site, Origin)."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(HTTPStatus.FORBIDDEN, "this came from another site's page; nothing was changed")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise Problem(HTTPStatus.FORBIDDEN, "this came from another site's page; nothing was changed")
