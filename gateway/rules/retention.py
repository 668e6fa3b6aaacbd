"""What may be forgotten, and when. Nothing grows without bound; what bills is kept longest, and always while open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.model.instants import SECOND, Instant

EVERYTHING = 2**63 - 1  # the largest sequence, and the latest instant, that the database can hold
_DAY = 86_400 * SECOND
LIMITS_LOG_DAYS = 731  # two years, as the law on limits of grid operators asks (section 14a EnWG)
_AGED_AT_A_LOOK = 30 * 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days each kind of record is kept."""

    transactions_days: int
    meter_days: int
    operations_days: int
    quarantine_days: int
    commands_days: int
    load_days: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Records from before these instants may go."""

    transactions: Instant
    meter: Instant
    operations: Instant
    quarantine: Instant
    commands: Instant
    load: Instant


@dataclass(frozen=True, slots=True)
class Claims:
    """Up to which sequence of each stream all upstreams have everything: the required ones, and all of them.

    None: there are none, and nobody waits for anything.
    """

    required: Mapping[str, int] | None = None
    anybody: Mapping[str, int] | None = None

    def free_upto(self, stream: str) -> int:
        """The newest sequence that no required upstream waits for."""
        return EVERYTHING if self.required is None else self.required[stream]

    def lost(self, stream: str, sequences: Iterable[int]) -> list[int]:
        """Which of these some upstream waits for: deleting them is a drop, which must be told."""
        known = None if self.anybody is None else self.anybody[stream]
        return [] if known is None else [sequence for sequence in sequences if sequence > known]


class Sample(NamedTuple):
    """Of the numbers from `first` to before `end`, the rows up to before `read_upto` were read: the size of these."""

    first: int
    end: int
    read_upto: int
    size_bytes: int


def limits_at(now: Instant, keep: Keep) -> Limits:
    """The instants before which each kind of record may be deleted."""
    return Limits(
        transactions=Instant(now - keep.transactions_days * _DAY),
        meter=Instant(now - keep.meter_days * _DAY),
        operations=Instant(now - keep.operations_days * _DAY),
        quarantine=Instant(now - keep.quarantine_days * _DAY),
        commands=Instant(now - keep.commands_days * _DAY),
        load=Instant(now - keep.load_days * _DAY),
    )


def limits_log_end(now: Instant) -> Instant:
    """Limits for a time that ended before this instant may be forgotten."""
    return Instant(now - LIMITS_LOG_DAYS * _DAY)


def trusted_now(now: Instant, *, trusted_before: Instant | None) -> Instant:
    """The instant by which age is judged: the clock, but never far ahead of where it stood at the last look.

    A controller without a battery clock starts in some past year and jumps when the network tells the time: all that it
    recorded before would look old at once. So age follows a jump slowly, a day and a quarter with each hourly look.
    """
    if trusted_before is None:
        return now
    return min(now, Instant(trusted_before + _AGED_AT_A_LOOK))


def estimated_bytes(samples: Iterable[Sample]) -> int:
    """The size of a table of numbered rows, from samples of its parts: a part is as dense as what was read of it."""
    return sum(
        sample.size_bytes * (sample.end - sample.first) // (sample.read_upto - sample.first) for sample in samples
    )
