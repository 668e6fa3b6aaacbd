"""Shares and admission by hand-made cases; the properties are in tests/properties."""

from __future__ import annotations

from gateway.rules.load_allocation import (
    Admission,
    Candidate,
    Share,
    Wish,
    admit,
    even_out,
    share_out,
    whole_steps,
)


def test_equal_wishes_get_equal_shares_and_the_modest_leave_theirs_to_others() -> None:
    shares = share_out([Wish("a", 6, 32, (0,)), Wish("b", 6, 32, (0,)), Wish("c", 6, 8, (0,))], [40.0])
    assert shares == {"a": Share(16.0, 0), "b": Share(16.0, 0), "c": Share(8.0, None)}


def test_weights_count_above_the_least() -> None:
    shares = share_out([Wish("a", 6, 32, (0,), 2.0), Wish("b", 6, 32, (0,))], [30.0])
    assert (shares["a"].amps, shares["b"].amps) == (20.0, 10.0)


def test_a_single_phase_car_is_not_held_by_another_phase() -> None:
    shares = share_out([Wish("three", 6, 32, (0, 1, 2)), Wish("one", 6, 32, (1,))], [10.0, 40.0, 40.0])
    assert shares == {"one": Share(30.0, 1), "three": Share(10.0, 0)} or shares["one"].amps == 30.0


def test_who_has_a_high_least_keeps_it_when_the_row_is_full_below_it() -> None:
    shares = share_out([Wish("a", 13, 32, (0,)), Wish("b", 6, 32, (0,))], [20.0])
    assert shares == {"a": Share(13, 0), "b": Share(7.0, 0)}


def test_everybody_keeps_the_least_even_without_room() -> None:
    assert share_out([Wish("a", 6, 32, (0,)), Wish("b", 8, 32, (0,))], [10.0])["b"].amps == 8


def test_a_row_named_twice_counts_twice() -> None:
    assert share_out([Wish("a", 6, 32, (0, 0))], [20.0])["a"].amps == 10.0
    twice = Candidate("a", (0.0,), 6, (0, 0))
    assert admit([twice], [12.0]).admitted == {"a": 6}
    assert admit([twice, Candidate("b", (1.0,), 6, (0,))], [11.0]) == Admission({"b": 6}, {"a": 0}, [5.0])


def test_who_needs_more_than_its_least_is_let_in_with_as_much_of_it_as_there_is() -> None:
    needs = {"a": 10.0, "b": 9.0, "c": 1.0, "d": 32.0}
    names = [Candidate(name, (place,), 6, (0, 0), need=need) for place, (name, need) in enumerate(needs.items())]
    admission = admit(names, [64.0])
    assert admission == Admission({"a": 10.0, "b": 9.0, "c": 6.0, "d": 7.0}, {}, [0.0])
    assert admit(names, [30.0]).admitted == {"a": 10.0} and admit(names, [33.0]).admitted == {"a": 10.0, "b": 6.5}


def test_a_car_on_no_row_gets_its_most() -> None:
    assert share_out([Wish("a", 6, 32, ())], [])["a"] == Share(32, None)
    assert admit([Candidate("a", (0.0,), 6, (), need=9.0)], []).admitted == {"a": 9.0}


def test_admission_follows_the_order_and_skips_who_does_not_fit() -> None:
    waiting = [
        Candidate("late", (1.0,), 6, (0,)),
        Candidate("large", (0.5,), 8, (0,)),
        Candidate("first", (0.0,), 6, (0,)),
    ]
    admission = admit(waiting, [13.0])
    assert (list(admission.admitted), admission.refused, admission.left) == (["first", "late"], {"large": 0}, [1.0])


def test_who_is_off_must_find_some_room_beyond_what_it_takes() -> None:
    assert admit([Candidate("a", (0.0,), 6, (0,), 3.0)], [8.0]).refused == {"a": 0}


def test_the_highest_share_on_the_fullest_phase_is_lowered_first_then_somebody_pauses() -> None:
    phases = {"a": (0,), "b": (0,)}
    assert even_out({"a": 16.0, "b": 10.0}, {"a": 6.0, "b": 6.0}, phases, 20.0) == {"a": 10.0, "b": 10.0}
    assert even_out({"a": 12.0, "b": 12.0}, {"a": 12.0, "b": 12.0}, phases, 20.0) == {"a": 12.0, "b": 0.0}
    assert even_out({}, {}, {}, 20.0) == {}
    assert even_out({"a": 0.0}, {"a": 6.0}, phases, -1.0) == {"a": 0.0}


def test_steps_are_whole_and_never_above() -> None:
    assert [whole_steps(7.79, 0.5), whole_steps(0.3, 0.1), whole_steps(7.99, 1.0)] == [7.5, 0.3, 7.0]
