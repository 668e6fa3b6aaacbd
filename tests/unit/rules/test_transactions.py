"""Which session a message is about, and what it changes."""

from __future__ import annotations

import pytest

from gateway.model.identities import ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import SECOND, Instant
from gateway.model.sessions import OrphanStop, Session, StartRequest, StopRequest
from gateway.rules.transactions import (
    GREATEST_TRANSACTION_ID,
    Closes,
    NewSession,
    Orphan,
    Recognised,
    Repeats,
    RepeatsOrphan,
    delivered_wh,
    floor_after,
    how_to_start,
    how_to_stop,
    is_abandoned,
    is_usable_id,
    reconstructed_stop,
    which_session,
)

T = Instant(1_800_000_000 * SECOND)
CP, OTHER = StationId("CP1"), StationId("CP2")
ONE, TWO = ConnectorId(1), ConnectorId(2)

START = StartRequest(CP, ONE, "Tag", FoldedTag("tag"), 1000, T, "2027-01-15T08:00:00Z", "m1")
SESSION = Session(
    TransactionId(7), CP, ONE, "Tag", FoldedTag("tag"), None, "Accepted", T, 1000, "m1", None, None, None, ("odd",)
)
ENDED = SESSION._replace(stop_source="station", stop_at=Instant(T + 60), meter_stop_wh=1500)
RECONSTRUCTED = ENDED._replace(stop_source="reconstructed", meter_stop_wh=1400)
ORPHAN = OrphanStop(TransactionId(9), "2027-01-15T09:00:00Z", 1500)
STOP = StopRequest(CP, 7, 1500, Instant(T + 60), "2027-01-15T09:00:00Z", "Local", anomalies=("late",))


class TestStart:
    def test_the_same_key_is_the_same_session(self) -> None:
        assert how_to_start(START, same_start=ENDED, open_here=()) == Recognised(ENDED)

    def test_the_same_message_is_the_same_session_though_its_time_moved(self) -> None:
        moved = START._replace(start_at=Instant(T + SECOND))
        assert how_to_start(moved, same_start=None, open_here=[SESSION]) == Recognised(SESSION)

    @pytest.mark.parametrize(
        "other",
        [
            START._replace(message_id="m2"),
            START._replace(folded_tag=FoldedTag("other")),
            START._replace(meter_start_wh=1001),
        ],
    )
    def test_another_start_ends_what_is_open_on_the_connector(self, other: StartRequest) -> None:
        assert how_to_start(other, same_start=None, open_here=[SESSION]) == NewSession((SESSION,))

    @pytest.mark.parametrize(("minutes", "same"), [(0, True), (15, True), (-15, True), (15.1, False), (-15.1, False)])
    def test_a_message_id_that_is_counted_from_1_again_hours_later_is_another_start(
        self, minutes: float, same: bool
    ) -> None:
        later = START._replace(start_at=Instant(T + round(minutes * 60 * SECOND)))
        decision = how_to_start(later, same_start=None, open_here=[SESSION])
        assert decision == (Recognised(SESSION) if same else NewSession((SESSION,)))

    @pytest.mark.parametrize("text", ["", "yesterday"])
    def test_a_time_that_cannot_be_read_is_the_same_in_each_try(self, text: str) -> None:
        session = SESSION._replace(start_text=text)
        again = START._replace(
            message_id="m2", start_text=text, start_at=Instant(T + 9999 * SECOND), anomalies=("unreadable_timestamp",)
        )
        assert how_to_start(again, same_start=None, open_here=[session]) == Recognised(session)
        for other in (
            again._replace(start_text=f"{text}?"),
            again._replace(meter_start_wh=1001),
            again._replace(folded_tag=FoldedTag("other")),
            again._replace(anomalies=()),
        ):
            assert how_to_start(other, same_start=None, open_here=[session]) == NewSession((session,))

    def test_a_clock_never_set_tells_the_same_time_in_the_next_session(self) -> None:
        unset = START._replace(message_id="m2", anomalies=("clock_not_set",))
        for over in (ENDED, RECONSTRUCTED):
            decision = how_to_start(unset, same_start=over._replace(start_repeat=3), open_here=())
            assert decision == NewSession((), repeat=4)

    @pytest.mark.parametrize(
        ("again", "before"),
        [
            (START._replace(message_id="m2"), ENDED),  # with a clock that is right, however late
            (START._replace(message_id="m2", anomalies=("clock_not_set",)), SESSION),
            (START._replace(anomalies=("clock_not_set",)), ENDED),
        ],
    )
    def test_a_retry_is_one_whatever_the_clock(self, again: StartRequest, before: Session) -> None:
        assert how_to_start(again, same_start=before, open_here=()) == Recognised(before)

    def test_a_first_start_ends_nothing(self) -> None:
        assert how_to_start(START, same_start=None, open_here=()) == NewSession(())


