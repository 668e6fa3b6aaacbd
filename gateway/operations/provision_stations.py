"""Making stations known, adopting those that knocked, changing their run-time settings, removing them.

The file's `[[station]]` tables belong to the installer and are never changed: what is set here is kept in the database
and beats the file. Passwords are kept as hashes only and never come out again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from gateway.configuration import Configuration, StationSettings
from gateway.configuration_agreement import disagreements_of_load, spelled_twice
from gateway.configuration_files import Node, Place
from gateway.configuration_reading import Reader
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations import keep_reservations
from gateway.operations.end_sessions import end_reconstructed
from gateway.operations.known_stations import effective_settings, is_known, settings_from_file, settings_in_force
from gateway.operations.load_now import LimitNews
from gateway.operations.mirror_local_lists import station_removed
from gateway.operations.site import Site
from gateway.rules.security_profiles import HIGHEST
from gateway.rules.station_passwords import key_bytes
from gateway.rules.station_settings import changed_run_time_values, with_run_time_values
from gateway.store import events, limiting, security_changes, stations, transactions, transfer_links
from gateway.store.passwords import hash_password
from gateway.store.stations import StationRow
from gateway.store.writing import Writing

__all__ = [
    "MOST_PASSWORD_BYTES",
    "SETTABLE",
    "FieldMistake",
    "Provisioned",
    "effective_settings",
    "is_known",
    "put_station",
    "remove_station",
    "settings_from_file",
    "settings_in_force",
]

logger = logging.getLogger(__name__)

MOST_PASSWORD_BYTES = 512
SETTABLE = frozenset(field.name for field in fields(StationSettings)) - {"id", "password_file"}
# what may be to blame when the fuse would not hold without the gateway
_MAKE_UNSAFE = ("fallback_amps", "circuit", "connectors", "max_amps", "load_mode", "quiet", "phase_rotation")

_REMOVED = 1000
_NOWHERE = Path("/")  # nothing in a request names a file


@dataclass(frozen=True, slots=True)
class FieldMistake:
    """One thing wrong in a request: which field, and what was expected."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The station is known now; `created` when it was not before."""

    created: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: values to set (null: take the run-time value away), and the password's new hash."""

    station: str
    values: Mapping[str, object]
    changes_password: bool
    password_hash: str | None
    mistakes: tuple[FieldMistake, ...]


async def put_station(
    site: Site, station: str, fields: Mapping[str, object], *, actor: str
) -> Provisioned | tuple[FieldMistake, ...]:
    """Make, adopt or change a station: fields that are named are set, null resets one; or every mistake at once."""
    named = dict(fields)
    hashed = await hashed_password(named.pop("password")) if "password" in named else None
    asked = read_fields(station, named, changes_password="password" in fields, password_hash=hashed)
    now = site.wall_clock()
    outcome = await site.database.write(lambda db: provision(db, site.configuration, asked, actor=actor, now=now))
    if isinstance(outcome, Provisioned):
        logger.info("station %s provisioned by %s", station, actor)
    return outcome


async def remove_station(site: Site, station: str, *, actor: str) -> Literal["removed", "in_file", "unknown"]:
    """Forget a station, end its sessions and its connection; one that the file names stays. All sessions are kept."""
    if settings_from_file(site.configuration, station) is not None:
        return "in_file"

    now = site.wall_clock()
    if not await site.database.write(lambda db: remove_known(db, site, station, actor=actor, now=now)):
        return "unknown"
    logger.info("station %s removed by %s", station, actor)
    return "removed"


