"""A station is held to its limits, over real frames in virtual time: first adoption, renewals, and whatever goes wrong.

The limits are handed over by the test in the place of the balancer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration_keys import Circuit
from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.load_decision import Binding, ConnectorDecision, Decision, Send, SendKind
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.known_profiles import foreign_limit
from gateway.operations.plan_site import SitePlan, plan_site
from gateway.operations.reconcile_profiles import reconcile_profiles
from gateway.operations.send_limits import LimitSender
from gateway.store import charging_profiles
from tests.conformance.charging_words import profile
from tests.fakes.limited_station import CLEAR, SET, Conf, LimitedStation
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_site import VirtualSite, play

CP = StationId("CP-1")
NOTHING = Decision((), (), (), (), ())


@dataclass
class Scene:
    """A station on a circuit, and the sender that the balancer would have."""

    stage: VirtualSite
    station: LimitedStation
    sender: LimitSender
    connectors: int = 1
    fallback: float = 6.0
    _plan: tuple[object, SitePlan] | None = None

    @property
    def plan(self) -> SitePlan:
        site, limiting = self.stage.site, dict(self.sender.limiting())
        made_for = (limiting, self.fallback)
        if self._plan is None or self._plan[0] != made_for:
            stations = {CP: replace(site.configuration.stations[0], fallback_amps=self.fallback)}
            connectors = {CP: range(1, self.connectors + 1)}
            self._plan = made_for, plan_site(site.configuration, stations, connectors, limiting)
        return self._plan[1]

    @property
    def outlet(self) -> Outlet:
        return self.plan.outlets[0]

    @property
    def mode(self) -> str:
        return self.sender.limiting()[CP].mode

    def limit(self, amps: float, session: int | None, kind: SendKind = "increase", *, seconds: float = 600) -> None:
        """The balancer decides on a limit."""
        send = Send(CP, 1, amps, seconds, kind, "because")
        self.sender.hand_over(send, self.outlet, transaction_id=session, hold_seconds=1200)

    async def passes(self, seconds: float) -> None:
        """Time passes, with a tick each second."""
        for _ in range(int(seconds)):
            self.sender.look_at(NOTHING, self.plan)
            await asyncio.sleep(1)
            self.holds()

    def holds(self, session: int | None = None) -> None:
        """What the balancer is told is never less than what the station really allows."""
        real = self.station.allowed()
        if real is None or not self.station.sessions:
            return
        session = self.station.sessions[1][0]
        facts = self.sender.lease_of(CP, 1, session)
        worst = self.fallback if self.sender.fallback_confirmed(self.outlet) else 32.0
        if facts is not None:
            worst = max(facts.accepted_amps or 0.0, facts.pending_amps or 0.0)
            if facts.first_end_in_seconds < 30 or facts.accepted_amps is None:
                worst = max(worst, self.fallback if self.sender.fallback_confirmed(self.outlet) else 32.0)
        assert real <= worst + 1e-6, (real, facts)

    async def accepted(self, session: int) -> float | None:
        facts = self.sender.lease_of(CP, 1, session)
        return None if facts is None or facts.pending_amps is not None else facts.accepted_amps


@asynccontextmanager
async def sending(stage: VirtualSite) -> AsyncIterator[LimitSender]:
    """A sender at work, as after a start of the daemon."""
    sender = LimitSender(stage.site)
    await sender.begin()
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def scene_of(directory: Path, act: Callable[[Scene], Awaitable[None]], **how: Any) -> None:
    """Play with CP-1 on a circuit; the daemon was started without one, so that nobody else sends limits."""

    async def scene(stage: VirtualSite) -> None:
        configuration = stage.site.configuration
        limited = replace(
            configuration,
            circuits=(Circuit("main", limit_amps=(63, 63, 63)),),
            stations=(replace(configuration.stations[0], circuit="main"),),
        )
        object.__setattr__(stage.site, "configuration", limited)
        url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp/{CP}"
        station = LimitedStation(url, stage.world.clock.true_time, **how)
        async with sending(stage) as sender:
            try:
                await act(Scene(stage, station, sender))
            finally:
                await station.disconnect()

    play(directory, scene)


def periods(one: Conf) -> list[tuple[int, float]]:
    return [(each["startPeriod"], each["limit"]) for each in one["chargingSchedule"]["chargingSchedulePeriod"]]


def test_the_fallback_is_there_before_the_first_session_and_the_lease_is_renewed(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.passes(1)
        await scene.station.boot()
        assert not scene.sender.fallback_confirmed(scene.outlet)
        await scene.passes(2)
        assert periods(scene.station.sets("TxDefaultProfile")[0]) == [(0, 0), (1200, 6)]
        assert scene.sender.fallback_confirmed(scene.outlet)
        session = await scene.station.charge()
        assert scene.station.allowed() == 0
        scene.limit(16, session, "start")
        await scene.passes(2)
        lease = scene.station.sets("TxProfile")[0]
        assert (lease["transactionId"], lease["chargingProfileId"]) == (session, 201)
        assert periods(lease) == [(0, 16), (660, 6)] and "duration" not in lease["chargingSchedule"]
        assert scene.station.allowed() == 16 and await scene.accepted(session) == 16
        await scene.passes(300)
        scene.limit(16, session, "renew")
        await scene.passes(590)
        assert scene.station.allowed() == 16
        await scene.passes(20)
        assert scene.station.allowed() == 6  # nobody renewed it
        await scene.station.stop()
        await scene.passes(1)
        assert scene.sender.lease_of(CP, 1, session) is None
        assert await scene.stage.rows("SELECT * FROM limits_sent") == []

    scene_of(tmp_path, act)


def test_a_lost_answer_leaves_both_limits_possible_until_the_newest_is_accepted(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(2)
        scene.station.hears_but_is_silent = True
        scene.limit(16, session)
        await scene.passes(3)
        facts = scene.sender.lease_of(CP, 1, session)
        assert facts is not None and (facts.accepted_amps, facts.pending_amps) == (10, 16)
        scene.limit(6, session, "decrease")  # waits for the call that is under way
        scene.station.hears_but_is_silent = False
        await scene.passes(15)
        assert scene.station.allowed() == 6 and await scene.accepted(session) == 6

    scene_of(tmp_path, act)


def test_go_e_217_a_station_that_forgets_at_a_reconnect_has_its_limit_back_in_seconds(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(2)
        scene.station.profiles = {key: one for key, one in scene.station.profiles.items() if key != 201}
        await scene.station.connect()
        await asyncio.sleep(0.01)
        facts = scene.sender.lease_of(CP, 1, session)
        assert facts is not None and facts.accepted_amps is None and facts.first_end_in_seconds <= 0
        await scene.passes(3)
        assert scene.station.allowed() == 10 and await scene.accepted(session) == 10
        assert len(scene.station.sets("TxDefaultProfile")) == 2, "the fallback may have gone, too"
        await scene.station.connect()
        await scene.passes(3)
        assert len(scene.station.sets("TxDefaultProfile")) == 2, "but not more often than every ten minutes"
        await scene.passes(600)
        assert len(scene.station.sets("TxDefaultProfile")) == 3, "it may have gone the second time"

    scene_of(tmp_path, act)


def test_a_limit_that_has_run_out_while_the_station_was_away_is_not_sent_again(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(16, session)
        await scene.passes(2)
        await scene.station.disconnect()
        await scene.passes(700)
        await scene.station.connect()
        await scene.passes(5)
        assert scene.station.allowed() == 6 and len(scene.station.sets("TxProfile")) == 1

    scene_of(tmp_path, act)


def test_fallback_and_lease_are_set_again_after_a_boot(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(2)
        scene.station.profiles.clear()
        scene.station.asked.clear()
        await scene.station.boot()
        await scene.passes(4)
        purposes = [one["chargingProfilePurpose"] for one in scene.station.sets()]
        assert purposes[-1] == "TxProfile" and "TxDefaultProfile" in purposes
        assert scene.station.allowed() == 10

    scene_of(tmp_path, act)


def test_after_a_kill_between_ledger_and_answer_the_limit_counts_as_pending(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(2)
        scene.station.hears_but_is_silent = True
        scene.limit(16, session)
        await scene.passes(2)
        again = LimitSender(scene.stage.site)
        await again.begin()
        facts = again.lease_of(CP, 1, session)
        assert facts is not None and (facts.accepted_amps, facts.pending_amps) == (None, 16)
        assert facts.first_end_in_seconds <= 0 < 599 < facts.ends_in_seconds
        assert again.fallback_confirmed(scene.outlet) is False or scene.station.allowed() == 16

    scene_of(tmp_path, act)


def test_a_refused_session_profile_leads_to_mode_b_but_not_while_the_session_is_young(tmp_path: Path) -> None:
    def answers(action: str, payload: Conf) -> str:
        refused = action == SET and payload["csChargingProfiles"]["chargingProfilePurpose"] == "TxProfile"
        return "Rejected" if refused else "Accepted"

    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(10)
        assert scene.mode == "A"
        scene.limit(10, session, "renew")
        await scene.passes(20)
        assert scene.mode == "B"
        assert scene.station.allowed() == 10
        assert scene.station.profiles[101][0] == 1
        events = await scene.stage.rows("SELECT data FROM events WHERE kind = 'load.station_mode_changed'")
        assert len(events) == 1 and '"before":"A"' in events[0]["data"]

    scene_of(tmp_path, act, answers=answers)


def test_evcc_15493_a_station_that_takes_stack_level_0_only(tmp_path: Path) -> None:
    def answers(action: str, payload: Conf) -> str:
        return "Rejected" if action == SET and payload["csChargingProfiles"]["stackLevel"] else "Accepted"

    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(30)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(3)
        assert scene.station.allowed() == 10
        known = scene.sender.limiting()[CP]
        assert (known.stack_level, known.starts_at_zero, known.mode) == (0, True, "A")

    scene_of(tmp_path, act, answers=answers, settings={"ChargeProfileMaxStackLevel": "8"})


def test_a_station_that_takes_power_only(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(30)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(3)
        assert scene.station.sets("TxProfile")[-1]["chargingSchedule"]["chargingRateUnit"] == "W"
        assert periods(scene.station.sets("TxProfile")[-1]) == [(0, 6900), (660, 4140)]

    scene_of(tmp_path, act, settings={"ChargingScheduleAllowedChargingRateUnit": "Power"})


def test_another_device_is_probed_anew_and_gets_everything(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot(chargePointSerialNumber="S-1")
        await scene.passes(3)
        scene.station.profiles.clear()
        scene.station.answers = lambda action, payload: None if action == SET else "Accepted"
        await scene.station.boot(chargePointSerialNumber="S-2")
        await scene.passes(2)
        assert not scene.sender.fallback_confirmed(scene.outlet)
        scene.station.answers = lambda action, payload: "Accepted"
        await scene.passes(20)
        assert scene.sender.fallback_confirmed(scene.outlet) and 101 in scene.station.profiles

    scene_of(tmp_path, act)


def test_an_operator_who_clears_everything_while_a_car_charges_is_told_and_undone(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(2)
        outcome = await carry_out(scene.stage.site, station=CP, action=CLEAR, payload={}, actor="operator")
        assert "load limits" in (outcome.warning or "")
        assert not scene.sender.fallback_confirmed(scene.outlet)
        await asyncio.sleep(2)
        assert scene.station.allowed() == 10 and {101, 201} <= scene.station.profiles.keys()

    scene_of(tmp_path, act)


def test_what_is_reconciled_is_never_a_profile_of_load_limits(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.station.hears_but_is_silent = True
        scene.limit(16, session)
        await scene.passes(90)  # nobody wants it any more, and the mirror is in doubt about it
        assert any(not row["certain"] for row in await scene.stage.rows("SELECT certain FROM charging_profiles"))
        scene.station.hears_but_is_silent = False
        before = len(scene.station.sets())
        await reconcile_profiles(scene.stage.site, CP)
        await scene.stage.site.database.write(lambda db: charging_profiles.note_doubt(db, CP, now=Instant(0)))
        await reconcile_profiles(scene.stage.site, CP)
        assert len(scene.station.sets()) == before
        assert CLEAR not in [action for _, action, _ in scene.station.asked]
        await scene.station.stop()
        await reconcile_profiles(scene.stage.site, CP)  # now no car charges
        await scene.passes(2)
        assert [payload for _, action, payload in scene.station.asked if action == CLEAR] == [{}]
        assert 101 in scene.station.profiles

    scene_of(tmp_path, act)


def test_a_higher_fallback_that_may_have_arrived_counts_when_a_lower_one_is_wanted_again(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        scene.station.hears_but_is_silent, scene.fallback = True, 10.0
        await scene.passes(2)
        scene.station.answers = lambda action, payload: None if action == SET else "Accepted"
        scene.fallback = 6.0
        await scene.passes(2)
        assert periods(scene.station.profiles[101][1])[1] == (1200, 10)
        assert not scene.sender.fallback_confirmed(scene.outlet)

    scene_of(tmp_path, act)


def test_a_car_that_ignores_its_limit_leads_to_the_next_mode_and_one_that_follows_proves_it(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        def told(measured: float, cap: float, *, compliant: bool) -> Decision:
            amps, binding = (measured, measured, measured), Binding("outlet", "so")
            each = ConnectorDecision(CP, 1, cap, cap, cap, (1, 2, 3), amps, compliant, False, binding)
            return replace(NOTHING, connectors=(each,))

        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(40)
        scene.sender.look_at(told(20, 10, compliant=False), scene.plan)
        await scene.passes(5)
        assert scene.mode == "B" and 201 not in scene.station.profiles and scene.station.allowed() == 10
        scene.sender.look_at(told(10, 10, compliant=True), scene.plan)
        scene.limit(6, session, "decrease")
        await scene.passes(7)
        scene.sender.look_at(told(5.8, 6, compliant=True), scene.plan)
        await scene.passes(60)
        assert scene.sender.limiting()[CP].proven
        scene.sender.look_at(told(20, 6, compliant=False), scene.plan)
        await scene.passes(3)
        assert scene.mode == "B"

    scene_of(tmp_path, act)


def test_an_operators_profile_gets_an_id_beyond_those_of_load_limits(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        theirs = {key: value for key, value in profile().items() if key != "chargingProfileId"}
        payload = {"connectorId": 1, "csChargingProfiles": {**theirs, "stackLevel": 7}}
        for _ in range(2):
            await carry_out(scene.stage.site, station=CP, action=SET, payload=payload, actor="operator")
        ids = [one["chargingProfileId"] for one in scene.station.sets()]
        assert ids[-2:] == [1, 2]

    scene_of(tmp_path, act)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_balancer_is_never_told_less_than_the_station_allows(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def answers(action: str, payload: Conf) -> str | None:
        return chance.choice(["Accepted"] * 6 + ["Rejected", None]) if action == SET else "Accepted"

    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(5)
        session = await scene.station.charge()
        scene.station.answers = answers
        for _ in range(30):
            match chance.choice(["limit", "limit", "limit", "mute", "reconnect", "forget", "boot", "clear", "away"]):
                case "limit":
                    scene.limit(float(chance.randrange(6, 32)), session, chance.choice(["increase", "decrease"]))
                case "mute":
                    scene.station.hears_but_is_silent = not scene.station.hears_but_is_silent
                case "reconnect":
                    await scene.station.connect()
                case "forget":
                    await scene.station.disconnect()
                    scene.station.profiles.pop(201, None)
                    await scene.station.connect()
                case "boot":
                    await scene.station.boot()
                case "clear":
                    await carry_out(scene.stage.site, station=CP, action=CLEAR, payload={"id": 201}, actor="operator")
                case "away":
                    await scene.station.disconnect()
                    await scene.passes(chance.choice([3, 700]))
                    await scene.station.connect()
            await scene.passes(chance.choice([0, 1, 5, 20, 400]))
        scene.station.answers, scene.station.hears_but_is_silent = lambda action, payload: "Accepted", False
        scene.limit(9, session)
        await scene.passes(30)
        assert scene.station.allowed() == 9 or scene.mode == "D"  # it refused in every mode

    scene_of(tmp_path, act)


def test_a_changed_fallback_is_set_anew_and_does_not_count_before_it_is_accepted(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        scene.fallback = 0.0
        scene.station.answers = lambda action, payload: None if action == SET else "Accepted"
        await scene.passes(2)
        assert not scene.sender.fallback_confirmed(scene.outlet)
        scene.station.answers = lambda action, payload: "Accepted"
        await scene.passes(20)
        assert scene.sender.fallback_confirmed(scene.outlet)
        assert periods(scene.station.profiles[101][1]) == [(0, 0), (1200, 0)]

    scene_of(tmp_path, act)


def test_a_station_without_default_profiles_is_limited_as_a_whole(tmp_path: Path) -> None:
    def answers(action: str, payload: Conf) -> str:
        whole = action != SET or payload["csChargingProfiles"]["chargingProfilePurpose"] == "ChargePointMaxProfile"
        return "Accepted" if whole else "Rejected"

    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(20)
        assert scene.mode == "C" and scene.station.allowed() == 6
        assert scene.sender.fallback_confirmed(scene.outlet)
        session = await scene.station.charge()
        scene.limit(16, session, seconds=1800)
        await scene.passes(3)
        assert scene.station.allowed() == 16
        await scene.passes(1810)
        assert scene.station.allowed() == 6

    scene_of(tmp_path, act, answers=answers)


def test_from_mode_b_to_c_the_station_is_never_open(tmp_path: Path) -> None:
    def answers(action: str, payload: Conf) -> str:
        one = payload.get("csChargingProfiles", {})
        long_lease = one.get("chargingProfilePurpose") == "TxDefaultProfile" and periods(one)[0][1] == 10
        refused = one.get("chargingProfilePurpose") == "TxProfile" or long_lease
        return "Rejected" if action == SET and refused else "Accepted"

    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(8, session)
        await scene.passes(24)
        scene.limit(8, session)
        await scene.passes(20)
        assert (scene.mode, scene.station.allowed()) == ("B", 8)
        scene.limit(10, session)
        await scene.passes(20)
        assert (scene.mode, scene.station.allowed()) == ("C", 10)
        assert list(scene.station.profiles) == [300]
        assert scene.sender.fallback_confirmed(scene.outlet)

    scene_of(tmp_path, act, answers=answers)


def test_a_changed_fallback_is_in_the_lease_too(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(10, session)
        await scene.passes(2)
        scene.fallback = 0.0
        await scene.passes(4)
        assert periods(scene.station.profiles[201][1]) == [(0, 10), (660, 0)]

    scene_of(tmp_path, act)


def test_quiet_stations_are_sent_nothing(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.connect()
        await asyncio.sleep(0.1)
        connection = scene.stage.site.connected.get(CP)
        assert connection is not None
        connection.treatment = replace(connection.treatment, quiet=True)
        await scene.passes(30)
        assert scene.station.sets() == []

    scene_of(tmp_path, act)


def test_a_lower_profile_of_an_operator_is_told_to_the_balancer(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        site = scene.stage.site
        assert await site.database.write(lambda db: foreign_limit(db, CP, 1, site.wall_clock())) is None
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11}]}
        theirs = {
            "stackLevel": 0,
            "chargingProfilePurpose": "ChargePointMaxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": schedule,
        }
        payload = {"connectorId": 0, "csChargingProfiles": theirs}
        await carry_out(site, station=CP, action=SET, payload=payload, actor="operator")
        assert await site.database.write(lambda db: foreign_limit(db, CP, 1, site.wall_clock())) == 11

    scene_of(tmp_path, act)
