"""Document `stations`: makes stations known and sets their run-time settings, one station after the other.

What one station may not have keeps the others from nothing. The installer's file is never overruled in what is safety,
nor the site in what it set itself (`rules.fleet_stations`). A station that is left out stays as it is; `deleted` names
those to be removed, and only those that the fleet made known. Passwords are hashed before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, cast

from gateway.configuration import Configuration
from gateway.model.fleet_documents import Applied, Body, Override, Told, Wrong
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.document_parts import Parts
from gateway.operations.document_turn import BY_FLEET, Applying
from gateway.operations.known_stations import is_known, settings_from_file, settings_in_force
from gateway.operations.provision_stations import (
    Asked,
    FieldMistake,
    Provisioned,
    hashed_password,
    provision,
    read_fields,
    remove_known,
)
from gateway.operations.site import Site
from gateway.rules.fleet_stations import PASSWORD, overridden, why_not
from gateway.store import events, fleet_documents, stations
from gateway.store.stations import StationRow
from gateway.store.writing import Writing

MOST_STATIONS = 500  # in one document
MOST_KEPT = 2000  # with what deltas added
SECRETS = frozenset({PASSWORD})
MASK = "***"
_HASH = "password_hash"
_WRONG_PASSWORD = {"wrong": True}


@dataclass(frozen=True, slots=True)
class WantedStations:
    """What is wanted of each station, in the order of the document, and stations to remove."""

    stations: dict[str, Asked]
    deleted: tuple[str, ...]


@dataclass(slots=True)
class _Kept:
    """What is remembered of applied documents: what is wanted of stations, what came of each, which they made.

    `ours`: every field that a document ever set, as it set it; what is otherwise here is the site's.
    """

    stations: dict[str, dict[str, object]] = field(default_factory=dict)
    ours: dict[str, dict[str, object]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    results: dict[str, dict[str, object]] = field(default_factory=dict)


async def prepare(site: Site, body: Body) -> Body:
    """The body with hashes in the place of passwords; one that is none is only marked as wrong."""
    entries = body.get("entries", [])
    rest = {name: _masked(value) for name, value in body.items() if name != "entries"}
    if not isinstance(entries, list) or len(entries) > MOST_STATIONS:
        return {**rest, "entries": False}
    safe = []
    for entry in entries:
        kept = _masked(entry)
        if isinstance(kept, dict):
            kept.pop(_HASH, None)
        if isinstance(kept, dict) and kept.pop(PASSWORD, None) is not None:
            hashed = await hashed_password(entry[PASSWORD])
            kept[_HASH] = _WRONG_PASSWORD if isinstance(hashed, FieldMistake) else hashed
        safe.append(kept)
    return {**rest, "entries": safe} if "entries" in body else rest


def read(site: Site, body: Body, *, delta: bool) -> WantedStations | tuple[Wrong, ...]:
    """What a prepared body wants, or everything that is wrong with its fields. Runs in a thread."""
    parts = Parts()
    parts.only(body, "", ("entries", "deleted"))
    if "entries" not in body and not delta:
        parts.wrong("entries", "expected a list of stations")
    wanted: dict[str, Asked] = {}
    for path, entry in parts.objects(body, "entries", (), most=MOST_STATIONS):
        station = parts.text(entry, path, "id", 255)
        if station is None:
            continue
        if station in wanted:
            parts.wrong(f"{path}.id", "the station is there twice")
        named, told = dict(entry), entry.get(_HASH)
        named.pop(_HASH, None)
        wrong_password = FieldMistake(PASSWORD, "expected text of 1 to 512 bytes, or null")
        hashed = told if told is None or isinstance(told, str) else wrong_password
        asked = read_fields(station, named, changes_password=_HASH in entry, password_hash=hashed)
        for mistake in asked.mistakes:
            parts.wrong(f"{path}.{mistake.field}", mistake.detail)
        wanted[station] = asked
    deleted = body.get("deleted", [])
    if not isinstance(deleted, list) or not all(isinstance(one, str) for one in deleted):
        parts.wrong("deleted", "expected a list of stations")
        deleted = []
    for number, station in enumerate(deleted):
        if station in wanted:
            parts.wrong(f"deleted[{number}]", "the station is among the entries, too")
    return tuple(parts.mistakes) if parts.mistakes else WantedStations(wanted, tuple(dict.fromkeys(deleted)))


def apply(db: Writing, turn: Applying, wanted: WantedStations) -> Applied:
    """Each station gets what it may have; the others are told."""
    kept = _carried_over(db, _kept(turn.before), delta=turn.delta)
    if len(kept.stations.keys() | wanted.stations.keys()) > MOST_KEPT:
        words = f"with this delta there would be more than {MOST_KEPT} stations"
        return Applied((Wrong("too_large", "entries", words),), refused=True)
    errors: list[Wrong] = []
    for station, asked in wanted.stations.items():
        ours = kept.ours.get(station, {})
        done = _apply_one(db, turn, asked, ours)
        errors += done.wrong
        kept.results[station] = {"status": "rejected" if done.wrong else "applied"}
        if not done.wrong:
            password = {PASSWORD: MASK} if asked.changes_password else {}
            kept.stations[station] = {**kept.stations.get(station, {}), **asked.values, **password}
            kept.ours[station] = {**ours, **done.values}
        kept.made += [station] if done.created and station not in kept.made else []
    for station in wanted.deleted:
        errors += _delete(db, turn, station, kept)
    return Applied(tuple(errors), body=asdict(kept))


def _carried_over(db: Writing, before: _Kept, *, delta: bool) -> _Kept:
    """What still counts of the documents before; nothing of stations that are gone."""
    here = stations.every(db).keys()
    kept = _Kept(
        ours={station: fields for station, fields in before.ours.items() if station in here},
        made=[station for station in before.made if station in here],
    )
    if delta:
        kept.stations = dict(before.stations)
        kept.results = {station: result for station, result in before.results.items() if station in before.stations}
    return kept


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """What came of each station, and settings that the site has changed."""
    row = fleet_documents.find(db, upstream, "stations")
    kept = _kept(None if row is None else row.body)
    here = stations.every(db)
    differs = [
        (station, name, values.get(name))
        for station, fields in kept.stations.items()
        for values in [here[StationId(station)].run_time_values() if station in here else {}]
        for name, value in fields.items()
        if name != PASSWORD and values.get(name) != value
    ]
    who = _who_set(db) if differs else {}
    overrides = (
        Override({"station": station, "field": name, "value": value}, *who.get((station, name), ("site", None)))
        for station, name, value in differs
    )
    return Told(kept.results, tuple(overrides))


class _Done(NamedTuple):
    """What came of one station: what is wrong, what was set there, whether it is known only now."""

    wrong: list[Wrong]
    values: dict[str, object]
    created: bool = False


def _apply_one(db: Writing, turn: Applying, asked: Asked, ours: Mapping[str, object]) -> _Done:
    """`ours`: what documents set there before."""
    configuration, row = turn.site.configuration, stations.find(db, asked.station)
    here = row.run_time_values() if row is not None else {}
    wrong = _against_the_file(configuration, asked, row)
    if wrong:
        return _Done(wrong, {})
    sites_own = overridden(asked.values, here=here, before=ours)
    values = {name: value for name, value in asked.values.items() if name not in sites_own}
    sets_password = asked.changes_password and not _is_sites_password(row, ours)
    done = {**values, **({PASSWORD: MASK} if sets_password else {})}
    known = is_known(configuration, asked.station, row) and (row is None or row.admission != "pending")
    if known and not sets_password and all(here.get(name) == value for name, value in values.items()):
        return _Done([], done)
    changed = Asked(asked.station, values, sets_password, asked.password_hash if sets_password else None, ())
    outcome = provision(db, configuration, changed, actor=turn.actor, now=turn.now)
    if isinstance(outcome, Provisioned):
        return _Done([], done, outcome.created)
    return _Done([Wrong("invalid", f"stations.{asked.station}.{one.field}", one.detail) for one in outcome], {})


def _against_the_file(configuration: Configuration, asked: Asked, row: StationRow | None) -> list[Wrong]:
    """What the installer's file does not allow for a station that it names."""
    written = settings_from_file(configuration, asked.station)
    if written is None:
        return []
    now = settings_in_force(configuration, asked.station, row)
    return [
        Wrong("installers", f"stations.{asked.station}.{name}", why)
        for name, value in asked.values.items()
        if (why := why_not(name, value, written=getattr(written, name), in_force=getattr(now, name))) is not None
    ]


