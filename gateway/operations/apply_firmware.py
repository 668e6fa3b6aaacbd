"""Document `firmware`: the version that stations should run, by kind or one by one.

With a digest the image is fetched into the gateway's store and rolled out from there (`roll_out_documents`). Without
one the address goes to the stations as it is (`update_firmware`), and what they load from it only they can check.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from firmware_store.manifest import Announced, read_manifest
from gateway.model.fleet_documents import Applied, Body, Told, Wrong
from gateway.model.instants import Instant
from gateway.operations.document_parts import Parts
from gateway.operations.document_turn import Applying
from gateway.operations.site import Site
from gateway.rules import station_jobs as job_rules
from gateway.rules.fleet_firmware import (
    Standing,
    WantedFirmware,
    entry_id,
    standing_in_campaign,
    standing_of,
    wanted_of,
)
from gateway.rules.rollout_policy import Policy, read_policy
from gateway.store import campaigns, fleet_documents, fleet_images, fleet_updates, station_jobs, stations
from gateway.store.stations import StationRow
from gateway.store.writing import Writing

MOST_ENTRIES = 500
_FIELDS = (
    "vendor",
    "model",
    "stations",
    "version",
    "url",
    "sha256",
    "signature",
    "signing_certificate",
    "not_before",
    "size_bytes",
    "policy",
    "file_name",
    "expected_reported_version",
    "min_from",
    "max_from",
    "downgrade_allowed",
)
# of the image's manifest, beside what every entry has; they count only with a digest
_OF_MANIFEST = ("file_name", "expected_reported_version", "min_from", "max_from", "downgrade_allowed")
_ONLY_WITH_DIGEST = ("size_bytes", "policy", *_OF_MANIFEST)  # fmt: skip
_URL = re.compile("(https?|ftps?|sftp)://[^ ]+")
# OCPP 1.6 security white paper: the types of FirmwareType
_LONGEST_SIGNATURE, _LONGEST_CERTIFICATE, _LONGEST_URL = 800, 5500, 512


@dataclass(frozen=True, slots=True)
class WantedUpdates:
    """The entries as they are kept."""

    entries: list[dict[str, object]]


def read(site: Site, body: Body, *, delta: bool) -> WantedUpdates | tuple[Wrong, ...]:
    """The entries of a body, or everything that is wrong with them. Runs in a thread."""
    parts = Parts()
    parts.only(body, "", ("entries",))
    if "entries" not in body:
        parts.wrong("entries", "expected a list of versions")
    found = [_entry(parts, path, entry) for path, entry in parts.objects(body, "entries", _FIELDS, most=MOST_ENTRIES)]
    return tuple(parts.mistakes) if parts.mistakes else WantedUpdates(found)


def apply(db: Writing, turn: Applying, wanted: WantedUpdates) -> Applied:
    """Keep the entries; the stations' turn comes with the event. Stations are asked anew, whatever was tried before."""
    fleet_updates.forget(db)
    return Applied(body={"entries": wanted.entries})


def withdraw(db: Writing, site: Site, upstream: str, now: Instant) -> None:
    """Nothing is asked for any more; what is under way goes on."""
    fleet_updates.forget(db)


def entries_in_force(db: Writing) -> list[WantedFirmware]:
    """What the applied document wants."""
    found = fleet_documents.body_in_force(db, "firmware")
    # the body was read above before it was kept
    kept = cast(list[dict[str, Any]], [] if found is None else found[1].get("entries", []))
    return [WantedFirmware(**{**one, "stations": tuple(one.get("stations", ()))}) for one in kept]


def find_standing(
    db: Writing, row: StationRow, wanted: WantedFirmware, now: Instant
) -> tuple[Standing, job_rules.Job | None]:
    """How far the station is, and its newest job of the kind."""
    jobs = station_jobs.newest(db, row.station, job_rules.FAMILIES["firmware"])
    standing = standing_of(
        wanted,
        version=row.firmware_version,
        job_open=any(job.finished_at is None for job in jobs),
        tried=fleet_updates.find(db, row.station),
        now=now,
    )
    return standing, jobs[0] if jobs else None


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """At each station for which there is an entry: what it runs, what is wanted, and how far it is."""
    entries, now = entries_in_force(db), site.wall_clock()
    found: dict[str, Mapping[str, object]] = {}
    for station, row in stations.every(db).items():
        wanted = wanted_of(entries, station=station, vendor=row.vendor, model=row.model)
        if wanted is None or row.admission != "accepted":
            continue
        tell_of = _tell_of_campaign if wanted.sha256 is not None else _tell_of_asking
        found[station] = {**tell_of(db, row, wanted, now), "version": row.firmware_version, "wanted": wanted.version}
    return Told(found)


