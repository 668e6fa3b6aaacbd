"""What is left of an earlier mode, or of an earlier station of the same name, when the sender of limits begins anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gateway.model.limiting import Limiting
from gateway.model.load_decision import Binding, ConnectorDecision, Decision
from gateway.operations.provision_stations import Provisioned, put_station, remove_station
from gateway.operations.send_limits import LimitSender
from gateway.store import limiting
from tests.conformance.test_rules_load_limits import CP, NOTHING, Scene, scene_of
from tests.fakes.limited_station import SET, LimitedStation
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_site import VirtualSite, play


def told(measured: float, *, compliant: bool = True) -> Decision:
    """The balancer's word on a car on one phase, at 10 A."""
    amps, binding = (measured, 0.0, 0.0), Binding("outlet", "so")
    each = ConnectorDecision(CP, 1, 10, 10, 10, (1, 2, 3), amps, compliant, False, binding)
    return replace(NOTHING, connectors=(each,))


def test_a_limit_of_the_mode_before_counts_when_the_gateway_was_killed_before_it_was_taken_away(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        session = await scene.station.charge()
        scene.limit(16, session)
        await scene.passes(2)
        site = scene.stage.site
        await site.database.write(lambda db: limiting.keep(db, CP, Limiting(mode="B"), now=site.wall_clock()))
        again = LimitSender(site)
        await again.begin()
        facts = again.lease_of(CP, 1, None)
        assert scene.station.allowed() == 16
        assert facts is not None and facts.pending_amps == 16 and facts.first_end_in_seconds <= 0
        task = asyncio.create_task(again.run())
        await asyncio.sleep(5)
        task.cancel()
        assert 201 not in scene.station.profiles, "it would overrule the new mode's"

    scene_of(tmp_path, act)


def test_a_station_that_was_removed_and_comes_again_is_probed_anew(tmp_path: Path) -> None:
    async def scene(stage: VirtualSite) -> None:
        def mode() -> str | None:
            tick = stage.site.load.tick
            return None if tick is None else next((one.mode for one in tick.picture.outlets), None)

        settings = {"circuit": "main"}
        assert isinstance(await put_station(stage.site, "NEW", settings, actor="test"), Provisioned)
        url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp/NEW"
        station = LimitedStation(url, stage.world.clock.true_time, answers=lambda action, _: "Rejected")
        await station.boot()
        await asyncio.sleep(60)
        assert mode() in {"B", "C", "D"}
        assert await remove_station(stage.site, "NEW", actor="test") == "removed"
        await station.disconnect()
        await asyncio.sleep(10)
        assert mode() is None
        assert isinstance(await put_station(stage.site, "NEW", settings, actor="test"), Provisioned)
        await asyncio.sleep(10)
        assert mode() == "A"

    play(tmp_path, scene, more='[[circuit]]\nname = "main"\nlimit_amps = 63\n')


def test_a_station_that_does_not_answer_limits_is_looked_after_all_the_same(tmp_path: Path) -> None:
    def answers(action: str, payload: object) -> str | None:
        return None if action == SET else "Accepted"

    async def scene(stage: VirtualSite) -> None:
        url = f"ws://127.0.0.1:{FIRST_FREE_PORT}/ocpp/{CP}"
        station = LimitedStation(url, stage.world.clock.true_time, answers=answers)
        await station.boot()
        await asyncio.sleep(120)
        asked = {action for _, action, _ in station.asked}
        assert {SET, "TriggerMessage", "GetConfiguration"} <= asked, asked
        assert stage.site.failed_by_itself == {}, "which would postpone its next turn"
        await station.disconnect()

    more = '[[circuit]]\nname = "main"\nlimit_amps = 63\n[[station]]\nid = "CP-1"\ncircuit = "main"\n'
    play(tmp_path, scene, more=more)


def test_a_station_that_was_given_up_gets_another_chance_after_a_day_when_nobody_charges(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.station.answers = lambda action, payload: "Rejected"
        await scene.station.boot()
        await scene.passes(10)
        await scene.station.charge()
        scene.limit(10, None)
        await scene.passes(60)
        assert scene.mode == "D"
        await asyncio.sleep(86_000)
        scene.station.answers = lambda action, payload: "Accepted"
        await scene.station.boot()
        for _ in range(600):
            scene.sender.look_at(told(20), scene.plan)
            await asyncio.sleep(1)
        assert scene.mode == "D", "a car charges"
        scene.sender.look_at(told(0), scene.plan)
        await asyncio.sleep(0.01)
        assert not scene.sender.fallback_confirmed(scene.outlet)
        await scene.passes(3)
        assert scene.mode == "A" and scene.sender.fallback_confirmed(scene.outlet)

    scene_of(tmp_path, act)


def test_what_a_session_before_was_told_does_not_judge_the_next_one(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        first = await scene.station.charge()
        scene.limit(10, first)
        await scene.passes(60)
        second = await scene.station.charge()  # the end of the first was never told
        scene.limit(10, second)
        await scene.passes(3)
        scene.sender.look_at(told(20, compliant=False), scene.plan)
        await scene.passes(3)
        assert scene.mode == "A"

    scene_of(tmp_path, act)


def test_a_car_that_came_down_late_is_no_proof_against_its_station(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(3)
        scene.limit(10, await scene.station.charge())
        await scene.passes(40)
        scene.sender.look_at(told(9.8, compliant=False), scene.plan)  # it is watched for another minute
        await scene.passes(3)
        assert scene.mode == "A"
        scene.sender.look_at(told(20, compliant=False), scene.plan)
        await scene.passes(3)
        assert scene.mode == "B"

    scene_of(tmp_path, act)


def test_a_car_on_one_phase_of_a_station_that_takes_power_gets_no_more_than_its_limit(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.station.boot()
        await scene.passes(30)
        scene.limit(10, await scene.station.charge())
        await scene.passes(3)
        scene.sender.look_at(told(30), scene.plan)
        await scene.passes(3)
        first = scene.station.sets("TxProfile")[-1]["chargingSchedule"]["chargingSchedulePeriod"][0]
        assert first["limit"] == 2300 and scene.mode == "A"

    scene_of(tmp_path, act, settings={"ChargingScheduleAllowedChargingRateUnit": "Power"})
