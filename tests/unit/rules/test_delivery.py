"""Which event goes next: the window, going back once per gap, silence, other connections, and the wished pace."""

from __future__ import annotations

import pytest

from gateway.model.journal import STREAMS
from gateway.rules.delivery import WINDOW_BYTES, WINDOW_EVENTS, Delivery, Flow, Pace


def sent(flow: Flow, *sequences: int, size_bytes: int = 100, now: float = 0.0) -> Flow:
    """These events are sent."""
    for sequence in sequences:
        flow.sent(sequence, size_bytes, now)
    return flow


def hear(flow: Flow, upto: int, *, gap: bool = False, newest: int = 1000, now: float = 0.0) -> str:
    """The upstream acknowledges."""
    return flow.heard(upto, gap=gap, newest=newest, now=now)


def silence(flow: Flow, in_flight: int = 0) -> float | None:
    return flow.silence_ends_at(in_flight=in_flight)


def test_the_window_is_full_of_events() -> None:
    flow = sent(Flow(0), *range(1, WINDOW_EVENTS))
    assert flow.room() == 1
    sent(flow, WINDOW_EVENTS)
    assert flow.room() == 0
    assert hear(flow, 10) == "progress"
    assert (flow.room(), flow.acked, flow.last_sent) == (10, 10, WINDOW_EVENTS)


def test_the_window_is_full_of_bytes_and_one_alone_may_be_as_large_as_it_is() -> None:
    flow = sent(Flow(0), 1, size_bytes=WINDOW_BYTES + 5)
    assert flow.room() == 0
    hear(flow, 1)
    assert (flow.room(), flow.unacked_bytes) == (WINDOW_EVENTS, 0)


def test_an_acknowledgement_of_what_was_never_sent_here_goes_ahead() -> None:
    flow = sent(Flow(3), 4)
    assert hear(flow, 9) == "progress"
    assert (flow.acked, flow.last_sent, len(flow.unacked)) == (9, 9, 0)
    assert hear(flow, 9) == hear(flow, 2) == "nothing_new"


def test_back_once_per_gap() -> None:
    flow = sent(Flow(0), 1, 2, 3, 4)
    assert hear(flow, 2, gap=True) == "went_back"
    assert (flow.acked, flow.last_sent, len(flow.unacked), flow.unacked_bytes) == (2, 2, 0, 0)
    sent(flow, 3, 4)
    assert hear(flow, 2, gap=True) == "nothing_new"
    assert flow.last_sent == 4
    assert hear(flow, 3, gap=True) == "went_back"


def test_a_gap_with_nothing_under_way_is_no_reason_to_go_back() -> None:
    assert hear(Flow(5), 5, gap=True) == "nothing_new"


def test_who_was_restored_from_a_backup_of_its_own_gets_it_again() -> None:
    flow = sent(Flow(20), 21, 22)
    assert hear(flow, 7, gap=True) == "went_back"
    assert (flow.acked, flow.last_sent) == (7, 7)
    sent(flow, 8, 9)
    assert hear(flow, 9) == "progress"
    assert hear(flow, 7, gap=True) == "went_back", "a second time, because it had more meanwhile"
    assert hear(flow, 7, gap=True) == "nothing_new"
    flow.acked = 8
    assert hear(flow, 7, gap=True) == "nothing_new", "once is enough"


def test_ahead_of_the_journal_changes_nothing_and_is_not_believed_when_the_journal_comes_there() -> None:
    flow = sent(Flow(80), 81, 82)
    assert hear(flow, 100, newest=82) == "ahead"
    assert (flow.acked, len(flow.unacked)) == (80, 2)
    assert hear(flow, 100, newest=120) == "ahead", "the journal has other events of these numbers"
    assert hear(flow, 101, newest=120) == "ahead"
    assert hear(flow, 81, newest=120) == "progress", "so it was a mistake"
    assert hear(flow, 100, newest=120) == "progress"


def test_silence_is_two_seconds_then_twice_as_long_and_at_most_a_minute() -> None:
    flow, now, waits = Flow(0), 0.0, []
    for _ in range(20):
        sent(flow, 1, now=now)
        ends_at = silence(flow)
        assert ends_at is not None
        waits.append(ends_at - now)
        now = ends_at
        flow.no_answer(now)
        assert flow.last_sent == 0
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, *15 * [60.0]]
    sent(flow, 1, 2, now=now)
    hear(flow, 1, now=now)
    assert silence(flow) == now + 2.0


def test_no_silence_while_something_is_on_its_way_or_nothing_is_missing() -> None:
    assert silence(Flow(0)) is None
    assert silence(sent(Flow(0), 1), in_flight=1) is None