def _tell_of_asking(db: Writing, row: StationRow, wanted: WantedFirmware, now: Instant) -> dict[str, object]:
    standing, job = find_standing(db, row, wanted, now)
    tried = fleet_updates.find(db, row.station)
    return {
        "status": standing,
        "tries": 0 if tried is None else tried.tries,
        "job": None if job is None or tried is None else {"status": job.status, "result": job.result},
    }


def _tell_of_campaign(db: Writing, row: StationRow, wanted: WantedFirmware, now: Instant) -> dict[str, object]:
    entry = entry_id(wanted)
    image = fleet_images.find(db, entry)
    told: dict[str, object] = {
        "image": None if image is None else image.image_id,
        "error": None if image is None else image.error,
    }
    for campaign_id in reversed(fleet_images.campaigns_of(db, entry)):
        member = campaigns.find_station(db, campaign_id, row.station)
        if member is not None:
            return {
                "status": standing_in_campaign(member.state),
                "tries": member.tries,
                **told,
                "campaign": campaign_id,
                "state": member.state,
                "failure": member.failure,
                "detail": member.detail,
            }
    expected = (wanted.more or {}).get("expected_reported_version", wanted.version)
    return {"status": "up_to_date" if row.firmware_version == expected else "not_yet", "tries": 0, **told}


def _entry(parts: Parts, path: str, entry: Mapping[str, object]) -> dict[str, object]:
    kept: dict[str, object] = {"version": parts.text(entry, path, "version", 50), "stations": []}
    url = parts.text(entry, path, "url", _LONGEST_URL)
    if url is not None and not _URL.fullmatch(url):
        parts.wrong(f"{path}.url", "expected an address of http, https, ftp, ftps or sftp")
    kept["url"] = url
    kept |= {name: parts.text(entry, path, name, 50) for name in ("vendor", "model") if name in entry}
    told = entry.get("stations", [])
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told) or (told and len(kept) > 3):
        parts.wrong(f"{path}.stations", "expected a list of stations, and then neither vendor nor model")
    elif "stations" in entry and not told:
        parts.wrong(f"{path}.stations", "expected at least one station")
    kept["stations"] = told
    kept |= _signature(parts, path, entry)
    if "sha256" in entry:
        kept |= _image(parts, path, entry, kept)
    else:
        for name in set(_ONLY_WITH_DIGEST) & entry.keys():
            parts.wrong(f"{path}.{name}", "expected only beside sha256")
    if entry.get("not_before") is not None:
        kept["not_before"] = parts.instant(entry, path, "not_before")
    return kept


def manifest_of(entry: WantedFirmware) -> dict[str, object]:
    """What the manifest of the image will say."""
    file_name = urlsplit(entry.url).path.rpartition("/")[2] or "firmware.bin"
    return {
        "vendor": entry.vendor,
        "models": [entry.model],
        "version": entry.version,
        "file_name": file_name,
        "signature": entry.signature,
        "signing_certificate": entry.signing_certificate,
        **(entry.more or {}),
    }


def _image(parts: Parts, path: str, entry: Mapping[str, object], kept: Mapping[str, object]) -> dict[str, object]:
    """What an entry with a digest says beside the others."""
    found: dict[str, object] = {}
    if not re.fullmatch("[0-9a-fA-F]{64}", str(entry["sha256"])):
        parts.wrong(f"{path}.sha256", "expected 64 hexadecimal digits")
    found["sha256"] = str(entry["sha256"]).lower()
    if not str(kept["url"] or "http://").startswith(("http://", "https://")):
        parts.wrong(f"{path}.url", "expected http or https: the gateway fetches the image itself")
    if entry.get("size_bytes") is not None:
        found["size_bytes"] = parts.number(entry, path, "size_bytes", 1, 2**40, whole=True)
    policy = read_policy(entry.get("policy") or {})
    if isinstance(policy, Policy):
        found["policy"] = entry.get("policy")
    else:
        for mistake in policy:
            parts.wrong(f"{path}.{mistake.field}", mistake.detail)
    found["more"] = {name: entry[name] for name in _OF_MANIFEST if entry.get(name) is not None}
    if not parts.mistakes:
        wanted = WantedFirmware(**cast(dict[str, Any], {**kept, **found, "stations": ()}))
        read = read_manifest(manifest_of(wanted))
        if not isinstance(read, Announced):
            for wrong in read:
                parts.wrong(f"{path}.{wrong.field}", wrong.detail)
    return found


def _signature(parts: Parts, path: str, entry: Mapping[str, object]) -> dict[str, object]:
    bounds = {"signature": _LONGEST_SIGNATURE, "signing_certificate": _LONGEST_CERTIFICATE}
    if not bounds.keys() & entry.keys():
        return {}
    for name, longest in bounds.items():
        value = entry.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            parts.wrong(f"{path}.{name}", f"expected text of 1 to {longest} characters: both belong to a signed update")
    return {name: entry.get(name) for name in bounds}
