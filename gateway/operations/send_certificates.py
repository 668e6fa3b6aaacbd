"""Certificates that stations asked for: signed, and sent once, as soon as the station is there.

They were asked for by the station, so `automatic_calls = false` does not hold them back. What waits is in the database
and survives a restart; what was on its way then has an unknown end, and the station may ask again. Nothing is resent.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, datetime_of, instant_of
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.heed_certificates import tell_settled
from gateway.operations.orders import GATEWAY
from gateway.operations.site import Site
from gateway.store import configuration_keys, events, issued_certificates
from gateway.store.database import StoreUnavailable
from gateway.store.issued_certificates import IssuedRow, Signed
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.pki.station_certificates import Issued

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 2.0
# what a station that was away has to say when it comes back goes first
_SETTLING = 15 * SECOND


async def send_certificates(site: Site) -> None:
    """For ever: whatever waits, each station by itself."""
    await site.database.write(lambda db: issued_certificates.end_interrupted(db, now=site.wall_clock()))
    under_way: set[StationId] = set()
    async with asyncio.TaskGroup() as group:
        while True:
            seen = site.certificates_asked.generation
            waiting = await _waiting(site)
            for row in waiting or ():
                if row.station not in under_way and _is_time(site, row):
                    under_way.add(row.station)
                    group.create_task(_send(site, row, under_way), name=f"certificate for {row.station}")
            try:
                async with asyncio.timeout(None if waiting == [] else _LOOK_AGAIN_SECONDS):
                    await site.certificates_asked.newer_than(seen)
            except TimeoutError:
                continue


async def _waiting(site: Site) -> list[IssuedRow] | None:
    """What waits; None when the store cannot be asked now."""
    try:
        return await site.database.write(issued_certificates.waiting)
    except StoreUnavailable:
        return None


def _is_time(site: Site, row: IssuedRow) -> bool:
    """True when the station is there, and either asked on this connection or has had time to say what it has to say."""
    connection = site.connected.get(row.station)
    if connection is None or connection.treatment.pending:
        return False
    return row.asked_at >= connection.since or not 0 <= site.wall_clock() - connection.since < _SETTLING


async def _send(site: Site, row: IssuedRow, under_way: set[StationId]) -> None:
    try:
        connection = site.connected.get(row.station)
        if connection is not None:  # the answer to SignCertificate goes first, however late this station wants it
            await asyncio.sleep(connection.treatment.answer_delay_seconds)
        signed = await _sign(site, row)
        chain = None if signed is None else await site.database.write(lambda db: _record(db, site, row, signed))
        if chain is not None:
            payload = {"certificateChain": chain}
            await carry_out(site, station=row.station, action="CertificateSigned", payload=payload, actor=GATEWAY)
    except StoreUnavailable as error:
        logger.error("the certificate of %s waits: %s", row.station, error, extra={"station": row.station})
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    finally:
        under_way.discard(row.station)
        site.certificates_asked.announce()


async def _sign(site: Site, row: IssuedRow) -> Issued | None:
    """The certificate; None when it cannot be issued, which is then recorded."""
    from gateway.pki.authority import BrokenAuthority
    from gateway.pki.station_certificates import sign_request

    directory = site.configuration.data.directory / "pki"
    assert row.signing_request is not None
    try:
        return await asyncio.to_thread(
            sign_request, directory, row.signing_request, algorithm=row.algorithm, now=datetime_of(site.wall_clock())
        )
    except (OSError, BrokenAuthority, ValueError) as error:
        logger.error("cannot issue a certificate: %s", error, extra={"station": row.station})
        reason = str(error)
    now = site.wall_clock()

    def unit(db: Writing) -> None:
        issued_certificates.settle(db, row.certificate_id, "failed", reason=reason, now=now)
        tell_settled(db, row, "failed", reason, now)

    await site.database.write(unit)
    return None


def _record(db: Writing, site: Site, row: IssuedRow, issued: Issued) -> str | None:
    """Store the certificate as on its way; the chain to send, None when the station has asked anew meanwhile."""
    if not issued_certificates.record_signed(db, row.certificate_id, signed_from(issued)):
        return None
    now = site.wall_clock()
    data = {"certificate_id": row.certificate_id, **facts_for_journal(issued)}
    events.append(db, "certificate.issued", station=row.station, happened_at=now, recorded_at=now, data=data)
    most = _longest_chain(db, row.station)
    return issued.leaf if most is not None and len(issued.chain) > most else issued.chain


def _longest_chain(db: Writing, station: StationId) -> int | None:
    """How many characters the station takes, as far as it has said; the whitepaper has two names for it."""
    told = configuration_keys.reported(db, station)
    for key in ("certificatesignedmaxchainsize", "certificatesignedmaxsize"):
        value = told[key].value if key in told else None
        if value is not None and value.strip().isdecimal():
            return int(value)
    return None


def signed_from(issued: Issued) -> Signed:
    """What is stored of a certificate."""
    return Signed(
        chain=issued.chain,
        serial_number=issued.serial_number,
        fingerprint=issued.fingerprint,
        algorithm=issued.algorithm,
        not_before=instant_of(issued.not_before),
        not_after=instant_of(issued.not_after),
    )


def facts_for_journal(issued: Issued) -> dict[str, object]:
    """What the journal tells of a certificate."""
    return {
        "common_name": issued.common_name,
        "serial_number": issued.serial_number,
        "fingerprint": issued.fingerprint,
        "algorithm": issued.algorithm,
        "not_after": issued.not_after.isoformat().replace("+00:00", "Z"),
    }
