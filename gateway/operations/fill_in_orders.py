"""What the gateway chooses when a command leaves it out: ids, the tag of a remote start, addresses of its own store.

`FILLED_IN` is the table; each function runs in the unit that accepts the order and returns the complete payload, the
very same object when nothing was missing. What the operator did write is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.model.calls import Payload
from gateway.operations import ask_for_profiles, mirror_local_lists
from gateway.operations.ask_for_reservations import choose_reservation_id
from gateway.operations.fill_in_addresses import (
    fill_in_diagnostics,
    fill_in_log,
    fill_in_signed_update,
    fill_in_update,
)
from gateway.operations.orders import Order
from gateway.operations.site import Site
from gateway.store.writing import Writing

FillIn = Callable[[Writing, Site, Order], Payload]


def filled_in(db: Writing, site: Site, order: Order) -> Payload:
    """The order's complete payload; the same object when nothing was missing."""
    fill_in = FILLED_IN.get(order.action)
    return order.payload if fill_in is None else fill_in(db, site, order)


def remote_start(db: Writing, site: Site, order: Order) -> Payload:
    """The station's own tag for remote starts, when none is named, and the id of a charging profile."""
    connection = site.connected.get(order.station)
    tag = None if connection is None else connection.treatment.remote_id_tag
    payload = order.payload if "idTag" in order.payload or tag is None else {**order.payload, "idTag": tag}
    return ask_for_profiles.with_profile_id(db, order.station, payload, "chargingProfile")


FILLED_IN: Mapping[str, FillIn] = MappingProxyType(
    {
        "GetDiagnostics": fill_in_diagnostics,
        "GetLog": fill_in_log,
        "RemoteStartTransaction": remote_start,
        "ReserveNow": choose_reservation_id,
        "SendLocalList": mirror_local_lists.fill_in_version,
        "SignedUpdateFirmware": fill_in_signed_update,
        "SetChargingProfile": ask_for_profiles.fill_in_set,
        "UpdateFirmware": fill_in_update,
    }
)
