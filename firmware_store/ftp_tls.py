"""The certificates that explicit FTPS shows: read again whenever a file has changed, by the next connection.

What cannot be used is told once and leaves plain FTP alone. Where the files are is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

logger = logging.getLogger(__name__)

Pair = tuple[Path, Path]  # chain, key


@dataclass(frozen=True, slots=True)
class Contexts:
    """For the two kinds of connections.

    Data goes by TLS 1.2: in 1.3 a server sends session tickets unasked, and a station that only uploads leaves them
    unread, so that its machine resets the connection when it closes, with whatever was still on its way.
    """

    control: SSL.Context
    data: SSL.Context


@dataclass(slots=True)
class TlsFiles:
    """The newest usable contexts; None while there is none, and then only plain FTP is spoken."""

    pairs: Callable[[], Sequence[Pair]]
    ciphers: str
    contexts: Contexts | None = None
    _stamps: object = None
    _told: str = ""

    def current(self) -> Contexts | None:
        """The contexts for a connection that begins now."""
        pairs = self.pairs()
        stamps = [(pair, *map(_stamp, pair)) for pair in pairs]
        if stamps != self._stamps:
            self._stamps = stamps
            self._read(pairs)
        return self.contexts

    def _read(self, pairs: Sequence[Pair]) -> None:
        wrong: list[str] = []
        usable = [pair for pair in pairs if self._is_usable(pair, wrong)]
        # a file may be half written now: what worked before goes on until all is well
        if usable and (self.contexts is None or not wrong):
            self.contexts = Contexts(_context(usable, self.ciphers), _context(usable, self.ciphers))
            self.contexts.data.set_max_proto_version(SSL.TLS1_2_VERSION)
        elif not pairs and self.contexts is None:
            wrong.append("there is no certificate yet")
        told = "; ".join(wrong)
        if told and told != self._told:
            logger.error("explicit FTPS: %s%s", told, "" if self.contexts else ": only plain FTP is spoken")
        self._told = told

    def _is_usable(self, pair: Pair, wrong: list[str]) -> bool:
        try:
            pair[0].read_bytes()  # the library would not say why it cannot
            _context([pair], self.ciphers)
        except OSError as error:
            wrong.append(f"{error.filename}: {error.strerror}")
        except (SSL.Error, ValueError, TypeError, UnsupportedAlgorithm):  # damaged, not its key, with a password
            wrong.append(f"{pair[0]}: cannot be used with its key")
        else:
            return True
        return False


def _context(pairs: Sequence[Pair], ciphers: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_session_id(b"ocpp-gateway-ftpd")
    context.set_cipher_list(ciphers.encode())
    for chain, key in pairs:
        context.use_certificate_chain_file(str(chain))
        loaded = load_pem_private_key(key.read_bytes(), password=None)
        if not isinstance(loaded, RSAPrivateKey | EllipticCurvePrivateKey):
            raise ValueError("neither RSA nor EC")
        context.use_privatekey(loaded)
        context.check_privatekey()
    return context


def _stamp(file: Path) -> object:
    try:
        facts = file.stat()
    except OSError as error:
        return error.errno
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino
