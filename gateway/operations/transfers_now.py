"""Where stations reach the gateway's own store, true while it runs: the ports that are open now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TransfersNow:
    """Bound ports; None: not open."""

    http_port: int | None = None
    https_port: int | None = None
