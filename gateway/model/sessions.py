"""Charging sessions as the store keeps them: starts, stops, and the rows they make.

Named tuples, because one is made for every message: a frozen dataclass takes five times as long.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import Instant

StopSource = Literal["station", "reconstructed"]


class StartRequest(NamedTuple):
    """A StartTransaction, read: times parsed (receipt where the station's text is unreadable), energy in Wh or None."""

    station: StationId
    connector: ConnectorId
    id_tag: str
    folded_tag: FoldedTag
    meter_start_wh: int | None
    start_at: Instant
    start_text: str
    message_id: str
    reservation_id: int | None = None
    anomalies: tuple[str, ...] = ()


class StopRequest(NamedTuple):
    """A StopTransaction, read. `claimed_id` is any integer; `meter_stop_wh` is None when the station sent none."""

    station: StationId
    claimed_id: int
    meter_stop_wh: int | None
    stop_at: Instant
    stop_text: str
    reason: str
    id_tag: str | None = None
    folded_tag: FoldedTag | None = None
    anomalies: tuple[str, ...] = ()


class Session(NamedTuple):
    """One row of `transactions` that has a start. `meter_start_wh`: as told, else as first measured, else None."""

    transaction_id: TransactionId
    station: StationId
    connector: ConnectorId
    id_tag: str
    folded_tag: FoldedTag
    parent_id_tag: str | None
    authorization: str
    start_at: Instant
    meter_start_wh: int | None
    start_message_id: str
    stop_source: StopSource | None
    stop_at: Instant | None
    meter_stop_wh: int | None
    anomalies: tuple[str, ...]
    start_received_at: Instant | None = None
    start_text: str = ""
    start_repeat: int = 0
    reservation_id: int | None = None
    authorized_by: str | None = None  # `DecidedBy`; None: not recorded, by an earlier version


class OrphanStop(NamedTuple):
    """One row of `transactions` that has no start: a stop that belongs to no known session."""

    transaction_id: TransactionId
    stop_text: str
    meter_stop_wh: int | None


class Stop(NamedTuple):
    """How a session ended. `claimed_id`: what the station wrote, where that was not the session's own id."""

    stop_at: Instant
    stop_text: str | None
    meter_stop_wh: int | None
    reason: str
    stop_id_tag: str | None
    source: StopSource
    anomalies: tuple[str, ...] = ()
    claimed_id: int | None = None