def closing(stop: StopRequest, session: Session) -> Closes:
    decision = how_to_stop(stop, claimed=session, unanswered=())
    assert isinstance(decision, Closes)
    assert decision.session is session
    return decision


class TestStop:
    def test_the_first_stop_closes(self) -> None:
        stop = closing(STOP, SESSION).stop
        assert (stop.meter_stop_wh, stop.stop_at, stop.source) == (1500, Instant(T + 60), "station")
        assert stop.anomalies == ("odd", "late")

    @pytest.mark.parametrize(
        ("again", "differs"),
        [
            (STOP, False),
            (STOP._replace(meter_stop_wh=1501), True),
            (STOP._replace(stop_at=Instant(T + 61)), True),
            (STOP._replace(meter_stop_wh=None), False),
        ],
    )
    def test_a_later_stop_changes_nothing(self, again: StopRequest, differs: bool) -> None:
        assert how_to_stop(again, claimed=ENDED, unanswered=()) == Repeats(ENDED, differs)

    def test_the_real_stop_overrides_a_reconstructed_one(self) -> None:
        assert closing(STOP, RECONSTRUCTED).stop.anomalies == ("odd", "late", "late_stop")

    def test_a_register_that_ran_backwards_is_kept_and_marked(self) -> None:
        stop = closing(STOP._replace(meter_stop_wh=900), SESSION).stop
        assert stop.meter_stop_wh == 900
        assert "meter_went_backwards" in stop.anomalies

    def test_a_stop_before_the_start_is_kept_and_marked(self) -> None:
        assert "stopped_before_start" in closing(STOP._replace(stop_at=Instant(T - 1)), SESSION).stop.anomalies

    @pytest.mark.parametrize(("session", "register"), [(SESSION, 1000), (RECONSTRUCTED, 1400)])
    def test_without_a_register_nothing_is_invented(self, session: Session, register: int) -> None:
        assert closing(STOP._replace(meter_stop_wh=None), session).stop.meter_stop_wh == register

    def test_a_start_that_was_not_told_is_not_invented(self) -> None:
        unknown = SESSION._replace(meter_start_wh=None)
        assert closing(STOP, unknown).stop.anomalies == ("odd", "late")
        assert closing(STOP._replace(meter_stop_wh=None), unknown).stop.meter_stop_wh is None

    def test_a_session_of_another_station_is_not_touched(self) -> None:
        decision = how_to_stop(STOP._replace(station=OTHER), claimed=SESSION, unanswered=[SESSION])
        assert decision == Orphan(("late", "transaction_of_another_station"))

    @pytest.mark.parametrize("claimed_id", [1, 8, GREATEST_TRANSACTION_ID])
    def test_an_unknown_id_closes_nothing_by_guess(self, claimed_id: int) -> None:
        decision = how_to_stop(STOP._replace(claimed_id=claimed_id), claimed=None, unanswered=[SESSION])
        assert decision == Orphan(("late", "stop_without_start"))

    @pytest.mark.parametrize("claimed_id", [-1, 0, GREATEST_TRANSACTION_ID + 1, 2**63])
    def test_no_id_means_the_one_session_that_was_never_answered(self, claimed_id: int) -> None:
        decision = how_to_stop(STOP._replace(claimed_id=claimed_id), claimed=None, unanswered=[SESSION])
        assert isinstance(decision, Closes)
        assert decision.session is SESSION
        assert decision.stop.anomalies[-1] == "stopped_without_transaction_id"
        assert decision.stop.claimed_id == claimed_id

    def test_no_id_told_again_is_the_same_stop_whatever_is_open_elsewhere(self) -> None:
        nameless, elsewhere = STOP._replace(claimed_id=-1), SESSION._replace(connector=TWO)
        for unanswered in ([], [elsewhere], [SESSION, elsewhere]):
            decision = how_to_stop(nameless, claimed=None, kept=ENDED, unanswered=unanswered)
            assert decision == Repeats(ENDED, differs=False)
        assert how_to_stop(nameless, claimed=None, kept=ORPHAN, unanswered=[SESSION]) == RepeatsOrphan(ORPHAN, False)

    def test_the_next_session_of_a_connector_may_end_in_the_same_second_at_the_same_register(self) -> None:
        decision = how_to_stop(STOP._replace(claimed_id=-1), claimed=None, kept=ENDED, unanswered=[SESSION])
        assert isinstance(decision, Closes)
        assert decision.session is SESSION

    @pytest.mark.parametrize(
        ("again", "differs"),
        [
            (STOP, False),
            (STOP._replace(meter_stop_wh=None), False),
            (STOP._replace(meter_stop_wh=1501), True),
            (STOP._replace(stop_text=""), True),
        ],
    )
    def test_of_orphans_too_the_first_counts(self, again: StopRequest, differs: bool) -> None:
        assert how_to_stop(again, claimed=None, kept=ORPHAN, unanswered=()) == RepeatsOrphan(ORPHAN, differs)
        of_another = SESSION._replace(station=OTHER)
        assert how_to_stop(again, claimed=of_another, kept=ORPHAN, unanswered=()) == RepeatsOrphan(ORPHAN, differs)

    def test_no_id_and_an_ended_session_is_a_repeat(self) -> None:
        nameless = STOP._replace(claimed_id=-1)
        assert how_to_stop(nameless, claimed=None, unanswered=[ENDED]) == Repeats(ENDED, differs=False)

    @pytest.mark.parametrize(
        "unanswered",
        [
            [],
            [SESSION, SESSION._replace(transaction_id=TransactionId(8), connector=TWO)],
            [SESSION._replace(start_at=Instant(T + 61))],
            [SESSION._replace(meter_start_wh=1501)],
        ],
    )
    def test_no_id_and_no_single_fitting_session_is_an_orphan(self, unanswered: list[Session]) -> None:
        nameless = STOP._replace(claimed_id=-1)
        assert isinstance(how_to_stop(nameless, claimed=None, unanswered=unanswered), Orphan)

    def test_no_id_and_no_register_fits_by_time(self) -> None:
        nameless = STOP._replace(claimed_id=-1, meter_stop_wh=None)
        assert isinstance(how_to_stop(nameless, claimed=None, unanswered=[SESSION]), Closes)


