"""What is known of the links to fleet managers now: kept in memory, shown to people, used to say things upstream.

Nothing here survives a restart, and nothing needs to: results and reports are also in the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.operations.upstream_now import UpstreamNow


@dataclass(slots=True)
class FleetNow:
    """The upstreams of the configuration by name, from the start of their loops on."""

    upstreams: dict[str, UpstreamNow] = field(default_factory=dict)

    def say(
        self, upstream: str, suffix: str, payload: bytes, *, retain: bool = False, correlation: bytes | None = None
    ) -> None:
        """Publish on `up/{suffix}` of one upstream; nothing happens while it is away or unknown."""
        now = self.upstreams.get(upstream)
        if now is not None:
            now.say(suffix, payload, retain=retain, correlation=correlation)
