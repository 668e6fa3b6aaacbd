"""How many tabs may be kept up to date at once: some of each reader, not too many in all.

Each open stream costs a socket and work in every second; a reader with hundreds of tabs must not take the gateway's
time for stations. A tab that is turned away tries again by itself after RETRY_SECONDS, and says meanwhile that what it
shows may be old (static/page.js): the stream is a convenience, the page is there anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MOST_OF_ONE = 20
MOST = 200
RETRY_SECONDS = 30


@dataclass(slots=True)
class OpenStreams:
    """The streams that are open, by the name of their reader."""

    by_reader: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def one_more(self, reader: str) -> Iterator[bool]:
        """Whether one more stream may be open for this reader; it counts for the length of the block."""
        if self.by_reader[reader] >= MOST_OF_ONE or self.by_reader.total() >= MOST:
            yield False
            return
        self.by_reader[reader] += 1
        try:
            yield True
        finally:
            self.by_reader[reader] -= 1
            self.by_reader += Counter()  # forgets who has none
