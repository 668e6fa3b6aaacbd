"""May this idTag charge? (OCPP 1.6 3.9, 3.10, 4.2, 4.8, 7.2)

Precedence: Blocked, then Expired, then Invalid or a parent that may not charge, then Accepted. ConcurrentTx is a
verdict on a start, never on an Authorize, and never on grounds of a session that is evidently over: its connector was
free since, its station was removed, has booted without a sign of it since, or is away for too long. A station that is
away may still be charging; but to lock a driver's tag for ever is worse than to let it charge twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.model.identities import ConnectorId, StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.tags import DecidedBy, KnownTag, Verdict

# A start that happened longer ago is history, told late: whether another session ran then is not known now.
_HISTORIC_AFTER = 10 * 60 * SECOND


class OpenSession(NamedTuple):
    """Another open session of the same tag, and what is known of its station.

    `seen_free_at`: the connector said Available by its own clock, if newest. `charged_at`: the newest receipt of its
    start, a meter frame of it, or a status that means charging. `heard_at`: the newest of all that is stored of it.
    """

    station: StationId
    connector: ConnectorId
    start_at: Instant
    charged_at: Instant
    heard_at: Instant
    seen_free_at: Instant | None = None
    booted_at: Instant | None = None
    known: bool = True  # False: the station was removed
    connected: bool = True


def verdict_on(tag: KnownTag | None, *, unknown_accepted: bool, now: Instant) -> Verdict:
    """The verdict on a tag at `now`; `tag` is None when it is not in the list."""
    if tag is None:
        return Verdict("Accepted" if unknown_accepted else "Invalid")
    parent = tag.parent_id_tag
    if tag.status == "Blocked":
        return Verdict("Blocked", parent)
    if tag.status == "Expired" or _is_past(tag.expiry_at, now):
        return Verdict("Expired", parent)
    if tag.status == "Invalid":
        return Verdict("Invalid", parent)
    if tag.parent_status == "Blocked":
        return Verdict("Blocked", parent)
    if tag.parent_status == "Expired" or _is_past(tag.parent_expiry_at, now):
        return Verdict("Expired", parent)
    if tag.parent_status == "Invalid":
        return Verdict("Invalid", parent)
    ends = [end for end in (tag.expiry_at, tag.parent_expiry_at) if end is not None]
    return Verdict("Accepted", parent, min(ends, default=None))


def verdict_on_start(
    verdict: Verdict,
    others: Iterable[OpenSession],
    *,
    station: StationId,
    connector: ConnectorId,
    start_at: Instant,
    now: Instant,
    patience_seconds: float,
) -> Verdict:
    """ConcurrentTx instead of Accepted when the tag charges elsewhere now (only in StartTransaction, 7.2).

    A station without a connection counts as away when nothing came from it for `patience_seconds`.
    """
    if verdict.status != "Accepted" or now - start_at > _HISTORIC_AFTER:
        return verdict
    for other in others:
        same_place = other.station == station and other.connector == connector
        if not same_place and not _is_evidently_over(other, now, patience_seconds):
            return verdict._replace(status="ConcurrentTx", expiry_at=None)
    return verdict


def decided_by(tag: KnownTag | None, verdict: Verdict) -> DecidedBy:
    """Who gave this verdict on a tag; `tag` is None when it is not in the list."""
    if verdict.status == "ConcurrentTx":
        return "other_session"
    return "free_charging" if tag is None and verdict.status == "Accepted" else "id_tags"


def _is_evidently_over(other: OpenSession, now: Instant, patience_seconds: float) -> bool:
    if not other.known:
        return True
    if other.seen_free_at is not None and other.seen_free_at > other.start_at:
        return True
    if other.booted_at is not None and other.booted_at > other.charged_at:
        return True  # a reboot, and since then not a sign that it went on
    return not other.connected and now - other.heard_at > patience_seconds * SECOND


def _is_past(end: Instant | None, now: Instant) -> bool:
    return end is not None and end <= now
