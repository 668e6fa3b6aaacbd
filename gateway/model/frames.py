"""A message of a station as it is kept in memory for a while: raw, and of a long one only the beginning."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.identities import StationId
from gateway.model.instants import Instant

Direction = Literal["from_station", "to_station"]
LONGEST_KEPT_BYTES = 4096


class KeptFrame(NamedTuple):
    """One message. `text`: its first LONGEST_KEPT_BYTES, secrets included; `size_bytes`: of the whole message."""

    frame_id: int
    station: StationId
    time: Instant
    direction: Direction
    text: bytes
    size_bytes: int
