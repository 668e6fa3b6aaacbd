"""Who charges, and how room is shared: admission, and exact weighted max-min fairness over all rows at once.

A row is any sum that has a limit: a phase of a circuit, the site's surplus. Trees, phases, mixed cars and rotations
need no case of their own: a wish names the rows it loads, a row named twice counts twice. Plain numbers, no numpy: 24
cars on 9 rows take a fraction of a millisecond. Knows nothing of meters, stations or time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HAIR = 1e-9  # amperes: what lies within it is equal


@dataclass(frozen=True, slots=True)
class Wish:
    """A car that is to get something: at least `least`, at most `most` amperes on each of its rows."""

    key: str
    least: float
    most: float
    rows: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """What it gets, and the row that keeps it from more (None: it has its most)."""

    amps: float
    row: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A car that wants to be let in. `order`: smaller comes first; `extra`: room it must find beyond what it takes.

    `need`: what it is to have, if there is room when its turn comes, before others are let in.
    """

    key: str
    order: tuple[float, ...]
    least: float
    rows: tuple[int, ...]
    extra: float = 0.0
    need: float = 0.0


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in, in order, and with how much; for the others the row that has no room; the room that is left."""

    admitted: dict[str, float]
    refused: dict[str, int]
    left: list[float]


def admit(candidates: Iterable[Candidate], room: Sequence[float]) -> Admission:
    """Let in, in order, whom every row has room for; one that does not fit keeps nobody behind it out."""
    left = list(room)
    admitted: dict[str, float] = {}
    refused: dict[str, int] = {}
    for candidate in sorted(candidates, key=lambda each: (each.order, each.key)):
        rows = candidate.rows
        before = [left[row] for row in rows]
        for row in rows:
            left[row] -= candidate.least
        tightest = min(rows, key=left.__getitem__, default=None)
        if tightest is not None and left[tightest] + HAIR < candidate.extra:
            refused[candidate.key] = tightest
            for row, amps in zip(rows, before, strict=True):
                left[row] = amps
            continue
        more = 0.0
        if candidate.need > candidate.least:
            more = max(0.0, min([candidate.need - candidate.least, *(left[row] / rows.count(row) for row in rows)]))
            for row in rows:
                left[row] -= more
        admitted[candidate.key] = candidate.least + more
    return Admission(admitted, refused, left)


def share_out(wishes: Iterable[Wish], room: Sequence[float]) -> dict[str, Share]:
    """Weighted max-min shares: nobody can get more without taking it from one who has no more per weight.

    Everybody gets `least`, even where rows have no room for it: admission is to prevent that.
    """
    filling = _Filling.begun(sorted(wishes, key=lambda wish: wish.key), room)
    for level, ends, index in filling.turns():
        filling.rise_to(level)
        if ends:
            filling.end(index)
        else:
            filling.begin(index)
    return {wish.key: share for wish, share in zip(filling.wishes, filling.shares, strict=True) if share is not None}


@dataclass(slots=True)
class _Filling:
    """Water rising at the same level for all: a car floats from `least` to `most`, a full row stops its cars."""

    wishes: list[Wish]
    left: list[float]  # by row: room that nobody has taken
    members: list[list[int]]  # by row
    shares: list[Share | None]
    rising: set[int] = field(default_factory=set)
    speed: list[float] = field(default_factory=list)  # by row: weights of the rising cars
    floating: list[int] = field(default_factory=list)  # by row: how many times it is named by a rising car
    level: float = 0.0

    @classmethod
    def begun(cls, wishes: list[Wish], room: Sequence[float]) -> _Filling:
        filling = cls(wishes, list(room), [[] for _ in room], [None] * len(wishes))
        filling.speed, filling.floating = [0.0] * len(room), [0] * len(room)
        for index, wish in enumerate(wishes):
            for row in wish.rows:
                filling.left[row] -= wish.least
                filling.members[row].append(index)
        return filling

    def turns(self) -> list[tuple[float, bool, int]]:
        """At which level which car begins to rise, and at which it has its most."""
        begins = [(wish.least / wish.weight, False, index) for index, wish in enumerate(self.wishes)]
        ends = [(max(wish.most, wish.least) / wish.weight, True, index) for index, wish in enumerate(self.wishes)]
        return sorted(begins + ends)

    def rise_to(self, level: float) -> None:
        """Let the water rise to `level`; rows that fill up on the way stop their cars."""
        while True:
            full, at = None, level
            for row, floating in enumerate(self.floating):
                if floating:
                    reached = self.level + max(0.0, self.left[row]) / self.speed[row]
                    if reached < at:
                        full, at = row, reached
            risen = at - self.level
            for row, floating in enumerate(self.floating):
                if floating:
                    self.left[row] -= self.speed[row] * risen
            self.level = at
            if full is None:
                return
            self._stop(full)

    def begin(self, index: int) -> None:
        """The water has reached this car."""
        if self.shares[index] is None:
            self.rising.add(index)
            for row in self.wishes[index].rows:
                self.speed[row] += self.wishes[index].weight
                self.floating[row] += 1

    def end(self, index: int) -> None:
        """This car has its most, unless a row stopped it before."""
        if self.shares[index] is None:
            wish = self.wishes[index]
            self._settle(index, Share(max(wish.most, wish.least), None))

    def _stop(self, row: int) -> None:
        for index in self.members[row]:
            if self.shares[index] is None:
                wish = self.wishes[index]
                afloat = index in self.rising
                self._settle(index, Share(min(wish.most, wish.weight * self.level) if afloat else wish.least, row))

    def _settle(self, index: int, share: Share) -> None:
        self.shares[index] = share
        if index in self.rising:
            self.rising.discard(index)
            for row in self.wishes[index].rows:
                self.speed[row] -= self.wishes[index].weight
                self.floating[row] -= 1


def even_out(
    shares: dict[str, float], least: dict[str, float], phases: dict[str, tuple[int, ...]], limit: float
) -> dict[str, float]:
    """Lower cars on one phase, else on two, until no phase has `limit` more than the least loaded one.

    The highest share on the fullest phase goes first, down to its least; when all are there, the last by key pauses.
    """
    shares = dict(shares)
    while shares:
        loads = [sum(amps for key, amps in shares.items() if phase in phases[key]) for phase in (0, 1, 2)]
        excess = max(loads) - min(loads) - limit
        top = loads.index(max(loads))
        on_top = [key for key, amps in shares.items() if top in phases[key] and amps > HAIR]
        if excess <= HAIR or not on_top:
            break
        key = max(on_top, key=lambda each: (shares[each] > least[each] + HAIR, -len(phases[each]), shares[each], each))
        floor = least[key] if shares[key] > least[key] + HAIR else 0.0
        shares[key] = max(floor, shares[key] - excess)
        if shares[key] < least[key] - HAIR:
            shares[key] = 0.0
    return shares


def whole_steps(amps: float, step: float) -> float:
    """The largest whole number of steps that is not above `amps`."""
    return round(int(amps / step + 1e-6) * step, 3)
