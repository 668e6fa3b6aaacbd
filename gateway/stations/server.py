"""The stations' door: HTTP upgrade to WebSocket, identity and admission, then one `StationConnection` each.

Order of refusals (OCPP-J 1.6 3.2, certification TC_088): 404 unknown station, 401 or 403 bad credentials or security
profile, 400 no common sub-protocol; all before the upgrade. Who is known and what proves it is decided by `admit`,
handed in.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import http
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote
from weakref import WeakSet

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.proofs import ClientCertificate, Proof
from gateway.model.treatment import Treatment
from gateway.ocpp.conversation import Conversation
from gateway.stations.bounds import Bounds
from gateway.stations.connected import Connected
from gateway.stations.connection import Answer, StationConnection, Trace
from gateway.stations.tls import Gate, Handshakes, TlsDoor, certificate_shown

logger = logging.getLogger(__name__)

SUBPROTOCOL = Subprotocol("ocpp1.6")

# asyncio's default of 100 makes a storm of reconnecting stations five times slower.
_BACKLOG = 4096
_GAP_BETWEEN_CALLS_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Knock:
    """A request to connect, and what was proven. `password` is None without (usable) Basic credentials."""

    identity: str
    user: bytes | None
    password: bytes | None
    address: str
    encrypted: bool = False
    certificate: ClientCertificate | None = None  # verified


@dataclass(frozen=True, slots=True)
class Welcome:
    """The station may connect; how to treat it, and how it proved itself."""

    station: StationId
    treatment: Treatment
    proof: Proof = field(default_factory=Proof)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The station may not connect: HTTP status and a reason in words."""

    status: int
    reason: str


Admit = Callable[[Knock], Awaitable[Welcome | Refusal]]


@dataclass(frozen=True, slots=True)
class Door:
    """What the server needs from the rest of the gateway."""

    admit: Admit
    answer: Answer
    arrived: Callable[[StationConnection], None]
    left: Callable[[StationConnection], None]
    new_id: Callable[[], str]
    wall_clock: Callable[[], Instant]
    trace: Trace | None = None


@asynccontextmanager
async def serve_stations(
    *, host: str, port: int, door: Door, connected: Connected, bounds: Bounds, tls: TlsDoor | None = None
) -> AsyncIterator[int]:
    """Listen for stations for the length of the block, with `tls` on an encrypted port; yields the bound port."""
    handshakes = Handshakes(tls) if tls is not None else None

    async def handler(connection: ServerConnection) -> None:
        assert isinstance(connection, StationConnection)
        await _accompany(connection, door, connected, bounds.answering_queue)

    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, StationConnection)
        return await _receive(connection, request, door)

    living: WeakSet[StationConnection] = WeakSet()  # also those that have not said who they are
    make = _making(bounds, door.trace, living, handshakes)
    async with serve(
        handler,
        host,
        port,
        subprotocols=[SUBPROTOCOL],
        select_subprotocol=_select_subprotocol,
        process_request=process_request,
        create_connection=make,  # type: ignore[arg-type]
        compression=None,
        max_size=bounds.max_frame_bytes,
        backlog=_BACKLOG,
        server_header=None,
        logger=_QUIET,
    ) as server:
        try:
            yield next(iter(server.sockets)).getsockname()[1]
        finally:
            if handshakes is not None:
                handshakes.end()
            await _hang_up(server, living)


def _making(
    bounds: Bounds, trace: Trace | None, living: WeakSet[StationConnection], handshakes: Handshakes | None
) -> Callable[..., StationConnection | Gate]:
    """The function that makes what the library accepts connections with."""

    def make(protocol: ServerProtocol, server: Server, **_: object) -> StationConnection | Gate:
        connection = StationConnection(protocol, server, bounds=bounds, trace=trace)
        living.add(connection)
        return connection if handshakes is None else Gate(connection, handshakes)

    return make


async def _hang_up(server: Server, living: WeakSet[StationConnection]) -> None:
    server.close(close_connections=False)
    # No Close frame: stations were seen that never dial again after a graceful close.
    for connection in living:
        connection.drop()
    await server.wait_closed()


def identity_of(path: str) -> str:
    """The last non-empty segment of the raw request path, percent-decoded exactly once (OCPP-J 1.6 3.1.1).

    `/ocpp` alone is the documented address with the id forgotten: no identity, "".
    """
    segments = [segment for segment in path.split("?", 1)[0].split("/") if segment]
    return unquote(segments[-1]) if segments and segments != ["ocpp"] else ""


def credentials_of(header: str | None) -> tuple[bytes, bytes] | None:
    """User and password bytes of a Basic Authorization header; None when there is none or it is not usable."""
    if header is None:
        return None
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip().encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None


async def _receive(connection: StationConnection, request: Request, door: Door) -> Response | None:
    _keep_alive(connection)
    if "websocket" not in ",".join(request.headers.get_all("Upgrade")).lower():
        # a browser or a scanner, no station: nobody is admitted or remembered
        return connection.respond(http.HTTPStatus.UPGRADE_REQUIRED, "this port is for charging stations\n")
    authorizations = request.headers.get_all("Authorization")
    credentials = credentials_of(authorizations[0]) if len(authorizations) == 1 else None
    user, password = credentials if credentials is not None else (None, None)
    address = connection.remote_address
    knock = Knock(
        identity_of(request.path),
        user,
        password,
        str(address[0]) if address else "",
        encrypted=connection.transport.get_extra_info("ssl_object") is not None,
        certificate=certificate_shown(connection),
    )
    decision = await door.admit(knock)
    if isinstance(decision, Refusal):
        logger.info("refused %s: %s", knock.identity[:64], decision.reason, extra={"address": knock.address})
        response = connection.respond(http.HTTPStatus(decision.status), decision.reason + "\n")
        if decision.status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="ocpp-gateway"'
        return response
    connection.station = decision.station
    connection.address = knock.address
    connection.treatment = decision.treatment
    connection.proof = decision.proof
    return None


def _select_subprotocol(asked: ServerConnection | Gate, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    connection = asked.connection if isinstance(asked, Gate) else asked
    assert isinstance(connection, StationConnection)
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    if not offered and not connection.treatment.needs_subprotocol:
        return None
    raise NegotiationError("the sub-protocol ocpp1.6 is needed")


async def _accompany(connection: StationConnection, door: Door, connected: Connected, answering_queue: int) -> None:
    talk = Conversation(
        new_id=door.new_id,
        given=connected.answers_given(connection.station),
        queue_bound=answering_queue,
        gap_seconds=_GAP_BETWEEN_CALLS_SECONDS,
    )
    connected.add(connection)
    door.arrived(connection)
    connection.attach(connection.station, talk=talk, answer=door.answer, since=door.wall_clock())
    try:
        await asyncio.shield(connection.connection_lost_waiter)
    finally:
        if connected.remove(connection):
            door.left(connection)


def end_idle(connected: Connected, *, now: float, limit_seconds: float) -> list[StationId]:
    """Close connections that have been silent for too long (any frame counts); returns their stations."""
    ended = []
    for station, connection in connected.all().items():
        if now - connection.last_message_at > limit_seconds and connection.protocol.state is OPEN:
            connection.end(1000, "silent for too long")
            ended.append(station)
    return ended


def _keep_alive(connection: StationConnection) -> None:
    peer = connection.transport.get_extra_info("socket")
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


# The library tells of every refused handshake and broken stream with a traceback; the door tells it in one line itself.
_QUIET = logging.getLogger("gateway.stations.websockets")
_QUIET.setLevel(logging.CRITICAL)
