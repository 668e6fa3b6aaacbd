"""The messages in memory: bounded for each station and over all, the oldest go first."""

from __future__ import annotations

from gateway.configuration import Log
from gateway.model.frames import LONGEST_KEPT_BYTES
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.frames_now import MOST_OF_A_STATION, FramesNow
from gateway.operations.trace_frames import noting

ONE, TWO = StationId("CP-1"), StationId("CP-2")


def test_of_each_station_the_newest_are_kept() -> None:
    frames = FramesNow()
    for number in range(MOST_OF_A_STATION + 5):
        frames.note(ONE, "from_station", b"[2]", Instant(number))
    frames.note(TWO, "to_station", b"[3]", Instant(9))
    kept = frames.of_station(ONE)
    assert [kept[0].time, kept[-1].time, len(kept)] == [5, MOST_OF_A_STATION + 4, MOST_OF_A_STATION]
    assert [frame.direction for frame in frames.of_station(TWO)] == ["to_station"]
    assert frames.of_station(StationId("CP-3")) == []


def test_over_all_the_oldest_go() -> None:
    frames = FramesNow(most_bytes=20_000)
    for number in range(50):
        frames.note(ONE if number % 2 else TWO, "from_station", b"x" * 1000, Instant(number))
        assert frames.used_bytes <= 20_000
    kept = sorted(frame.time for station in (ONE, TWO) for frame in frames.of_station(station))
    assert kept == list(range(34, 50))
    for number in range(50, 100):
        frames.note(ONE, "from_station", b"x" * 1000, Instant(number))
    assert frames.of_station(TWO) == [], "a station that says nothing more needs no memory"


def test_of_a_long_one_the_beginning_is_kept() -> None:
    frames = FramesNow()
    frames.note(ONE, "from_station", b"y" * 100_000, Instant(1))
    (frame,) = frames.of_station(ONE)
    assert (len(frame.text), frame.size_bytes) == (LONGEST_KEPT_BYTES, 100_000)


def test_every_message_is_noted_also_when_none_is_logged() -> None:
    frames = FramesNow()
    told = noting(frames, Log(frames=False), lambda: Instant(7))
    told(ONE, "received", b"[2]")
    told(ONE, "sent", b"[3]")
    assert [(frame.direction, frame.time) for frame in frames.of_station(ONE)] == [
        ("from_station", 7),
        ("to_station", 7),
    ]
