"""What is believed of the list in a station after all that happened to it: requests, answers, reports, boots.

A version counts as the station's only when it said Accepted, or reported it (OCPP 1.6 5.10, 5.15). Whatever may have
happened unseen makes the contents unknown; then a Full list is the only honest next step. What to send is decided
elsewhere (rules/local_lists).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway.model.instants import Instant, seconds_later
from gateway.model.local_lists import ListRequest

# What became of a SendLocalList. `unclear`: answered, but neither yes nor no; `not_sent`: it did not leave us.
Happened = Literal["Accepted", "Failed", "VersionMismatch", "NotSupported", "unclear", "unanswered", "not_sent"]

# listVersion is an integer, and stations keep it in 32 bits
GREATEST_VERSION = 2**31 - 1

_FIRST_PAUSE_SECONDS = 300
_LONGEST_PAUSE_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True)
class Checked:
    """What the list was last compared with: the site's tags by their revision, and room for so many entries.

    `until`: then the first of the tags expires.
    """

    revision: int
    room: int | None
    until: Instant | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is believed of one station.

    `version`: accepted or reported last, None: never told. `highest`: no request may have this version or a lower one.
    `contents_known`: we know every entry at `version`. `in_flight`: requests sent whose answer is not here, or never
    came. `must_ask`: it may have changed since (reboot, restored backup). `conflict`: the station complained.
    `checked`: since then nothing happened to the list. `changes` counts what happened to this memory.
    """

    version: int | None = None
    highest: int = 0
    contents_known: bool = False
    in_flight: int = 0
    supported: bool | None = None
    must_ask: bool = False
    conflict: bool = False
    given_at: Instant | None = None
    failures: int = 0
    retry_at: Instant | None = None
    last_status: str | None = None
    checked: Checked | None = None
    changes: int = 0

    @property
    def certain(self) -> bool:
        """True when nothing may have happened unseen."""
        return self.contents_known and not self.in_flight and not self.must_ask


def next_version(memory: Memory) -> int:
    """The version of the next request; when there is no higher number, numbering starts again (with a Full list)."""
    return 1 if is_used_up(memory) else memory.highest + 1


def is_used_up(memory: Memory) -> bool:
    """True when every version was used: only a Full list may have a lower one."""
    return memory.highest >= GREATEST_VERSION


def when_numbered(memory: Memory, version: int) -> Memory:
    """The gateway chose this version for a request; it must not be chosen again."""
    return replace(memory, highest=version, changes=memory.changes + 1)


def when_sent(memory: Memory) -> Memory:
    """A request is about to leave."""
    return replace(memory, in_flight=memory.in_flight + 1, changes=memory.changes + 1)


def when_answered(memory: Memory, request: ListRequest, happened: Happened, *, now: Instant) -> Memory:
    """What became of the request."""
    waiting = max(0, memory.in_flight - 1)
    changed = replace(memory, in_flight=waiting, last_status=happened, changes=memory.changes + 1)
    match happened:
        case "Accepted":
            return _accepted(changed, request, now)
        case "NotSupported":
            return replace(changed, supported=False, checked=None)
        case "not_sent":
            return replace(changed, last_status=memory.last_status)  # nothing happened to the list
        case "unanswered":
            return _set_back(_doubted(changed, memory, request), now)
        case _:
            # by the letter the list is as before; stations were seen that had emptied it, or taken half
            return _set_back(replace(changed, contents_known=False), now)


def when_reported(memory: Memory, version: int) -> Memory:
    """The station told its version; every request before has been dealt with."""
    told = replace(memory, version=version, in_flight=0, must_ask=False, changes=memory.changes + 1)
    if version < 0:
        return replace(told, supported=False, contents_known=False, checked=None)
    told = replace(told, supported=True, highest=_above(memory, version))
    if version == 0 and not (memory.version == 0 and not memory.contents_known):
        # the list is empty, whatever version emptied it; unless somebody gave a list the version 0 by hand
        return replace(told, contents_known=True, checked=None)
    if memory.contents_known and version == memory.version:
        return told
    return replace(told, contents_known=False, checked=None)


def when_asked_in_vain(memory: Memory, happened: Happened, *, now: Instant) -> Memory:
    """The station did not tell its version: it has none (NotSupported), or it is asked again later."""
    if happened == "NotSupported":
        return replace(memory, supported=False, checked=None, changes=memory.changes + 1)
    if happened == "not_sent":
        return memory
    return replace(_set_back(memory, now), checked=memory.checked, changes=memory.changes + 1)


def when_booted(memory: Memory, *, other_device: bool, other_firmware: bool) -> Memory:
    """A boot: the list may be gone. Another device has nothing to do with what we know of the one before."""
    again = replace(memory, must_ask=True, failures=0, retry_at=None, changes=memory.changes + 1)
    if other_device:
        return replace(again, version=None, contents_known=False, supported=None)
    return replace(again, supported=None if other_firmware else memory.supported)


def when_complained(memory: Memory) -> Memory:
    """LocalListConflict: the list contradicts what StartTransaction is answered with (OCPP 1.6 7.6)."""
    return replace(memory, conflict=True, changes=memory.changes + 1)


def when_switched(memory: Memory) -> Memory:
    """Lists were switched on or off in the station: what it said of them holds no longer."""
    return replace(memory, supported=None, must_ask=True, failures=0, retry_at=None, changes=memory.changes + 1)


def when_forgotten(memory: Memory) -> Memory:
    """The station was removed. Should it come back, its versions go on where they were."""
    return Memory(version=memory.version, highest=memory.highest, changes=memory.changes + 1)


def _accepted(memory: Memory, request: ListRequest, now: Instant) -> Memory:
    full = request.update_type == "Full"
    is_followed = full or (request.update_type == "Differential" and memory.certain)
    return replace(
        memory,
        version=request.version,
        highest=_above(memory, request.version),
        contents_known=is_followed and _is_understood(request),
        in_flight=0 if full else memory.in_flight,
        must_ask=memory.must_ask and not full,
        conflict=memory.conflict and not full,
        supported=True,
        given_at=now,
        failures=0,
        retry_at=None,
        checked=None,
    )


def _is_understood(request: ListRequest) -> bool:
    if request.changes is None or request.version is None:
        return False
    return request.version > 0 or not request.changes.put  # 0 and less are the versions of no list


def _doubted(changed: Memory, before: Memory, request: ListRequest) -> Memory:
    """Nobody knows whether it arrived; its version, once reported, will tell, unless it is the one from before."""
    told_apart = request.version is not None and request.version != before.version
    return replace(
        changed,
        in_flight=max(1, before.in_flight),
        highest=_above(before, request.version),
        contents_known=before.contents_known and told_apart,
    )


def _above(memory: Memory, version: int | None) -> int:
    return max(memory.highest, version) if version is not None and version <= GREATEST_VERSION else memory.highest


def _set_back(memory: Memory, now: Instant) -> Memory:
    pause_seconds = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(memory.failures, 10), _LONGEST_PAUSE_SECONDS)
    retry_at = seconds_later(now, pause_seconds)
    return replace(memory, failures=memory.failures + 1, retry_at=retry_at, checked=None)
