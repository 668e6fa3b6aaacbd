"""Who may charge: what is known of an idTag, and what a station is told about it.

Named tuples, because one is made for every message: a frozen dataclass takes five times as long.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.instants import Instant

TagStatus = Literal["Accepted", "Blocked", "Expired", "Invalid"]
AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
# the list of tags, the setting that everybody may charge, or a session that the tag has elsewhere
DecidedBy = Literal["id_tags", "free_charging", "other_session"]


class KnownTag(NamedTuple):
    """One entry of the list of tags. `parent_*` describe the parent when it is itself an entry."""

    id_tag: str
    status: TagStatus
    parent_id_tag: str | None = None
    expiry_at: Instant | None = None
    parent_status: TagStatus | None = None
    parent_expiry_at: Instant | None = None


class Verdict(NamedTuple):
    """The contents of an idTagInfo (OCPP 1.6 7.27)."""

    status: AuthorizationStatus
    parent_id_tag: str | None = None
    expiry_at: Instant | None = None
