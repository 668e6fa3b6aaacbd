"""Whatever a station repeats, reorders over its connectors or tells late: each session once, with its energy, no gaps.

The gateway's own units of work on a real database, driven by stations that retry at random; the model is a dict.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.configuration import load_configuration
from gateway.health import Health
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant, text_of
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call
from gateway.ocpp.v16 import from_station as v16
from gateway.operations import answer_sessions
from gateway.operations.learn_tags_now import LearnTagsNow
from gateway.operations.load_now import LoadNow
from gateway.operations.questions import Question
from gateway.store import database, migrations
from gateway.store.database import Outcomes
from gateway.store.writing import StationNumbers
from tests.faults.persistent_station import assert_without_gaps
from tests.properties.examples import examples

T = Instant(1_700_000_000 * SECOND)


@dataclass(frozen=True, slots=True)
class Told:
    """One real session: what the car did, on the meter of its connector."""

    station: str
    connector: int
    tag: str
    begin: int
    energy: int
    stopped: bool


@st.composite
def sites(draw: st.DrawFn) -> list[Told]:
    """Sessions of two stations; on one connector one after the other."""
    told, clock = [], dict.fromkeys([("A", 1), ("A", 2), ("B", 1)], 0)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.sampled_from(sorted(clock)))
        clock[place] += draw(st.integers(10, 500))
        told.append(
            Told(
                *place,
                tag=draw(st.sampled_from(["Tag", "TAG2"])),
                begin=clock[place],
                energy=draw(st.integers(0, 5000)),
                stopped=draw(st.booleans()),
            )
        )
    return told


class Gateway:
    """The units of work of the gateway, each in a batch with the one before or alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.site = SimpleNamespace(
            configuration=load_configuration(None), health=Health(), learning=LearnTagsNow(), load=LoadNow()
        )
        self.ids = count(1)
        self.waiting: list[tuple[Callable[..., object], Callable[[object], None]]] = []

    def tell(self, station: str, message_id: str, request: v16.StationRequest, heard: Callable[[object], None]) -> None:
        answer = {
            v16.StartTransaction: answer_sessions.start_transaction,
            v16.StopTransaction: answer_sessions.stop_transaction,
            v16.MeterValues: answer_sessions.meter_values,
        }[type(request)]
        call = Call(2, message_id, "", msgspec.Raw(msgspec.json.encode(request)))
        asked = Question(self.site, StationId(station), Treatment(), call, Instant(T + 10**6 * SECOND))  # type: ignore[arg-type]
        self.waiting.append((answer(asked, request), heard))  # type: ignore[operator]

    def commit(self) -> None:
        batch, self.waiting = self.waiting, []
        outcomes: Outcomes = database._run_batch(
            self.connection, StationNumbers(), [(unit, lambda *_: None) for unit, _ in batch]
        )  # type: ignore[misc]
        for (_, heard), (result, error) in zip(batch, outcomes.outcomes, strict=True):
            assert error is None, error
            heard(result)


@contextmanager
def gateway() -> Iterator[Gateway]:
    with tempfile.TemporaryDirectory() as directory:
        connection = migrations.open_for_writing(Path(directory) / "gateway.db")
        connection.execute("PRAGMA synchronous = OFF")
        try:
            yield Gateway(connection)
        finally:
            connection.close()


def repeat(data: st.DataObject, running: Gateway, station: str, request: v16.StationRequest) -> set[object]:
    """Tell once or more often, with the same or a new id, in one group or in several; every answer that came."""
    answers: set[object] = set()
    message_id = f"m{next(running.ids)}"
    for _ in range(data.draw(st.integers(1, 3))):
        running.tell(station, message_id, request, lambda answer: answers.add(getattr(answer, "transaction_id", None)))
        if data.draw(st.booleans()):
            running.commit()
        if data.draw(st.booleans()):
            message_id = f"m{next(running.ids)}"
    running.commit()
    return answers


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(sites(), st.data())
def test_each_session_once_with_its_energy(told: list[Told], data: st.DataObject) -> None:
    meters = dict.fromkeys(((one.station, one.connector) for one in told), 100)
    expected: dict[int, tuple[str, int, int, bool]] = {}
    stops: list[tuple[str, v16.StopTransaction]] = []
    with gateway() as running:
        for one in told:
            place = (one.station, one.connector)
            start = v16.StartTransaction(
                connector_id=one.connector,
                id_tag=one.tag,
                meter_start=meters[place],
                timestamp=text_of(Instant(T + one.begin * SECOND)),
            )
            answers = repeat(data, running, one.station, start)
            assert len(answers) == 1, "one start has one transaction id"
            (number,) = answers
            assert isinstance(number, int) and number not in expected
            expected[number] = (*place, one.energy if one.stopped else 0, one.stopped)
            meters[place] += one.energy
            if one.stopped:
                stop = v16.StopTransaction(
                    meter_stop=meters[place],
                    timestamp=text_of(Instant(T + (one.begin + 5) * SECOND)),
                    transaction_id=number,
                )
                stops.append((one.station, stop))
            # an offline queue: stops may come long after, also after the next start on the same connector
            while stops and data.draw(st.booleans()):
                repeat(data, running, *stops.pop(0))
        for waiting in stops:
            repeat(data, running, *waiting)
        rows = running.connection.execute(
            "SELECT transaction_id, station, connector, coalesce(meter_stop_wh - meter_start_wh, 0), stop_source"
            " FROM transactions"
        ).fetchall()
        assert {row[0]: (*row[1:4], row[4] == "station") for row in rows} == expected
        assert len(rows) == len(told)
        kinds = running.connection.execute(
            "SELECT kind FROM events WHERE kind = 'transaction.started'"
            " OR kind = 'transaction.ended' AND json_extract(data, '$.source') = 'station'"
        ).fetchall()
        assert kinds.count(("transaction.started",)) == len(told)
        assert kinds.count(("transaction.ended",)) == sum(one.stopped for one in told)
        assert_without_gaps(running.connection)


STOPS = st.tuples(st.sampled_from("AB"), st.integers(-3, 12), st.integers(0, 3000), st.integers(0, 50))


@settings(max_examples=examples(40), deadline=None, derandomize=True)
@given(st.lists(STOPS, max_size=12), st.data())
def test_stops_of_nobody_are_kept_once_and_disturb_nothing(
    stops: list[tuple[str, int, int, int]], data: st.DataObject
) -> None:
    with gateway() as running:
        start = v16.StartTransaction(connector_id=1, id_tag="Tag", meter_start=10_000, timestamp=text_of(T))
        (number,) = repeat(data, running, "C", start)
        for station, claimed, meter, second in stops:
            stop = v16.StopTransaction(
                transaction_id=claimed, meter_stop=meter, timestamp=text_of(Instant(T + second * SECOND))
            )
            repeat(data, running, station, stop)
        orphans = running.connection.execute("SELECT count(*) FROM transactions WHERE start_at IS NULL").fetchone()[0]
        # with a number that can be ours the first stop counts
        assert orphans == len({told[:2] if told[1] > 0 else told for told in stops})
        assert running.connection.execute(
            "SELECT transaction_id FROM transactions WHERE stop_source IS NULL"
        ).fetchall() == [(number,)]
        (following,) = repeat(data, running, "C", msgspec.structs.replace(start, connector_id=2))
        assert following not in {claimed for _, claimed, _, _ in stops}
        assert_without_gaps(running.connection)
