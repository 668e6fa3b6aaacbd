"""The newest messages of each station, in memory: for people who look what a station and the gateway say to each other.

Bounded per station and over all; noting one costs next to nothing, and nothing is read of it before somebody looks
(`rules/shown_frames`). It is empty after a restart.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from gateway.model.frames import LONGEST_KEPT_BYTES, Direction, KeptFrame
from gateway.model.identities import StationId
from gateway.model.instants import Instant

MOST_OF_A_STATION = 400
MOST_BYTES = 16_000_000
_BYTES_BESIDE = 250  # what Python needs to keep one


@dataclass(slots=True)
class FramesNow:
    """Messages in the order in which they came or went; ids are given once in the life of the daemon."""

    most_bytes: int = MOST_BYTES
    used_bytes: int = 0
    _last_id: int = 0
    _frames: OrderedDict[int, KeptFrame] = field(default_factory=OrderedDict)  # of all stations, oldest first
    _of_station: dict[StationId, deque[int]] = field(default_factory=dict)

    def note(self, station: StationId, direction: Direction, text: bytes, now: Instant) -> None:
        """Keep one; the oldest go for it."""
        self._last_id = number = self._last_id + 1
        ids = self._of_station.get(station)
        if ids is None:
            ids = self._of_station[station] = deque()
        elif len(ids) >= MOST_OF_A_STATION:
            self._forget(self._frames.pop(ids.popleft()))
        kept = text[:LONGEST_KEPT_BYTES]
        self._frames[number] = KeptFrame(number, station, now, direction, kept, len(text))
        ids.append(number)
        self.used_bytes += len(kept) + _BYTES_BESIDE
        while self.used_bytes > self.most_bytes:
            self._drop_oldest()

    def of_station(self, station: StationId) -> list[KeptFrame]:
        """What is kept of a station, oldest first."""
        return [self._frames[number] for number in self._of_station.get(station, ())]

    def _drop_oldest(self) -> None:
        number, frame = self._frames.popitem(last=False)
        ids = self._of_station[frame.station]
        assert ids[0] == number
        ids.popleft()
        if not ids:
            del self._of_station[frame.station]
        self._forget(frame)

    def _forget(self, frame: KeptFrame) -> None:
        self.used_bytes -= len(frame.text) + _BYTES_BESIDE
