"""Which meter frames may go when there is little room: of each series one per quarter of an hour stays.

A series is a session, or a connector outside of sessions; frames with and without an energy register are apart, so that
what remains still tells the energy. Stay: the first of a series, the last of each quarter (so also the newest of all),
and what a bill rests on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.model.instants import SECOND, Instant

_SLOT = 900 * SECOND
_MOST_SERIES = 10_000  # remembered; of one that is forgotten a frame more stays

Series = int | tuple[str, int | None]  # a session; a station and connector


class Frame(NamedTuple):
    """A frame of a series."""

    frame_id: int
    series: Series
    measured_at: Instant
    tells_register: bool
    is_evidence: bool


@dataclass(slots=True)
class Thinning:
    """Goes through the frames in order; remembers of each series which frame the next one may replace."""

    replaceable: dict[tuple[Series, bool], Frame | None] = field(default_factory=dict)

    def copy(self) -> Thinning:
        """One that may go on without this one knowing."""
        return Thinning(dict(self.replaceable))

    def going(self, frame: Frame) -> Frame | None:
        """The frame that may go now that this one has come."""
        if frame.is_evidence:
            return None
        key = (frame.series, frame.tells_register)
        if key not in self.replaceable:
            if len(self.replaceable) >= _MOST_SERIES:
                del self.replaceable[next(iter(self.replaceable))]
            self.replaceable[key] = None  # the first of its series stays
            return None
        before = self.replaceable[key]
        self.replaceable[key] = frame
        if before is not None and before.measured_at // _SLOT == frame.measured_at // _SLOT:
            return before
        return None
