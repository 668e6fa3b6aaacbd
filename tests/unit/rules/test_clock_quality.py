"""Which clocks are believed, by how much they may be wrong, and what of it is news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.clocks import ClockQuality, ClockState, RawClock
from gateway.rules.clock_quality import LastSynced, Noting, how_good, is_low, last_synced_of, why_note

SECOND, HOUR = 1_000_000, 3_600_000_000
KEPT = RawClock(True, 12_001, "b00t", 5 * HOUR, 1_800_000_000 * SECOND)
LOST = replace(KEPT, synchronised=False, max_error_us=16_000_000)
NOTED = ClockState(7, "b00t", "synced", 100, KEPT.offset_us)
GOOD = ClockQuality("synced", 100, "b00t", 0)


def test_a_clock_that_a_time_service_keeps() -> None:
    assert how_good(KEPT, None) == ClockQuality("synced", 13, "b00t", 5 * 3_600_000)
    assert how_good(KEPT, LastSynced(0, 0)).quality == "synced"


def test_a_clock_that_was_never_set() -> None:
    assert how_good(LOST, None) == ClockQuality("unsynced", 16_000, "b00t", 5 * 3_600_000)


def test_a_clock_that_is_no_longer_kept_drifts() -> None:
    an_hour_ago = LastSynced(4 * HOUR, 20_000)
    found = how_good(replace(LOST, max_error_us=0), an_hour_ago)
    assert (found.quality, found.error_ms) == ("holdover", 20 + 1800)
    assert how_good(LOST, an_hour_ago).error_ms == 16_000, "the kernel's own bound is larger"
    assert how_good(replace(LOST, max_error_us=0), LastSynced(6 * HOUR, 20_000)).error_ms == 20


def test_when_it_was_last_synced_is_remembered_and_found_again_after_a_restart() -> None:
    before = LastSynced(1, 2)
    assert last_synced_of(KEPT, before, None) == LastSynced(5 * HOUR, 12_001)
    assert last_synced_of(LOST, before, NOTED) == before
    assert last_synced_of(LOST, None, NOTED) == LastSynced(5 * HOUR, 100_000)
    assert last_synced_of(LOST, None, replace(NOTED, quality="holdover")) == LastSynced(5 * HOUR, 100_000)
    assert last_synced_of(LOST, None, replace(NOTED, quality="unsynced")) is None
    assert last_synced_of(LOST, None, replace(NOTED, boot_id="before")) is None, "another boot: nothing is known"
    assert last_synced_of(LOST, None, None) is None


@pytest.mark.parametrize(
    ("noted", "now", "low_seconds", "why"),
    [
        (None, GOOD, 0, Noting("boot")),
        (replace(NOTED, boot_id="before", offset_us=0), GOOD, 0, Noting("boot")),
        (NOTED, GOOD, 0, None),
        (NOTED, replace(GOOD, quality="holdover"), 0, Noting("quality")),
        (replace(NOTED, offset_us=KEPT.offset_us - 500_000), GOOD, 0, None),
        (replace(NOTED, offset_us=KEPT.offset_us - 500_001), GOOD, 0, Noting("step", 500_001)),
        (replace(NOTED, offset_us=KEPT.offset_us + 500_001), GOOD, 0, Noting("step", -500_001)),
        (NOTED, replace(GOOD, error_ms=199), 0, None),
        (NOTED, replace(GOOD, error_ms=200), 0, Noting("error")),
        (replace(NOTED, error_ms=1), replace(GOOD, error_ms=9), 0, None),
        (replace(NOTED, error_ms=1), replace(GOOD, error_ms=10), 0, Noting("error")),
        (NOTED, replace(GOOD, error_ms=49), 3599, None),
        (NOTED, replace(GOOD, error_ms=49), 3600, Noting("settled")),
        (NOTED, replace(GOOD, error_ms=50), 3600, None),
        (replace(NOTED, error_ms=9), replace(GOOD, error_ms=1), 3600, None),
    ],
)
def test_what_is_news(noted: ClockState | None, now: ClockQuality, low_seconds: float, why: Noting | None) -> None:
    assert why_note(noted, KEPT, now, low_seconds=low_seconds) == why


def test_nothing_noted_is_not_low() -> None:
    assert not is_low(None, GOOD)


def test_the_monotonic_time_of_what_was_recorded() -> None:
    assert NOTED.monotonic_ms(KEPT.offset_us + 5_999) == 5
