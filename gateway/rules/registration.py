"""What a BootNotification is answered (OCPP 1.6 4.2), and what it says of the device behind the identity.

Accepted is a state of the station, not of its socket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Admission = Literal["accepted", "pending", "removed"]
RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]


class Device(NamedTuple):
    """What a station tells of the device that it is; None: not told."""

    vendor: str | None
    model: str | None
    serial_number: str | None
    box_serial_number: str | None


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


def is_another_device(before: Device, now: Device) -> bool:
    """Has the device been replaced? The first serial number that was told both times decides, else vendor and model.

    New firmware may spell vendor and model in another way, so they count only where no serial number speaks.
    """
    serials = _told_both_times(before[2:], now[2:])
    if serials:
        return serials[0][0] != serials[0][1]
    return any(old != new for old, new in _told_both_times(before[:2], now[:2]))


def _told_both_times(before: tuple[str | None, ...], now: tuple[str | None, ...]) -> list[tuple[str, str]]:
    return [(old, new) for old, new in zip(before, now, strict=True) if old and new]