def _masked(value: object) -> object:
    """Passwords at places where none belongs are not kept either."""
    if isinstance(value, Mapping):
        return {str(name): MASK if name == PASSWORD else _masked(member) for name, member in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _is_sites_password(row: StationRow | None, ours: Mapping[str, object]) -> bool:
    return row is not None and row.password_hash is not None and PASSWORD not in ours


def _delete(db: Writing, turn: Applying, station: str, kept: _Kept) -> list[Wrong]:
    if settings_from_file(turn.site.configuration, station) is not None:
        return [Wrong("installers", f"stations.{station}", "the installer's file names it: it stays")]
    row = stations.find(db, station)
    if row is not None and is_known(turn.site.configuration, station, row) and station not in kept.made:
        return [Wrong("not_owned", f"stations.{station}", "the site made it known: it stays")]
    remove_known(db, turn.site, station, actor=turn.actor, now=turn.now)
    kept.made = [one for one in kept.made if one != station]
    kept.stations.pop(station, None)
    kept.ours.pop(station, None)
    kept.results[station] = {"status": "removed"}
    return []


def _who_set(db: Writing) -> dict[tuple[str, str], tuple[str, Instant]]:
    """Who of the site set a station's field last, and when, as far as the journal still knows."""
    found: dict[tuple[str, str], tuple[str, Instant]] = {}
    for station, when, data in events.newest_of(db, "station.provisioned"):
        actor, fields = str(data.get("actor")), data.get("fields")
        if not actor.startswith(BY_FLEET) and isinstance(fields, list):
            for name in fields:
                found.setdefault((str(station), str(name)), (actor, when))
    return found


def _kept(body: Body | None) -> _Kept:
    return _Kept(**cast(dict[str, Any], body)) if body else _Kept()
