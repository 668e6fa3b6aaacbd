"""Which cards were presented lately, while somebody wants to learn them: in memory, for a minute or so, bounded.

Times are the loop's, so that a clock that is set does not end or lengthen it. What a card may do is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gateway.model.identities import StationId, fold_tag
from gateway.model.instants import SECOND, Instant

MOST_SEEN = 20
State = Literal["off", "waiting", "seen"]


class SeenTag(NamedTuple):
    """A card at a station. `connector` is None for an Authorize; `known`: it was in the list of tags already."""

    id_tag: str
    station: StationId
    connector: int | None
    time: Instant
    known: bool


@dataclass(slots=True)
class LearnTagsNow:
    """`station` None: any station. What was seen stays to be read when the time is over, until it begins anew."""

    station: StationId | None = None
    seen: list[SeenTag] = field(default_factory=list)
    until: Instant | None = None  # by the wall clock, for people
    _ends_at: float | None = None

    def begin(self, station: StationId | None, *, seconds: float, loop_time: float, now: Instant) -> None:
        """Listen from now on for so long; what was seen before is forgotten."""
        self.station, self.seen = station, []
        self.until, self._ends_at = Instant(now + round(seconds * SECOND)), loop_time + seconds

    def end(self) -> None:
        """Listen no more, and forget."""
        self.station, self.seen, self.until, self._ends_at = None, [], None, None

    @property
    def begun(self) -> bool:
        """Whether somebody began it, be the time over or not."""
        return self._ends_at is not None

    def listens(self, loop_time: float) -> bool:
        """Whether it is on."""
        return self._ends_at is not None and loop_time < self._ends_at

    def listens_to(self, station: StationId, loop_time: float) -> bool:
        """Whether a card at this station would be noted."""
        return self.listens(loop_time) and self.station in (None, station)

    def note(self, tag: SeenTag) -> None:
        """A card was presented; the newest comes first, and the same card at the same station is one."""
        same = [one for one in self.seen if (fold_tag(one.id_tag), one.station) == (fold_tag(tag.id_tag), tag.station)]
        if same and tag.connector is None:
            tag = tag._replace(connector=same[0].connector)
        self.seen = [tag, *(one for one in self.seen if one not in same)][:MOST_SEEN]

    def state(self, loop_time: float) -> State:
        """`seen` while it is on and any card came; `off` also when the time is over."""
        if not self.listens(loop_time):
            return "off"
        return "seen" if self.seen else "waiting"
