"""How one station is to be treated while it is connected: the effective settings that every message needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Treatment:
    """Taken at the handshake and renewed when its settings change."""

    pending: bool = False  # not yet accepted: may boot and tell of itself, but not charge
    strict: bool = False  # no repair of vendor quirks
    needs_subprotocol: bool = True
    answer_delay_seconds: float = 0.0  # some stations drop the line when answered within 20 ms
    utc_offset_minutes: int = 0  # of timestamps without a zone
    energy_scale: int = 1  # what the station's energy registers must be multiplied by to be Wh
    call_patience_seconds: float = 60.0
    remote_id_tag: str | None = None  # of remote starts that name no tag
    quiet: bool = False  # no request that nobody asked for
