"""Who may charge: what is known of an idTag, and what a station is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.instants import Instant

TagStatus = Literal["Accepted", "Blocked", "Expired", "Invalid"]
AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]


@dataclass(frozen=True, slots=True)
class KnownTag:
    """One entry of the list of tags. `parent_*` describe the parent when it is itself an entry."""

    id_tag: str
    status: TagStatus
    parent_id_tag: str | None = None
    expiry_at: Instant | None = None
    parent_status: TagStatus | None = None
    parent_expiry_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The contents of an idTagInfo (OCPP 1.6 7.27)."""

    status: AuthorizationStatus
    parent_id_tag: str | None = None
    expiry_at: Instant | None = None