def remove_known(db: Writing, site: Site, station: str, *, actor: str, now: Instant) -> bool:
    """Forget a station that the file does not name, inside a unit of work; its connection ends with the commit."""
    row = stations.find(db, station)
    if row is None or not is_known(site.configuration, station, row):
        return False
    for session in transactions.open_of_station(db, StationId(station)):
        end_reconstructed(db, site, session, why="station_removed", now=now)
    keep_reservations.remove_station(db, site, StationId(station), now=now)
    stations.remove(db, station)
    transfer_links.end_of_station(db, station, now)
    station_removed(db, StationId(station))
    if site.configuration.circuits:
        db.then.append(lambda: site.load.tell_limits(LimitNews(StationId(station), "removed")))
    db.then.append(lambda: _hang_up(site, StationId(station)))
    events.append(db, "station.removed", station=station, happened_at=now, recorded_at=now, data={"actor": actor})
    return True


def _hang_up(site: Site, station: StationId) -> None:
    connection = site.connected.get(station)
    if connection is not None:
        connection.end(_REMOVED, "the station was removed")


def provision(
    db: Writing, configuration: Configuration, asked: Asked, *, actor: str, now: Instant
) -> Provisioned | tuple[FieldMistake, ...]:
    """What was read is put in force, inside a unit of work; or every mistake, and nothing is."""
    station = asked.station
    found = stations.find(db, station)
    row = found if is_known(configuration, station, found) else None
    run_time = changed_run_time_values(row.run_time_values() if row else {}, asked.values)
    password_hash = asked.password_hash if asked.changes_password or row is None else row.password_hash
    written = settings_from_file(configuration, station)
    settings = with_run_time_values(written or StationSettings(id=station), run_time)
    if asked.password_hash and settings.security_profile == 0 and "security_profile" not in asked.values:
        # a password that nobody asks for would only look like protection
        run_time = {**run_time, "security_profile": 1}
        settings = with_run_time_values(settings, run_time)
    mistakes = (*asked.mistakes, *_disagreements(configuration, settings, password_hash, asked.mistakes))
    if not mistakes and _may_be_unsafe(configuration, row, settings):
        mistakes = _unsafe(db, configuration, settings, asked)
    if mistakes:
        return mistakes
    # a row left over from a table that has gone from the file, or from a knock, starts anew but keeps what it said
    origin: Literal["file", "api"] = "file" if written else "api"
    stations.provision(db, station, origin=origin, settings=run_time, password_hash=password_hash, now=now)
    if "security_profile" in asked.values:
        security_changes.drop_profiles(db, station, up_to=HIGHEST)
    if asked.changes_password:
        security_changes.drop_passwords(db, station)
    created = written is None and (row is None or row.admission == "pending")
    data = {"actor": actor, "created": created, "fields": sorted(asked.values), "password": asked.changes_password}
    events.append(db, "station.provisioned", station=station, happened_at=now, recorded_at=now, data=data)
    return Provisioned(created)


async def hashed_password(password: object) -> str | FieldMistake | None:
    """What is kept of a password (null takes it away), or what is wrong with it. Hashing takes long."""
    if password is None:
        return None
    if isinstance(password, str) and 0 < len(password.encode("utf-8", "replace")) <= MOST_PASSWORD_BYTES:
        return await asyncio.to_thread(hash_password, key_bytes(password.encode("utf-8", "replace")))
    return FieldMistake("password", f"expected text of 1 to {MOST_PASSWORD_BYTES} bytes")


def read_fields(
    station: str,
    fields: Mapping[str, object],
    *,
    changes_password: bool = False,
    password_hash: str | FieldMistake | None = None,
) -> Asked:
    """The request's fields as typed values; what is wrong with single fields is collected."""
    mistakes: list[FieldMistake] = []
    named = dict(fields)
    if named.pop("id", station) != station:
        mistakes.append(FieldMistake("id", f"expected {json.dumps(station)}, the id in the path, or nothing"))
    if named.pop("password_file", None) is not None:
        mistakes.append(FieldMistake("password_file", "only the configuration file names files: send `password`"))
    resets = {name: None for name, value in named.items() if value is None and name in SETTABLE}
    tree = {name: value for name, value in named.items() if name not in resets}
    reader = Reader(folder=_NOWHERE, environment={}, report_missing=False)
    settings = reader.read(StationSettings, _node({"id": station, **tree}, ""))
    mistakes += [
        FieldMistake(wrong.place.key, f"expected {wrong.expected}, got {wrong.got}") for wrong in reader.mistakes
    ]
    wrong_fields = {mistake.field.partition("[")[0].partition(".")[0] for mistake in mistakes}
    values = {name: _kept(getattr(settings, name)) for name in tree if name in SETTABLE and name not in wrong_fields}
    if isinstance(password_hash, FieldMistake):
        mistakes.append(password_hash)
        password_hash = None
    return Asked(station, {**values, **resets}, changes_password, password_hash, tuple(mistakes))


