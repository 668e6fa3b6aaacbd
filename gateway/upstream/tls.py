"""What a TLS handshake with a broker needs, made anew for each connection, and the handshake itself.

Certificates are rotated on disk while the daemon runs, so the files are read anew each time. It decides what is
trusted, and how a failure is told to people. It does not know what is said when the handshake is over.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.model.links import Broker, NotLinked

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: a gateway without a battery clock sees them, too
_ABOUT_TIME = {9, 10}
_ABOUT_OUR_CERTIFICATE = ("certificate", "unknown ca", "access denied", "handshake failure")
_NOT_FOR_PEOPLE = re.compile(r"^\[(?:SSL|X509|PEM)[^\]]*\] ?|^\[Errno -?\d+\] ?| ?\(_ssl\.c:\d+\)$")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a handshake was made with. It may be used once more when what is on disk now is at fault."""

    context: ssl.SSLContext
    trust: bytes | None  # the content of the file that says whom we trust


def read_files(broker: Broker) -> Shown:
    """Whom we trust and what we show, read from the files now. Raises NotLinked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    trust = None if broker.ca is None else _content(broker.ca)
    if broker.ca is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(cafile=broker.ca)
        except ssl.SSLError as error:
            raise NotLinked(f"{broker.ca} holds no certificate in PEM format") from error
    if broker.chain is not None:
        _show_certificate(context, broker.chain, broker.key_file)
    return Shown(context, trust)


def still_trusted(before: Shown, broker: Broker) -> bool:
    """Whether `before` trusts whom we trust now: an authority that was taken away must not come back."""
    try:
        return before.trust == (None if broker.ca is None else _content(broker.ca))
    except NotLinked:
        return False


async def secured(connected: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """The same connection, with TLS. `connected` is closed when it fails. Raises NotLinked."""
    try:
        wrapped = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:
        connected.close()
        raise NotLinked(f"no TLS with {host}: {plain_words(error)}") from error
    try:
        await _shake_hands(wrapped)
    except ssl.SSLCertVerificationError as error:
        wrapped.close()
        hint = " (is the clock of this machine right?)" if error.verify_code in _ABOUT_TIME else ""
        raise NotLinked(f"the broker's certificate is not accepted: {error.verify_message}{hint}") from error
    except OSError as error:
        wrapped.close()
        raise refusal_in_tls(plain_words(error)) or NotLinked(
            f"the TLS handshake failed: {plain_words(error)}"
        ) from error
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def refusal_in_tls(trouble: str) -> NotLinked | None:
    """What to tell when `trouble` is the broker's word about our certificate (or that we showed none)."""
    if "alert" not in trouble or not any(word in trouble for word in _ABOUT_OUR_CERTIFICATE):
        return None
    told = f"the broker refuses our certificate: {trouble}"
    return NotLinked(told, refused=True, bad_credentials=True, own_certificate=True)


def plain_words(error: OSError | ValueError | str) -> str:
    """What went wrong, without the places in a program that libraries name."""
    text = str(error)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        text = error.strerror
    return _NOT_FOR_PEOPLE.sub("", text) or "no reason was given"


def _show_certificate(context: ssl.SSLContext, chain: Path, key_file: Path | None) -> None:
    files = [chain] if key_file is None else [chain, key_file]
    try:
        for file in files:
            _content(file)
        context.load_cert_chain(chain, key_file, password=_nobody_is_asked)
    except NotLinked as error:
        raise NotLinked(error.reason, own_certificate=True) from error
    except (OSError, ValueError) as error:
        named = " and ".join(str(file) for file in files)
        told = f"{named}: not a certificate and its unencrypted key: {plain_words(error)}"
        raise NotLinked(told, own_certificate=True) from error


def _nobody_is_asked() -> str:
    return ""  # else the TLS library would ask for the key's password on the terminal


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotLinked(f"cannot read {file}: {plain_words(error)}") from error


async def _shake_hands(wrapped: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            wrapped.do_handshake()
            return
        except ssl.SSLWantReadError:
            await _until(wrapped, loop.add_reader, loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _until(wrapped, loop.add_writer, loop.remove_writer)


async def _until(
    wrapped: ssl.SSLSocket,
    watch: Callable[[int, Callable[[asyncio.Future[None]], None], asyncio.Future[None]], None],
    leave: Callable[[int], bool],
) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watch(wrapped.fileno(), _be_ready, ready)
    try:
        await ready
    finally:
        leave(wrapped.fileno())


def _be_ready(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
