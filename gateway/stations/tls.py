"""TLS on the stations' door: contexts with their cipher suites, and the handshake before the WebSocket begins.

The handshake is made here and not by the loop's server, because a refused one must be told with the peer's address and
its reason, must end within a bounded time, and must not take from the stations that are connected: a peer has few
handshakes at once, each that failed keeps its place for a second, and others wait. Who the peer is, is asked later
(`server`).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from gateway.model.instants import SECOND, Instant
from gateway.model.proofs import ClientCertificate
from gateway.stations.connection import StationConnection

CipherSet = Literal["modern", "certification"]

_ECDHE = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
)
# Security white paper A00.FR.317 and 421: the two RSA suites have no forward secrecy, so they are switched on by hand.
CIPHERS: Mapping[CipherSet, str] = MappingProxyType(
    {
        "modern": f"@SECLEVEL=2:{_ECDHE}:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
        "certification": f"@SECLEVEL=2:{_ECDHE}:AES128-GCM-SHA256:AES256-GCM-SHA384",
    }
)
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python's ssl has no name for

_HANDSHAKE_SECONDS = 15.0
_SHUTDOWN_SECONDS = 5.0
_MOST_AT_ONCE_OF_ONE_ADDRESS = 32
_MOST_WAITING_OF_ONE_ADDRESS = 300  # all stations of a site may come back at once, through one router
_MOST_WAITING = 500
_PENALTY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class HandshakeFailure:
    """A connection that ended before it was encrypted. `reason` is OpenSSL's word, or ours in small letters."""

    address: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TlsDoor:
    """What the TLS port needs: the newest context (None: no certificate can be shown now), and who is told."""

    context: Callable[[], Awaitable[ssl.SSLContext | None]]
    failed: Callable[[HandshakeFailure], None]
    handshake_seconds: float = _HANDSHAKE_SECONDS


def make_context(
    certificates: Iterable[tuple[Path, Path]], *, authorities: str, cipher_set: CipherSet, checks_time: bool = True
) -> ssl.SSLContext:
    """A server's context with these (chain, key) pairs. Raises OSError (ssl.SSLError is one) or ValueError.

    A client certificate may be shown, and must then be signed by one of `authorities` (PEM text).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # without tickets every connection proves itself anew
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.set_ciphers(CIPHERS[cipher_set])
    for chain, key in certificates:
        context.load_cert_chain(chain, key, password=_no_password)
    context.verify_mode = ssl.CERT_OPTIONAL
    # the installer names whom the site trusts, which need not be a root
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not checks_time:
        context.verify_flags |= _NO_CHECK_TIME
    if authorities.strip():
        context.load_verify_locations(cadata=authorities)
    return context


def _no_password() -> str:
    raise ValueError("the private key is encrypted")  # OpenSSL would ask the terminal


def certificate_shown(connection: StationConnection) -> ClientCertificate | None:
    """The verified certificate that the station has shown, None without TLS or certificate."""
    encrypted = connection.transport.get_extra_info("ssl_object")
    shown = encrypted.getpeercert() if encrypted is not None else None
    if not shown:
        return None
    subject, issuer = _names(shown["subject"]), _names(shown["issuer"])
    return ClientCertificate(
        common_name=next((value for name, value in subject if name == "commonName"), ""),
        organizations=tuple(value for name, value in subject if name == "organizationName"),
        serial_number=str(shown["serialNumber"]).lower(),
        fingerprint=hashlib.sha256(encrypted.getpeercert(binary_form=True)).hexdigest(),
        issuer=next((value for name, value in issuer if name == "commonName"), ""),
        not_before=_instant(shown["notBefore"]),
        not_after=_instant(shown["notAfter"]),
    )


def _names(distinguished: Iterable[Iterable[tuple[str, str]]]) -> list[tuple[str, str]]:
    return [pair for relative in distinguished for pair in relative]


def _instant(text: str) -> Instant:
    return Instant(int(ssl.cert_time_to_seconds(text)) * SECOND)


@dataclass(slots=True)
class Handshakes:
    """The handshakes under way or waiting on one port, so that their number is bounded and all end with the port."""

    door: TlsDoor
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    of_address: Counter[str] = field(default_factory=Counter)
    places: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    def begin(self, gate: Gate) -> None:
        """Make the gate's handshake when it is its turn, unless too many wait already."""
        address = gate.address
        if len(self.tasks) >= _MOST_WAITING or self.of_address[address] >= _MOST_WAITING_OF_ONE_ADDRESS:
            gate.opened.close()
            self.door.failed(HandshakeFailure(address, "too many at once"))
            return
        self.of_address[address] += 1
        self.places.setdefault(address, asyncio.Semaphore(_MOST_AT_ONCE_OF_ONE_ADDRESS))
        task = asyncio.get_running_loop().create_task(self._make(gate))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def end(self) -> None:
        """Give up all that are under way."""
        for task in self.tasks:
            task.cancel()

    async def _make(self, gate: Gate) -> None:
        try:
            async with self.places[gate.address]:
                failure = await self._failure_of(gate)
                if failure is not None:
                    self.door.failed(failure)
                    await asyncio.sleep(_PENALTY_SECONDS)
        finally:
            self.of_address[gate.address] -= 1
            if not self.of_address[gate.address]:
                del self.of_address[gate.address], self.places[gate.address]

    async def _failure_of(self, gate: Gate) -> HandshakeFailure | None:
        """Encrypt and begin the station's connection; or why that was not possible."""
        context, address = await self.door.context(), gate.address
        if context is None:
            gate.opened.close()
            return HandshakeFailure(address, "no certificate")
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: gate.connection,
                gate.opened,
                ssl=context,
                ssl_handshake_timeout=self.door.handshake_seconds,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except ssl.SSLCertVerificationError as error:
            return HandshakeFailure(address, "CERTIFICATE_VERIFY_FAILED", error.verify_message)
        except ssl.SSLError as error:
            return HandshakeFailure(address, error.reason or "hung up", str(error))
        except ConnectionAbortedError:
            return HandshakeFailure(address, "too slow")
        except OSError as error:
            return HandshakeFailure(address, "hung up", str(error))
        return None


class Gate:
    """The asyncio protocol of a connection as it was accepted; `connection` begins when it is encrypted.

    Its transport is given up at once and only the socket kept: the loops differ in when a transport begins to read, and
    nothing may be read before TLS does.
    """

    def __init__(self, connection: StationConnection, handshakes: Handshakes) -> None:
        self.connection = connection
        self.protocol = connection.protocol  # the library asks for it
        self.address = ""
        self.opened: socket.socket
        self._handshakes = handshakes

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Somebody connected."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        try:
            self.opened = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        except OSError as error:
            transport.abort()
            self._handshakes.door.failed(HandshakeFailure(self.address, "no room", str(error)))
            return
        transport.abort()
        self._handshakes.begin(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The transport as accepted is given up."""
