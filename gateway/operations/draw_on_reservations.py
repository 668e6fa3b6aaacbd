"""What happens at a station and touches its reservations: a session begins, a connector's status changes, it boots.

Rows of the tables in `draw_consequences`. A start is looked at twice: before its session is recorded, because the
session tells which reservation it uses, and after it, when the session's id is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.identities import fold_tag
from gateway.model.instants import Instant
from gateway.model.reservations import Reservation
from gateway.model.sessions import StartRequest
from gateway.model.tags import Verdict
from gateway.operations import keep_reservations
from gateway.operations.site import Site
from gateway.rules import reservations as rules
from gateway.rules.connector_status import usable_time
from gateway.store import connectors, reservations
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted, Started, StatusChanged


def reservations_of_start(
    db: Writing, start: StartRequest, verdict: Verdict, now: Instant
) -> tuple[Reservation | None, tuple[Reservation, ...]]:
    """The reservation that a session which begins now uses up, if any; else those for others that it passes over."""
    claim = _claim(start, verdict, now)
    active = reservations.active(db, start.station)
    known = list(active)
    if claim.told_id is not None:
        have = {one.number for one in known}
        known += [one for one in reservations.with_id(db, start.station, claim.told_id) if one.number not in have]
    known += [one for one in reservations.expired_after(db, start.station, claim.start_at) if one not in known]
    used = rules.which_is_used(claim, known)
    return used, () if used is not None else tuple(rules.which_are_passed_over(claim, active))


def use_reservation(db: Writing, site: Site, what: Started) -> None:
    """Mark what the session uses; what is reserved for others on its connector stays, and is told."""
    if what.reservation is not None:
        keep_reservations.use(db, site, what.reservation, what.transaction_id, what.start.connector, what.now)
        return
    for one in what.passed_over:
        keep_reservations.pass_over(db, site, one, what.transaction_id, what.now)


def reservations_after_status(db: Writing, site: Site, what: StatusChanged) -> None:
    """A status may show, confirm or end reservations."""
    keep_reservations.heed_status(db, site, what.station, what.connector, what.state, what.now)


def reservations_after_boot(db: Writing, site: Site, what: Booted) -> None:
    """A boot ends nothing by itself: the statuses that follow tell. Another device holds none of them."""
    held = [one for one in reservations.active(db, what.station) if one.standing != "asked"]
    if not held:
        return
    numbers = connectors.all_of_station(db, what.station).keys()
    for one in held:
        if what.is_another_device:
            keep_reservations.end(db, site, one, "station_replaced", now=what.now)
        elif one.shown_on is None:
            reservations.set_shown(db, one.number, rules.next_free_shows_the_end(one.connector, numbers))


def _claim(start: StartRequest, verdict: Verdict, now: Instant) -> rules.Claim:
    parent = verdict.parent_id_tag
    return rules.Claim(
        connector=start.connector,
        folded_tag=start.folded_tag,
        parent=None if parent is None else fold_tag(parent),
        told_id=start.reservation_id,
        start_at=usable_time(start.start_at, now),
        now=now,
    )