class TestMeterValues:
    def test_the_claimed_session_counts_first(self) -> None:
        assert which_session(claimed=SESSION, on_connector=[ENDED], connector=ONE, at=T) is SESSION

    def test_the_main_meter_belongs_to_no_session(self) -> None:
        assert which_session(claimed=None, on_connector=[SESSION], connector=ConnectorId(0), at=T) is None

    @pytest.mark.parametrize(("seconds", "found"), [(-1, None), (0, ENDED), (60, ENDED), (61, None)])
    def test_an_ended_session_has_what_was_measured_in_it(self, seconds: int, found: Session | None) -> None:
        at = Instant(T + seconds)
        assert which_session(claimed=None, on_connector=[ENDED], connector=ONE, at=at) is found

    def test_the_open_session_has_what_is_measured_now(self) -> None:
        assert which_session(claimed=None, on_connector=[SESSION, ENDED], connector=ONE, at=Instant(T + 99)) is SESSION
        assert which_session(claimed=None, on_connector=(), connector=ONE, at=T) is None


@pytest.mark.parametrize(("register", "counted"), [(1800, 1800), (1000, 1000), (999, 1000), (None, 1000)])
def test_a_reconstructed_end_counts_only_what_was_measured(register: int | None, counted: int) -> None:
    stop = reconstructed_stop(SESSION, last_register_wh=register, last_sign_of_life=Instant(T + 5), why="because")
    assert (stop.meter_stop_wh, stop.stop_at, stop.source) == (counted, Instant(T + 5), "reconstructed")
    assert stop.anomalies == ("odd", "reconstructed", "because")


