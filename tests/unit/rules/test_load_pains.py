"""What users of other load managers suffered from, as pictures; each test names the public thread."""

from __future__ import annotations

from dataclasses import replace

from gateway.model.load_memory import Memory
from gateway.model.site_picture import SessionFacts
from gateway.rules.balance import decide
from tests.unit.rules.load_pictures import MAIN, METERED, charging, decided, outlet, picture, reading, sent

NEW = charging(1, None, session=SessionFacts("one", 5.0), measured_amps=(0.0,) * 3)


def after_meter_loss(seconds: float, cap: float, fuse: float) -> dict[int, tuple[str, float]]:
    """What is sent so long after the meter's last word (20 A of background), with one car at `cap`."""
    circuit = replace(METERED, limit_amps=(fuse,) * 3)
    first = picture(charging(1, cap), circuits=(circuit,), readings=(reading(20.0 + cap),))
    memory, _ = decide(first, Memory())
    later = replace(first, at_seconds=first.at_seconds + seconds, readings=(reading(20.0 + cap, age=seconds),))
    return sent(decide(later, memory)[1])


def test_evcc_14248_the_grid_meter_is_lost_and_a_charger_keeps_its_current() -> None:
    assert after_meter_loss(31.0, 16.0, fuse=40.0) == {1: ("decrease", 7.0)}  # 40 - 1 - 30 at worst - 2


def test_evcc_22839_a_meter_error_makes_no_charger_jump_to_its_maximum() -> None:
    assert after_meter_loss(10.0, 16.0, fuse=44.0) == {}
    nonsense = picture(charging(1, 10.0), circuits=(METERED,), readings=(reading(float("nan")),))
    assert sent(decided(nonsense)) == {1: ("increase", 30.0)}  # never more than beside the worst background


def test_evcc_15733_a_missing_meter_does_not_end_all_charging() -> None:
    assert sent(decided(picture(NEW, circuits=(METERED,)))) == {1: ("start", 30.0)}


def test_evcc_26380_cars_that_start_in_the_same_second_do_not_count_the_same_room_twice() -> None:
    decision = decided(picture(NEW, replace(NEW, connector=2), replace(NEW, connector=3)))
    assert sent(decision) == {1: ("start", 10.5), 2: ("start", 10.5), 3: ("start", 10.5)}
    assert decision.within_limits


def test_evcc_18522_26037_three_one_phase_cars_on_three_phases_are_not_48_amperes() -> None:
    outlets = tuple(outlet(n, phase_rotation=str(n), max_amps=16.0) for n in (1, 2, 3))
    cars = tuple(replace(NEW, connector=n, measured_amps=(0.0,)) for n in (1, 2, 3))
    decision = decided(picture(*cars, outlets=outlets, circuits=(replace(MAIN, limit_amps=(17.0,) * 3),)))
    assert sent(decision) == dict.fromkeys((1, 2, 3), ("start", 16.0))


def test_evcc_29532_a_car_is_not_stopped_for_a_phase_that_it_does_not_use() -> None:
    full = replace(MAIN, limit_amps=(2.0, 2.0, 20.0))
    decision = decided(picture(charging(1, 16.0), outlets=(outlet(phase_rotation="3"),), circuits=(full,)))
    assert decision.connectors[0].planned_amps == 19.5


def test_evcc_18263_cars_are_throttled_before_any_is_paused() -> None:
    small = replace(MAIN, limit_amps=(19.0,) * 3)
    decision = decided(picture(charging(1, 16.0), charging(2, 16.0), charging(3, 16.0), circuits=(small,)))
    assert sent(decision) == {1: ("decrease", 6.0), 2: ("decrease", 6.0), 3: ("decrease", 6.0)}


def test_evcc_8018_after_a_power_outage_no_car_charges_at_full_load() -> None:
    """All sessions are as old as the outage is over, no lease is known: fallbacks are assumed, the sum fits."""
    woken = tuple(charging(n, None, session=SessionFacts("new", 1190.0), measured_amps=(6.0,) * 3) for n in (1, 2, 3))
    decision = decided(picture(*woken))
    assert [each.worst_amps for each in decision.connectors] == [10.5, 10.5, 10.5] and decision.within_limits


def test_lbbrhzn_492_a_zero_that_never_reached_the_station_is_not_believed() -> None:
    lost = charging(1, 16.0)
    assert lost.lease is not None
    unanswered = replace(lost, lease=replace(lost.lease, pending_amps=0.0, pending_age_seconds=12.0))
    decision = decided(
        picture(unanswered, replace(NEW, connector=2), circuits=(replace(MAIN, limit_amps=(20.0,) * 3),))
    )
    assert decision.connectors[0].worst_amps == 16.0 and 2 not in sent(decision)
