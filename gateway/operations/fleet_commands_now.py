"""What is known of fleet managers' commands in this life only: those that hold a secret, and how long it has lasted.

The rows are the truth. What holds a secret is never on disk, so a restart loses it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.journal_signal import JournalSignal
from gateway.model.fleet_commands import Command

Key = tuple[str, str]  # of the upstream, and the command's id


@dataclass(slots=True)
class FleetCommandsNow:
    """`secret`: commands that are not kept on disk. `began_at_seconds`: this life, on the loop's clock."""

    secret: dict[Key, Command] = field(default_factory=dict)
    began_at_seconds: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    wake: JournalSignal = field(default_factory=JournalSignal)  # there may be something to carry out

    def age_seconds(self) -> float:
        """How long this life has lasted."""
        return asyncio.get_running_loop().time() - self.began_at_seconds
