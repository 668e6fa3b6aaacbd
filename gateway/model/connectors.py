"""The state of a connector as its station tells it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import Instant


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """One StatusNotification, read. `status_at` is the station's own time, or the receipt where that is no use."""

    status: str
    error_code: str
    status_at: Instant
    received_at: Instant
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
