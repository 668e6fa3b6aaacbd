"""The site's authority in the hands of people: shown, renewed, replaced by the operator's own.

Also certificates made by hand, and revoked. Every change is told in the journal. Keys go out once, to who asked for
one, and are kept nowhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from gateway.configuration import Configuration
from gateway.model.identities import StationId
from gateway.model.instants import datetime_of
from gateway.operations.certificate_files import pki_directory
from gateway.operations.known_stations import find_settings, is_known
from gateway.operations.send_certificates import facts_for_journal, signed_from
from gateway.operations.site import Site
from gateway.store import events, issued_certificates, stations
from gateway.store.issued_certificates import plain_hex
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.pki.authority import Authority

logger = logging.getLogger(__name__)

Document = dict[str, object]
T = TypeVar("T")
Algorithm = Literal["rsa", "ecdsa"]

LONGEST_COMMON_NAME = 64

_CERTIFICATE_PROFILE = 3


class CannotIssue(Exception):
    """The authority's files cannot be used or written; the text says why."""


class NoAuthority(Exception):
    """There is none yet: it is made when first needed."""


class UnfitAuthority(Exception):
    """What shall be imported cannot be the site's authority; the text says why."""


@dataclass(frozen=True, slots=True)
class HandMade:
    """A key and its certificate for one station, to be handed over once."""

    key: str
    chain: str
    facts: Document


async def show_authority(site: Site) -> Document:
    """The newest generation and its root; made now when there is none. Raises CannotIssue."""
    from gateway.pki.authority import ensure_authority

    directory, now = pki_directory(site.configuration), datetime_of(site.wall_clock())
    return authority_document(await _working(lambda: ensure_authority(directory, now)))


async def find_authority(site: Site) -> Document | None:
    """The newest generation, None when there is none yet. Raises CannotIssue."""
    if not pki_directory(site.configuration).exists():
        return None
    try:
        return await _working(lambda: offline_authority(site.configuration))
    except NoAuthority:
        return None


async def renew_authority(site: Site, *, actor: str) -> Document:
    """Begin a new generation. Raises CannotIssue."""
    from gateway.pki import roll_over

    directory, now = pki_directory(site.configuration), datetime_of(site.wall_clock())
    authority = await _working(lambda: roll_over.renew_authority(directory, now))
    return await _tell_change(site, authority, "renewed", actor)


async def import_authority(site: Site, parts: Sequence[tuple[str, str]], *, actor: str) -> Document:
    """Let the operator's own authority issue; parts are (key, chain). Raises UnfitAuthority, CannotIssue."""
    from gateway.pki import roll_over

    directory, now = pki_directory(site.configuration), datetime_of(site.wall_clock())
    try:
        authority = await _working(lambda: roll_over.import_authority(directory, parts, now))
    except roll_over.Unfit as unfit:
        raise UnfitAuthority(str(unfit)) from None
    return await _tell_change(site, authority, "imported", actor)


async def make_station_certificate(
    site: Site, station: str, *, common_name: str, algorithm: Algorithm, actor: str
) -> HandMade | None:
    """A key and certificate for a station that cannot ask for one; None when it is unknown. Raises CannotIssue."""
    from gateway.pki.station_certificates import make_certificate

    if not await site.database.write(lambda db: is_known(site.configuration, station, stations.find(db, station))):
        return None
    directory, now = pki_directory(site.configuration), site.wall_clock()
    key, issued = await _working(
        lambda: make_certificate(directory, common_name, algorithm=algorithm, now=datetime_of(now))
    )
    facts = facts_for_journal(issued)

    def unit(db: Writing) -> None:
        profile = find_settings(db, site.configuration, station).security_profile
        issued_certificates.add_handed_over(
            db, StationId(station), signed_from(issued), common_name=common_name, security_profile=profile, now=now
        )
        data = {**facts, "actor": actor, "handed_over": True}
        events.append(db, "certificate.issued", station=station, happened_at=now, recorded_at=now, data=data)

    await site.database.write(unit)
    return HandMade(key, issued.chain, facts)


async def revoke(site: Site, serial_or_fingerprint: str, *, reason: str, actor: str) -> list[str] | None:
    """The certificate counts no more, and who may be connected with it comes again; whose it was, None: not known."""
    now, place = site.wall_clock(), plain_hex(serial_or_fingerprint)

    def unit(db: Writing) -> list[tuple[StationId, int]]:
        rows = issued_certificates.revoke(db, place, reason=reason, now=now) if place else []
        for row in rows:
            data = {
                "serial_number": row.serial_number,
                "fingerprint": row.fingerprint,
                "reason": reason,
                "actor": actor,
            }
            events.append(db, "certificate.revoked", station=row.station, happened_at=now, recorded_at=now, data=data)
        return [(row.station, find_settings(db, site.configuration, row.station).security_profile) for row in rows]

    found = await site.database.write(unit)
    for station, profile in found:
        connection = site.connected.get(station)
        if connection is not None and profile == _CERTIFICATE_PROFILE:
            connection.drop()
    return [station for station, _ in found] or None


def authority_document(authority: Authority) -> Document:
    """A generation for people; no keys."""
    from gateway.pki.certificate_facts import facts_of, pem_of

    root = authority.root()
    issuers = [facts_of(issuer.certificate) for issuer in authority.issuers]
    return {
        "generation": authority.number,
        "root": pem_of([root]),
        "root_subject": facts_of(root).subject,
        "issuers": [
            {
                "subject": facts.subject,
                "key": facts.key,
                "serial_number": facts.serial_number,
                "fingerprint": facts.fingerprint,
                "not_after": facts.not_after.isoformat().replace("+00:00", "Z"),
            }
            for facts in issuers
        ],
    }


def offline_authority(configuration: Configuration) -> Document:
    """The newest generation from its files, daemon running or not. Raises CannotIssue, NoAuthority."""
    from gateway.pki import authority

    directory = pki_directory(configuration)
    try:
        if not authority.generations(directory):
            raise NoAuthority("there is no authority yet: it is made when first needed")
        return authority_document(authority.load(directory))
    except (OSError, authority.BrokenAuthority) as broken:
        raise CannotIssue(str(broken)) from broken


async def _working(work: Callable[[], T]) -> T:
    """Run `work` in a thread; what is wrong with files becomes CannotIssue."""
    from gateway.pki.authority import BrokenAuthority

    try:
        return await asyncio.to_thread(work)
    except (OSError, BrokenAuthority) as error:
        raise CannotIssue(str(error)) from error


async def _tell_change(site: Site, authority: Authority, what: str, actor: str) -> Document:
    document = authority_document(authority)
    now = site.wall_clock()
    data = {
        "change": what,
        "generation": authority.number,
        "root_subject": document["root_subject"],
        "issuers": document["issuers"],
        "actor": actor,
    }
    await site.database.write(
        lambda db: events.append(db, "authority.changed", happened_at=now, recorded_at=now, data=data)
    )
    logger.warning("the site's authority was %s by %s: generation %d", what, actor, authority.number)
    return document
