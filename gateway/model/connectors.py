"""The state of a connector as its station tells it."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.instants import Instant


class ConnectorState(NamedTuple):
    """One StatusNotification, read. `status_at` is the station's own time, or the receipt where that is no use."""

    status: str
    error_code: str
    status_at: Instant
    received_at: Instant
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
