"""What a BootNotification is answered (OCPP 1.6 4.2). Accepted is a state of the station, not of its socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Admission = Literal["accepted", "pending", "removed"]
RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]


@dataclass(frozen=True, slots=True)
class Registration:
    """`interval_seconds`: of heartbeats when Accepted, else the least wait before the next boot. Never 0."""

    status: RegistrationStatus
    interval_seconds: int


def how_to_register(admission: Admission | None, *, heartbeat_seconds: int, retry_seconds: int = 60) -> Registration:
    """The registration of a station with this admission; None is a station nobody knows (any more)."""
    if admission == "accepted":
        return Registration("Accepted", max(1, heartbeat_seconds))
    if admission == "pending":
        return Registration("Pending", retry_seconds)
    return Registration("Rejected", retry_seconds)
