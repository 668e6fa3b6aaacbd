"""What a command changes in what we know of a station: when it is sent, and when its result is there.

Two tables. `EXPECTED`: noted in the unit that accepts the order, because a station may act before it has answered.
`HEEDED`: done in the unit that writes the outcome, whatever the outcome was; and when the gateway died meanwhile, as
unanswered (`begin_again`). What is not listed changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.model.identities import fold_tag
from gateway.model.instants import Instant
from gateway.operations import mirror_local_lists, mirror_profiles
from gateway.operations.ask_for_reservations import (
    expect_reservation,
    heed_cancellation,
    heed_reservation,
)
from gateway.operations.change_security import expect_security, heed_security
from gateway.operations.follow_jobs import expect_job, heed_job
from gateway.operations.heed_certificates import (
    heed_certificate_signed,
    heed_deleted_certificate,
    heed_installed_certificates,
    heed_sent_root,
)
from gateway.operations.heed_limits import heed_others_profiles, heed_told_settings
from gateway.operations.heed_settings import heed_change, heed_configuration, heed_support
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.store import commands
from gateway.store.writing import Writing

Expect = Callable[[Writing, Site, Order, Instant], None]
Heed = Callable[[Writing, Site, Order, Result, Instant], None]

_NO_CONNECTOR = 2**31


def expect(db: Writing, site: Site, order: Order, now: Instant) -> None:
    """Note what may come of an order that is about to be sent."""
    for note in EXPECTED.get(order.action, ()):
        note(db, site, order, now)


def heed(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """Note what has come of an order."""
    heed_support(db, site, order, result, now)
    for note in HEEDED.get(order.action, ()):
        note(db, site, order, result, now)


def expect_remote_start(db: Writing, site: Site, order: Order, now: Instant) -> None:
    """A session with this tag may follow."""
    id_tag, connector = order.payload.get("idTag"), order.payload.get("connectorId")
    if isinstance(id_tag, str):
        commands.expect_remote_start(
            db,
            order.command_id,
            order.station,
            connector=connector if isinstance(connector, int) and 0 < connector < _NO_CONNECTOR else None,
            folded_tag=fold_tag(id_tag),
            now=now,
        )


def heed_remote_start(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """No session will follow, unless the station said Accepted, or nobody knows what it said."""
    if mirror_profiles.became(result, "Accepted") is False:
        commands.drop_remote_start(db, order.command_id)


EXPECTED: Mapping[str, tuple[Expect, ...]] = MappingProxyType(
    {
        "ChangeConfiguration": (expect_security,),
        "GetDiagnostics": (expect_job,),
        "GetLog": (expect_job,),
        "RemoteStartTransaction": (expect_remote_start,),
        "ReserveNow": (expect_reservation,),
        "SendLocalList": (mirror_local_lists.expect_list,),
        "SignedUpdateFirmware": (expect_job,),
        "UpdateFirmware": (expect_job,),
    }
)

HEEDED: Mapping[str, tuple[Heed, ...]] = MappingProxyType(
    {
        "CancelReservation": (heed_cancellation,),
        "CertificateSigned": (heed_certificate_signed,),
        "ChangeConfiguration": (heed_change, heed_security, mirror_local_lists.heed_switch, heed_told_settings),
        "ClearChargingProfile": (heed_others_profiles, mirror_profiles.heed_clear),
        "DeleteCertificate": (heed_deleted_certificate,),
        "GetCompositeSchedule": (mirror_profiles.heed_composite,),
        "GetConfiguration": (heed_configuration, heed_told_settings),
        "GetDiagnostics": (heed_job,),
        "GetInstalledCertificateIds": (heed_installed_certificates,),
        "GetLocalListVersion": (mirror_local_lists.heed_version,),
        "GetLog": (heed_job,),
        "InstallCertificate": (heed_sent_root,),
        "RemoteStartTransaction": (heed_remote_start, mirror_profiles.heed_remote_start),
        "ReserveNow": (heed_reservation,),
        "SendLocalList": (mirror_local_lists.heed_list,),
        "SetChargingProfile": (heed_others_profiles, mirror_profiles.heed_set),
        "SignedUpdateFirmware": (heed_job,),
        "UpdateFirmware": (heed_job,),
    }
)
