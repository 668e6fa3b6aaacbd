"""Does a StatusNotification describe the connector now, or is it history told late? (OCPP 1.6 4.9; rule: own timestamp)

Stations queue notifications while offline and may send a newer one first, so a status counts by the time the station
gives it. Clocks that run ahead or stand in 1970 are no measure: such a status counts by its receipt.
"""

from __future__ import annotations

from gateway.model.connectors import ConnectorState
from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, Instant


def usable_time(told: Instant | None, received_at: Instant) -> Instant:
    """The instant to order by: the station's own, or the receipt when it gave none that can be right."""
    if told is None or told < CLOCK_NEVER_SET_BEFORE:
        return received_at
    # never ahead of the receipt: what follows once the clock is set right would look older
    return min(told, received_at)


def is_news(new: ConnectorState, known: ConnectorState | None) -> bool:
    """True when `new` describes the connector as it is now; an equal time counts as newer, because it came later.

    When our own clock was set back since, `known` was received in the future and its times are no measure.
    """
    return known is None or new.status_at >= known.status_at or new.received_at < known.received_at
