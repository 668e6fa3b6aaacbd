"""A security event, told by a station or seen by the gateway itself, is kept, told in the journal and counted.

Which are critical and how many are kept is decided in `rules/security_events`.
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.site import Site
from gateway.rules.security_events import is_critical
from gateway.store import security_events
from gateway.store.writing import Writing


def note_security_event(
    db: Writing,
    site: Site,
    *,
    station: StationId | None,
    source: security_events.Source,
    type: str,
    tech_info: str | None = None,
    address: str | None = None,
    happened_at: Instant,
    now: Instant,
) -> None:
    """Runs in a unit of work. `station` None: no known station."""
    security_events.record(
        db,
        station=station,
        source=source,
        type=type,
        tech_info=tech_info,
        address=address,
        happened_at=happened_at,
        now=now,
    )
    critical = "yes" if is_critical(type) else "no"
    counters = site.health.counters
    db.then.append(lambda: counters.increase("security_events_total", source=source, critical=critical))
