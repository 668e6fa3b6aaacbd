"""A command of a fleet manager as it was asked, and the words for what becomes of it. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.model.instants import Instant

Status = Literal["accepted", "running", "succeeded", "failed", "rejected", "expired", "superseded"]
Final = Literal["succeeded", "failed", "rejected", "expired", "superseded"]
IfOffline = Literal["reject", "queue"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why a command is not carried out, or what went wrong: a code for programs, a sentence for people."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be done, for whom, and until when it may begin. Fields that were left out are None."""

    id: str
    type: str
    station: str | None = None
    connector: int | None = None
    args: Mapping[str, object] = field(default_factory=dict)
    actor: str | None = None
    issued_at: Instant | None = None
    expires_at: Instant | None = None
    ttl_seconds: float | None = None
    if_offline: IfOffline = "reject"


@dataclass(frozen=True, slots=True)
class Unclear:
    """It has an id, so it gets an answer; the rest cannot be understood."""

    id: str
    type: str
    why: Complaint


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by the clocks there are: the wall clock, which is `usable` or not, and the machine's own since its start."""

    now: Instant
    usable: bool
    boot_id: str
    monotonic_ms: int


@dataclass(frozen=True, slots=True)
class Term:
    """Until when a command may begin; without `expires_at` it may for ever.

    `ends_at_ms`: on the machine's own clock, while it runs since `boot_id`. `by_clock`: the command named the time, so
    the wall clock's word counts as well. `believable`: the wall clock could be believed when this was noted.
    """

    expires_at: Instant | None = None
    boot_id: str = ""
    ends_at_ms: int = 0
    by_clock: bool = False
    believable: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `response`: what the station, or the gateway, answered; `more`: further members to tell."""

    status: Final
    response: Mapping[str, object] | None = None
    error: Complaint | None = None
    more: Mapping[str, object] = field(default_factory=dict)
