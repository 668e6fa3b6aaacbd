"""What is known of fleet managers' commands in this life only: arguments with secrets, and ends on the loop's clock.

The rows are the truth; what is missing here after a restart is judged without it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.journal_signal import JournalSignal
from gateway.model.fleet_commands import Command, Complaint, Term, Unclear

Key = tuple[str, str]  # of the upstream, and the command's id


@dataclass(slots=True)
class FleetCommandsNow:
    """`secret`: commands that are not kept on disk. `terms`: until when each that waits may begin.

    `began_at_seconds`: this life, on the loop's clock.
    """

    secret: dict[Key, Command] = field(default_factory=dict)
    terms: dict[Key, Term] = field(default_factory=dict)
    began_at_seconds: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    wake: JournalSignal = field(default_factory=JournalSignal)  # there may be something to carry out

    def age_seconds(self) -> float:
        """How long this life has lasted."""
        return asyncio.get_running_loop().time() - self.began_at_seconds

    def remember(self, key: Key, term: Term | Complaint, secret: Command | Unclear | None) -> None:
        """It comes now, and may be accepted."""
        if isinstance(term, Term):
            self.terms[key] = term
        if isinstance(secret, Command):
            self.secret[key] = secret

    def forget(self, key: Key) -> None:
        """It waits no longer."""
        self.secret.pop(key, None)
        self.terms.pop(key, None)
