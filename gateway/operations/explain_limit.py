"""Why a station has the limit it has, now or at an earlier moment, as a document.

The answer is the decision itself: the newest one, or the one on record, with the facts it was made from. Nothing is
reconstructed, only the alternatives are decided anew, from those same facts, and never carried out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from gateway.configuration import StationSettings
from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.known_stations import is_known, settings_in_force
from gateway.operations.site import Site
from gateway.rules.balance import decide
from gateway.rules.limit_reasons import Seen, connectors_of, one_to_explain, reason_of_limit
from gateway.rules.load_alternatives import Alternative, alternatives_of
from gateway.rules.load_records import QUIET_AT_LEAST_SECONDS
from gateway.store import reports_load_decisions, reports_stations
from gateway.store.load_decisions import LoadRecord, Unreadable, read_record

Document = dict[str, object]
_MILLISECOND = SECOND // 1000
_LATE_SECONDS = 10.0  # without a decision, as when the store cannot be read


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is none: what is asked about is unknown or not recorded, lies ahead, or cannot be read any more."""

    kind: Literal["absent", "ahead", "unreadable"]
    detail: str


async def explain_limit(
    site: Site, station: str, *, connector: int | None = None, at: Instant | None = None
) -> Document | NoAnswer:
    """The limit of a station's connector; without one, of the lowest that has a session, else the lowest."""
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    if not is_known(site.configuration, station, row):
        return NoAnswer("absent", f"no station {station!r} is known")
    if at is not None:
        return await _explain_past(site, station, connector, at)
    return await _explain_now(site, settings_in_force(site.configuration, station, row), connector)


async def _explain_now(site: Site, settings: StationSettings, connector: int | None) -> Document | NoAnswer:
    tick, station = site.load.tick, settings.id
    if not site.configuration.circuits:
        return _unlimited(site, station, "the configuration has no circuit, so nothing limits it.")
    if settings.circuit is None:
        return _unlimited(site, station, "no circuit feeds it: it is not limited, and its current counts as unmanaged.")
    if tick is None:
        return _unlimited(site, station, "nothing is decided yet since the gateway started.")
    seen = connectors_of(tick.picture, tick.decision, station)
    if not seen:
        return _unlimited(site, station, "no decision about it yet: it has just become known, or is not adopted.")
    record = LoadRecord(tick.picture, tick.before, tick.decision)
    silent = asyncio.get_running_loop().time() - tick.picture.at_seconds
    warning = f"Nothing has been decided for {silent:.0f} s; what follows was true then. "
    return await _answer(
        seen, record, connector, at=tick.at, recorded_at=None, warning=warning if silent > _LATE_SECONDS else ""
    )


async def _explain_past(site: Site, station: str, connector: int | None, at: Instant) -> Document | NoAnswer:
    now = site.wall_clock()
    if at > now:
        return NoAnswer("ahead", f"at: expected a time that is past; it is {text_of(now)} here")
    # times are shown without their last three digits: whoever asks with the one of a record means that record
    end_of_millisecond = Instant(at // _MILLISECOND * _MILLISECOND + _MILLISECOND - 1)
    recorded = await reports_load_decisions.newest_at(site.readers, end_of_millisecond)
    if recorded is None:
        return NoAnswer("absent", f"no decision of {text_of(at)} or before is on record")
    try:
        record = await asyncio.to_thread(read_record, recorded.text or b"")
    except Unreadable:
        detail = f"the record of {text_of(recorded.decided_at)} is damaged, or of another version of the gateway"
        return NoAnswer("unreadable", detail)
    seen = connectors_of(record.picture, record.decision, station)
    if not seen:
        return NoAnswer("absent", f"station {station!r} was not managed on {text_of(at)}")
    warning = _old(at, recorded.decided_at)
    return await _answer(seen, record, connector, at=at, recorded_at=recorded.decided_at, warning=warning)


def _unlimited(site: Site, station: str, words: str) -> Document:
    return {
        "station": station,
        "connector": None,
        "at": text_of(site.wall_clock()),
        "recorded_at": None,
        "limit_amps": None,
        "binding": None,
        "text": f"{station}: {words}",
        "alternatives": [],
        "connectors": [],
    }


async def _answer(
    seen: tuple[Seen, ...],
    record: LoadRecord,
    connector: int | None,
    *,
    at: Instant,
    recorded_at: Instant | None,
    warning: str,
) -> Document | NoAnswer:
    one = next((each for each in seen if each.each.connector == connector), None)
    if connector is None:
        one = one_to_explain(seen)
    if one is None:
        there = ", ".join(str(each.each.connector) for each in seen)
        return NoAnswer("absent", f"station {seen[0].each.station!r} has no connector {connector} (it has {there})")
    # as much work as several decisions: beside the loop, where stations are answered
    alternatives = await asyncio.to_thread(_alternatives, one, record, replay=recorded_at is not None)
    binding = one.each.binding
    return {
        "station": one.each.station,
        "connector": one.each.connector,
        "at": text_of(at),
        "recorded_at": None if recorded_at is None else text_of(recorded_at),
        "limit_amps": one.each.cap_amps,
        "binding": {"circuit": binding.circuit, "phase": binding.phase, "source": binding.source},
        "text": warning + reason_of_limit(one),
        "alternatives": [
            {"what": each.what, "limit_amps": each.limit_amps, "text": each.text} for each in alternatives
        ],
        "connectors": [
            {"connector": each.each.connector, "limit_amps": each.each.cap_amps, "text": reason_of_limit(each)}
            for each in seen
        ],
    }


def _alternatives(one: Seen, record: LoadRecord, *, replay: bool) -> tuple[Alternative, ...]:
    """None of a record that these rules would decide in another way: nothing would be compared with its like."""
    if replay and decide(record.picture, record.before)[1] != record.decision:
        return ()
    return alternatives_of(one, record.before)


def _old(at: Instant, recorded_at: Instant) -> str:
    """A word of warning about a record so old that the gateway may not have run meanwhile."""
    if at - recorded_at <= (QUIET_AT_LEAST_SECONDS + 60) * SECOND:
        return ""
    return f"The newest record is of {text_of(recorded_at)}; perhaps the gateway did not run after that. "
