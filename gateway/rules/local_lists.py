"""Which list should a station hold, and what must be sent so that it does? (OCPP 1.6 3.5.2, 5.10, 5.15, 9.2)

Every tag of the site is wanted, with the verdict that Authorize would give: a list that said anything else would be in
conflict with us. Where a station has no room for all, those that may charge come first: the others only matter where
unknown tags may charge offline. What a station holds is known from rules/local_list_memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.model.identities import FoldedTag
from gateway.model.instants import SECOND, Instant
from gateway.model.local_lists import Changes, Entry, List, UpdateType
from gateway.model.tags import KnownTag
from gateway.rules.authorization import verdict_on
from gateway.rules.capabilities import capabilities_of, yes_or_no
from gateway.rules.local_list_memory import Memory, is_used_up

# also of stations that have not reported SendLocalListMaxLength: some ten kB, which small stations may buffer
MOST_IN_ONE_REQUEST = 500

# the configuration keys of which `told_of` wants to know
KEYS = ("SupportedFeatureProfiles", "LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength")

_NO_PROFILE = "the station's SupportedFeatureProfiles do not name LocalAuthListManagement"
_ORDER = ("Accepted", "Blocked", "Expired", "Invalid")
_MILLISECOND = SECOND // 1000
_PAUSE_AFTER_CONFLICT = 600 * SECOND


@dataclass(frozen=True, slots=True)
class Told:
    """What a station reported of itself; None: it did not. `has_lists`: it names the feature profile."""

    has_lists: bool | None = None
    enabled: bool | None = None
    room: int | None = None  # LocalAuthListMaxLength
    per_request: int | None = None  # SendLocalListMaxLength


@dataclass(frozen=True, slots=True)
class Wanted:
    """The list that a station should hold; `until`: then the first tag expires."""

    entries: List
    left_out: tuple[str, ...]
    until: Instant | None


class Step(NamedTuple):
    """One request to be sent."""

    update_type: UpdateType
    changes: Changes


def told_of(keys: Mapping[str, str | None]) -> Told:
    """What the configuration keys of a station, named as in KEYS, say."""
    capabilities = capabilities_of(keys)
    return Told(
        has_lists=capabilities.has_profile("LocalAuthListManagement"),
        enabled=yes_or_no(keys.get("LocalAuthListEnabled")),
        room=capabilities.max_list_entries,
        per_request=capabilities.max_list_update_entries,
    )


def wanted_list(tags: Iterable[tuple[FoldedTag, KnownTag]], *, room: int | None, now: Instant) -> Wanted:
    """The list for a station with room for so many entries (None: for any number)."""
    found: list[tuple[int, FoldedTag, Entry]] = []
    until: Instant | None = None
    for folded, tag in tags:
        verdict = verdict_on(tag, unknown_accepted=False, now=now)
        for end in (tag.expiry_at, tag.parent_expiry_at):
            if end is not None and end > now and (until is None or end < until):
                until = end
        if verdict.expiry_at is not None:
            # to the precision in which times are written, or it would look changed for ever
            verdict = verdict._replace(expiry_at=Instant(verdict.expiry_at // _MILLISECOND * _MILLISECOND))
        found.append((_ORDER.index(verdict.status), folded, Entry(tag.id_tag, verdict)))
    found.sort()
    kept = len(found) if room is None else max(0, room)
    entries = {folded: entry for _, folded, entry in found[:kept]}
    return Wanted(entries, tuple(entry.id_tag for _, _, entry in found[kept:]), until)


def what_to_send(
    memory: Memory, held: List, wanted: Wanted, *, asked: UpdateType | None, per_request: int | None
) -> tuple[Step, ...]:
    """The requests that lead from what the station holds to what it should hold, in order.

    `asked` None: whatever is needed, nothing if nothing is. Who asks gets at least one request, perhaps an empty one.
    """
    most = MOST_IN_ONE_REQUEST if per_request is None or per_request < 1 else min(per_request, MOST_IN_ONE_REQUEST)
    changes = difference(held, wanted.entries)
    if asked is None and memory.certain and not memory.conflict and not (changes.put or changes.removed):
        return ()
    if asked == "Full" or why_full(memory) is not None:
        return _full(wanted.entries, most)
    return tuple(Step("Differential", part) for part in _parts(changes, most) or [Changes({}, {})])


def difference(held: List, wanted: List) -> Changes:
    """What changed, and nothing else (a Differential of OCPP 1.6 5.15)."""
    put = {folded: entry for folded, entry in wanted.items() if held.get(folded) != entry}
    removed = {folded: entry.id_tag for folded, entry in held.items() if folded not in wanted}
    return Changes(put, removed)


def why_full(memory: Memory) -> str | None:
    """Why a Differential cannot be built on what the station holds, None when it can."""
    if memory.version is None:
        return "the station never told which list it holds"
    if memory.version <= 0:
        return "the station reported that it holds no list"
    if not memory.contents_known:
        return "it is not known what the station's list holds"
    if memory.in_flight:
        return "a request before was not answered"
    if memory.conflict:
        return "the station reported LocalListConflict"
    if is_used_up(memory):
        return "there is no higher version number"
    return None


def should_ask(memory: Memory, *, asked: UpdateType | None) -> bool:
    """Whether the station's version is asked for first: before a Differential, never before a Full that was asked for.

    By itself the gateway also asks stations of which it is not known whether they have lists at all, and those that
    may have come to another version without us, so that ours goes above it.
    """
    if asked == "Full" or memory.conflict or is_used_up(memory):
        return False
    may_differ = memory.contents_known and memory.version is not None and (memory.version > 0 or asked is None)
    return may_differ or (asked is None and (memory.must_ask or memory.supported is None))


def falls_back(step: Step, status: str) -> bool:
    """True when a Full list must follow what the station answered (OCPP 1.6 5.15)."""
    return step.update_type == "Differential" and status in ("Failed", "VersionMismatch")


def why_left_alone(memory: Memory, told: Told, *, now: Instant) -> str | None:
    """Why the gateway sends this station nothing by itself, None when it may."""
    if memory.supported is False:
        return "the station said that it has no local list"
    if told.has_lists is False:
        return _NO_PROFILE
    if told.enabled is False:
        return "LocalAuthListEnabled is false in the station"
    if memory.retry_at is not None and now < memory.retry_at:
        return "the newest try failed; it is tried again later"
    if memory.conflict and memory.given_at is not None and now < memory.given_at + _PAUSE_AFTER_CONFLICT:
        return "the station complains about the list it just got; it gets it again later"
    return None


def look_again_at(memory: Memory, *, now: Instant) -> Instant | None:
    """When something may be due although nobody changes anything, None: never."""
    moments = [memory.retry_at, memory.checked.until if memory.checked is not None else None]
    if memory.conflict and memory.given_at is not None:
        moments.append(Instant(memory.given_at + _PAUSE_AFTER_CONFLICT))
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def is_settled(memory: Memory, *, revision: int, room: int | None, now: Instant) -> bool:
    """True when nothing happened since the list was last compared with the site's tags (cheap to ask)."""
    checked = memory.checked
    if checked is None or memory.conflict or not (memory.certain or memory.given_at is None):
        return False
    fresh = checked.until is None or now < checked.until
    return fresh and checked.revision == revision and checked.room == room


