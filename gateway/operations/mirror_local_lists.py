"""What happens to the list in a station, followed in our memory of it: whoever sent, however it was answered.

Runs inside the units that accept orders, write outcomes and record what stations tell. Whose list it should be is not
asked here: an operator's own list is followed like ours, and the next comparison finds the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.model.calls import Payload
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.ocpp.errors import says_not_done
from gateway.ocpp.v16.local_lists import read_list_request
from gateway.ocpp.v16.to_station import ListVersionAnswer, StatusAnswer
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.rules.local_list_memory import (
    Happened,
    Memory,
    next_version,
    when_answered,
    when_asked_in_vain,
    when_booted,
    when_complained,
    when_forgotten,
    when_numbered,
    when_reported,
    when_sent,
    when_switched,
)
from gateway.store import events, local_lists
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted, StatusChanged  # whose tables name functions of this file

_OUTCOMES: Mapping[str, Happened] = {
    "unanswered": "unanswered",
    "not_connected": "not_sent",
    "refused": "not_sent",
}
_STATUSES: Mapping[str, Happened] = {
    "Accepted": "Accepted",
    "Failed": "Failed",
    "VersionMismatch": "VersionMismatch",
    "NotSupported": "NotSupported",
}
_SWITCH = "localauthlistenabled"


def what_happened(result: Result) -> Happened:
    """What became of a request about the list."""
    if result.status == "call_error":
        return "NotSupported" if says_not_done(result.code) else "unclear"
    if isinstance(result.answer, StatusAnswer):
        return _STATUSES.get(result.answer.status, "unclear")
    return _OUTCOMES.get(result.status, "unclear")


def fill_in_version(db: Writing, site: Site, order: Order) -> Payload:
    """SendLocalList: a version above every one that was used; from now on it is used too."""
    if "listVersion" in order.payload:
        return order.payload
    memory = local_lists.find(db, order.station)
    version = next_version(memory)
    local_lists.save(db, order.station, when_numbered(memory, version))
    return {**order.payload, "listVersion": version}


def expect_list(db: Writing, site: Site, order: Order, now: Instant) -> None:
    """SendLocalList is about to leave: should we die before the answer, we must not believe that nothing happened."""
    local_lists.save(db, order.station, when_sent(local_lists.find(db, order.station)))


def heed_list(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """SendLocalList: what the station holds now."""
    request, happened = read_list_request(order.payload), what_happened(result)
    memory = when_answered(local_lists.find(db, order.station), request, happened, now=now)
    local_lists.save(db, order.station, memory)
    if happened != "Accepted":
        return
    if memory.contents_known and request.update_type is not None and request.changes is not None:
        local_lists.change_entries(db, order.station, request.update_type, request.changes)
    _tell(db, order.station, memory, update_type=request.update_type, now=now)


def heed_version(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """GetLocalListVersion: whether the list is still the one we know."""
    before = local_lists.find(db, order.station)
    if not isinstance(result.answer, ListVersionAnswer):
        local_lists.save(db, order.station, when_asked_in_vain(before, what_happened(result), now=now))
        return
    memory = when_reported(before, result.answer.version)
    local_lists.save(db, order.station, memory)
    if memory.version == 0 and memory.contents_known:
        local_lists.forget_entries(db, order.station)
    if memory.version != before.version:
        _tell(db, order.station, memory, update_type=None, now=now)


def heed_switch(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """ChangeConfiguration(LocalAuthListEnabled): what the station said of its list holds no longer."""
    key, changed = order.payload.get("key"), (StatusAnswer("Accepted"), StatusAnswer("RebootRequired"))
    if isinstance(key, str) and key.casefold() == _SWITCH and result.answer in changed:
        local_lists.save(db, order.station, when_switched(local_lists.find(db, order.station)))
        _tell_doubt(db, order.station, "switched", now)


def boot_may_lose_the_list(db: Writing, site: Site, what: Booted) -> None:
    """A boot, perhaps of another device under the same identity."""
    memory = local_lists.find(db, what.station)
    if memory == Memory():
        return
    switched_on = memory.supported is False and local_lists.is_switched_on(db, what.station)
    local_lists.save(
        db,
        what.station,
        when_booted(
            memory,
            other_device=what.is_another_device,
            other_firmware=switched_on or what.has_other_firmware,
        ),
    )


def conflict_needs_the_list(db: Writing, site: Site, what: StatusChanged) -> None:
    """LocalListConflict, told of the station as a whole: it gets the whole list again."""
    if what.connector == 0 and what.state.error_code == "LocalListConflict":
        local_lists.save(db, what.station, when_complained(local_lists.find(db, what.station)))
        _tell_doubt(db, what.station, "conflict", what.now)


def station_removed(db: Writing, station: StationId) -> None:
    """What the list holds is forgotten; the versions used are not, because the device may come back."""
    memory = local_lists.find(db, station)
    if memory != Memory():
        local_lists.save(db, station, when_forgotten(memory))
        local_lists.forget_entries(db, station)


def _tell_doubt(db: Writing, station: StationId, reason: str, now: Instant) -> None:
    data = {"reason": reason}
    events.append(db, "local_list.doubted", station=station, happened_at=now, recorded_at=now, data=data)


def _tell(db: Writing, station: StationId, memory: Memory, *, update_type: str | None, now: Instant) -> None:
    """`update_type` None: nothing was sent, the station reported another version."""
    data = {
        "version": memory.version,
        "update_type": update_type,
        "entries": local_lists.count_entries(db, station) if memory.contents_known else None,
    }
    events.append(db, "local_list.changed", station=station, happened_at=now, recorded_at=now, data=data)