def test_silence_counts_from_the_oldest_event_however_many_follow() -> None:
    flow = sent(Flow(0), 1, now=10.0)
    flow.published(1, 10.5)
    for second in range(11, 15):
        sent(flow, second, now=float(second))
        flow.published(second, second + 0.5)
    assert silence(flow) == 12.5
    flow.no_answer(12.5)
    flow.published(1, 99.0)
    assert flow.unacked == sent(Flow(0)).unacked
    assert silence(sent(flow, 1, now=13.0)) == 17.0


def test_after_silence_upon_silence_one_event_alone_asks() -> None:
    flow = Flow(0)
    for now in (0.0, 10.0):
        sent(flow, 1, 2, 3, now=now)
        assert flow.room() == WINDOW_EVENTS - 3
        flow.no_answer(now + 5)
    assert flow.room() == 1
    assert sent(flow, 1, now=20.0).room() == 0
    assert hear(flow, 1, now=21.0) == "progress"
    assert flow.room() == WINDOW_EVENTS


def test_since_when_it_waits() -> None:
    flow = Flow(0)
    assert flow.waiting_since is None
    sent(flow, 1, now=5.0)
    sent(flow, 2, now=6.0)
    assert flow.waiting_since == 5.0
    flow.no_answer(7.0)
    sent(flow, 1, 2, now=7.0)
    assert flow.waiting_since == 5.0, "going back is no answer"
    hear(flow, 1, now=8.0)
    assert flow.waiting_since == 8.0
    hear(flow, 2, now=9.0)
    assert flow.waiting_since is None


def test_from_an_older_event_on_when_asked_and_never_past_what_was_not_acknowledged() -> None:
    flow = sent(Flow(20), 21)
    flow.begin_at(5)
    assert (flow.acked, flow.last_sent, flow.waiting_since) == (4, 4, None)
    flow.begin_at(50)
    assert (flow.acked, flow.last_sent) == (4, 4)


def test_another_connection_begins_with_what_is_not_acknowledged() -> None:
    flow = sent(Flow(2), 3, 4)
    flow.no_answer(1.0)
    flow.no_answer(2.0)
    flow.linked_anew(100.0)
    assert (flow.acked, flow.last_sent, flow.room()) == (2, 2, WINDOW_EVENTS)
    assert silence(sent(flow, 3, now=100.0)) == 102.0


def test_when_nobody_answered_over_the_connection_before_one_event_alone_asks() -> None:
    flow = Flow(2)
    flow.linked_anew(100.0, asking=True)
    assert flow.room() == 1
    assert sent(flow, 3, now=101.0).room() == 0
    hear(flow, 3, now=102.0)
    assert flow.room() == WINDOW_EVENTS


def test_no_pace_unless_asked_for() -> None:
    pace = Pace()
    pace.sent(1000, 5.0)
    assert pace.waits_until(5.0) is None
    assert pace.at_once() == WINDOW_EVENTS


@pytest.mark.parametrize("rate", [0.5, 10.0, 1000.0])
def test_a_pace_is_kept_in_the_long_run(rate: float) -> None:
    pace, now, events = Pace(), 1000.0, 0
    pace.ask(rate)
    while events < 300:
        waits_until = pace.waits_until(now)
        if waits_until is not None:
            now = waits_until
        else:
            pace.sent(min(pace.at_once(), 300 - events), now)
            events += min(pace.at_once(), 300 - events)
    assert 300 / rate - 1 / rate - 0.2 - pace.at_once() / rate <= now - 1000.0 <= 300 / rate


def test_another_wish_counts_at_once() -> None:
    pace = Pace()
    pace.ask(0.001)
    pace.sent(1, 0.0)
    assert pace.waits_until(0.5) is not None
    pace.ask(0.001)
    assert pace.waits_until(0.5) is not None, "the same wish again"
    pace.ask(100.0)
    assert pace.waits_until(0.5) is None
    pace.ask(None)
    pace.sent(1, 1.0)
    assert pace.waits_until(0.0) is None


def test_what_bills_goes_first_and_what_is_new_is_stored() -> None:
    delivery = Delivery.of("e", {"tx": 7, "meter": 2})
    assert delivery.acked() == {"tx": 7, "ops": 0, "meter": 2}
    assert [stream for stream, _ in delivery.with_room()] == list(STREAMS) == ["tx", "ops", "meter"]
    assert delivery.to_store() == {}
    assert delivery.waiting_since() is None
    sent(delivery.flows["ops"], *range(1, WINDOW_EVENTS + 1), now=4.0)
    sent(delivery.flows["tx"], 8, now=6.0)
    assert delivery.waiting_since() == 4.0
    assert [stream for stream, _ in delivery.with_room()] == ["tx", "meter"]
    hear(delivery.flows["ops"], 5)
    hear(delivery.flows["tx"], 3, gap=True)
    assert delivery.to_store() == {"tx": 3, "ops": 5}