def is_nobodys(memory: Memory, wanted: Wanted) -> bool:
    """True when the site has no tags and never gave this station a list: another's list there is left as it is."""
    return not wanted.entries and memory.given_at is None and not memory.conflict


def reason_to_warn(told: Told, left_out: int) -> str | None:
    """What an operator should know when a list is sent, None when there is nothing."""
    if told.enabled is False:
        return "LocalAuthListEnabled is false in the station: it does not use its list"
    if told.has_lists is False:
        return _NO_PROFILE
    if left_out:
        return f"the station has room for {told.room} entries: {left_out} tags are left out"
    return None


def _full(entries: List, most: int) -> tuple[Step, ...]:
    first, *rest = _parts(Changes(entries, {}), most) or [Changes({}, {})]
    return (Step("Full", first), *(Step("Differential", part) for part in rest))


def _parts(changes: Changes, most: int) -> list[Changes]:
    """Removals come first: they make room."""
    named: list[tuple[FoldedTag, Entry | str]] = [*changes.removed.items(), *changes.put.items()]
    parts = [named[start : start + most] for start in range(0, len(named), most)]
    return [
        Changes(
            {folded: entry for folded, entry in part if isinstance(entry, Entry)},
            {folded: entry for folded, entry in part if isinstance(entry, str)},
        )
        for part in parts
    ]
