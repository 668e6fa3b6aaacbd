"""The rules of the reference fleet manager's database: each event once, whatever comes in which order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.fleet_manager.ledger import Ledger, now_text
from tests.properties.examples import examples

Event = dict[str, Any]


def event(sequence: int, *, epoch: str = "a", **more: Any) -> Event:
    """An event of stream tx."""
    return {
        "id": f"{epoch}:tx:{sequence}",
        "type": "ocpp-gateway.transaction.started.v1",
        "time": "2026-11-22T06:58:31Z",
        "epoch": epoch,
        "stream": "tx",
        "sequence": sequence,
        "data": {},
        **more,
    }


def born(ledger: Ledger, *, epoch: str = "a", oldest: int = 1, newest: int = 0, next: int = 1) -> dict[str, bool]:
    """The gateway `g` announces its stream tx."""
    info = {"epoch": epoch, "streams": {"tx": {"oldest": oldest, "newest": newest, "next": next}}}
    return ledger.heed_info("g", info)


def stored(ledger: Ledger) -> list[str]:
    return [id for (id,) in ledger.execute("SELECT id FROM events ORDER BY rowid").fetchall()]


def incidents(ledger: Ledger) -> list[str]:
    return [what for (what,) in ledger.execute("SELECT what FROM incidents").fetchall()]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger(":memory:")
    yield ledger
    ledger.close()


def test_an_event_is_stored_once_and_in_order(ledger: Ledger) -> None:
    assert ledger.take("g", event(1)) == "unknown_epoch"
    assert born(ledger) == {"tx": False}
    assert [ledger.take("g", event(n)) for n in (1, 1, 3, 2, 3, 1)] == [
        "stored", "known", "gap", "stored", "stored", "known",
    ]  # fmt: skip
    assert stored(ledger) == ["a:tx:1", "a:tx:2", "a:tx:3"]
    assert ledger.position("g", "tx") == ("a", 3)


def test_a_hole_that_is_told_is_crossed_and_only_by_who_stood_before_it(ledger: Ledger) -> None:
    born(ledger)
    ledger.take("g", event(1))
    assert ledger.take("g", event(9, after=2)) == "gap"
    ledger.take("g", event(2))
    assert ledger.take("g", event(9, after=2)) == "stored"
    assert ledger.take("g", event(10)) == "stored"


def test_a_stream_begins_where_the_birth_certificate_says(ledger: Ledger) -> None:
    assert born(ledger, oldest=101, newest=150, next=121) == {"tx": True}
    assert ledger.take("g", event(102)) == "gap"
    assert ledger.take("g", event(101)) == "stored"
    assert incidents(ledger) == []


def test_what_was_forgotten_meanwhile_is_an_incident(ledger: Ledger) -> None:
    born(ledger)
    ledger.take("g", event(1))
    born(ledger, oldest=50, newest=60, next=50)
    assert (ledger.position("g", "tx"), incidents(ledger)) == (("a", 49), ["forgotten"])


def test_a_new_epoch_begins_where_it_says_and_what_is_known_is_not_stored_again(ledger: Ledger) -> None:
    born(ledger)
    for n in (1, 2, 3):
        ledger.take("g", event(n))
    born(ledger, epoch="b", newest=3, next=2)
    assert incidents(ledger) == ["new_epoch"]
    assert ledger.take("g", event(4)) == "unknown_epoch"
    assert ledger.take("g", event(2, epoch="b", previousid="a:tx:2")) == "known"
    assert ledger.take("g", event(3, epoch="b")) == "stored"
    assert stored(ledger) == ["a:tx:1", "a:tx:2", "a:tx:3", "b:tx:3"]


@pytest.mark.parametrize("named", ["a:tx:1", "b:tx:1"])
def test_after_two_restores_an_event_is_recognised_by_either_name(ledger: Ledger, named: str) -> None:
    born(ledger)
    ledger.take("g", event(1))
    born(ledger, epoch="b", newest=1)
    assert ledger.take("g", event(1, epoch="b", previousid="a:tx:1")) == "known"
    born(ledger, epoch="c", newest=1)
    assert ledger.take("g", event(1, epoch="c", previousid=named)) == "known"
    assert stored(ledger) == ["a:tx:1"]


def test_who_first_heard_of_it_in_the_second_life_knows_it_in_the_third(ledger: Ledger) -> None:
    born(ledger, epoch="b", newest=1)
    assert ledger.take("g", event(1, epoch="b", previousid="a:tx:1")) == "stored"
    born(ledger, epoch="c", newest=1)
    assert ledger.take("g", event(1, epoch="c", previousid="a:tx:1")) == "known"
    assert stored(ledger) == ["b:tx:1"]


def test_the_ids_of_two_gateways_may_be_the_same(ledger: Ledger) -> None:
    info = {"epoch": "a", "streams": {"tx": {"oldest": 1, "newest": 0, "next": 1}}}
    for gateway in ("g", "h"):
        ledger.heed_info(gateway, info)
        assert ledger.take(gateway, event(1)) == "stored"


def test_one_id_with_two_contents_is_an_incident(ledger: Ledger) -> None:
    born(ledger)
    ledger.take("g", event(1, data={"energy_wh": 700}))
    for _ in range(2):
        assert ledger.take("g", event(1, data={"energy_wh": 700})) == "known"
    assert incidents(ledger) == []
    for _ in range(2):
        assert ledger.take("g", event(1, data={"energy_wh": 900})) == "known"
    assert incidents(ledger) == ["other_content"]


def test_an_old_will_says_nothing(ledger: Ledger) -> None:
    ledger.heed_state("g", {"state": "online", "session": 2})
    ledger.heed_state("g", {"state": "offline", "session": 1})
    (state,) = ledger.execute("SELECT state FROM gateways").fetchone()
    assert '"online"' in state


def test_a_command_is_sent_until_it_is_answered_or_too_late(ledger: Ledger) -> None:
    ledger.add_command("g", {"id": "1", "expires_at": "9999-01-01T00:00:00Z"})
    ledger.add_command("g", {"id": "2", "expires_at": "2000-01-01T00:00:00Z"})
    assert [command["id"] for _, command in ledger.commands_to_send(sent_before=now_text())] == ["1"]
    assert ledger.commands_to_send(sent_before="2000-01-01T00:00:00Z") == []
    ledger.heed_result({"id": "1", "status": "running"})
    assert len(ledger.commands_to_send(sent_before="9999-01-01T00:00:00Z")) == 1
    ledger.heed_result({"id": "1", "status": "succeeded"})
    ledger.heed_result({"id": "1", "status": "running"})
    assert ledger.commands_to_send(sent_before="9999-01-01T00:00:00Z") == []
    result = ledger.result_of("1")
    assert result is not None and result["status"] == "succeeded"


def test_a_document_gets_a_higher_version_than_any_that_was_reported(ledger: Ledger) -> None:
    ledger.heed_report("g", "auth-list", {"doc": "auth-list", "version": 7, "status": "applied"})
    assert ledger.put_document("g", "auth-list", {"entries": []}) == 8
    ((gateway, doc, text),) = ledger.documents_to_publish()
    assert (gateway, doc) == ("g", "auth-list") and text is not None and '"version": 8' in text
    assert ledger.documents_to_publish() == []
    ledger.publish_again()
    assert len(ledger.documents_to_publish()) == 1
    assert ledger.put_document("g", "auth-list", None) == 9
    assert ledger.documents_to_publish() == [("g", "auth-list", None)]


@settings(max_examples=examples(50), derandomize=True, deadline=None)
@given(
    holes=st.sets(st.integers(2, 19)),
    arrivals=st.lists(st.integers(0, 19), max_size=80),
    crashes=st.sets(st.integers(0, 79), max_size=5),
)
def test_whatever_comes_and_whenever_it_dies_each_event_is_there_once(
    holes: set[int], arrivals: list[int], crashes: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    journal, before = [], 0
    for sequence in (n for n in range(1, 21) if n not in holes):
        journal.append(event(sequence, **({} if before == sequence - 1 else {"after": before})))
        before = sequence
    file: Path = tmp_path_factory.mktemp("ledger") / "fleet.db"
    ledger = Ledger(str(file))
    born(ledger)
    for step, place in enumerate([*arrivals, *range(len(journal))]):
        one = journal[place % len(journal)]
        if step in crashes:  # in the middle of a transaction
            ledger.execute("BEGIN IMMEDIATE")
            ledger.take("g", one)
            ledger.close()
            ledger = Ledger(str(file))
        else:
            with ledger.transaction():
                ledger.take("g", one)
    missed = ledger.position("g", "tx")[1]
    for one in journal:
        if one["sequence"] > missed:
            ledger.take("g", one)
    assert stored(ledger) == [one["id"] for one in journal]
    ledger.close()
