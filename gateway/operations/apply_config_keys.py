"""Document `config-keys`: configuration keys that stations should have, by kind or one by one.

They are wishes like those of the installer's file, and sent to stations in the same way (`repair_settings`). What the
site wants itself, and what load limits need to be told, beats them and is told as an override.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.fleet_documents import Applied, Body, Override, Told, Wrong
from gateway.operations.document_parts import Parts
from gateway.operations.document_turn import Applying
from gateway.operations.known_settings import body_of_fleet, find_settings_of, wishes_of_fleet
from gateway.operations.site import Site
from gateway.rules.desired_settings import desired_settings, is_same_value, may_be_wanted
from gateway.rules.secrecy import masked_text
from gateway.store import stations
from gateway.store.writing import Writing

MOST_KINDS = 200
MOST_STATIONS = 1000
MOST_KEYS = 200
# OCPP 1.6 5.3, 7.29: a key is a CiString50, a value a CiString500
_LONGEST_KEY, _LONGEST_VALUE = 50, 500


@dataclass(frozen=True, slots=True)
class WantedKeys:
    """The body as it is kept: kinds with their patterns, and stations."""

    models: list[dict[str, object]]
    stations: dict[str, dict[str, str]]


def read(site: Site, body: Body, *, delta: bool) -> WantedKeys | tuple[Wrong, ...]:
    """The wishes of a body, or everything that is wrong with it. Runs in a thread."""
    parts = Parts()
    parts.only(body, "", ("models", "stations"))
    kinds: list[dict[str, object]] = []
    for path, entry in parts.objects(body, "models", ("vendor", "model", "keys"), most=MOST_KINDS):
        kind: dict[str, object] = {"vendor": "*", "model": "*"}
        for name in ("vendor", "model"):
            if name in entry:
                kind[name] = parts.text(entry, path, name, 50)
        kinds.append({**kind, "keys": _keys(parts, entry.get("keys"), f"{path}.keys")})
    told = body.get("stations", {})
    if not isinstance(told, Mapping) or len(told) > MOST_STATIONS:
        parts.wrong("stations", f"expected an object of at most {MOST_STATIONS} stations")
        told = {}
    own = {str(station): _keys(parts, keys, f"stations.{station}") for station, keys in told.items()}
    return tuple(parts.mistakes) if parts.mistakes else WantedKeys(kinds, own)


def apply(db: Writing, turn: Applying, wanted: WantedKeys) -> Applied:
    """Keep the wishes; the stations' turn comes with the event."""
    return Applied(body={"models": wanted.models, "stations": wanted.stations})


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """At each station: whether it is as wanted, what is not and why; and keys that somebody else wants otherwise."""
    per_station: dict[str, dict[str, object]] = {}
    overrides: list[Override] = []
    body = body_of_fleet(db)
    for station, row in stations.every(db).items():
        wanted = desired_settings(wishes_of_fleet(body, station), {}, vendor=row.vendor, model=row.model)
        if not wanted or row.admission != "accepted":
            continue
        settings = find_settings_of(db, site, station, fleet=body)
        in_force = {key.casefold(): value for key, value in settings.desired.items()}
        beaten = {key for key, value in wanted.items() if not is_same_value(in_force.get(key.casefold()), value)}
        overrides += [
            Override({"station": station, "key": key, "value": in_force.get(key.casefold())}, "site")
            for key in sorted(beaten)
        ]
        ours = {key.casefold() for key in wanted.keys() - beaten}
        drift = [
            {"key": one.key, "wanted": one.desired, "reported": one.reported, "state": one.state}
            for one in settings.drifts
            if one.key.casefold() in ours
        ]
        per_station[station] = {"status": "drift" if drift else "applied", "drift": drift}
    return Told(per_station, tuple(overrides))


def _keys(parts: Parts, told: object, path: str) -> dict[str, str]:
    if not isinstance(told, Mapping) or len(told) > MOST_KEYS:
        parts.wrong(path, f"expected an object of at most {MOST_KEYS} keys with their values as texts")
        return {}
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for key, value in told.items():
        usable = 0 < len(key) <= _LONGEST_KEY and key.isprintable() and key == key.strip()
        if not usable or not may_be_wanted(key):
            parts.wrong(f"{path}.{key[:60]}", f"expected a name of 1 to {_LONGEST_KEY} characters that holds no secret")
        elif spelled.setdefault(key.casefold(), key) != key:
            parts.wrong(f"{path}.{key}", "another spelling of the same key is there already")
        elif not isinstance(value, str) or len(value) > _LONGEST_VALUE or masked_text(value) != value:
            parts.wrong(f"{path}.{key}", f"expected text of up to {_LONGEST_VALUE} characters without a password")
        else:
            found[key] = value
    return found
