"""What may be forgotten, and when. Nothing grows without bound; what bills is kept longest, and always while open."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.instants import SECOND, Instant

_DAY = 86_400 * SECOND
_MEGABYTE = 1_000_000
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


def trusted_now(now: Instant, *, trusted_before: Instant | None) -> Instant:
    """The instant by which age is judged: the clock, but never far ahead of where it stood at the last look.

    A controller without a battery clock starts in some past year and jumps when the network tells the time: all that it
    recorded before would look old at once. So age follows a jump slowly, a day and a quarter with each hourly look.
    """
    if trusted_before is None:
        return now
    return min(now, Instant(trusted_before + _AGED_AT_A_LOOK))


def missing_bytes(*, free_bytes: int, reusable_bytes: int, disk_bytes: int) -> int:
    """How much must be deleted so that the site can go on storing; 0 when there is room enough.

    Deleting makes room inside the database (`reusable_bytes`), not on the disk: so it ends even when something else
    fills the disk. Wanted is a twentieth of the disk, at least 100 MB and at most 1 GB, of a tiny disk a fifth.
    """
    wanted_bytes = min(max(disk_bytes // 20, 100 * _MEGABYTE), 1000 * _MEGABYTE, disk_bytes // 5)
    return max(0, wanted_bytes - free_bytes - reusable_bytes)
