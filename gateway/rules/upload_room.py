"""Which uploads go for a new one, and when is the new one not taken?

The oldest go first, and before those that a fleet manager still waits for. A station loses files for its own new one;
for another station's it loses some only while it holds more than its share: the site's budget divided by the stations
that have any. This file does not know where the files are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Held(NamedTuple):
    """An upload that is kept."""

    upload_id: int
    station: str
    link_id: int
    size: int
    awaited: bool  # by a fleet manager


class Arriving(NamedTuple):
    """The new one, which is on the disk already."""

    station: str
    link_id: int
    size: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes, but `files_per_link`. `lacking`: so many bytes of the disk must become free besides."""

    one_file: int
    one_station: int
    all_stations: int
    files_per_link: int = 20
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why the new one is not kept, for the log and the station."""

    reason: str


def room_for(arriving: Arriving, held: Iterable[Held], budget: Budget) -> tuple[int, ...] | NotTaken:
    """The uploads that go, in this order, so that the new one can be kept; or why it cannot."""
    waiting = sorted(held, key=lambda one: (one.awaited, one.upload_id))
    most = min(budget.one_file, budget.one_station, budget.all_stations)
    if arriving.size > most:
        return NotTaken(f"the file has {arriving.size} bytes, more than the {most} that are allowed")
    if sum(one.link_id == arriving.link_id for one in waiting) >= budget.files_per_link:
        return NotTaken(f"{budget.files_per_link} files came by this address already")
    room = _Room(arriving, waiting)
    while room.of[arriving.station] > budget.one_station:
        room.give_up({arriving.station})
    share = budget.all_stations // len(room.of)
    while sum(room.of.values()) > budget.all_stations:
        if not room.give_up({station for station, size in room.of.items() if size > share}):
            return NotTaken("the space for uploads is full of what other stations have a right to")
    while room.freed < budget.lacking:
        if not room.give_up(set(room.of)):
            return NotTaken("the disk is nearly full")
    return tuple(room.gone)


class _Room:
    """What is held of each station, the new one included, while some are given up."""

    def __init__(self, arriving: Arriving, waiting: list[Held]) -> None:
        self.of = Counter({arriving.station: arriving.size})
        for one in waiting:
            self.of[one.station] += one.size
        self.gone: list[int] = []
        self.freed = 0
        self._waiting = waiting

    def give_up(self, stations: set[str]) -> bool:
        """The next of these stations goes; False when there is none."""
        for place, one in enumerate(self._waiting):
            if one.station in stations:
                del self._waiting[place]
                self.of[one.station] -= one.size
                self.freed += one.size
                self.gone.append(one.upload_id)
                return True
        return False
