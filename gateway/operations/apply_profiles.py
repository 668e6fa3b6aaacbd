"""Document `profiles`: charging profiles that stations shall hold. The document is kept as rows; `send_fleet_profiles`
sends what is new and clears what is not wanted any more.

Profiles of a session (TxProfile) belong to commands, because a document outlives sessions; and the ids of load limits
are never a fleet manager's.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.charging_profiles import TX
from gateway.model.fleet_documents import Applied, Body, Override, Told, Wrong
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.ocpp.v16.charging_profiles import read_profile
from gateway.ocpp.v16.schemas import violations
from gateway.operations.document_parts import Parts
from gateway.operations.document_turn import Applying
from gateway.operations.known_profiles import known_of
from gateway.operations.site import Site
from gateway.rules.charging_profiles import is_over
from gateway.rules.fleet_profiles import Standing, standing_of
from gateway.rules.limit_profiles import OURS, is_ours
from gateway.store import fleet_profiles
from gateway.store.fleet_profiles import FleetProfile
from gateway.store.writing import Writing

MOST_PROFILES = 5000
_FIELDS = ("station", "connector", "profile")


@dataclass(frozen=True, slots=True)
class WantedProfiles:
    """By station and profile id."""

    profiles: dict[tuple[str, int], FleetProfile]


def read(site: Site, body: Body, *, delta: bool) -> WantedProfiles | tuple[Wrong, ...]:
    """The profiles of a body, or everything that is wrong with them. Runs in a thread."""
    parts = Parts()
    parts.only(body, "", ("entries",))
    if "entries" not in body:
        parts.wrong("entries", "expected a list of profiles")
    found: dict[tuple[str, int], FleetProfile] = {}
    for path, entry in parts.objects(body, "entries", _FIELDS, most=MOST_PROFILES):
        station = parts.text(entry, path, "station", 255)
        connector = parts.number(entry, path, "connector", 0, 1000, whole=True)
        profile = _profile(parts, path, entry.get("profile"))
        if station is None or connector is None or profile is None:
            continue
        key = (station, profile[0])
        if key in found:
            parts.wrong(f"{path}.profile.chargingProfileId", "the station has this id twice")
        found[key] = FleetProfile(StationId(station), profile[0], int(connector), profile[1])
    return tuple(parts.mistakes) if parts.mistakes else WantedProfiles(found)


def apply(db: Writing, turn: Applying, wanted: WantedProfiles) -> Applied:
    """Keep what is wanted; what came of profiles that are as before is remembered."""
    before = {(row.station, row.profile_id): row for row in fleet_profiles.every(db)}
    news = []
    for key, one in wanted.profiles.items():
        old = before.get((StationId(key[0]), key[1]))
        same = old is not None and (old.connector, old.profile, old.wanted) == (one.connector, one.profile, True)
        news += [] if same else [one]
    gone = [row for key, row in before.items() if key not in wanted.profiles]
    fleet_profiles.save(db, [*news, *(row._replace(wanted=False) for row in gone if row.wanted)])
    return Applied()


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """How each profile stands at its station; which of them somebody at the site has cleared or replaced."""
    now = site.wall_clock()
    per_station: dict[str, dict[str, object]] = {}
    overrides: list[Override] = []
    for row in fleet_profiles.every(db):
        standing = find_standing(db, row, now)
        told = {
            "connector": row.connector,
            "profile_id": row.profile_id,
            "status": standing if row.wanted else "to_be_cleared",
            "answer": row.outcome,
        }
        kept = per_station.setdefault(row.station, {"profiles": []})["profiles"]
        if isinstance(kept, list):
            kept.append(told)
        if row.wanted and standing == "overridden":
            what = {"station": row.station, "connector": row.connector, "profile_id": row.profile_id}
            overrides.append(Override({**what, "status": "cleared or replaced"}, "site"))
    return Told(per_station, tuple(overrides))


def find_standing(db: Writing, row: FleetProfile, now: Instant) -> Standing:
    """How a wanted profile stands at its station."""
    profile = read_profile(row.profile)
    held: bool | None = False
    for kept, _ in known_of(db, row.station):
        if (kept.profile_id, kept.connector, kept.document()) == (row.profile_id, row.connector, row.profile):
            held = True if kept.certain else None if kept.wanted else held
    return standing_of(row.outcome, held=held, over=profile is not None and is_over(profile, now))


def _profile(parts: Parts, path: str, document: object) -> tuple[int, dict[str, object]] | None:
    """The id and the profile, when it is one that may be wanted."""
    payload = {"connectorId": 0, "csChargingProfiles": document}
    broken = violations("SetChargingProfile", "request", payload)
    profile = read_profile(document)
    if broken is not None or profile is None or not isinstance(document, dict):
        words = broken.description if broken is not None else "expected a chargingProfileId"
        parts.wrong(f"{path}.profile", words.replace("csChargingProfiles", "profile"))
        return None
    if is_ours(profile.profile_id):
        words = f"ids from {OURS.start} to {OURS.stop - 1} belong to load limits"
        parts.wrong(f"{path}.profile.chargingProfileId", words, "reserved_id")
    if profile.purpose == TX:
        words = "a TxProfile belongs to one session: send it by a command"
        parts.wrong(f"{path}.profile.chargingProfilePurpose", words)
    return profile.profile_id, document
