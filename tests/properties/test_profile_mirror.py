"""The mirror of charging profiles against a station that lives its own life: what is called certain is so.

The gateway's own units of work and its automatic function on a real database; the station is the simulated one's
memory, which shares no code with it. Answers get lost before or after the deed, come as errors or nonsense, the
gateway dies in the middle of a command, sessions end unheard, devices are exchanged.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.configuration import load_configuration
from gateway.health import Health
from gateway.model.calls import Answered, CallErrored, NotConnected, Payload, Reply, Unanswered
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant, text_of
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call
from gateway.ocpp.v16 import from_station as v16
from gateway.operations import answer_notices, answer_sessions
from gateway.operations.begin_again import end_interrupted
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.end_sessions import end_reconstructed
from gateway.operations.known_profiles import known_of
from gateway.operations.learn_tags_now import LearnTagsNow
from gateway.operations.load_now import LoadNow
from gateway.operations.questions import Question
from gateway.operations.reconcile_profiles import reconcile_profiles
from gateway.simulated_charging import Held, Profiles, Running
from gateway.store import charging_profiles, commands, database, migrations, stations, transactions
from gateway.store.writing import StationNumbers, Writing
from tests.properties.examples import examples

Result = TypeVar("Result")
Fate = Literal["answered", "unheard", "lost", "error", "nonsense", "not_connected", "death"]

FATES = st.sampled_from(["answered", "answered", "answered", "unheard", "lost", "error", "nonsense", "not_connected"])
CP1 = StationId("CP-1")
T = 1_800_000_000
CONNECTORS = st.integers(1, 2)
LEVELS = st.integers(0, 2)
IDS = st.one_of(st.none(), st.integers(1, 4))


class Death(BaseException):
    """The gateway dies while it waits for the answer."""


def drive(doing: Coroutine[Any, Any, Result]) -> Result:
    """Run what never really waits: it may only let others go first."""
    for _ in range(1000):
        try:
            assert doing.send(None) is None, "it waits"
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
    raise AssertionError("it goes on for ever")


class Device:
    """The station's side: its memory, its sessions, what it has not told yet, and what becomes of each request."""

    def __init__(self) -> None:
        self.treatment = Treatment()
        self.profiles = Profiles(2)
        self.serial = "S-0"
        self.foreign: list[Held] = []
        self.sessions: dict[int, int] = {}  # connector: transaction id
        self.untold: list[int] = []  # transaction ids whose stop waits in the queue
        self.to_begin: tuple[int, Payload | None] | None = None
        self.fates: list[Fate] = []
        self.meanwhile: Callable[[], None] | None = None

    async def call(self, action: str, payload: Payload, *, patience_seconds: float) -> Reply:
        fate = self.fates.pop(0) if self.fates else "answered"
        arrives = fate in ("answered", "unheard", "nonsense", "death")
        answer = json.loads(json.dumps(self.act(action, json.loads(json.dumps(payload))))) if arrives else {}
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        if fate == "not_connected":
            raise NotConnected("no")
        if fate == "lost":
            raise Unanswered("the request never arrived")
        if fate == "error":
            return CallErrored("InternalError", "", {})
        if fate == "unheard":
            raise Unanswered("the answer never arrived")
        if fate == "death":
            raise Death
        return Answered({"status": 7} if fate == "nonsense" else answer)

    def act(self, action: str, payload: dict[str, Any]) -> dict[str, object]:
        if action == "ClearChargingProfile":
            return {"status": self.profiles.clear(payload)}
        if action == "SetChargingProfile":
            connector = payload["connectorId"]
            begun = datetime.fromtimestamp(T, UTC)
            running = Running(self.sessions[connector], begun) if connector in self.sessions else None
            return {"status": self.profiles.set(connector, payload["csChargingProfiles"], running)}
        assert action == "RemoteStartTransaction"
        connector = payload["connectorId"]
        if connector in self.sessions:
            return {"status": "Rejected"}
        self.to_begin = (connector, payload.get("chargingProfile"))
        return {"status": "Accepted"}


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between requests that nobody asked for."""
    monkeypatch.setattr("gateway.operations.ask_by_itself._REST_SECONDS", 0)


class MirrorAgainstStation(RuleBasedStateMachine):
    """Every step is one command, one message, or one trouble."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.db = migrations.open_for_writing(Path(self.folder.name) / "gateway.db")
        self.db.execute("PRAGMA synchronous = OFF")
        self.device, self.numbers, self.seconds = Device(), count(1), 0
        self.site: Any = SimpleNamespace(
            configuration=load_configuration(None),
            database=SimpleNamespace(write=self.write),
            learning=LearnTagsNow(),
            load=LoadNow(),
            connected=SimpleNamespace(get=lambda station: self.device),
            wall_clock=self.now,
            new_id=lambda: f"id-{next(self.numbers)}",
            health=Health(),
            clock_offsets_ms={},
            failed_by_itself={},
            quirks_seen={},
        )
        self.unit(lambda db: stations.provision(db, CP1, origin="api", settings={}, password_hash=None, now=self.now()))
        self.boots()
        self.order("ClearChargingProfile", {})

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.folder.cleanup()

    # The gateway, without a loop

    def now(self) -> Instant:
        return Instant((T + self.seconds) * SECOND)

    def unit(self, unit: Callable[[Writing], Result]) -> Result:
        outcomes = database._run_batch(self.db, StationNumbers(), [(unit, lambda *_: None)])
        ((result, error),) = outcomes.outcomes
        assert error is None, error
        return result  # type: ignore[return-value]

    async def write(self, unit: Callable[[Writing], Result]) -> Result:
        return self.unit(unit)

    def asked(self) -> Question:
        self.seconds += 1
        call = Call(2, f"m{next(self.numbers)}", "", msgspec.Raw(b"{}"))
        return Question(self.site, CP1, Treatment(), call, self.now())

    def order(self, action: str, payload: Payload, fate: Fate = "answered") -> None:
        self.seconds += 1
        self.device.fates = [fate]
        try:
            drive(carry_out(self.site, station=CP1, action=action, payload=payload, actor="tester"))
        except Death:
            self.unit(lambda db: end_interrupted(db, self.site, now=self.now()))

    def boots(self) -> None:
        said = v16.BootNotification(
            charge_point_vendor="V", charge_point_model="M", charge_point_serial_number=self.device.serial
        )
        self.unit(answer_notices.boot_notification(self.asked(), said))

    # What happens

    @rule(
        purpose=st.sampled_from(["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]),
        connector=st.integers(0, 2),
        level=LEVELS,
        number=IDS,
        limit=st.integers(6, 9),
        fate=st.one_of(FATES, st.just("death")),
    )
    def set_profile(self, purpose: str, connector: int, level: int, number: int | None, limit: int, fate: Fate) -> None:
        profile: dict[str, object] = {
            "stackLevel": level, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit + 0.5}],
            },
        }  # fmt: skip
        if number is not None:
            profile["chargingProfileId"] = number
        if purpose == "TxProfile" and connector in self.device.sessions:
            profile["transactionId"] = self.device.sessions[connector]
        self.order("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile}, fate)

    @rule(
        criteria=st.one_of(
            st.fixed_dictionaries({"id": st.integers(1, 6)}),
            st.fixed_dictionaries(
                {},
                optional={
                    "connectorId": st.integers(0, 2),
                    "stackLevel": LEVELS,
                    "chargingProfilePurpose": st.sampled_from(["TxDefaultProfile", "TxProfile"]),
                },
            ),
        ),
        fate=st.one_of(FATES, st.just("death")),
    )
    def clear(self, criteria: dict[str, object], fate: Fate) -> None:
        self.order("ClearChargingProfile", criteria, fate)

    @rule(connector=CONNECTORS, number=IDS, fate=FATES, at_once=st.booleans())
    def remote_start(self, connector: int, number: int | None, fate: Fate, at_once: bool) -> None:
        profile: dict[str, object] = {
            "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}],
            },
        }  # fmt: skip
        if number is not None:
            profile["chargingProfileId"] = number
        payload = {"connectorId": connector, "idTag": "TAG", "chargingProfile": profile}
        if at_once:  # before the answer is heard; perhaps by chance, of a driver with that tag
            self.device.meanwhile = lambda: (
                self.begin_session() if self.device.to_begin is not None else self.somebody_comes(connector)
            )
        self.order("RemoteStartTransaction", payload, fate)

    @precondition(lambda self: self.device.to_begin is not None)
    @rule()
    def begin_session(self) -> None:
        if self.device.to_begin is not None:
            connector, profile = self.device.to_begin
            self.device.to_begin = None
            if connector not in self.device.sessions:
                self.start(connector, profile)
            else:
                self.nobody_came()

    @rule(connector=CONNECTORS)
    def somebody_comes(self, connector: int) -> None:
        if connector in self.device.sessions:
            return
        if self.device.to_begin is not None:
            self.device.to_begin = None
            self.nobody_came()
        self.start(connector, None)  # by chance with the tag of a remote start that never arrived

    def nobody_came(self) -> None:
        """The station has said that its connector is free again."""
        self.unit(lambda db: commands.drop_old_remote_starts(db, asked_before=Instant(self.now() + 1)))

    def start(self, connector: int, profile: Payload | None) -> None:
        self.tell_stops()
        if profile is not None:
            self.device.profiles.begin_session(connector, profile)
        asked = self.asked()
        said = v16.StartTransaction(connector_id=connector, id_tag="TAG", meter_start=0, timestamp=text_of(asked.now))
        answer = self.unit(answer_sessions.start_transaction(asked, said))
        assert isinstance(answer, v16.StartTransactionAnswer)
        self.device.sessions[connector] = answer.transaction_id

    @rule(connector=CONNECTORS, told=st.booleans())
    def session_ends(self, connector: int, told: bool) -> None:
        if connector in self.device.sessions:
            self.device.untold.append(self.device.sessions.pop(connector))
            self.device.profiles.end_session(connector)
            if told:
                self.tell_stops()

    @rule()
    def tell_stops(self) -> None:
        while self.device.untold:
            asked = self.asked()
            said = v16.StopTransaction(
                transaction_id=self.device.untold.pop(0), meter_stop=10, timestamp=text_of(asked.now)
            )
            self.unit(answer_sessions.stop_transaction(asked, said))

    @rule(connector=CONNECTORS)
    def the_gateway_takes_a_session_for_ended(self, connector: int) -> None:
        def unit(db: Writing) -> None:
            for session in transactions.open_of_station(db, CP1):
                if session.connector == connector:
                    end_reconstructed(db, self.site, session, why="connector_free", now=self.now())

        self.unit(unit)

    @rule()
    def reboot(self) -> None:
        self.boots()

    @rule(connector=CONNECTORS, level=LEVELS)
    def another_device(self, connector: int, level: int) -> None:
        self.device.serial += "'"
        self.device.sessions, self.device.untold, self.device.to_begin = {}, [], None
        foreign = {
            "chargingProfileId": 2, "stackLevel": level, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
        }  # fmt: skip
        self.device.profiles.held = [Held(connector, foreign)]
        self.boots()
        self.nobody_came()

    @rule(fates=st.lists(FATES, max_size=4))
    def reconcile(self, fates: list[Fate]) -> None:
        self.device.fates = list(fates)
        drive(reconcile_profiles(self.site, CP1))

    @rule()
    def reconcile_undisturbed(self) -> None:
        self.tell_stops()
        self.device.fates = []
        drive(reconcile_profiles(self.site, CP1))
        trust = self.unit(lambda db: charging_profiles.trust(db, CP1))
        assert trust.doubted_at is None
        assert all(certain for *_, certain in self.mirror())
        assert {(connector, text) for connector, text, _ in self.mirror()} == self.held()

    # What must hold

    def mirror(self) -> list[tuple[int, str, bool]]:
        rows = self.unit(lambda db: known_of(db, CP1))
        return [
            (row.connector, bare(row.document()), row.certain)
            for row, one in rows
            if not (one.profile.purpose == "TxProfile" and row.transaction_id in self.device.untold)
        ]

    def held(self) -> set[tuple[int, str]]:
        return {(one.connector, bare(one.profile)) for one in self.device.profiles.held}

    @invariant()
    def what_is_certain_is_there(self) -> None:
        if hasattr(self, "db"):
            held = self.held()
            assert all((connector, text) in held for connector, text, certain in self.mirror() if certain)

    @invariant()
    def what_is_there_is_known(self) -> None:
        if hasattr(self, "db") and self.unit(lambda db: charging_profiles.trust(db, CP1)).doubted_at is None:
            known = {(connector, text) for connector, text, _ in self.mirror()}
            assert self.held() <= known


def bare(profile: Payload) -> str:
    """A profile without its transaction: that of a remote start gets it only when it is sent again."""
    return json.dumps({name: value for name, value in profile.items() if name != "transactionId"}, sort_keys=True)


TestMirrorAgainstStation = MirrorAgainstStation.TestCase
TestMirrorAgainstStation.settings = settings(
    max_examples=examples(250), stateful_step_count=40, deadline=None, derandomize=True
)
