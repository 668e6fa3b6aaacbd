"""The search for meters that somebody asked for: whether it is under way, where it looks, whom it found. In memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.model.instants import Instant, text_of

State = Literal["off", "running", "done", "failed", "out_of_time"]


@dataclass(slots=True)
class ScanNow:
    """`words`: where it looks now, or why it failed; `found` stays until the next search."""

    state: State = "off"
    begun_at: Instant | None = None
    words: str | None = None
    found: list[dict[str, object]] = field(default_factory=list)

    def begin(self, now: Instant) -> None:
        """A new search."""
        self.state, self.begun_at, self.words, self.found = "running", now, None, []

    def note(self, words: str) -> None:
        """Where it looks now."""
        self.words = words

    def is_running(self) -> bool:
        """Whether one is under way."""
        return self.state == "running"

    def broken_off(self) -> None:
        """Whoever searched is gone; nothing when it had ended in order."""
        if self.is_running():
            self.end("failed", "it was broken off")

    def end(self, state: State, words: str | None = None) -> None:
        """It is over."""
        self.state, self.words = state, words

    def document(self) -> dict[str, object]:
        """For people."""
        begun = None if self.begun_at is None else text_of(self.begun_at)
        return {"state": self.state, "begun_time": begun, "text": self.words, "items": list(self.found)}
