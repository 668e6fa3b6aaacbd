"""SignCertificate: answered at once; the certificate follows as a request of its own (`send_certificates`).

Accepted means that the request is sound, comes from an accepted station and does not ask for another station's name.
Everything else is Rejected, with the reason in the journal.
"""

from __future__ import annotations

import logging

from gateway.configuration import Configuration
from gateway.model.clipping import clipped
from gateway.model.identities import StationId
from gateway.ocpp.v16 import from_station as v16
from gateway.operations.known_stations import find_settings
from gateway.operations.questions import AnswerUnit, Question
from gateway.rules.station_certificates import (
    MOST_REQUESTS_AN_HOUR,
    Names,
    reason_to_refuse_name,
    reason_to_refuse_signing,
)
from gateway.store import events, issued_certificates, station_facts, stations
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)


def sign_certificate(asked: Question, request: v16.SignCertificate) -> AnswerUnit:
    """Accepted: the request is stored and will be signed; a later one of the same station takes its place."""

    def unit(db: Writing) -> v16.SignCertificateAnswer:
        times = issued_certificates.count_request(db, asked.station, now=asked.now)
        admission = station_facts.admission_of(db, asked.station)
        reason = reason_to_refuse_signing(admission=admission, times_this_hour=times)
        data: dict[str, object] = {}
        if reason is None:
            reason = _take(db, asked, request.csr, data)
        if times <= MOST_REQUESTS_AN_HOUR + 1:  # beyond it is the same story again, and the journal has an end
            _tell(db, asked, reason, data)
        return v16.SignCertificateAnswer(status="Accepted" if reason is None else "Rejected")

    return unit


def _take(db: Writing, asked: Question, csr: str, data: dict[str, object]) -> str | None:
    """Store the request; or why not. `data` gets what the journal shall know of it."""
    from gateway.pki.station_certificates import Unusable, read_signing_request

    read = read_signing_request(csr)
    if isinstance(read, Unusable):
        return read.reason
    data["common_name"] = clipped(read.common_name, most_bytes=256)
    own, others = _names(db, asked.site.configuration, asked.station)
    reason = reason_to_refuse_name(read.common_name, own, others)
    if reason is not None:
        return reason
    wanted = asked.site.configuration.ocpp.certificate_signatures
    data["certificate_id"] = issued_certificates.ask(
        db,
        asked.station,
        signing_request=read.pem,
        common_name=read.common_name,
        algorithm=read.algorithm if wanted == "as_key" else wanted,
        security_profile=find_settings(db, asked.site.configuration, asked.station).security_profile,
        now=asked.now,
    )
    db.then.append(asked.site.certificates_asked.announce)
    return None


def _names(db: Writing, configuration: Configuration, station: StationId) -> tuple[Names, list[Names]]:
    """What this station is called, and what every other one is."""
    identities = {written.id: {written.id, *written.aliases} for written in configuration.stations}
    numbers: dict[str, frozenset[str]] = {}
    for row in stations.known_names(db):
        identities.setdefault(row.station, {row.station}).update(row.aliases)
        numbers[row.station] = row.serial_numbers
    names = {name: Names(frozenset(called), numbers.get(name, frozenset())) for name, called in identities.items()}
    own = names.pop(station, Names(frozenset({station})))
    return own, list(names.values())


def _tell(db: Writing, asked: Question, reason: str | None, data: dict[str, object]) -> None:
    if reason is not None:
        logger.warning("no certificate: %s", reason, extra={"station": asked.station})
    told = {"status": "Accepted" if reason is None else "Rejected", "reason": reason, **data}
    events.append(
        db, "certificate.requested", station=asked.station, happened_at=asked.now, recorded_at=asked.now, data=told
    )
