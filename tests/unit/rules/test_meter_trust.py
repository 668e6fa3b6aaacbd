"""What a reading is worth: one line per way in which a meter can mislead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.instants import Instant
from gateway.model.meters import UNKNOWN, Heard, Measured, Phases, Reading
from gateway.rules.meter_trust import Expectations, amps_by_phase, how_trusted, misses_cars

GOOD = Measured((10.0, 8.0, 0.2), (230.0, 231.0, 229.0), (2300.0, 1848.0, 46.0), 4194.0)
FUSED = Expectations(interval_seconds=1, fuse_amps=63)


def heard(measured: Measured = GOOD, *, at: float = 1000.0, unchanged: float | None = None, **more: object) -> Heard:
    since = at if unchanged is None else unchanged
    return Heard(Reading(measured, Instant(0), at), unchanged_since=since, **more)  # type: ignore[arg-type]


def worth(what: Heard, now: float = 1000.5, expected: Expectations = FUSED) -> tuple[str, str | None]:
    judged = how_trusted(what, expected, now)
    return judged.trust, judged.reason


def test_a_good_reading_is_fresh_and_has_its_age() -> None:
    judged = how_trusted(heard(), FUSED, 1000.5)
    assert (judged.trust, judged.reason, judged.age_seconds) == ("fresh", None, 0.5)
    assert judged.reading is not None and judged.reading.measured is GOOD


def test_nothing_read_yet_is_missing_with_what_the_tries_met() -> None:
    assert worth(Heard()) == ("missing", "no reading yet")
    assert worth(Heard(failure="/dev/ttyUSB0 is not there")) == ("missing", "/dev/ttyUSB0 is not there")
    assert how_trusted(Heard(), FUSED, 0).age_seconds is None


@pytest.mark.parametrize(
    ("interval", "age", "trust"),
    [
        (1, 5.0, "fresh"), (1, 5.1, "stale"), (1, 30.0, "stale"), (1, 30.1, "missing"),
        (10, 30.0, "fresh"), (10, 30.1, "stale"), (10, 100.1, "missing"),
    ],
)  # fmt: skip
def test_age(interval: float, age: float, trust: str) -> None:
    expected = replace(FUSED, interval_seconds=interval)
    assert worth(heard(at=0), age, expected)[0] == trust


def test_an_old_reading_says_why_there_is_no_newer_one() -> None:
    assert worth(heard(at=0), 7) == ("stale", "the newest reading is 7 s old: the meter is silent")
    assert worth(heard(at=0, failure="busy"), 7) == ("stale", "the newest reading is 7 s old: busy")
    assert worth(heard(at=0), 40) == ("missing", "no reading for 40 s: the meter is silent")
    assert worth(heard(at=0, failure="busy"), 40) == ("missing", "no reading for 40 s: busy")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amps": (10.0, None, 1.0)}, "phase 2: no current is told"),
        ({"amps": UNKNOWN}, "the meter tells no currents"),
        ({"amps": (10.0, 127.0, 1.0)}, "phase 2: 127 A is more than twice the limit of 63 A"),
        ({"amps": (-127.0, 1.0, 1.0)}, "phase 1: 127 A is more than twice the limit of 63 A"),
        ({"volts": (230.0, 230.0, 0.0)}, "phase 3: 0 V: a fuse of the meter or a wire is gone"),
        ({"volts": (0.0, 0.0, 230.0)}, "phase 1: 0 V: a fuse of the meter or a wire is gone"),
        ({"volts": (17254.0, 230.0, 230.0)}, "phase 1: 17254 V cannot be: is it the right model?"),
        ({"total_watts": 1e6}, "1000 kW is more than twice what 63 A can carry"),
    ],
)
def test_what_cannot_be_is_out_of_scale(change: dict[str, object], reason: str) -> None:
    assert worth(heard(replace(GOOD, **change))) == ("out_of_scale", reason)  # type: ignore[arg-type]


def test_what_cannot_be_is_told_also_of_a_stale_reading() -> None:
    assert worth(heard(replace(GOOD, volts=(230.0, 0.0, 230.0)), at=0), 10)[0] == "out_of_scale"


@pytest.mark.parametrize(
    "measured",
    [
        replace(GOOD, amps=(126.0, 8.0, 0.0)),
        replace(GOOD, volts=UNKNOWN),
        replace(GOOD, total_watts=None),
        replace(GOOD, amps=(10.0, 0.0, 0.0), volts=(230.0, 0.0, 0.0)),  # one phase connected
        replace(GOOD, amps=(10.0, None, None), volts=(230.0, None, None)),
        replace(GOOD, volts=(0.0, 0.0, 0.0), watts=(0.0, 0.0, 0.0)),  # it does not measure voltage
    ],
)
def test_what_can_be_is_fresh(measured: Measured) -> None:
    assert worth(heard(measured)) == ("fresh", None)


def test_without_a_fuse_no_current_is_too_large() -> None:
    expected = Expectations(interval_seconds=1)
    assert worth(heard(replace(GOOD, amps=(900.0, 8.0, 0.0), total_watts=1e6)), expected=expected)[0] == "fresh"


def test_a_meter_without_phase_currents_owes_none() -> None:
    expected = replace(FUSED, phase_currents=False)
    assert worth(heard(Measured(total_watts=500.0)), expected=expected) == ("fresh", None)
    assert worth(heard(Measured(volts=(230.0, 230.0, 230.0))), expected=expected) == ("fresh", None)


def test_under_load_nothing_stays_exactly_the_same() -> None:
    assert worth(heard(unchanged=940.0)) == ("fresh", None)
    assert worth(heard(unchanged=939.0)) == (
        "frozen", "under load every value has been exactly the same for 61 s",
    )  # fmt: skip
    assert (
        worth(heard(Measured(total_watts=150.0), unchanged=900.0), expected=replace(FUSED, phase_currents=False))[0]
        == "frozen"
    )
    assert worth(heard(unchanged=920.0), expected=replace(FUSED, interval_seconds=10)) == ("fresh", None)


def test_without_load_it_may() -> None:
    idle = replace(GOOD, amps=(0.0, 0.0, 0.0), watts=(0.0, 0.0, 0.0), total_watts=0.0)
    assert worth(heard(idle, unchanged=0.0)) == ("fresh", None)
    assert worth(heard(replace(idle, total_watts=None), unchanged=0.0)) == ("fresh", None)


def test_feeding_out_where_nothing_generates_is_a_turned_transformer() -> None:
    outward = heard(replace(GOOD, amps=(10.0, -8.0, 0.2)), outward_since=(None, 980.0, None))
    assert worth(outward) == ("fresh", None)
    trust, reason = worth(outward, expected=replace(FUSED, may_export=False))
    assert trust == "reversed" and reason is not None and reason.startswith("phase 2 feeds out 8.0 A although")
    soon = replace(outward, outward_since=(None, 995.0, None))
    assert worth(soon, expected=replace(FUSED, may_export=False)) == ("fresh", None)
    unknown = replace(outward, reading=replace(outward.reading, measured=Measured((None, None, 1.0))))  # type: ignore[type-var]
    assert worth(unknown, expected=replace(FUSED, may_export=False))[0] == "reversed"


@pytest.mark.parametrize(
    ("amps", "drawn", "missed"),
    [
        ((0.0, 0.0, 0.0), (60.0, 60.0, 60.0), True),
        ((80.0, 0.3, 80.0), (60.0, 60.0, 60.0), True),
        ((80.0, 6.1, 80.0), (60.0, 60.0, 60.0), False),
        ((80.0, None, 80.0), (60.0, 60.0, 60.0), False),
        ((0.0, 0.0, 0.0), (10.0, 10.0, 10.0), False),
        ((26.0, 10.0, 10.0), (16.0, 16.0, 16.0), False),
    ],
)
def test_a_meter_must_see_something_of_what_cars_draw(
    amps: Phases, drawn: tuple[float, float, float], missed: bool
) -> None:
    assert misses_cars(amps, drawn) is missed


def test_what_a_meter_does_not_tell_by_phase_may_flow_in_any() -> None:
    assert amps_by_phase(GOOD) == (10.0, 8.0, 0.2)
    assert amps_by_phase(Measured(total_watts=2300.0)) == (10.0, 10.0, 10.0)
    assert amps_by_phase(Measured()) == UNKNOWN
