"""One row per connector: its newest state by the station's own clock. Connector 0 is the whole station."""

from __future__ import annotations

from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, StationId
from gateway.store.writing import Writing


def find(db: Writing, station: StationId, connector: ConnectorId) -> ConnectorState | None:
    """The connector's state, None when it was never told."""
    row = db.execute(
        "SELECT status, error_code, status_at, received_at, info, vendor_id, vendor_error_code FROM connectors"
        " WHERE station = ? AND connector = ?",
        (station, connector),
    ).fetchone()
    return None if row is None else ConnectorState(*row)


def record(db: Writing, station: StationId, connector: ConnectorId, state: ConnectorState) -> None:
    """Make `state` the connector's state."""
    db.execute(
        "INSERT OR REPLACE INTO connectors (station, connector, status, error_code, info, vendor_id,"
        " vendor_error_code, status_at, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            station,
            connector,
            state.status,
            state.error_code,
            state.info,
            state.vendor_id,
            state.vendor_error_code,
            state.status_at,
            state.received_at,
        ),
    )


def all_of_station(db: Writing, station: str) -> dict[int, ConnectorState]:
    """The state of every connector that ever told it."""
    rows = db.execute(
        "SELECT connector, status, error_code, status_at, received_at, info, vendor_id, vendor_error_code"
        " FROM connectors WHERE station = ?",
        (station,),
    )
    return {row[0]: ConnectorState(*row[1:]) for row in rows}


def numbers(db: Writing) -> dict[StationId, set[int]]:
    """By station, the connectors that ever told a state; connector 0 is none."""
    found: dict[StationId, set[int]] = {}
    for station, connector in db.execute("SELECT station, connector FROM connectors WHERE connector > 0"):
        found.setdefault(StationId(station), set()).add(connector)
    return found


def all_statuses(db: Writing) -> dict[tuple[StationId, int], str]:
    """The newest status of every connector of the site."""
    rows = db.execute("SELECT station, connector, status FROM connectors")
    return {(station, connector): status for station, connector, status in rows}
