"""The conversation with one station: turns, repeats, our own requests and their time-outs."""

from __future__ import annotations

from itertools import count

import pytest

from gateway.model.calls import Answered, CallErrored
from gateway.ocpp.conversation import AnswersGiven, Conversation, Dropped, Expired, Resolved, Send, Ticket
from gateway.ocpp.frame import Call, write_error, write_result


def conversation(given: AnswersGiven | None = None, *, bound: int = 32, gap: float = 0.0) -> Conversation:
    numbers = count(1)
    return Conversation(
        new_id=lambda: f"our-{next(numbers)}", given=given or AnswersGiven(), queue_bound=bound, gap_seconds=gap
    )


def asks(message_id: object, action: str = "MeterValues", content: int = 0, size: int = 0) -> bytes:
    return f'[2,"{message_id}","{action}",{{"n":{content}}}{" " * size}]'.encode()


def turn(event: object) -> Call:
    assert isinstance(event, Call), event
    return event


def sent(event: object) -> bytes:
    assert isinstance(event, Send), event
    return event.text


class TestTheStationsRequests:
    def test_one_at_a_time_in_order(self) -> None:
        talk = conversation()
        first = turn(talk.text_arrived(asks(1), 0))
        assert talk.text_arrived(asks(2), 0) is None
        assert talk.text_arrived(asks(3), 0) is None
        (second,) = talk.answered(first, b"[3,1]")
        assert turn(second).message_id == "2"
        (third,) = talk.answered(turn(second), b"[3,2]")
        assert talk.answered(turn(third), b"[3,3]") == ()

    def test_the_queue_tells_when_it_is_full(self) -> None:
        talk = conversation(bound=2)
        first = turn(talk.text_arrived(asks(1), 0))
        talk.text_arrived(asks(2), 0)
        assert not talk.full
        talk.text_arrived(asks(3), 0)
        assert talk.full
        talk.answered(first, None)
        assert not talk.full

    def test_the_queue_is_full_when_much_waits_in_few_messages(self) -> None:
        talk = conversation()
        first = turn(talk.text_arrived(asks(1, size=2_000_000), 0))
        assert not talk.full, "what is being answered does not wait"
        talk.text_arrived(asks(2, size=600_000), 0)
        assert not talk.full
        talk.text_arrived(asks(3, size=600_000), 0)
        assert talk.full
        (second,) = talk.answered(first, None)
        assert not talk.full
        talk.answered(turn(second), None)
        assert not talk.full
        assert talk._waiting_bytes == 0

    def test_after_the_end_nothing_is_begun(self) -> None:
        talk = conversation()
        first = turn(talk.text_arrived(asks(1), 0))
        talk.text_arrived(asks(2), 0)
        talk.ended()
        assert talk.text_arrived(asks(3), 0) is None
        assert talk.answered(first, None) == ()
        assert talk.text_arrived(asks(4), 0) is None
        assert not talk.full

    def test_a_repeat_gets_the_stored_answer_over_any_connection(self) -> None:
        given = AnswersGiven()
        old = conversation(given)
        old.answered(turn(old.text_arrived(asks("a"), 0)), b'[3,"a",{}]')
        assert sent(conversation(given).text_arrived(asks("a"), 0)) == b'[3,"a",{}]'

    def test_a_repeat_that_waited_is_answered_when_its_turn_comes(self) -> None:
        talk = conversation()
        first = turn(talk.text_arrived(asks("a"), 0))
        assert talk.text_arrived(asks("a"), 0) is None
        assert talk.text_arrived(asks("a"), 0) is None
        assert talk.text_arrived(asks("b"), 0) is None
        again, once_more, other = talk.answered(first, b'[3,"a",{}]')
        assert sent(again) == sent(once_more) == b'[3,"a",{}]'
        assert turn(other).message_id == "b"

    def test_the_same_id_with_other_content_is_a_new_request(self) -> None:
        talk = conversation()
        talk.answered(turn(talk.text_arrived(asks("a"), 0)), b'[3,"a",{}]')
        turn(talk.text_arrived(asks("a", content=1), 0))

    def test_the_same_id_with_another_action_is_a_new_request(self) -> None:
        talk = conversation()
        talk.answered(turn(talk.text_arrived(asks("a"), 0)), b'[3,"a",{}]')
        turn(talk.text_arrived(asks("a", "StopTransaction"), 0))

    @pytest.mark.parametrize("action", ["Heartbeat", "BootNotification", "Authorize", "StatusNotification"])
    def test_what_speaks_of_now_is_answered_afresh(self, action: str) -> None:
        talk = conversation()
        talk.answered(turn(talk.text_arrived(asks("a", action), 0)), b'[3,"a",{}]')
        turn(talk.text_arrived(asks("a", action), 0))

    def test_no_answer_and_no_refusal_is_remembered(self) -> None:
        talk = conversation()
        talk.answered(turn(talk.text_arrived(asks("a"), 0)), None)
        talk.answered(turn(talk.text_arrived(asks("a"), 0)), write_error("a", "InternalError", ""))
        turn(talk.text_arrived(asks("a"), 0))

    def test_only_the_newest_answers_are_remembered(self) -> None:
        given = AnswersGiven()
        talk = conversation(given)
        for number in range(40):
            talk.answered(turn(talk.text_arrived(asks(number), 0)), write_result(str(number), {}))
        assert list(given.answers) == [str(number) for number in range(8, 40)]

    @pytest.mark.parametrize(("longest_id", "longest_answer"), [(257, 0), (1, 1100)])
    def test_what_is_long_is_not_remembered(self, longest_id: int, longest_answer: int) -> None:
        given = AnswersGiven()
        talk = conversation(given)
        for message_id, padding in (("i" * longest_id, longest_answer), ("i" * 256, 400)):
            call = turn(talk.text_arrived(asks(message_id), 0))
            talk.answered(call, write_result(message_id, {"padding": "p" * padding}))
        assert list(given.answers) == ["i" * 256]

    def test_an_id_that_is_used_again_counts_as_new(self) -> None:
        given = AnswersGiven()
        talk = conversation(given)
        for number in [*range(32), 0]:
            text = asks(number, content=len(given.answers))
            talk.answered(turn(talk.text_arrived(text, 0)), write_result(str(number), {}))
        assert list(given.answers) == [*(str(number) for number in range(1, 32)), "0"]

    def test_a_broken_request_is_refused_at_once(self) -> None:
        text = sent(conversation().text_arrived(b'[2,"x"]', 0))
        assert text == b'[4,"x","FormationViolation","a CALL is [2, id, action, payload]",{}]'

    def test_garbage_leads_to_nothing(self) -> None:
        assert conversation().text_arrived(b"ping", 0) == Dropped("not JSON")


