"""A campaign over thirty stations of every kind in virtual time: halted, resumed, the gateway killed in the middle."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fakes.updating_station import Oddities
from tests.simulation.rollout_stage import DAY, HOUR, RolloutStage, play_rollout

AT_ONCE = 4
# (how many, what is odd, with the security extension, state, failure)
KINDS: tuple[tuple[int, dict[str, Any], bool, str, str | None], ...] = (
    (7, {}, False, "done", None),
    (3, {}, True, "done", None),
    (2, {"floods": 50}, False, "done", None),
    (2, {"says_nothing": True}, False, "done", None),
    (2, {"stuck_unavailable": True}, False, "done", None),
    (2, {"forgets_settings": True}, False, "done", None),
    (2, {"tells_no_boot": True}, False, "done", None),
    (2, {"needs_no_reboot": True}, False, "done", None),
    (1, {"dies_while_loading": 1}, False, "done", None),
    (1, {"dies_while_loading": 9}, False, "failed", "download"),
    (1, {"boots_with": "1.5"}, False, "failed", "version_mismatch"),
    (1, {"refuses_signature": True}, True, "failed", "signature"),
    (1, {"never_comes_back": True}, False, "failed", "lost"),
    (1, {"stuck_for_good": True}, False, "failed", "health"),
    (1, {"fails_to_install": True}, False, "failed", "install"),
    (1, {"never_begins": True}, False, "failed", "timeout"),
)
EXPECTED: dict[str, tuple[str, str | None]] = {}
ODD: dict[str, tuple[dict[str, Any], bool]] = {}
for _, (_count, _odd, _signed, _state, _failure) in enumerate(KINDS):
    for _ in range(_count):
        _name = f"CP-{len(EXPECTED) + 1:02d}"
        EXPECTED[_name], ODD[_name] = (_state, _failure), (_odd, _signed)


async def everybody(stage: RolloutStage) -> None:
    for name, (odd, signed) in ODD.items():
        await stage.station(name, Oddities(**odd), signed=signed, connectors=2 if name in ("CP-05", "CP-06") else 1)


async def watch(stage: RolloutStage, seen: Counter[int]) -> None:
    """How many stations are out of service at once, again and again."""
    while True:
        states = (await stage.states()).values()
        seen[sum(one not in ("waiting", "done", "failed", "skipped", "aborted") for one in states)] += 1
        await asyncio.sleep(30)


def test_thirty_stations_end_as_they_must(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        assert len(EXPECTED) == 30
        await everybody(stage)
        await asyncio.sleep(300)
        charging = [stage.stations[name] for name in ("CP-04", "CP-05", "CP-12")]
        for station in charging:
            await station.charge(1)
        campaign = await stage.campaign(
            canary=2, wave_share=0.25, max_failures=2, at_once=AT_ONCE, drain=True, check_seconds=1200,
            apart=[["CP-07", "CP-08"]], most_share_of_connectors=0.2,
        )  # fmt: skip
        seen: Counter[int] = Counter()
        watching = asyncio.create_task(watch(stage, seen))
        for hours in (0.3, 0.5, 1.1):
            await asyncio.sleep(hours * HOUR)
            await stage.restart(after_seconds=90)
        halts = 0
        assert all(station.updates == 0 for station in charging)
        for station in charging:
            await station.stop(1)
        while True:
            await stage.until_state("halted", "finished", most_seconds=2 * DAY)
            if await stage.state() == "finished":
                break
            halts += 1
            before = await stage.states()
            assert sum(state == "failed" for state in before.values()) >= 2
            await asyncio.sleep(3 * HOUR)
            after = await stage.states()
            begun = [name for name in after if before[name] == "waiting" and after[name] != "waiting"]
            assert begun == [], "while it is halted none begins"
            assert await stage.wish(campaign, "resume") is None
        watching.cancel()
        rows = await stage.rows("SELECT * FROM campaign_stations")
        assert {row["station"]: (row["state"], row["failure"]) for row in rows} == EXPECTED
        assert 2 <= halts <= 4
        assert 2 <= max(seen) <= AT_ONCE
        assert not any(station.interrupted for station in stage.stations.values())
        assert [row["station"] for row in rows if row["drained"] is not None] == []
        _check_audit(rows, stage)
        (campaign_row,) = await stage.rows("SELECT * FROM campaigns")
        assert campaign_row["why"] == "23 done, 7 failed"

    play_rollout(tmp_path, scene)


def _check_audit(rows: list[dict[str, Any]], stage: RolloutStage) -> None:
    for row in rows:
        station = stage.stations[row["station"]]
        if row["state"] == "done":
            assert (row["version_before"], row["version_after"]) == ("1.0", "2.0")
            assert station.statuses[1] == "Available"
        changed = json.loads(row["changed_settings"] or "{}")
        assert bool(changed) == (station.odd.forgets_settings and row["state"] == "done"), row


def test_a_failed_canary_halts_and_the_rest_is_left_in_peace(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        await stage.station("CP-1", Oddities(boots_with="1.5"))
        for number in range(2, 6):
            await stage.station(f"CP-{number}")
        campaign = await stage.campaign(max_failures=3)
        await stage.until_state("halted", most_seconds=4 * HOUR)
        await asyncio.sleep(DAY)
        assert [stage.stations[f"CP-{number}"].updates for number in range(1, 6)] == [1, 0, 0, 0, 0]
        (row,) = await stage.rows("SELECT * FROM campaigns")
        assert row["why"] == "a canary has failed"
        stage.stations["CP-1"].odd.boots_with = None
        assert await stage.wish(campaign, "retry") is None
        await stage.until_state("finished", most_seconds=DAY)
        assert set((await stage.states()).values()) == {"done"}

    play_rollout(tmp_path, scene)


def test_the_rest_waits_for_approval_and_a_pause_holds(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        for number in range(1, 5):
            await stage.station(f"CP-{number}")
        campaign = await stage.campaign(pause_after_canary=True, wave_share=1.0)
        await stage.until_state("waiting", most_seconds=4 * HOUR)
        await asyncio.sleep(6 * HOUR)
        assert Counter((await stage.states()).values()) == {"done": 1, "waiting": 3}
        assert await stage.wish(campaign, "approve") is None
        assert await stage.wish(campaign, "pause") is None
        await stage.restart()
        await asyncio.sleep(6 * HOUR)
        assert Counter((await stage.states()).values()) == {"done": 1, "waiting": 3}
        assert await stage.wish(campaign, "resume") is None
        await stage.until_state("finished", most_seconds=DAY)
        assert Counter((await stage.states()).values()) == {"done": 4}
        (row,) = await stage.rows("SELECT * FROM campaigns")
        assert row["approved_by"] == "tester"

    play_rollout(tmp_path, scene)


def test_an_abort_lets_those_under_way_end_and_no_other_begin(tmp_path: Path) -> None:
    async def scene(stage: RolloutStage) -> None:
        for number in range(1, 4):
            await stage.station(f"CP-{number}")
        campaign = await stage.campaign(canary=0, at_once=1)
        await stage.until_station("CP-1", "downloading")
        assert await stage.wish(campaign, "abort") is None
        await stage.restart()
        await stage.until_station("CP-1", "done", most_seconds=2 * HOUR)
        await asyncio.sleep(60)
        assert await stage.states() == {"CP-1": "done", "CP-2": "aborted", "CP-3": "aborted"}
        (row,) = await stage.rows("SELECT * FROM campaigns")
        assert (row["state"], row["why"]) == ("aborted", "1 done, 2 aborted")
        assert row["finished_at"] is not None

    play_rollout(tmp_path, scene)
