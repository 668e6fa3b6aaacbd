"""Document `load`: lower limits of circuits for a time, and what is known of when cars leave.

A limit has the source `fleet` and only ever lowers: what is above the installer's limit makes the whole document
wrong. One whose time is over already is passed over, because a document may arrive late. A limit that the document
before set and this one does not name is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from gateway.model.circuits import TemporaryLimit
from gateway.model.fleet_documents import Applied, Body, Override, Told, Wrong
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant
from gateway.operations.document_parts import Parts
from gateway.operations.document_turn import BY_FLEET, Applying
from gateway.operations.known_departures import Departure
from gateway.operations.limits_for_a_time import circuit_named, keep_limit, read_limit, take_limit
from gateway.operations.site import Site
from gateway.store import events, fleet_documents, temporary_limits
from gateway.store.temporary_limits import KeptLimit
from gateway.store.writing import Writing

SOURCE = "fleet"
MOST_DEPARTURES = 1000
_MOST_WH = 1_000_000
_LIMIT = ("circuit", "limit_amps", "limit_watts", "until")
_DEPARTURE = ("station", "connector", "departure", "wanted_wh")


@dataclass(frozen=True, slots=True)
class WantedLoad:
    """Limits to set (those whose time is over are left out), and departures by station and connector."""

    limits: tuple[TemporaryLimit, ...]
    departures: dict[tuple[str, int], Departure]


def read(site: Site, body: Body, *, delta: bool) -> WantedLoad | tuple[Wrong, ...]:
    """The limits and departures of a body, or everything that is wrong with it. Runs in a thread."""
    parts = Parts()
    parts.only(body, "", ("limits", "departures"))
    limits: dict[str, TemporaryLimit | None] = {}
    now = site.wall_clock()
    for path, entry in parts.objects(body, "limits", _LIMIT, most=1000):
        circuit = parts.text(entry, path, "circuit", 100)
        if circuit in limits:
            parts.wrong(f"{path}.circuit", "the circuit is there twice")
        elif circuit is not None:
            limits[circuit] = _limit(site, parts, path, circuit, entry, now)
    departures: dict[tuple[str, int], Departure] = {}
    for path, entry in parts.objects(body, "departures", _DEPARTURE, most=MOST_DEPARTURES):
        _departure(parts, path, entry, departures)
    if parts.mistakes:
        return tuple(parts.mistakes)
    return WantedLoad(tuple(limit for limit in limits.values() if limit is not None), departures)


def apply(db: Writing, turn: Applying, wanted: WantedLoad) -> Applied:
    """Set the limits, take those away that were set before, and keep the departures."""
    named = {limit.circuit for limit in wanted.limits}
    changed = {
        one.limit.circuit
        for one in temporary_limits.every(db)
        if one.limit.source == SOURCE and not one.set_by.startswith(BY_FLEET)
    }
    for circuit in _limits_in(turn.before):
        if circuit not in named | changed:
            take_limit(db, circuit, SOURCE, actor=turn.actor, now=turn.now)
    errors: list[Wrong] = []
    for limit in wanted.limits:
        if limit.circuit in changed:
            continue  # the site's word stays, and is told
        outcome = keep_limit(db, limit, actor=turn.actor, now=turn.now)
        if not isinstance(outcome, KeptLimit):
            errors += [Wrong("invalid", f"limits.{limit.circuit}", mistake.detail) for mistake in outcome]
    limits = [{"circuit": limit.circuit, "until": limit.until} for limit in wanted.limits]
    kept = [
        {"station": station, "connector": connector, "at": one.at, "wanted_wh": one.wanted_wh}
        for (station, connector), one in wanted.departures.items()
    ]
    return Applied(tuple(errors), body={"limits": limits, "departures": kept})


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """Limits of the document that somebody at the site has changed or taken away."""
    row, now = fleet_documents.find(db, upstream, "load"), site.wall_clock()
    kept = {one.limit.circuit: one for one in temporary_limits.every(db) if one.limit.source == SOURCE}
    found = []
    for circuit, until in _limits_in(None if row is None else row.body).items():
        one = kept.get(circuit)
        if one is not None and not one.set_by.startswith(BY_FLEET):
            found.append(Override({"circuit": circuit, "status": "changed"}, one.set_by, one.set_at))
        elif one is None and (until is None or until > now):
            who, when = _who_removed(db, circuit)
            found.append(Override({"circuit": circuit, "status": "removed"}, who, when))
    return Told(overrides=tuple(found))


def _limits_in(body: Body | None) -> dict[str, Instant | None]:
    """The limits that an applied document set: until when, by circuit."""
    kept = cast(list[dict[str, Any]], (body or {}).get("limits", []))
    return {one["circuit"]: one["until"] for one in kept}


def _who_removed(db: Writing, circuit: str) -> tuple[str, Instant | None]:
    for _, when, data in events.newest_of(db, "load.limit_removed"):
        if (data.get("circuit"), data.get("source")) == (circuit, SOURCE):
            return str(data.get("actor")), when
    return "site", None


def _limit(site: Site, parts: Parts, path: str, circuit: str, entry: Body, now: Instant) -> TemporaryLimit | None:
    """None: it is wrong, or its time is over."""
    if circuit_named(site.configuration, circuit) is None:
        names = ", ".join(one.name for one in site.configuration.circuits) or "there is none"
        parts.wrong(f"{path}.circuit", f"expected the name of a circuit of this site ({names})", "unknown_circuit")
        return None
    fields = {name: value for name, value in entry.items() if name != "circuit"}
    until = instant_from_text(str(fields.get("until") or ""))
    over = until is not None and until <= now
    limit = read_limit(site, circuit, {**fields, "source": SOURCE, **({"until": None} if over else {})}, now)
    if isinstance(limit, TemporaryLimit):
        return None if over else limit
    for mistake in limit or ():
        above = "installer" in mistake.detail
        words = f"never above the installer's limit: {mistake.detail}" if above else mistake.detail
        parts.wrong(f"{path}.{mistake.field}", words, "above_installer" if above else "invalid")
    return None


def _departure(parts: Parts, path: str, entry: Body, found: dict[tuple[str, int], Departure]) -> None:
    station = parts.text(entry, path, "station", 255)
    connector = parts.number({"connector": 1, **entry}, path, "connector", 1, 1000, whole=True)
    at = parts.instant(entry, path, "departure")
    told = entry.get("wanted_wh")
    wanted = None if told is None else parts.number(entry, path, "wanted_wh", 0, _MOST_WH)
    if station is None or connector is None or at is None:
        return
    key = (station, int(connector))
    if key in found:
        parts.wrong(path, "the connector is there twice")
    found[key] = Departure(at, wanted)
