"""May a station have a certificate for this name, now? And when is one due for renewal?

A client certificate opens the door to whoever's name it bears, so nobody gets one in the name of another station.
The common name itself is kept as asked for: which serial number a station has is often not known beforehand.
This file does not judge keys and signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.instants import SECOND, Instant
from gateway.rules.registration import Admission

MOST_REQUESTS_AN_HOUR = 20  # those who certify stations repeat themselves

_DAY = 86_400 * SECOND
_RENEWED_BEFORE_END = 90 * _DAY
_ASKED_AGAIN_AFTER = 7 * _DAY


@dataclass(frozen=True, slots=True)
class Names:
    """What a station is called: its id and other identities, and the serial numbers that it told of itself."""

    identities: frozenset[str]
    serial_numbers: frozenset[str] = frozenset()


def reason_to_refuse_signing(*, admission: Admission | None, times_this_hour: int) -> str | None:
    """Why this station's request is not even looked at; None: it is."""
    if admission != "accepted":
        return "the station is not accepted yet"
    if times_this_hour > MOST_REQUESTS_AN_HOUR:
        return f"more than {MOST_REQUESTS_AN_HOUR} requests within an hour"
    return None


def reason_to_refuse_name(common_name: str, own: Names, others: Iterable[Names]) -> str | None:
    """Why the station may not have a certificate with this common name; None: it may. Case does not matter."""
    name = common_name.casefold()
    if name in _folded(own.identities):
        return None
    for other in others:
        if name in _folded(other.identities):
            return "the common name is another station's identity"
        if name in _folded(other.serial_numbers):
            return "the common name is another station's serial number"
    return None


def should_renew(not_after: Instant, *, now: Instant, asked_at: Instant | None) -> bool:
    """Should the station be asked to renew its certificate now? `asked_at`: when that was last tried."""
    if now < not_after - _RENEWED_BEFORE_END:
        return False
    return asked_at is None or now >= asked_at + _ASKED_AGAIN_AFTER


def _folded(names: frozenset[str]) -> set[str]:
    return {name.casefold() for name in names}
