"""What is going on in the store of firmware images, true while the gateway runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.journal_signal import JournalSignal


@dataclass(slots=True)
class ImagesNow:
    """`placing`: whoever gives bytes their place and their row, or takes away those without a row, holds it.

    `busy`: imports to which somebody sends just now; `arriving`: files that are written in one go. `cleared`: what the
    life before left is gone. `changed` wakes the loop that looks after the images.
    """

    placing: asyncio.Lock = field(default_factory=asyncio.Lock)
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)  # one reads all bytes again at a time
    busy: set[str] = field(default_factory=set)
    arriving: set[str] = field(default_factory=set)
    cleared: bool = False
    changed: JournalSignal = field(default_factory=JournalSignal)
