"""What a station's request is to the function that answers it, and the small readings that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gateway.model.identities import StationId
from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, SECOND, Instant
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call
from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.from_station import StationAnswer
from gateway.operations.site import Site
from gateway.store.writing import Writing

Payload = TypeVar("Payload")
AnswerUnit = Callable[[Writing], StationAnswer]

_AHEAD_TOLERATED = 300 * SECOND
_GREATEST = 2**63 - 1
_LONGEST_MESSAGE_ID = 255  # OCPP-J 1.6 4.1.4 allows 36


@dataclass(slots=True)
class Question:
    """One request of one station, at the moment `now` of its arrival."""

    site: Site
    station: StationId
    treatment: Treatment
    call: Call
    now: Instant

    @property
    def message_id(self) -> str:
        """The message id as text of at most 255 characters."""
        return str(self.call.message_id)[:_LONGEST_MESSAGE_ID]

    def told_time(self, text: str | None) -> Instant | None:
        """The instant a station's timestamp means, None when it is absent or unreadable."""
        if not text:
            return None
        return read_instant(text, assumed_offset_minutes=self.treatment.utc_offset_minutes)

    def session_time(self, text: str) -> tuple[Instant, tuple[str, ...]]:
        """The instant to store for a start or stop, and what is wrong with it."""
        told = self.told_time(text)
        if told is None:
            return self.now, ("unreadable_timestamp",)
        if told < CLOCK_NEVER_SET_BEFORE:
            return told, ("clock_not_set",)
        if told > self.now + _AHEAD_TOLERATED:
            return told, ("clock_ahead",)
        return told, ()


def fits(number: int) -> bool:
    """True when a number can be stored; stations were seen to send 9223372036854775807 and more."""
    return -_GREATEST <= number <= _GREATEST
