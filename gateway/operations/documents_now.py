"""Desired-state documents as the running gateway sees them: who may be told, and what was told last.

Nothing here survives a restart, nor needs to: what waits and what is applied is in the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Telling(Protocol):
    """An upstream that can be told something; nothing happens while it is away."""

    @property
    def name(self) -> str:
        """As in the configuration."""

    def say(self, suffix: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish on `up/{suffix}`."""


@dataclass(slots=True)
class DocumentsNow:
    """`told`: the report that was told last, by upstream and document; the same is not told twice."""

    upstreams: dict[str, Telling] = field(default_factory=dict)
    told: dict[tuple[str, str], bytes] = field(default_factory=dict)
