"""Keeps the extremes of every circuit, minute by minute, for charts: a row per circuit when its minute is over.

Called after each tick. It never waits: all rows of a minute are one unit, written behind the loop's back in whatever
batch comes, so a minute costs one commit at most. What the store cannot take is tried again with the next minute; an
hour of it is remembered. The minute in which the gateway stops is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gateway.operations.load_now import Tick
from gateway.operations.site import Site
from gateway.rules.circuit_history import MINUTE, Extremes, widened
from gateway.store import circuit_history
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_MOST_WAITING = 60


def record_history(site: Site, tick: Tick) -> None:
    """Count this tick to its minute; when it is the first of another one, write what waits."""
    noted = site.load.history
    minute = tick.at // MINUTE
    over = noted.minute is not None and minute != noted.minute
    if over and noted.minute is not None:
        noted.waiting = (*noted.waiting, (noted.minute, dict(noted.circuits)))[-_MOST_WAITING:]
        noted.circuits.clear()
    noted.minute = minute
    for circuit in tick.decision.circuits:
        noted.circuits[circuit.name] = widened(noted.circuits.get(circuit.name), circuit)
    if over and not noted.under_way:
        _keep(site, noted.waiting)


def _keep(site: Site, minutes: tuple[tuple[int, Mapping[str, Extremes]], ...]) -> None:
    noted = site.load.history

    def unit(db: Writing) -> None:
        for minute, circuits in minutes:
            circuit_history.keep(db, minute, circuits)

    def done(_: object, error: BaseException | None) -> None:
        noted.under_way = False
        if error is None:
            noted.waiting = tuple(one for one in noted.waiting if one not in minutes)
        elif isinstance(error, StoreUnavailable):
            logger.warning("the history of circuits could not be kept: %s", error)
        else:
            logger.error("the history of circuits could not be kept", exc_info=error)

    try:
        site.database.submit(unit, done)
    except StoreUnavailable as error:
        logger.warning("the history of circuits could not be kept: %s", error)
        return
    noted.under_way = True
