"""What the answers to certificate requests change: the state of what was issued, and the mirror of what is installed.

Hash data is kept in the station's own letters. A refused certificate changes nothing of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.model.instants import Instant, instant_of
from gateway.ocpp.v16.to_station import InstalledCertificatesAnswer, StatusAnswer
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.store import events, installed_certificates, issued_certificates
from gateway.store.installed_certificates import Installed, Root
from gateway.store.issued_certificates import IssuedRow
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted

CENTRAL_SYSTEM_ROOT = "CentralSystemRootCertificate"

_END = "-----END CERTIFICATE-----\n"
_HASH_MEMBERS = ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")


def heed_certificate_signed(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """CertificateSigned: accepted, refused, or nobody knows; what never left waits for the station."""
    chain = order.payload.get("certificateChain")
    if not isinstance(chain, str) or not chain.endswith(_END):
        return
    row = issued_certificates.find_sent(db, order.station, chain)
    if row is None:
        return  # somebody's own certificate, sent by hand
    never_left = result.status in ("not_connected", "refused")
    if never_left and issued_certificates.wait_again(db, row.certificate_id):
        return
    state, reason = ("failed", "the station has asked anew") if never_left else _verdict(result)
    issued_certificates.settle(db, row.certificate_id, state, reason=reason, now=now)
    tell_settled(db, row, state, reason, now)


def tell_settled(db: Writing, row: IssuedRow, state: str, reason: str | None, now: Instant) -> None:
    """The journal learns what became of a certificate."""
    data = {
        "certificate_id": row.certificate_id,
        "serial_number": row.serial_number,
        "fingerprint": row.fingerprint,
        "state": state,
        "reason": reason,
    }
    events.append(db, "certificate.settled", station=row.station, happened_at=now, recorded_at=now, data=data)


def heed_installed_certificates(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """GetInstalledCertificateIds: what the station has of this type."""
    wanted = order.payload.get("certificateType")
    if isinstance(result.answer, InstalledCertificatesAnswer) and isinstance(wanted, str):
        told = [
            Installed(one.hash_algorithm, one.issuer_name_hash, one.issuer_key_hash, one.serial_number)
            for one in result.answer.certificates
        ]
        installed_certificates.replace(db, order.station, wanted, told, now=now)


def heed_deleted_certificate(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """DeleteCertificate: gone, or it was never there."""
    one = named_in(order.payload)
    if one is not None and result.answer in (StatusAnswer("Accepted"), StatusAnswer("NotFound")):
        installed_certificates.remove(db, order.station, one)


def heed_sent_root(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """InstallCertificate: what was sent is remembered by name and end, as the station will name it by hashes only."""
    from gateway.pki.certificate_facts import Unreadable, certificates_in, facts_of, issuer_name_hashes

    text, wanted = order.payload.get("certificate"), order.payload.get("certificateType")
    if not isinstance(text, str) or not isinstance(wanted, str):
        return
    try:
        certificate = certificates_in(text)[0]
        facts = facts_of(certificate)
    except (Unreadable, ValueError):
        return
    root = Root(
        fingerprint=facts.fingerprint,
        subject=facts.subject,
        serial_number=facts.serial_number,
        hashes=issuer_name_hashes(certificate),
        not_after=instant_of(facts.not_after),
    )
    status = result.answer.status if isinstance(result.answer, StatusAnswer) else result.status
    installed_certificates.record_root(db, order.station, wanted, root, status=status, now=now)


def forget_replaced_device(db: Writing, site: Site, what: Booted) -> None:
    """Another device under the same identity has none of what the one before had installed."""
    if what.is_another_device:
        installed_certificates.forget(db, what.station)


def warn_of_deletion(db: Writing, site: Site, order: Order) -> str | None:
    """DeleteCertificate of the last root by which the station knows this gateway: done as asked, and said."""
    one = named_in(order.payload)
    if one is None or not installed_certificates.is_last_of_type(db, order.station, CENTRAL_SYSTEM_ROOT, one):
        return None
    return "this is the last CentralSystemRootCertificate that the station told of: it may never connect with TLS again"


def named_in(payload: Mapping[str, object]) -> Installed | None:
    """The certificate that a DeleteCertificate names, or None."""
    data = payload.get("certificateHashData")
    if not isinstance(data, Mapping):
        return None
    parts = [data.get(member) for member in _HASH_MEMBERS]
    return Installed(*map(str, parts)) if all(isinstance(part, str) for part in parts) else None


def _verdict(result: Result) -> tuple[str, str | None]:
    match result.answer:
        case StatusAnswer("Accepted"):
            return "accepted", None
        case StatusAnswer(status):
            return "refused", f"the station answered {status}"
    if result.status == "call_error":
        return "refused", f"the station answered with the error {result.code}"[:200]
    return "unknown", "the station did not answer" if result.status == "unanswered" else "the answer is not readable"
