"""What the gateway believes of reservations against what a station holds, whatever gets lost or comes late.

The gateway's own units of work on a real database; the station is an independent model (`fakes/reserving_station`).
Looked at whenever nothing waits to be told: never in force what the station has told to be over, never lost what it
holds and has confirmed. Clocks of stations are a few seconds wrong, statuses come with and without a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.configuration import load_configuration
from gateway.health import Health
from gateway.journal_signal import JournalSignal
from gateway.model.identities import CommandId, StationId, fold_tag
from gateway.model.instants import Instant, seconds_later, text_of
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call
from gateway.ocpp.v16 import from_station as v16
from gateway.ocpp.v16.to_station import read_answer
from gateway.operations import answer_notices, answer_sessions, keep_reservations
from gateway.operations.fill_in_orders import filled_in
from gateway.operations.heed_results import expect, heed
from gateway.operations.learn_tags_now import LearnTagsNow
from gateway.operations.load_now import LoadNow
from gateway.operations.orders import Order, Result
from gateway.operations.questions import Question
from gateway.store import database, migrations, reservations, station_facts
from gateway.store.writing import StationNumbers, Writing
from tests.fakes.reserving_station import Held, ReservingStation, StartTold, StatusTold
from tests.properties.examples import examples

START = Instant(1_800_000_000_000_000)
CP = StationId("CP-1")
GROUPS = {"A1": "GROUP-A", "A2": "GROUP-A", "B": "GROUP-B"}
FATES = st.sampled_from(["answered", "answered", "answered", "request lost", "answer lost"])


class Beliefs(RuleBasedStateMachine):
    """One station, one gateway, one operator."""

    @initialize(
        connectors=st.integers(1, 2),
        names=st.sampled_from(["id", "nothing", "zero"]),
        survives=st.booleans(),
        clock_error=st.sampled_from([0.0, 3.0, -3.0]),
        tells_times=st.booleans(),
    )
    def plug_in(self, connectors: int, names: str, survives: bool, clock_error: float, tells_times: bool) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.connection = migrations.open_for_writing(Path(self.directory.name) / "gateway.db")
        self.connection.execute("PRAGMA synchronous = OFF")
        self.site: Any = SimpleNamespace(
            configuration=load_configuration(None), health=Health(), learning=LearnTagsNow(), load=LoadNow(),
            connected=SimpleNamespace(get=lambda name: None, is_connected=lambda name: True),
            clock_offsets_ms={}, reservations_changed=JournalSignal(),
            wall_clock=lambda: self.now, new_id=lambda: "x",
        )  # fmt: skip
        self.station = ReservingStation(
            connectors, GROUPS, names=names, survives_reboot=survives, clock_error=clock_error
        )
        self.tells_times, self.ids, self.everything = tells_times, count(1), dict[str, Held]()
        self.write(lambda db: station_facts.admit(db, CP, origin="file", admission="accepted", now=START))
        for tag, parent in GROUPS.items():
            self.write(lambda db, tag=tag, parent=parent: _put_tag(db, tag, parent))
        self.station.reboot()
        self.boot()
        self.drain()

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()
            self.directory.cleanup()

    # The operator

    @rule(
        data=st.data(),
        tag=st.sampled_from(sorted(GROUPS)),
        group=st.booleans(),
        minutes=st.sampled_from([0.5, 5, 60]),
        fate=FATES,
        before=st.integers(0, 3),
    )
    def reserve(self, data: st.DataObject, tag: str, group: bool, minutes: float, fate: str, before: int) -> None:
        self.settle(fate)
        connector = data.draw(st.integers(0, self.station.connectors))
        expiry = self.station.now + 60 * minutes
        payload: dict[str, object] = {
            "connectorId": connector, "idTag": tag, "expiryDate": text_of(seconds_later(START, expiry)),
        }  # fmt: skip
        if group:
            payload["parentIdTag"] = GROUPS[tag]
        if self.everything and data.draw(st.booleans()):
            payload["reservationId"] = data.draw(
                st.sampled_from([one.reservation_id for one in self.everything.values()])
            )
        order = self.order("ReserveNow", payload)
        answer = None
        if fate != "request lost":
            answer, made = self.station.reserve(order.command_id, dict(order.payload))
            if made is not None:
                made.expiry = expiry
                self.everything[made.command] = made
                for other in self.everything.values():
                    if other is not made and other.reservation_id == made.reservation_id and fate == "answered":
                        other.told_over = True
        self.deliver(before)
        self.finish(order, answer if fate == "answered" else None)
        made = self.everything.get(order.command_id)
        if made is not None and fate == "answered" and not made.over:
            made.sure = True

    @precondition(lambda self: self.everything)
    @rule(data=st.data(), known=st.booleans(), fate=FATES, before=st.integers(0, 3))
    def cancel(self, data: st.DataObject, known: bool, fate: str, before: int) -> None:
        self.settle(fate)
        number = self.known_id(data) if known else 9999
        order = self.order("CancelReservation", {"reservationId": number})
        answer = None
        if fate != "request lost":
            answer, _ = self.station.cancel(number)
        self.deliver(before)
        self.finish(order, answer if fate == "answered" else None)
        for one in self.everything.values():
            if one.reservation_id == number:
                if fate == "answered":
                    one.told_over = True
                one.sure = False

    def settle(self, fate: str) -> None:
        """Old statuses that wait: then nobody could tell which lost request they speak of, or a fault from before."""
        faults = any(told.status in ("Faulted", "Unavailable") for told in self.station.statuses)
        # one of several connectors may be Reserved for a reservation of the whole, that nobody sees end
        whole = self.station.connectors > 1 and any(one.connector == 0 for one in self.everything.values())
        if fate != "answered" or ((faults or whole) and not self.tells_times):
            self.drain()

    # The station

    @rule(seconds=st.sampled_from([10, 40]), gateway_first=st.booleans())
    def time_passes(self, seconds: float, gateway_first: bool) -> None:
        if gateway_first:
            self.station.now += seconds
            self.expire()
            self.station.pass_time(0)
        else:
            self.station.pass_time(seconds)
            self.expire()

    @rule(minutes=st.sampled_from([4, 10]))
    def a_long_time_passes(self, minutes: float) -> None:
        self.drain()
        self.time_passes(60 * minutes, gateway_first=False)

    @rule(data=st.data(), tag=st.sampled_from(sorted(GROUPS)))
    def drive_in(self, data: st.DataObject, tag: str) -> None:
        self.station.drive_in(data.draw(st.integers(1, self.station.connectors)), tag)
        self.time_passes(10, gateway_first=False)

    @rule(data=st.data())
    def drive_off(self, data: st.DataObject) -> None:
        connector = data.draw(st.integers(1, self.station.connectors))
        if self.station.status[connector] == "Charging":
            self.time_passes(10, gateway_first=False)
            self.station.drive_off(connector)

    @precondition(lambda self: self.station.held)
    @rule(data=st.data())
    def cancelled_at_the_station(self, data: st.DataObject) -> None:
        self.station.drop(data.draw(st.sampled_from(self.station.held)))

    @rule(data=st.data(), status=st.sampled_from(["Faulted", "Unavailable"]))
    def fail(self, data: st.DataObject, status: str) -> None:
        self.time_passes(10, gateway_first=False)  # what is asked for after it is told apart by time
        self.station.fail(data.draw(st.integers(0, self.station.connectors)), status)
        self.time_passes(10, gateway_first=False)

    @rule(data=st.data())
    def repair(self, data: st.DataObject) -> None:
        connector = data.draw(st.integers(0, self.station.connectors))
        if self.station.status[connector] in ("Faulted", "Unavailable"):
            self.station.repair(connector)

    @rule()
    def reboot(self) -> None:
        self.station.reboot()
        self.boot()

    @rule()
    def reconnect(self) -> None:
        self.station.reconnect()

    # The wire

    @rule(statuses=st.integers(1, 5))
    def deliver(self, statuses: int) -> None:
        for _ in range(statuses):
            if self.station.statuses:
                self.tell_status(self.station.statuses.pop(0))

    @rule()
    def deliver_starts(self) -> None:
        while self.station.starts:
            self.tell_start(self.station.starts.pop(0))

    @rule()
    def drain(self) -> None:
        self.deliver(len(self.station.statuses))
        self.deliver_starts()

    # What must hold

    @invariant()
    def beliefs_are_sound(self) -> None:
        if not hasattr(self, "connection") or self.station.statuses or self.station.starts:
            return
        standing = self.standing()
        for one in self.everything.values():
            believed = standing.get(one.command)
            if one.told_over:
                assert believed not in ("in_force", "uncertain"), (one, believed)
            if one.sure and not one.over and one.expiry > self.station.now:
                assert believed == "in_force", (one, believed)
            if not one.over and one.expiry > self.station.now:
                assert believed in ("in_force", "uncertain"), (one, believed)
        assert not [number for number in standing.values() if number == "asked"]

    # Private

    @property
    def now(self) -> Instant:
        return seconds_later(START, self.station.now)

    def known_id(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from([one.reservation_id for one in self.everything.values()]))

    def write(self, unit: Callable[[Writing], object]) -> object:
        outcomes = database._run_batch(self.connection, StationNumbers(), [(unit, lambda *_: None)])
        ((result, error),) = outcomes.outcomes
        assert error is None, error
        for follow_up in outcomes.then:
            follow_up()
        return result

    def standing(self) -> dict[str, str]:
        return dict(self.connection.execute("SELECT command_id, standing FROM reservations").fetchall())

    def order(self, action: str, payload: dict[str, object]) -> Order:
        order = Order(CommandId(f"c{next(self.ids)}"), CP, action, payload, "test")

        def accept(db: Writing) -> Order:
            complete = Order(order.command_id, CP, action, filled_in(db, self.site, order), "test")
            expect(db, self.site, complete, self.now)
            return complete

        accepted = self.write(accept)
        self.station.pass_time(0.01)
        assert isinstance(accepted, Order)
        return accepted

    def finish(self, order: Order, status: str | None) -> None:
        result = Result("unanswered")
        if status is not None:
            answer = {"status": status}
            result = Result("answered", payload=answer, answer=read_answer(order.action, answer))
        self.write(lambda db: heed(db, self.site, order, result, self.now))

    def expire(self) -> None:
        def unit(db: Writing) -> None:
            for one in reservations.due(db, self.now):
                keep_reservations.end(db, self.site, one, "expired", now=self.now)

        self.write(unit)

    def asked(self, request: v16.StationRequest) -> Question:
        call = Call(2, f"m{next(self.ids)}", "", msgspec.Raw(b"{}"))
        return Question(self.site, CP, Treatment(), call, self.now)

    def boot(self) -> None:
        request = v16.BootNotification(charge_point_vendor="V", charge_point_model="M")
        self.write(answer_notices.boot_notification(self.asked(request), request))
        for one in self.everything.values():
            one.shown = one.shown or one.connector != 0 or self.station.connectors == 1

    def tell_status(self, told: StatusTold) -> None:
        request = v16.StatusNotification(
            connector_id=told.connector,
            status=told.status,  # type: ignore[arg-type]
            error_code="NoError",
            timestamp=text_of(seconds_later(START, told.at)) if self.tells_times else None,
        )
        self.write(answer_notices.status_notification(self.asked(request), request))
        if told.because_of is not None:
            told.because_of.shown = True
        for one in told.proves_over:
            one.told_over = one.told_over or told.status in ("Faulted", "Unavailable") or one.shown

    def tell_start(self, told: StartTold) -> None:
        request = v16.StartTransaction(
            connector_id=told.connector,
            id_tag=told.tag,
            meter_start=0,
            timestamp=text_of(seconds_later(START, told.at)),
            reservation_id=told.told_id,
        )
        self.write(answer_sessions.start_transaction(self.asked(request), request))
        if told.used is not None:
            told.used.told_over = True


def _put_tag(db: Writing, tag: str, parent: str) -> None:
    db.execute(
        "INSERT INTO id_tags (folded_tag, id_tag, status, parent_id_tag, updated_at) VALUES (?, ?, 'Accepted', ?, ?)",
        (fold_tag(tag), tag, parent, START),
    )


Beliefs.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None, derandomize=True)
TestBeliefs = Beliefs.TestCase
