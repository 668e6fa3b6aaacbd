"""Tells the journal that a station accepted or cleared a charging profile, whoever asked for it.

Not the profiles of load limits: those change with every car, and `why` explains them.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.charging_profiles import Criteria, Installed
from gateway.model.instants import Instant
from gateway.operations.orders import Order
from gateway.rules.limit_profiles import is_ours
from gateway.store import events
from gateway.store.writing import Writing


def tell_set(db: Writing, order: Order, new: Installed, now: Instant) -> None:
    """The station accepted this profile."""
    if not is_ours(new.profile.profile_id):
        _tell(db, order, "set", _of_profile(new), now)


def tell_cleared(db: Writing, order: Order, criteria: Criteria, known: Sequence[Installed], now: Instant) -> None:
    """The station cleared what the criteria name: these profiles, or some that we did not know of."""
    for one in known:
        if not is_ours(one.profile.profile_id):
            _tell(db, order, "cleared", _of_profile(one), now)
    if known or (criteria.profile_id is not None and is_ours(criteria.profile_id)):
        return
    unknown: dict[str, object] = {
        "connector": criteria.connector,
        "charging_profile_id": criteria.profile_id,
        "purpose": criteria.purpose,
        "stack_level": criteria.stack_level,
        "transaction_id": None,
    }
    _tell(db, order, "cleared", unknown, now)


def _of_profile(one: Installed) -> dict[str, object]:
    return {
        "connector": one.connector,
        "charging_profile_id": one.profile.profile_id,
        "purpose": one.profile.purpose,
        "stack_level": one.profile.stack_level,
        "transaction_id": one.profile.transaction_id,
    }


def _tell(db: Writing, order: Order, change: str, what: dict[str, object], now: Instant) -> None:
    connector = what["connector"]
    events.append(
        db,
        "charging_profiles.changed",
        station=order.station,
        connector=connector if isinstance(connector, int) else None,
        happened_at=now,
        recorded_at=now,
        data={"change": change, **what, "actor": order.actor},
    )
