"""What looks wrong in a command, in the light of what we know of the station: a table by action.

A warning stops nothing: the payload goes out as the operator wrote it. What the schemas say is warned of elsewhere
(`carry_out_commands`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.operations import ask_for_profiles, change_security, heed_certificates
from gateway.operations.ask_for_reservations import warn_of_reservation
from gateway.operations.heed_limits import warn_of_limits, warn_of_session_profile
from gateway.operations.orders import Order
from gateway.operations.site import Site
from gateway.store.writing import Writing

Warn = Callable[[Writing, Site, Order], str | None]


def warning_of(db: Writing, site: Site, order: Order) -> str | None:
    """What looks wrong, None when nothing does. Runs in the unit that accepts the order, when it is complete."""
    warn = WARNED.get(order.action)
    return None if warn is None else warn(db, site, order)


def both(one: Warn, other: Warn) -> Warn:
    """The warnings of two functions in one."""

    def warn(db: Writing, site: Site, order: Order) -> str | None:
        found = [text for text in (one(db, site, order), other(db, site, order)) if text is not None]
        return "; ".join(found) or None

    return warn


WARNED: Mapping[str, Warn] = MappingProxyType(
    {
        "ChangeConfiguration": change_security.warn_of_security,
        "ClearChargingProfile": both(ask_for_profiles.warn_of_clear, warn_of_limits),
        "DeleteCertificate": heed_certificates.warn_of_deletion,
        "RemoteStartTransaction": both(ask_for_profiles.warn_of_remote_start, warn_of_session_profile),
        "SetChargingProfile": both(ask_for_profiles.warn_of_set, warn_of_limits),
        "ReserveNow": warn_of_reservation,
    }
)
