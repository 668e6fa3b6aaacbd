"""Shares are weighted max-min fair: held beside a linear program that raises the poorest, fixes them, and goes on."""

from __future__ import annotations

from random import Random

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gateway.rules.load_allocation import Candidate, Wish, admit, even_out, share_out
from tests.properties.examples import examples

seeds = st.integers(min_value=0, max_value=2**32)


def random_wishes(chance: Random) -> tuple[list[Wish], list[float]]:
    """Wishes whose least amounts fit."""
    room = [chance.uniform(5, 120) for _ in range(chance.randint(1, 9))]
    wishes = []
    for number in range(chance.randint(1, 14)):
        rows = tuple(sorted(chance.choices(range(len(room)), k=chance.randint(1, 4))))
        least = chance.choice((0.0, 6.0, 8.0))
        most = least + chance.choice((0.0, 10.0, chance.uniform(0, 40)))
        wishes.append(Wish(f"c{number}", least, most, rows, chance.choice((1.0, 1.0, 2.0, 0.5))))
    candidates = [Candidate(wish.key, (0.0,), wish.least, wish.rows) for wish in wishes]
    let_in = set(admit(candidates, room).admitted)
    return [wish for wish in wishes if wish.key in let_in], room


def fair_by_linear_programs(wishes: list[Wish], room: list[float]) -> numpy.ndarray:
    """Raise the lowest amperes per weight as far as possible, fix who cannot rise further, repeat."""
    count = len(wishes)
    incidence = numpy.array([[wish.rows.count(row) for wish in wishes] for row in range(len(room))], float)
    bounds = [(wish.least, wish.most) for wish in wishes]
    fixed: dict[int, float] = {}
    while len(fixed) < count:
        limits = [(fixed[i], fixed[i]) if i in fixed else bounds[i] for i in range(count)]
        free = [i for i in range(count) if i not in fixed]
        level_rows = numpy.zeros((len(free), count + 1))
        for place, i in enumerate(free):
            level_rows[place, i], level_rows[place, count] = -1.0, wishes[i].weight
        upper = numpy.vstack([numpy.hstack([incidence, numpy.zeros((len(room), 1))]), level_rows])
        right = numpy.concatenate([room, numpy.zeros(len(free))])
        goal = numpy.zeros(count + 1)
        goal[count] = -1.0
        level = linprog(goal, upper, right, bounds=[*limits, (0, 1e4)]).x[count]
        stuck = []
        for i in free:
            goal = numpy.zeros(count + 1)
            goal[i] = -1.0
            highest = linprog(goal, upper, right, bounds=[*limits, (level - 1e-9, level - 1e-9)]).x[i]
            if highest <= wishes[i].weight * level + 1e-6:
                # never a hair above the level: of several that are stuck together each alone might have it
                stuck.append((i, min(highest, max(wishes[i].least, wishes[i].weight * (level - 1e-9)))))
        fixed |= dict(stuck)
        if not stuck:  # the level is held by the least amounts of others: nobody below can rise
            break
    return numpy.array([fixed[i] for i in range(count)])


@pytest.mark.slow
@settings(max_examples=examples(150), deadline=None, derandomize=True)
@example(207889572)
@given(seeds)
def test_shares_are_those_of_the_linear_program(seed: int) -> None:
    wishes, room = random_wishes(Random(seed))
    if wishes:
        shares = share_out(wishes, room)
        ours = numpy.array([shares[wish.key].amps for wish in wishes])
        assert numpy.allclose(ours, fair_by_linear_programs(wishes, room), atol=1e-5)


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(seeds)
def test_no_row_is_exceeded_and_who_has_less_than_the_most_is_held_by_a_full_row(seed: int) -> None:
    wishes, room = random_wishes(Random(seed))
    shares = share_out(wishes, room)
    used = [sum(shares[wish.key].amps * wish.rows.count(row) for wish in wishes) for row in range(len(room))]
    assert all(amps <= limit + 1e-6 for amps, limit in zip(used, room, strict=True))
    for wish in wishes:
        share = shares[wish.key]
        assert wish.least - 1e-9 <= share.amps <= wish.most + 1e-9
        if share.row is None:
            assert share.amps == wish.most
        else:
            assert abs(used[share.row] - room[share.row]) < 1e-6 and share.row in wish.rows


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(seeds)
def test_the_order_of_wishes_means_nothing(seed: int) -> None:
    chance = Random(seed)
    wishes, room = random_wishes(chance)
    assert share_out(wishes, room) == share_out(chance.sample(wishes, len(wishes)), room)


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(seeds)
def test_who_is_let_in_by_need_fits_and_has_its_least_and_no_more_than_its_need(seed: int) -> None:
    chance = Random(seed)
    wishes, room = random_wishes(chance)
    needs = [chance.choice((0.0, chance.uniform(0, 30))) for _ in wishes]
    candidates = [
        Candidate(wish.key, (float(place),), wish.least, wish.rows, need=need)
        for place, (wish, need) in enumerate(zip(wishes, needs, strict=True))
    ]
    admission = admit(candidates, room)
    let_in = admission.admitted
    assert not let_in.keys() & admission.refused.keys()
    assert let_in.keys() | admission.refused.keys() == {each.key for each in candidates}
    used = [sum(let_in.get(wish.key, 0.0) * wish.rows.count(row) for wish in wishes) for row in range(len(room))]
    assert all(abs(limit - amps - left) < 1e-6 for amps, limit, left in zip(used, room, admission.left, strict=True))
    assert all(amps <= limit + 1e-6 for amps, limit in zip(used, room, strict=True))
    for each in candidates:
        assert each.least <= let_in.get(each.key, each.least) <= max(each.least, each.need) + 1e-9


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(seeds)
def test_phases_are_evened_out_and_nobody_is_raised(seed: int) -> None:
    chance = Random(seed)
    keys = [f"c{number}" for number in range(chance.randint(1, 8))]
    before = {key: chance.choice((0.0, 6.0, chance.uniform(6, 32))) for key in keys}
    least = dict.fromkeys(keys, 6.0)
    phases = {key: tuple(sorted(chance.sample((0, 1, 2), chance.choice((1, 1, 2))))) for key in keys}
    after = even_out(before, least, phases, 20.0)
    loads = [sum(amps for key, amps in after.items() if phase in phases[key]) for phase in (0, 1, 2)]
    assert max(loads) - min(loads) <= 20.0 + 1e-6
    assert all(after[key] <= before[key] and (after[key] == 0 or after[key] >= 6.0 - 1e-6) for key in keys)
