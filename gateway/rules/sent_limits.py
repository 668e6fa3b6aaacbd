"""Which limits may be in force on a connector, after what was sent and what was answered?

The ledger of one connector. What was accepted replaces everything before it; what was refused changes nothing; what was
not answered may have arrived, and counts beside what was there. Times are those of a clock that never jumps. How the
ledger gets to the disk is not known here, only that it must be there before a limit goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.model.site_picture import LeaseFacts


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, or several of which one is in force: the largest amps, and when the first and the last end."""

    amps: float
    sent_at: float
    first_end_at: float
    ends_at: float
    answered_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Ledger:
    """`accepted`: in force for certain but for `pending`; `under_way`: sent, and its answer may still come."""

    accepted: Limit | None = None
    pending: Limit | None = None
    under_way: Limit | None = None
    refused: bool = False

    @property
    def empty(self) -> bool:
        """Nothing of ours is or may be in force."""
        return self.accepted is None and self.pending is None and self.under_way is None


def sending(ledger: Ledger, amps: float, lease_seconds: float, *, at: float) -> Ledger:
    """A limit is about to go out."""
    return replace(silent(ledger), under_way=Limit(amps, at, at + lease_seconds, at + lease_seconds))


def accepted(ledger: Ledger, *, at: float) -> Ledger:
    """The station has accepted what was under way; nothing else is in force any more."""
    if ledger.under_way is None:
        return ledger
    return Ledger(accepted=replace(ledger.under_way, answered_at=at))


def refused(ledger: Ledger) -> Ledger:
    """The station has refused what was under way, or it never left."""
    return replace(ledger, under_way=None, refused=True)


def not_sent(ledger: Ledger) -> Ledger:
    """What was under way did not leave."""
    return replace(ledger, under_way=None)


def silent(ledger: Ledger) -> Ledger:
    """No answer will come: what was under way may be in force or not."""
    return replace(ledger, pending=_either(ledger.pending, ledger.under_way), under_way=None)


def doubted(ledger: Ledger, *, at: float) -> Ledger:
    """The station may have lost what it accepted: then its fallback holds already."""
    known = silent(ledger)
    pending = _either(known.pending, known.accepted)
    if pending is None:
        return known
    return Ledger(pending=replace(pending, first_end_at=min(pending.first_end_at, at)))


def restored(amps: float, lease_seconds: float, *, at: float) -> Limit:
    """A limit of the ledger after a start: it holds for all its time from now on, or has run out, nobody knows."""
    return Limit(amps, at, at, at + lease_seconds)


def with_restored(ledger: Ledger, limit: Limit) -> Ledger:
    """The ledger with one more limit that may be in force."""
    return replace(ledger, pending=_either(ledger.pending, limit))


def facts_of(ledger: Ledger, *, at: float) -> LeaseFacts | None:
    """What the balancer is told; None when no limit of ours can be in force."""
    known = silent(ledger)
    in_force = [limit for limit in (known.accepted, known.pending) if limit is not None]
    if not in_force:
        return None
    held, pending = known.accepted, known.pending
    return LeaseFacts(
        accepted_amps=None if held is None else held.amps,
        accepted_age_seconds=0.0 if held is None else at - held.answered_at,
        pending_amps=None if pending is None else pending.amps,
        pending_age_seconds=0.0 if pending is None else at - pending.sent_at,
        first_end_in_seconds=min(limit.first_end_at for limit in in_force) - at,
        ends_in_seconds=max(limit.ends_at for limit in in_force) - at,
        refused=ledger.refused,
    )


def _either(one: Limit | None, other: Limit | None) -> Limit | None:
    if one is None or other is None:
        return other if one is None else one
    return Limit(
        amps=max(one.amps, other.amps),
        sent_at=max(one.sent_at, other.sent_at),
        first_end_at=min(one.first_end_at, other.first_end_at),
        ends_at=max(one.ends_at, other.ends_at),
    )
