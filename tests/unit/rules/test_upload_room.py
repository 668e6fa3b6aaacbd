"""Which uploads go for a new one: the oldest, the station's own first, and nobody's below its share."""

from __future__ import annotations

import pytest

from gateway.rules.upload_room import Arriving, Budget, Held, NotTaken, room_for

BUDGET = Budget(one_file=50, one_station=60, all_stations=100)


def held(upload_id: int, station: str, size: int, *, link: int = 0, awaited: bool = False) -> Held:
    return Held(upload_id, station, link or upload_id, size, awaited)


def test_what_fits_costs_nobody_anything() -> None:
    assert room_for(Arriving("A", 9, 50), [held(1, "A", 10), held(2, "B", 40)], BUDGET) == ()


def test_an_empty_file_fits_always() -> None:
    assert room_for(Arriving("A", 9, 0), [held(1, "A", 60), held(2, "B", 40)], BUDGET) == ()


@pytest.mark.parametrize(
    "budget", [Budget(10, 60, 100), Budget(50, 10, 100), Budget(50, 60, 10)], ids=["file", "station", "all"]
)
def test_a_file_that_is_larger_than_a_budget_is_not_taken(budget: Budget) -> None:
    assert isinstance(room_for(Arriving("A", 9, 11), [], budget), NotTaken)
    assert room_for(Arriving("A", 9, 10), [], budget) == ()


def test_a_station_over_its_budget_loses_its_own_oldest() -> None:
    kept = [held(1, "B", 5), held(2, "A", 30), held(3, "A", 30)]
    assert room_for(Arriving("A", 9, 20), kept, BUDGET) == (2,)
    assert room_for(Arriving("A", 9, 40), kept, BUDGET) == (2, 3)


def test_of_all_the_oldest_of_those_above_their_share_go() -> None:
    kept = [held(1, "B", 20), held(2, "A", 30), held(3, "A", 30), held(4, "C", 10)]
    # shares of 25: only A holds more
    assert room_for(Arriving("D", 9, 15), kept, BUDGET) == (2,)


def test_a_station_within_its_share_loses_nothing_for_another() -> None:
    kept = [held(1, "B", 48), held(2, "A", 40)]
    assert room_for(Arriving("A", 9, 15), kept, BUDGET) == (2,)
    assert isinstance(room_for(Arriving("A", 9, 50), [held(1, "B", 30), held(2, "C", 30)], BUDGET), NotTaken)


def test_what_a_fleet_manager_waits_for_goes_last() -> None:
    kept = [held(1, "A", 30, awaited=True), held(2, "A", 30)]
    assert room_for(Arriving("A", 9, 20), kept, BUDGET) == (2,)
    assert room_for(Arriving("A", 9, 40), kept, BUDGET) == (2, 1)


def test_of_one_link_only_so_many_are_taken() -> None:
    budget = Budget(50, 60, 100, files_per_link=2)
    assert room_for(Arriving("A", 7, 0), [held(1, "A", 0, link=7)], budget) == ()
    assert isinstance(
        room_for(Arriving("A", 7, 0), [held(1, "A", 0, link=7), held(2, "A", 0, link=7)], budget), NotTaken
    )


def test_a_full_disk_costs_the_oldest_of_anybody() -> None:
    kept = [held(1, "B", 10), held(2, "C", 10), held(3, "A", 10)]
    assert room_for(Arriving("A", 9, 5), kept, Budget(50, 60, 100, lacking=15)) == (1, 2)
    assert isinstance(room_for(Arriving("A", 9, 5), kept, Budget(50, 60, 100, lacking=31)), NotTaken)
