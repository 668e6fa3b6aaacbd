"""What firmware rollouts remember of this life of the gateway, also when their loop is started again."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.journal_signal import JournalSignal


@dataclass(slots=True)
class RolloutNow:
    """`changed` wakes the loop; `ahead_micros`: of the wall clock before the loop's, at the last look."""

    changed: JournalSignal = field(default_factory=JournalSignal)
    ahead_micros: int | None = None
