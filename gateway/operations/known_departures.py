"""What a fleet manager said of when cars leave, as load limits ask for it (document `load`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from gateway.model.instants import SECOND, Instant
from gateway.store import fleet_documents
from gateway.store.writing import Writing


class Departure(NamedTuple):
    """The car at a connector leaves then, and shall have got so much in its session (None: nobody said)."""

    at: Instant
    wanted_wh: float | None


def known_departures(db: Writing) -> Mapping[tuple[str, int], Departure]:
    """By station and connector, those of the document that is applied."""
    found = fleet_documents.body_in_force(db, "load")
    if found is None:
        return {}
    # the body was read by `apply_load` before it was kept
    kept = cast(list[dict[str, Any]], found[1].get("departures", []))
    return {(one["station"], one["connector"]): Departure(one["at"], one["wanted_wh"]) for one in kept}


def in_force_at(departure: Departure | None, now: Instant) -> tuple[float | None, float | None]:
    """Seconds until then, and the energy wanted; nothing once it is past."""
    if departure is None or departure.at <= now:
        return None, None
    return (departure.at - now) / SECOND, departure.wanted_wh