def _disagreements(
    configuration: Configuration,
    settings: StationSettings,
    password_hash: str | None,
    mistaken: tuple[FieldMistake, ...],
) -> list[FieldMistake]:
    """What no single field can say. Fields that are wrong by themselves are not blamed again."""
    found: list[FieldMistake] = []
    has_password = password_hash is not None or settings.password_file is not None
    logs_in = settings.security_profile in (1, 2)
    if settings.circuit is not None and settings.circuit not in {circuit.name for circuit in configuration.circuits}:
        names = ", ".join(circuit.name for circuit in configuration.circuits) or "there is none"
        found.append(FieldMistake("circuit", f"expected the name of a [[circuit]] ({names})"))
    for name, expected, got in disagreements_of_load(settings):
        found.append(FieldMistake(name, f"expected {expected}, got {got}"))
    if logs_in and not has_password:
        found.append(
            FieldMistake("password", f"expected a password, as security_profile is {settings.security_profile}")
        )
    if logs_in or password_hash is not None:
        # RFC 7617 2: a user-id with a colon cannot be sent
        for identity in (settings.id, *settings.aliases):
            if ":" in identity:
                found.append(
                    FieldMistake("id", f"{json.dumps(identity)} has a `:` and could not log in with a password")
                )
    for alias in settings.aliases:
        if any(alias in (other.id, *other.aliases) for other in configuration.stations if other.id != settings.id):
            found.append(FieldMistake("aliases", f"{json.dumps(alias)} is another station's identity"))
    for key in spelled_twice(settings.desired_configuration):
        found.append(FieldMistake(f"desired_configuration.{key}", "another spelling of the same key is there already"))
    wrong = {mistake.field for mistake in mistaken}
    return [mistake for mistake in found if mistake.field not in wrong]


def _may_be_unsafe(configuration: Configuration, row: StationRow | None, settings: StationSettings) -> bool:
    """Does the change concern what the site's safety depends on? To look takes long on a large site."""
    if row is None or row.admission != "accepted":
        return True
    before = settings_in_force(configuration, settings.id, row)
    return any(getattr(before, name) != getattr(settings, name) for name in _MAKE_UNSAFE)


def _unsafe(
    db: Writing, configuration: Configuration, settings: StationSettings, asked: Asked
) -> tuple[FieldMistake, ...]:
    """Why the site could not be safe without the gateway any more, at the field that was to be changed."""
    if settings.circuit is None or not configuration.circuits:
        return ()
    from gateway.configuration_safety import what_is_expected
    from gateway.operations.plan_site import find_unsafe_change

    named = next((name for name in _MAKE_UNSAFE if asked.values.get(name) is not None), "fallback_amps")
    return tuple(
        FieldMistake(named, f"expected {what_is_expected(wrong)}")
        for wrong in find_unsafe_change(db, configuration, settings, limiting.every(db))
    )


def _node(value: object, key: str) -> Node:
    """A JSON value as the tree that the configuration's reader understands."""
    place = Place("request", key)
    if isinstance(value, dict):
        return Node({str(name): _node(child, f"{key}.{name}".lstrip(".")) for name, child in value.items()}, place)
    if isinstance(value, list):
        return Node([_node(child, f"{key}[{index}]") for index, child in enumerate(value)], place)
    return Node(value, place)


def _kept(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