@pytest.mark.parametrize("register", [1800, None])
def test_a_reconstructed_end_of_a_start_that_was_not_told(register: int | None) -> None:
    unknown = SESSION._replace(meter_start_wh=None)
    stop = reconstructed_stop(unknown, last_register_wh=register, last_sign_of_life=T, why="because")
    assert stop.meter_stop_wh == register


@pytest.mark.parametrize(
    ("begin", "end", "energy"), [(1000, 1500, 500), (1000, 900, -100), (None, 1500, None), (1000, None, None)]
)
def test_energy_is_known_when_both_registers_are(begin: int | None, end: int | None, energy: int | None) -> None:
    stop = closing(STOP, SESSION).stop._replace(meter_stop_wh=end)
    assert delivered_wh(SESSION._replace(meter_start_wh=begin), stop) == energy


def test_a_reconstructed_end_is_not_before_the_start() -> None:
    stop = reconstructed_stop(SESSION, last_register_wh=None, last_sign_of_life=Instant(T - 5), why="because")
    assert stop.stop_at == T


@pytest.mark.parametrize(
    ("free", "last", "abandoned"),
    [
        (10, 70, True),
        (10, 69, False),  # the station had no time to tell its stop yet
        (None, 500, False),
        (10, None, False),  # not connected: the stop may be waiting in its queue
        (0, 500, False),  # free since before the start
    ],
)
def test_a_session_is_abandoned_when_the_station_could_have_told(
    free: int | None, last: int | None, abandoned: bool
) -> None:
    def at(seconds: int | None) -> Instant | None:
        return None if seconds is None else Instant(T + seconds * SECOND)

    decision = is_abandoned(SESSION, free_since=at(free), last_message_at=at(last), patience_seconds=60)
    assert decision is abandoned


def test_a_station_whose_clock_runs_ahead_is_no_exception() -> None:
    ahead = SESSION._replace(start_at=Instant(T + 3600 * SECOND), start_received_at=T)
    free, last = Instant(T + 10 * SECOND), Instant(T + 70 * SECOND)
    assert is_abandoned(ahead, free_since=free, last_message_at=last, patience_seconds=60)
    queued = SESSION._replace(start_received_at=Instant(T + 3600 * SECOND))
    assert is_abandoned(queued, free_since=free, last_message_at=last, patience_seconds=60)


@pytest.mark.parametrize(
    ("claimed", "floor"),
    [(5, 10), (10, 10), (11, 11), (10_010, 10_010), (10_011, 10), (2**31 - 1, 10), (-1, 10)],
)
def test_ids_seen_in_use_are_not_issued(claimed: int, floor: int) -> None:
    assert floor_after(claimed, last_issued=10) == floor


def test_ids_never_pass_the_greatest() -> None:
    near = GREATEST_TRANSACTION_ID - 1
    assert floor_after(GREATEST_TRANSACTION_ID, last_issued=near) == GREATEST_TRANSACTION_ID
    assert floor_after(GREATEST_TRANSACTION_ID + 1, last_issued=near) == near


@pytest.mark.parametrize(
    ("claimed", "usable"),
    [(1, True), (GREATEST_TRANSACTION_ID, True), (0, False), (-1, False), (GREATEST_TRANSACTION_ID + 1, False)],
)
def test_which_ids_can_be_ours(claimed: int, usable: bool) -> None:
    assert is_usable_id(claimed) is usable
