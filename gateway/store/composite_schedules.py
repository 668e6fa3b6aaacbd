"""The newest answer of each connector to GetCompositeSchedule, secrets masked: indicative, nothing is concluded."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.model.clipping import clipped
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.secrecy import masked
from gateway.store.writing import Writing

_LARGEST_BYTES = 65_536
_LONGEST_TEXT_BYTES = 4096


def record(
    db: Writing,
    station: StationId,
    connector: int,
    *,
    request: Mapping[str, object],
    response: Mapping[str, object],
    now: Instant,
) -> None:
    """The station answered; an answer that is larger than any honest one is kept without its contents."""
    text = json.dumps(masked(clipped(response, most_bytes=_LONGEST_TEXT_BYTES)))
    if len(text) > _LARGEST_BYTES:
        text = json.dumps({"left_out_bytes": len(text)})
    db.execute(
        "INSERT OR REPLACE INTO composite_schedules VALUES (?, ?, ?, ?, ?)",
        (station, connector, now, json.dumps(masked(request)), text),
    )
