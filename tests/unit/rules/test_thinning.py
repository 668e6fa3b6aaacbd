"""Which frames stay when there is little room."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gateway.model.instants import Instant
from gateway.rules import thinning as module
from gateway.rules.thinning import Frame, Series, Thinning

MINUTE = 60_000_000
NUMBERS: Iterator[int] = itertools.count(1)


def frame(minute: float, *, series: Series = ("S", 1), register: bool = True, evidence: bool = False) -> Frame:
    return Frame(next(NUMBERS), series, Instant(round(minute * MINUTE)), register, evidence)


def kept(frames: list[Frame], thinning: Thinning | None = None) -> list[float]:
    thinning = thinning or Thinning()
    gone = {going.frame_id for one in frames if (going := thinning.going(one)) is not None}
    return [one.measured_at / MINUTE for one in frames if one.frame_id not in gone]


def test_the_first_and_the_last_of_each_quarter_hour_stay() -> None:
    assert kept([frame(minute) for minute in range(40)]) == [0, 14, 29, 39]
    assert kept([frame(7)]) == [7]
    assert kept([frame(7), frame(8)]) == [7, 8]


def test_series_are_apart_and_so_are_frames_that_tell_no_register() -> None:
    assert kept([frame(minute, series=("S", minute % 2)) for minute in range(6)]) == [0, 1, 4, 5]
    told = [frame(minute, register=minute == 2) for minute in range(6)]
    assert kept(told) == [0, 2, 5], "the only register stays"


def test_evidence_always_stays_and_takes_nobodys_place() -> None:
    frames = [frame(0), frame(1, evidence=True), frame(2), frame(3, evidence=True), frame(4)]
    assert kept(frames) == [0, 1, 3, 4]


def test_it_goes_on_where_it_was() -> None:
    first = Thinning()
    assert kept([frame(minute) for minute in range(5)], first) == [0, 4]
    copy = first.copy()
    newest = frame(5)
    gone = copy.going(newest)
    assert gone is not None and gone.measured_at == 4 * MINUTE
    assert first.going(newest) == gone, "the copy went on without it"


def test_times_that_jump_back_keep_a_frame_more() -> None:
    assert kept([frame(0), frame(20), frame(5), frame(21), frame(22)]) == [0, 20, 5, 22]


def test_few_series_are_remembered() -> None:
    thinning = Thinning()
    most = module._MOST_SERIES
    for number in range(most + 5):
        assert thinning.going(frame(0, series=number)) is None
    assert len(thinning.replaceable) == most
    assert kept([frame(1, series=0), frame(2, series=0), frame(3, series=0)], thinning) == [1, 3]
