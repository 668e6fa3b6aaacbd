"""A reservation as the gateway believes it to stand in a station.

Named tuples, as for sessions: one is made for every row that a decision looks at.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import ConnectorId, FoldedTag, StationId
from gateway.model.instants import Instant

# asked: the station has not answered yet. uncertain: nobody knows whether it stands.
# used and ended are over; they are kept because a session may be told late.
Standing = Literal["asked", "uncertain", "in_force", "used", "ended"]
End = Literal[
    "cancelled",  # CancelReservation was accepted
    "unknown_to_station",  # CancelReservation was rejected: it was no longer there
    "expired",
    "freed",  # the connector was Reserved and became Available
    "out_of_service",  # the connector or the station became Faulted or Unavailable
    "replaced",  # by another reservation of the same id
    "station_replaced",  # another device answers to the station's name
    "station_removed",
]
ACTIVE: tuple[Standing, ...] = ("asked", "uncertain", "in_force")


class Reservation(NamedTuple):
    """One request to reserve. `connector` 0: any of the station.

    `shown_on`: the connector whose becoming Available means that this reservation is over, because it was Reserved for
    it; None: no status has shown it yet. `clock_lag`: how far the station's clock was behind when it was asked, in
    microseconds, never positive; None: not known.
    """

    number: int
    station: StationId
    reservation_id: int
    connector: ConnectorId
    id_tag: str
    folded_tag: FoldedTag
    parent_id_tag: str | None
    expiry_at: Instant
    asked_at: Instant
    standing: Standing
    shown_on: int | None = None
    ended_why: End | None = None
    ended_at: Instant | None = None
    clock_lag: int | None = None
