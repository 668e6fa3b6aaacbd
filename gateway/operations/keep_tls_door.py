"""What the TLS port shows and whom it trusts, kept up to date while it is open.

The certificates of the configuration, or the gateway's own; the authorities whose stations are believed. Files are
looked at before a handshake and once a minute, so that what was renewed on the disk counts without a restart. Whatever
is wrong with them is told in health and log and leaves the plain port alone; what worked before goes on. When
certificates end is told by `watch_certificates`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.configuration import Tls
from gateway.model.instants import Instant, datetime_of, text_of
from gateway.operations.certificate_files import pki_directory
from gateway.operations.machine_names import names_of_this_machine
from gateway.operations.site import Site
from gateway.pki.authority import BrokenAuthority, ensure_authority
from gateway.pki.certificate_facts import Unreadable
from gateway.pki.issuing import general_names
from gateway.pki.server_certificates import ensure_server_certificates, server_names
from gateway.pki.trust import trusted_client_authorities
from gateway.rules.security_profiles import is_clock_behind, likely_now
from gateway.stations.tls import make_context

logger = logging.getLogger(__name__)

COMPONENT = "stations tls"
_LOOK_EVERY_SECONDS = 60.0
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything that a context is made of; an equal one need not be made again."""

    pairs: tuple[tuple[Path, Path], ...]
    contents: tuple[bytes, ...]
    authorities: str
    checks_time: bool


@dataclass(slots=True)
class TlsCertificates:
    """The newest context, None while no certificate can be shown."""

    site: Site
    tls: Tls
    context: ssl.SSLContext | None = None
    _seen: _Seen | None = None
    _stamps: tuple[object, ...] = ()
    _told: list[str] = field(default_factory=list)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self) -> ssl.SSLContext | None:
        """The context for the next handshake: a file that changed since the last look counts at once."""
        if self._stamps_now() != self._stamps:
            async with self._looking:
                if self._stamps_now() != self._stamps:
                    await self._look_and_tell()
        return self.context

    async def look(self) -> None:
        """Read what is on the disk now and report what is wrong with it; never raises for that."""
        async with self._looking:
            await self._look_and_tell()

    async def _look_and_tell(self) -> None:
        self._stamps = self._stamps_now()
        wrong = await asyncio.to_thread(self._look)
        self.site.health.report(COMPONENT, "; ".join(wrong) or None)
        for one in wrong:
            if one not in self._told:
                logger.error("TLS for stations: %s", one)
        self._told = wrong

    async def watch(self) -> None:
        """For ever: look once a minute."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            await self.look()

    def _look(self) -> list[str]:
        wrong: list[str] = []
        now, latest = self.site.wall_clock(), self.site.latest_known
        clock_is_behind = self._clock_is_behind()
        if clock_is_behind:
            wrong.append(f"the clock shows {text_of(now)}, so the validity of certificates is not checked")
        pairs = self._pairs(likely_now(now, latest_known=latest), wrong)
        usable = list(self._usable(pairs, wrong))
        authorities = self._authorities(wrong)
        # a file may be half written now: what worked before goes on until all is well
        if usable and (self.context is None or len(usable) == len(pairs)):
            try:
                self._renew(tuple(usable), authorities, checks_time=not clock_is_behind)
            except (OSError, ValueError) as error:
                wrong.append(_reason(error))
        return wrong

    def _renew(self, pairs: tuple[tuple[Path, Path], ...], authorities: str, *, checks_time: bool) -> None:
        contents = tuple(file.read_bytes() for pair in pairs for file in pair)
        seen = _Seen(pairs, contents, authorities, checks_time)
        if seen == self._seen:
            return
        self.context = make_context(
            pairs, authorities=authorities, cipher_set=self.tls.cipher_set, checks_time=checks_time
        )
        if self._seen is not None:
            logger.warning("TLS for stations: certificates were read anew")
        self._seen = seen

    def _usable(self, pairs: list[tuple[Path, Path]], wrong: list[str]) -> Iterator[tuple[Path, Path]]:
        for chain, key in pairs:
            try:
                make_context([(chain, key)], authorities="", cipher_set=self.tls.cipher_set)
            except (OSError, ValueError) as error:
                wrong.append(f"{chain}: {_reason(error)}")
            else:
                yield chain, key

    def _stamps_now(self) -> tuple[object, ...]:
        """What changes when a file does, comes or goes, or when the clock is set; cheap enough for every handshake."""
        named = [file for one in self.tls.certificates for file in (one.chain, one.key_file)]
        files = (self._directory, *named, self.tls.client_ca)
        return (self._clock_is_behind(), *(_stamp(file) for file in files if file is not None))

    def _clock_is_behind(self) -> bool:
        return is_clock_behind(self.site.wall_clock(), latest_known=self.site.latest_known)

    def _pairs(self, now: Instant, wrong: list[str]) -> list[tuple[Path, Path]]:
        """Also makes the site's authority, so that it is trusted before it signs its first certificate of a station."""
        configured: list[tuple[Path, Path]] = [(one.chain, one.key_file) for one in self.tls.certificates]
        try:
            ensure_authority(self._directory, datetime_of(now))
            return configured or ensure_server_certificates(self._directory, self._names(), datetime_of(now))
        except (OSError, ValueError, BrokenAuthority) as error:
            wrong.append(f"the gateway's own certificates: {error}")
            return configured

    def _authorities(self, wrong: list[str]) -> str:
        try:
            return trusted_client_authorities(self._directory, self.tls.client_ca)
        except (OSError, Unreadable, BrokenAuthority) as error:
            wrong.append(f"client_ca: {error}")
        try:
            return trusted_client_authorities(self._directory, None)
        except (OSError, BrokenAuthority) as error:
            wrong.append(f"the site's authority: {error}")
            return ""

    @property
    def _directory(self) -> Path:
        return pki_directory(self.site.configuration)

    def _names(self) -> list[str]:
        """Those of the configuration; else those that the certificates have already, and new ones of this machine."""
        if self.tls.names:
            return list(self.tls.names)
        machine = names_of_this_machine(self.site.configuration.ocpp.host)
        usable = [name for name in machine if _is_name(name)]
        return list(dict.fromkeys([*server_names(self._directory), *usable]))[:_MOST_NAMES]


def _is_name(name: str) -> bool:
    """Whether it can stand in a certificate; not every machine is named like a host."""
    try:
        general_names([name])
    except ValueError:
        return False
    return True


def _stamp(file: Path) -> object:
    try:
        facts = file.stat()
    except OSError as error:
        return error.errno
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"cannot be used with its key ({error.reason})"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