class TestOurRequests:
    def test_a_request_goes_out_and_comes_back(self) -> None:
        talk, ticket = conversation(), Ticket("Reset", {"type": "Soft"}, 60)
        assert sent(talk.call(ticket, 0)) == b'[2,"our-1","Reset",{"type":"Soft"}]'
        event = talk.text_arrived(b'[3,"our-1",{"status":"Accepted"}]', 1)
        assert event == Resolved(ticket, Answered({"status": "Accepted"}))
        assert talk.next_deadline() is None

    def test_an_answer_that_is_no_object_counts_as_empty(self) -> None:
        talk, ticket = conversation(), Ticket("Reset", {}, 60)
        talk.call(ticket, 0)
        assert talk.text_arrived(b'[3,"our-1",[1]]', 1) == Resolved(ticket, Answered({}))

    def test_a_refusal_is_an_answer(self) -> None:
        talk, ticket = conversation(), Ticket("Reset", {}, 60)
        talk.call(ticket, 0)
        event = talk.text_arrived(b'[4,"our-1","NotSupported","no",{}]', 1)
        assert event == Resolved(ticket, CallErrored("NotSupported", "no", {}))

    def test_one_at_a_time_with_a_gap(self) -> None:
        talk = conversation(gap=0.5)
        first, second = Ticket("A", {}, 60), Ticket("B", {}, 60)
        assert talk.call(first, 0) is not None
        assert talk.call(second, 0) is None
        assert talk.next_deadline() == 60
        assert isinstance(talk.text_arrived(b'[3,"our-1",{}]', 1), Resolved)
        assert talk.next_deadline() == 1.5
        assert talk.time_passed(1.4) == []
        (event,) = talk.time_passed(1.5)
        assert b'"B"' in sent(event)

    def test_a_time_out_frees_the_queue_and_a_late_answer_is_dropped(self) -> None:
        talk = conversation(gap=0.5)
        first, second = Ticket("A", {}, 60), Ticket("B", {}, 60)
        talk.call(first, 0)
        talk.call(second, 0)
        assert talk.time_passed(59.9) == []
        expired, following = talk.time_passed(60)
        assert expired == Expired(first)
        assert sent(following) == b'[2,"our-2","B",{}]'
        assert talk.next_deadline() == 120
        assert isinstance(talk.text_arrived(b'[3,"our-1",{"for":"A"}]', 61), Dropped)
        assert talk.text_arrived(b'[3,"our-2",{}]', 62) == Resolved(second, Answered({}))

    def test_a_withdrawn_request_never_goes_out(self) -> None:
        talk = conversation()
        first, second, third = (Ticket(action, {}, 60) for action in "ABC")
        talk.call(first, 0)
        talk.call(second, 0)
        talk.call(third, 0)
        assert talk.withdraw(second, 1) is None
        talk.text_arrived(b'[3,"our-1",{}]', 2)
        (event,) = talk.time_passed(2)
        assert b'"C"' in sent(event)
        assert talk.withdraw(second, 3) is None  # withdrawn twice: nothing happens

    def test_withdrawing_the_open_request_lets_the_next_one_go(self) -> None:
        talk = conversation()
        first, second = Ticket("A", {}, 60), Ticket("B", {}, 60)
        talk.call(first, 0)
        talk.call(second, 0)
        assert b'"B"' in sent(talk.withdraw(first, 1))
        assert isinstance(talk.text_arrived(b'[3,"our-1",{}]', 2), Dropped)

    def test_our_answers_do_not_wait_for_the_stations_requests(self) -> None:
        talk, ticket = conversation(), Ticket("Reset", {}, 60)
        turn(talk.text_arrived(asks(1), 0))
        talk.text_arrived(asks(2), 0)
        talk.call(ticket, 0)
        assert isinstance(talk.text_arrived(b'[3,"our-1",{}]', 0), Resolved)

    def test_the_end_loses_every_request_once(self) -> None:
        talk = conversation()
        tickets = [Ticket(action, {}, 60) for action in "ABC"]
        for ticket in tickets:
            talk.call(ticket, 0)
        first = turn(talk.text_arrived(asks(1), 0))
        talk.text_arrived(asks(2), 0)
        assert talk.ended() == tickets
        assert talk.ended() == []
        assert talk.next_deadline() is None
        assert talk.answered(first, b'[3,"1",{}]') == ()
