"""Which firmware does a fleet manager want in a station, and is it time to ask for it?

A station is asked when it has other firmware, nobody uses it and nothing of the kind is under way; a few times at
most, because each try may cost a station its life. What it says to have after an update is what counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal

from gateway.model.instants import SECOND, Instant
from gateway.rules.desired_settings import kind_fits

MOST_TRIES = 3
_WAIT_SECONDS = (0, 3600, 6 * 3600)

Standing = Literal["up_to_date", "not_yet", "under_way", "waiting", "due", "failed"]
_OF_STATE: Mapping[str, Standing] = {
    "waiting": "waiting", "draining": "waiting", "done": "up_to_date", "skipped": "up_to_date", "failed": "failed",
    "aborted": "not_yet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WantedFirmware:
    """One entry: for `stations`, or (none named) for a kind by patterns. With `signature` it is a signed update.

    With `sha256` the image is fetched into the gateway's store and rolled out by a campaign with `policy`; `more` is
    what else the image's manifest says.
    """

    version: str
    url: str
    vendor: str = "*"
    model: str = "*"
    stations: tuple[str, ...] = ()
    signature: str | None = None
    signing_certificate: str | None = None
    not_before: Instant | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    policy: Mapping[str, object] | None = None
    more: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """How often the station was asked for a version, and when last."""

    version: str
    tries: int
    tried_at: Instant


def entry_id(entry: WantedFirmware) -> str:
    """The same for the same entry, in whatever version of the document it is."""
    return sha256(json.dumps(asdict(entry), sort_keys=True, default=str).encode()).hexdigest()[:32]


def wanted_of(
    entries: Iterable[WantedFirmware], *, station: str, vendor: str | None, model: str | None
) -> WantedFirmware | None:
    """The entry for a station: one that names it goes before those of its kind, a later one before an earlier one."""
    named = kind = None
    for entry in entries:
        if station in entry.stations:
            named = entry
        elif not entry.stations and kind_fits(entry.vendor, vendor) and kind_fits(entry.model, model):
            kind = entry
    return named or kind


def standing_of(
    wanted: WantedFirmware, *, version: str | None, job_open: bool, tried: Tried | None, now: Instant
) -> Standing:
    """How far the station is. Of one that has not told its version nothing is asked."""
    if version == wanted.version:
        return "up_to_date"
    if job_open:
        return "under_way"
    if version is None or (wanted.not_before is not None and wanted.not_before > now):
        return "not_yet"
    tries = tried.tries if tried is not None and tried.version == wanted.version else 0
    if tries >= MOST_TRIES:
        return "failed"
    if tried is not None and tries and now - tried.tried_at < _WAIT_SECONDS[tries] * SECOND:
        return "waiting"
    return "due"


def standing_in_campaign(state: str) -> Standing:
    """The same in the words of an entry, of a station whose update is this far in its campaign."""
    return _OF_STATE.get(state, "under_way")
