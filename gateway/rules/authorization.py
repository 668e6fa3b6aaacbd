"""May this idTag charge? (OCPP 1.6 3.9, 3.10, 4.2, 4.8, 7.2)

Precedence: Blocked, then Expired, then Invalid or a parent that may not charge, then Accepted. ConcurrentTx is a verdict
on a start, never on an Authorize, and never on grounds of a session that is evidently over.
"""

from __future__ import annotations

from typing import NamedTuple

from collections.abc import Iterable

from gateway.model.identities import ConnectorId, StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.tags import KnownTag, Verdict

# A start that happened longer ago is history, told late: whether another session ran then is not known now.
_HISTORIC_AFTER = 10 * 60 * SECOND


class OpenSession(NamedTuple):
    """Another open session of the same tag. `seen_free_at`: the connector said Available by its own clock, if newest."""

    station: StationId
    connector: ConnectorId
    start_at: Instant
    seen_free_at: Instant | None = None


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
) -> Verdict:
    """ConcurrentTx instead of Accepted when the tag charges elsewhere at this moment (only in StartTransaction, 7.2)."""
    if verdict.status != "Accepted" or now - start_at > _HISTORIC_AFTER:
        return verdict
    for other in others:
        same_place = other.station == station and other.connector == connector
        evidently_over = other.seen_free_at is not None and other.seen_free_at > other.start_at
        if not same_place and not evidently_over:
            return verdict._replace(status="ConcurrentTx", expiry_at=None)
    return verdict


def _is_past(end: Instant | None, now: Instant) -> bool:
    return end is not None and end <= now
