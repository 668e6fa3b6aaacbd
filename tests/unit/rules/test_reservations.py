"""What becomes of reservations: every branch of the rules, with made-up reservations of one station."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, FoldedTag, StationId, fold_tag
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.model.reservations import Reservation
from gateway.rules import reservations as rules
from gateway.rules.reservations import Claim, Status

NOW = Instant(1_800_000_000 * SECOND)
ASKED = seconds_later(NOW, -600)


def held(number: int = 1, connector: int = 1, tag: str = "Tag", **more: Any) -> Reservation:
    """One in force until in an hour, asked for ten minutes ago; its id is its number unless told otherwise."""
    facts: dict[str, Any] = {
        "number": number,
        "station": StationId("CP-1"),
        "reservation_id": number,
        "connector": ConnectorId(connector),
        "id_tag": tag,
        "folded_tag": fold_tag(tag),
        "parent_id_tag": None,
        "expiry_at": seconds_later(NOW, 3600),
        "asked_at": ASKED,
        "standing": "in_force",
    }
    return Reservation(**{**facts, **more})


def claim(
    tag: str = "TAG", connector: int = 1, told: int | None = None, *, parent: str | None = None, ago: float = 0
) -> Claim:
    folded = None if parent is None else fold_tag(parent)
    return Claim(ConnectorId(connector), FoldedTag(fold_tag(tag)), folded, told, seconds_later(NOW, -ago), NOW)


def told(connector: int, status: str, *, ago: float = 0, alone: bool = False) -> Status:
    return Status(connector, status, seconds_later(NOW, -ago), alone, NOW)


def ended(number: int = 1, why: str = "expired", **more: Any) -> Reservation:
    return held(number, standing="ended", ended_why=why, ended_at=NOW, **more)


@pytest.mark.parametrize(
    ("status", "answer", "made", "cancelled"),
    [
        ("answered", "Accepted", "made", "cancelled"),
        ("answered", "Rejected", "never", "unknown_to_station"),
        ("answered", None, "uncertain", "uncertain"),
        ("unanswered", None, "uncertain", "uncertain"),
        ("call_error", None, "never", None),
        ("not_connected", None, "never", None),
        ("refused", None, "never", None),
    ],
)
def test_what_an_answer_means(status: str, answer: str | None, made: str, cancelled: str | None) -> None:
    assert rules.what_was_made(status, answer) == made
    assert rules.what_was_cancelled(status, answer) == cancelled


def test_without_an_end_a_reservation_is_believed_for_a_day() -> None:
    assert rules.end_of(NOW, asked_at=ASKED) == NOW
    assert rules.end_of(None, asked_at=NOW) == seconds_later(NOW, 86_400)


class TestUse:
    @pytest.mark.parametrize("standing", ["asked", "uncertain", "in_force"])
    def test_by_its_id_whoever_and_wherever(self, standing: str) -> None:
        one = held(7, connector=2, standing=standing)
        assert rules.which_is_used(claim("other", connector=1, told=7), [held(6, tag="x"), one]) == one

    @pytest.mark.parametrize(
        ("one", "is_used"),
        [
            (held(7, standing="used", ended_at=NOW), False),
            (ended(7, "cancelled"), True),
            (ended(7, "cancelled", expiry_at=seconds_later(NOW, -3600)), True),
            (
                ended(7, "cancelled", expiry_at=seconds_later(NOW, -3600))._replace(ended_at=seconds_later(NOW, -301)),
                False,
            ),
        ],
    )
    def test_by_its_id_after_its_end(self, one: Reservation, is_used: bool) -> None:
        assert rules.which_is_used(claim("other", told=7), [one]) == (one if is_used else None)

    def test_of_two_with_one_id_the_one_that_stood_then(self) -> None:
        old = ended(1, "replaced", reservation_id=7)
        new = held(2, connector=2, reservation_id=7, asked_at=seconds_later(NOW, -60))
        assert rules.which_is_used(claim("other", told=7, ago=300), [old, new]) == old
        assert rules.which_is_used(claim("other", told=7), [old, new]) == new
        assert rules.which_is_used(claim("other", told=7, ago=7200), [old, new]) == new, "its clock is slow"
        assert rules.which_is_used(claim("other", told=7, ago=7200), [old]) is None

    def test_zero_is_none_unless_there_is_one_in_this_place(self) -> None:
        zero = held(3, reservation_id=0)
        assert rules.which_is_used(claim("other", told=0), [held(1)]) is None
        assert rules.which_is_used(claim("other", told=0), [held(1), zero]) == zero
        assert rules.which_is_used(claim("other", told=0, connector=2), [zero]) is None
        assert rules.which_is_used(claim("other", told=0), [ended(3, reservation_id=0)]) is None
        assert rules.which_is_used(claim(told=0), [held(1)]) == held(1)

    @pytest.mark.parametrize(
        ("facts", "asked", "is_used"),
        [
            ({}, claim(), True),
            ({"connector": 0}, claim(connector=2), True),
            ({"connector": 1}, claim(connector=2), False),
            ({}, claim("other"), False),
            ({"parent_id_tag": "Group"}, claim("other", parent="GROUP"), True),
            ({"parent_id_tag": "Group"}, claim("other"), False),
            ({"parent_id_tag": "Group"}, claim("group"), False),
            ({}, claim("other", parent="TAG"), False),
            ({}, claim(ago=604), True),
            ({}, claim(ago=606), False),
            ({"asked_at": seconds_later(NOW, 3600)}, claim(ago=606), True),
            ({"standing": "used", "ended_at": NOW}, claim(), False),
            ({"standing": "ended", "ended_why": "cancelled", "ended_at": NOW}, claim(), False),
            ({"standing": "ended", "ended_why": "expired", "ended_at": NOW}, claim(), True),
            ({"standing": "ended", "ended_why": "expired", "ended_at": NOW, "expiry_at": NOW}, claim(), False),
            ({"standing": "ended", "ended_why": "expired", "ended_at": NOW, "expiry_at": NOW}, claim(ago=1), True),
        ],
    )
    def test_by_place_time_and_tag(self, facts: dict[str, Any], asked: Claim, is_used: bool) -> None:
        one = held(**facts)
        assert rules.which_is_used(asked, [one]) == (one if is_used else None)
        assert rules.which_is_used(asked._replace(told_id=99), [one]) == (one if is_used else None)

    def test_of_several_the_surest_nearest_and_oldest(self) -> None:
        uncertain, whole = held(1, standing="uncertain"), held(2, connector=0)
        group, own, later = held(3, tag="x", parent_id_tag="G"), held(4), held(5)
        several = [uncertain, whole, group, own, later]
        for best in (own, later, group, whole, uncertain):
            assert rules.which_is_used(claim(parent="g"), several) == best
            several.remove(best)
        assert rules.which_is_used(claim(), several) is None

    def test_who_is_passed_over(self) -> None:
        one = held(1)
        assert rules.which_are_passed_over(claim("other"), [one, held(2, connector=0), held(3, connector=2)]) == [one]
        assert rules.which_are_passed_over(claim("other"), [held(1, standing="uncertain")]) == []
        assert rules.which_are_passed_over(claim("other", ago=3600), [one]) == []


class TestStatus:
    @pytest.mark.parametrize(("shown_on", "standing", "frees"), [
        (1, "in_force", True), (1, "uncertain", True), (1, "asked", False),
        (None, "in_force", False), (2, "in_force", False),
    ])  # fmt: skip
    def test_available_ends_what_was_shown_there(self, shown_on: int | None, standing: str, frees: bool) -> None:
        one = held(shown_on=shown_on, standing=standing)
        assert rules.what_it_tells(told(1, "Available", ago=9999), [one]) == ([(one, "freed")] if frees else [])

    @pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
    @pytest.mark.parametrize(
        ("one", "where", "alone", "strikes"),
        [
            (held(connector=1), 1, False, True),
            (held(connector=1), 0, False, True),
            (held(connector=1), 2, False, False),
            (held(connector=0), 0, False, True),
            (held(connector=0), 1, False, False),
            (held(connector=0), 1, True, True),
            (held(connector=1, standing="asked"), 1, False, False),
            (held(connector=1, standing="uncertain"), 1, False, True),
        ],
    )
    def test_out_of_service(self, status: str, one: Reservation, where: int, alone: bool, strikes: bool) -> None:
        expected = [(one, "out_of_service")] if strikes else []
        assert rules.what_it_tells(told(where, status, alone=alone), [one]) == expected
        assert rules.what_it_tells(told(where, status, alone=alone, ago=606), [one]) == []

    @pytest.mark.parametrize("status", ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Else"])
    def test_others_say_nothing(self, status: str) -> None:
        assert rules.what_it_tells(told(1, status), [held(shown_on=1)]) == []

    @pytest.mark.parametrize(
        ("one", "status", "expected"),
        [
            (held(), told(1, "Reserved"), ["shown"]),
            (held(standing="asked"), told(1, "Reserved"), ["shown"]),
            (held(standing="uncertain"), told(1, "Reserved"), ["confirmed", "shown"]),
            (held(standing="uncertain"), told(1, "Reserved", ago=606), []),
            (held(standing="uncertain"), told(2, "Reserved"), []),
            (held(connector=0, standing="uncertain"), told(2, "Reserved"), ["confirmed"]),
            (held(connector=0, standing="uncertain"), told(1, "Reserved", alone=True), ["confirmed", "shown"]),
            (held(connector=0), told(0, "Reserved"), ["shown"]),
            (held(connector=1), told(0, "Reserved"), []),
            (ended(why="freed"), told(1, "Reserved"), ["revived", "shown"]),
            (ended(why="freed"), told(2, "Reserved"), []),
            (ended(why="freed"), told(1, "Reserved", ago=606), []),
            (ended(why="freed", connector=0), told(1, "Reserved"), []),
        ],
    )
    def test_reserved(self, one: Reservation, status: Status, expected: list[str]) -> None:
        assert rules.what_it_tells(status, [one]) == [(one, said) for said in expected]

    @pytest.mark.parametrize("other", [held(2), held(2, standing="asked"), held(2, standing="uncertain", connector=0)])
    def test_reserved_that_another_explains_confirms_nothing(self, other: Reservation) -> None:
        doubtful = held(1, standing="uncertain")
        said = rules.what_it_tells(told(1, "Reserved"), [doubtful, other])
        assert not [what for _, what in said if what == "confirmed"]
        assert rules.what_it_tells(told(1, "Reserved"), [doubtful, other._replace(connector=ConnectorId(2))])[0] == (
            doubtful,
            "confirmed",
        )

    def test_the_newest_that_ended_is_revived_unless_its_id_stands_again(self) -> None:
        old, new = ended(1, "freed"), ended(2, "out_of_service")
        assert rules.what_it_tells(told(1, "Reserved"), [old, new]) == [(new, "revived"), (new, "shown")]
        elsewhere = held(3, connector=2, reservation_id=2)
        assert rules.what_it_tells(told(1, "Reserved"), [old, new, elsewhere]) == [(old, "revived"), (old, "shown")]
        assert rules.what_it_tells(told(1, "Reserved"), [old, new, held(3)]) == [(held(3), "shown")]

    def test_one_that_stood_here_explains_more_than_one_that_may_stand_anywhere(self) -> None:
        over, anywhere = ended(1, "freed"), held(2, connector=0, standing="uncertain")
        revived = [(over, "revived"), (over, "shown")]
        assert rules.what_it_tells(told(1, "Reserved"), [anywhere, over]) == revived
        assert rules.what_it_tells(told(1, "Reserved"), [anywhere._replace(standing="in_force"), over]) == []
        assert rules.what_it_tells(told(1, "Reserved", alone=True), [anywhere, over])[0] == (anywhere, "confirmed")

    def test_shown_before_the_answer_was_lost(self) -> None:
        one = held(1, standing="asked", shown_on=1)
        assert rules.is_confirmed(one, [one])
        assert not rules.is_confirmed(one._replace(shown_on=None), [one])
        assert not rules.is_confirmed(one, [one, held(2)])
        assert not rules.is_confirmed(one, [one, held(2, connector=0, standing="uncertain")])
        assert rules.is_confirmed(one, [one, held(2, connector=2), ended(3)])

    def test_what_replaces_another_is_shown_where_that_was(self) -> None:
        def says(*statuses: str) -> dict[int, ConnectorState]:
            return {number: ConnectorState(status, "NoError", NOW, NOW) for number, status in enumerate(statuses)}

        old, new = held(1, shown_on=1), held(2, shown_on=None)
        two = says("Available", "Reserved", "Available")
        assert rules.still_shown_on(new, [old], two) == 1
        assert rules.still_shown_on(new, [], two) is None
        assert rules.still_shown_on(new, [held(1)], two) is None
        assert rules.still_shown_on(new, [old], says("Available", "Available", "Reserved")) is None
        assert rules.still_shown_on(held(2, connector=2, shown_on=2), [old], two) == 2
        assert rules.still_shown_on(held(2, connector=0), [old], two) is None
        assert rules.still_shown_on(held(2, connector=0), [old], says("Available", "Reserved")) == 1


class TestTimeOfAStatus:
    def state(self, behind: float, *, ago: float = 0) -> ConnectorState:
        received_at = seconds_later(NOW, -ago)
        return ConnectorState("Available", "NoError", seconds_later(received_at, -behind), received_at)

    def confirms(self, state: ConnectorState, others: list[ConnectorState], one: Reservation) -> bool:
        """Whether this status Reserved is younger than a doubtful reservation."""
        connectors = dict(enumerate([state._replace(status="Reserved"), *others], 1))
        status = rules.status_of(1, connectors[1], connectors)
        return (one, "confirmed") in rules.what_it_tells(status, [one])

    def test_a_slow_clock_is_allowed_for(self) -> None:
        slow, doubtful = self.state(3600), held(standing="uncertain")
        assert self.confirms(slow, [], doubtful)
        assert self.confirms(slow, [slow], doubtful._replace(clock_lag=-3600 * SECOND))

    def test_a_message_that_came_late_is_told_from_a_slow_clock(self) -> None:
        late, prompt, doubtful = self.state(3600), self.state(2, ago=9000), held(standing="uncertain")
        assert not self.confirms(late, [prompt, late], doubtful), "by another that came in time"
        assert not self.confirms(late, [late, late], doubtful._replace(clock_lag=0)), "by what was known before"

    def test_no_status_is_from_the_future(self) -> None:
        ahead = self.state(-60)
        assert rules.clock_lag({1: ahead}) == 0
        assert rules.clock_lag({1: ahead, 2: self.state(5)}) == 0
        assert rules.clock_lag({}) is None
        assert rules.status_of(1, ahead, {}).alone
        assert self.confirms(ahead, [ahead], held(standing="uncertain"))


def test_after_a_boot() -> None:
    assert rules.next_free_shows_the_end(ConnectorId(2), [0, 1, 2]) == 2
    assert rules.next_free_shows_the_end(ConnectorId(0), [0, 1]) == 1
    assert rules.next_free_shows_the_end(ConnectorId(0), [0, 1, 2]) is None
    assert rules.next_free_shows_the_end(ConnectorId(0), []) is None
