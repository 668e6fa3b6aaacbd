"""One station's turn: takes away what is left of an earlier mode, sets fallbacks and leases, one call at a time.

The ledger is on disk before a limit goes out. What an answer means is decided in `rules.load_modes`, which limits may
be in force in `rules.sent_limits`. Lowered limits overtake everything; then come fallbacks, then the other limits.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.model.circuits import LeaseMode
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.operations.ask_by_itself import may_be_asked, status_in
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.limits_held import Held, Place
from gateway.operations.note_clocks import ahead_ms
from gateway.operations.orders import GATEWAY
from gateway.operations.site import Site
from gateway.rules import limit_profiles, load_modes, sent_limits
from gateway.rules.limit_profiles import is_of_session, lease_place
from gateway.rules.sent_limits import Ledger
from gateway.store import connectors, events, fallback_profiles, limiting, limits_sent, transactions
from gateway.store.fallback_profiles import Fallback
from gateway.store.writing import Writing

_PATIENCE_SECONDS = 10.0
_REST_SECONDS = 0.2  # some stations drop the connection when requests follow each other at once
_YOUNG_SECONDS = 20.0  # a station may not know a session yet whose start it has just told
_TOLD_ALL_SECONDS = 60.0  # by then a station that came has told which sessions are over
_PROOF_REFUSALS = 2  # one may be a whim
_FORGOTTEN_SECONDS = 60.0  # what could not be sent for so long is nobody's wish any more
_SET, _CLEAR = "SetChargingProfile", "ClearChargingProfile"


def is_due(held: Held, hold: float) -> bool:
    """Has the station something to be told?"""
    if held.clear_ids or held.told_due or held.learned is not None:
        return True
    return _next_lease(held, falling=False) is not None or _next_fallback(held, hold) is not None


async def serve(site: Site, held: Held, hold: float) -> None:
    """Tell the station all that is due; stops when it does not answer, and comes again after `held.not_before`."""
    while may_be_asked(site, held.station):
        if held.learned is not None:
            learned, held.learned = held.learned, None
            await become(site, held, learned)
            continue
        if (overruling := [number for number in held.clear_ids if is_of_session(number)]) != []:
            well = await _clear(site, held, overruling[0])
        elif (connector := _next_lease(held, falling=True)) is not None:
            well = await _give_lease(site, held, connector)
        elif (connector := _next_fallback(held, hold)) is not None:
            well = await _give_fallback(site, held, connector, hold)
        elif (connector := _next_lease(held, falling=False)) is not None:
            well = await _give_lease(site, held, connector)
        elif held.clear_ids:  # what limits the station instead is there by now
            well = await _clear(site, held, held.clear_ids[0])
        else:
            return
        if not well:
            held.went_wrong(_now())
            return
        held.went_well()
        await asyncio.sleep(_REST_SECONDS)


async def become(site: Site, held: Held, known: Limiting) -> None:
    """From now on the station is limited in another way: what is there of the old one goes, and all is set anew."""
    before = held.known
    held.limiting = known
    if known.mode != before.mode:
        leave_mode(held, before.mode, now_in=known.mode)
    if (before.mode, before.unit, before.stack_level, before.starts_at_zero) != (
        known.mode,
        known.unit,
        known.stack_level,
        known.starts_at_zero,
    ):
        for place in held.places.values():
            place.fallback_due, place.refused_fallback = True, None
            if not place.due:  # what was decided just now goes out as it is
                place.send_again(_now())
    await site.database.write(lambda db: _note_mode(db, site, held, before, known))


def leave_mode(held: Held, before: LeaseMode, *, now_in: LeaseMode) -> None:
    """The profiles of this mode are to be taken away; until then their limits may still be in force."""
    at = _now()
    for connector, place in held.places.items():
        replaced = before == "B" and now_in != "C"  # by the fallback, which has the same id
        if any(not ledger.empty for ledger in place.ledgers.values()) and not replaced:
            held.clear_ids.append(lease_place(before, connector)[1])
        merged = Ledger()
        for ledger in place.ledgers.values():
            pending = sent_limits.doubted(ledger, at=at).pending
            merged = merged if pending is None else sent_limits.with_restored(merged, pending)
        place.ledgers = {None: merged}
        if now_in == "A":  # nobody here knows the session
            place.wanted, place.due = None, False
        elif place.wanted is not None:
            place.wanted = replace(place.wanted, transaction_id=None)


def _note_mode(db: Writing, site: Site, held: Held, before: Limiting, known: Limiting) -> None:
    now = site.wall_clock()
    limiting.keep(db, held.station, known, now=now)
    if known.mode != before.mode:
        events.append(
            db,
            "load.station_mode_changed",
            station=held.station,
            happened_at=now,
            recorded_at=now,
            data={"mode": known.mode, "before": before.mode, "reason": known.reason},
        )


def _next_lease(held: Held, *, falling: bool) -> int | None:
    for connector, place in sorted(held.places.items()):
        if not place.due or place.wanted is None or place.outlet is None or held.mode(place.outlet) == "D":
            continue
        if _now() - place.wanted.at > _FORGOTTEN_SECONDS:
            place.due = False
        elif place.wanted.falls or not falling:
            return connector
    return None


def _next_fallback(held: Held, hold: float) -> int | None:
    for connector, place in sorted(held.places.items()):
        if place.outlet is None:
            continue
        wanted = held.fallback_wanted(place, place.outlet, hold)
        if place.refused_fallback == wanted or (place.fallback == wanted and not place.fallback_due):
            continue
        if held.mode(place.outlet) in "BC":
            # it is the second period of the lease, which a profile of its own would replace
            if not place.due:
                place.send_again(_now())
            if place.due:
                continue
        return connector
    return None


async def _clear(site: Site, held: Held, profile_id: int) -> bool:
    outcome = await _ask(site, held, _CLEAR, {"id": profile_id})
    if outcome.status not in ("answered", "call_error"):
        return False
    held.clear_ids.remove(profile_id)
    for connector, place in held.places.items():
        if place.refused_fallback is not None and not is_of_session(profile_id):
            await _lose_fallback(site, held, connector)
    return True


async def _give_fallback(site: Site, held: Held, connector: int, hold: float) -> bool:
    place = held.places[connector]
    outlet = place.outlet
    assert outlet is not None
    wanted = held.fallback_wanted(place, outlet, hold)
    place.fallback_due = False
    if place.fallback is not None:  # until it answers, the looser of the two counts
        looser = Fallback(max(place.fallback.amps, wanted.amps), min(place.fallback.hold_seconds, wanted.hold_seconds))
        await _hold_fallback(site, held, connector, looser)
    request = limit_profiles.fallback_request(
        held.mode(outlet),
        held.known,
        connector,
        wanted.amps,
        hold_seconds=wanted.hold_seconds,
    )
    what = _heard(await _ask(site, held, _SET, request))
    if what == "accepted":
        if not place.fallback_due:
            place.fallback_doubted = False
            await _hold_fallback(site, held, connector, wanted)
        if held.mode(outlet) != "A" and place.ledgers.pop(None, None) is not None:
            await site.database.write(lambda db: limits_sent.forget_connector(db, held.station, connector))
        return True
    if what == "silent":
        place.fallback_due = True
    if place.fallback_doubted:
        await _lose_fallback(site, held, connector)
    if what == "silent":
        return False
    await _heed_refused_fallback(site, held, place, wanted, what)
    return True


async def _heed_refused_fallback(
    site: Site, held: Held, place: Place, wanted: Fallback, what: load_modes.Heard
) -> None:
    place.refused_fallback = wanted
    known = load_modes.after_answer(held.known, "fallback", what, held.told)
    if known is held.known and held.pinned is None:
        known = load_modes.without_fallback(held.known, held.told)
    if known is not held.known:
        await become(site, held, known)


async def _hold_fallback(site: Site, held: Held, connector: int, fallback: Fallback) -> None:
    held.places[connector].fallback = fallback
    now = site.wall_clock()
    await site.database.write(lambda db: fallback_profiles.keep(db, held.station, connector, fallback, now=now))


async def _lose_fallback(site: Site, held: Held, connector: int) -> None:
    held.places[connector].fallback = None
    await site.database.write(lambda db: fallback_profiles.forget(db, held.station, connector))


async def _give_lease(site: Site, held: Held, connector: int) -> bool:
    place = held.places[connector]
    outlet, wanted = place.outlet, place.wanted
    assert outlet is not None and wanted is not None
    session = wanted.transaction_id
    place.due = False
    place.ledgers[session] = sent_limits.sending(
        place.ledgers.get(session, Ledger()), wanted.amps, wanted.lease_seconds, at=_now()
    )
    now = site.wall_clock()
    number = await site.database.write(
        lambda db: limits_sent.note_sending(
            db,
            held.station,
            connector,
            transaction_id=session,
            amps=wanted.amps,
            lease_seconds=wanted.lease_seconds,
            now=now,
        )
    )
    lease = limit_profiles.Lease(
        wanted.amps, wanted.lease_seconds, outlet.fallback_amps, place.phases, wanted.number_phases, session
    )
    request = limit_profiles.lease_request(
        held.mode(outlet), held.known, connector, lease, now=now, offset_ms=ahead_ms(site.load, held.station)
    )
    outcome = await _ask(site, held, _SET, request)
    return await _heed_lease(site, held, connector, session, number, outcome)


async def _heed_lease(
    site: Site, held: Held, connector: int, session: int | None, number: int, outcome: Outcome
) -> bool:
    place, what = held.places[connector], _heard(outcome)
    ledger = place.ledgers.get(session)
    if outcome.status in ("not_connected", "refused", "unknown_station"):
        if ledger is not None:
            place.ledgers[session] = sent_limits.not_sent(ledger)
        await site.database.write(lambda db: limits_sent.forget(db, number))
        return False
    if ledger is None:  # its session has ended meanwhile
        await site.database.write(lambda db: limits_sent.forget(db, number))
        return True
    if what == "accepted":
        await _lease_accepted(site, held, connector, session, number)
        return True
    if what == "silent":
        place.ledgers[session] = sent_limits.silent(ledger)
        place.due = place.wanted is not None
        await site.database.write(lambda db: limits_sent.note_silence(db, number))
        return False
    place.ledgers[session] = sent_limits.refused(ledger)
    await site.database.write(lambda db: limits_sent.forget(db, number))
    return await _heed_refused_lease(site, held, place, session, what)


async def _lease_accepted(site: Site, held: Held, connector: int, session: int | None, number: int) -> None:
    place, at, now = held.places[connector], _now(), site.wall_clock()
    before = place.ledgers[session]
    place.ledgers[session] = after = sent_limits.accepted(before, at=at)
    if after is before:  # it was doubted while the answer was on its way
        return
    assert after.accepted is not None
    place.refusals = 0
    if place.draws_amps > after.accepted.amps:
        place.cut = (place.draws_amps, after.accepted.amps, at)
    await site.database.write(lambda db: limits_sent.note_accepted(db, held.station, connector, number, now=now))
    outlet = place.outlet
    if session is None and outlet is not None and held.mode(outlet) in "BC":  # the fallback is its second period
        place.fallback_due = False
        await _hold_fallback(site, held, connector, Fallback(outlet.fallback_amps, 0.0))


async def _heed_refused_lease(
    site: Site, held: Held, place: Place, session: int | None, what: load_modes.Heard
) -> bool:
    """A refusal proves nothing where the station does not know the session: not yet, or no more."""
    seen, since = place.session_seen
    if session is not None and what == "refused":
        if not await site.database.write(lambda db: _may_run(db, held.station, session)):
            return True
        here_for = _now() - held.came_at
        came_later = since < held.came_at and here_for < _TOLD_ALL_SECONDS  # it may have booted, and told nothing yet
        if seen == session and (came_later or _now() - since < _YOUNG_SECONDS):
            place.due = place.wanted is not None
            return False
    place.refusals += 1
    if place.refusals < _PROOF_REFUSALS:
        place.due = place.wanted is not None
        return False
    place.refusals = 0
    known = load_modes.after_answer(held.known, "lease", what, held.told)
    if known is not held.known and held.pinned is None:
        wanted = place.wanted
        await become(site, held, known)
        if wanted is not None and known.mode != "A":  # what was refused is in force nowhere, but still wanted
            place.wanted, place.due = replace(wanted, transaction_id=None), True
    return True


def _may_run(db: Writing, station: StationId, session: int) -> bool:
    recorded = transactions.find(db, session)
    if recorded is None or recorded.stop_source is not None:
        return False
    state = connectors.find(db, station, recorded.connector)
    return state is None or state.status != "Available"


async def _ask(site: Site, held: Held, action: str, payload: dict[str, object]) -> Outcome:
    return await carry_out(
        site,
        station=held.station,
        action=action,
        payload=payload,
        actor=GATEWAY,
        patience_seconds=_PATIENCE_SECONDS,
        of_turn=False,
    )


def _heard(outcome: Outcome) -> load_modes.Heard:
    return load_modes.heard(outcome.status, status_in(outcome, _SET), outcome.code)


def _now() -> float:
    return asyncio.get_running_loop().time()
