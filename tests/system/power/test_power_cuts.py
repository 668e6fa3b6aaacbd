"""The power fails under load, again and again: whatever was answered is there afterwards, the database is whole.

Each round boots the machine, lets stations start, meter and stop sessions without a pause, and cuts at a random
moment; what was not flushed is lost at random, block by block. CUT_SEED plays other moments, POWER_CUTS other numbers
of rounds. The last test plants the fault: with synchronous=NORMAL sessions have to get lost, or the others prove
nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.system.power.busy_stations import Station
from tests.system.power.conftest import MakeRig
from tests.system.power.crash_states import copy_sparse, crash_states, times
from tests.system.power.image import replace_in_image
from tests.system.power.rounds import STATIONS, Rig, all_answered, assert_told, loaded
from tests.system.power.virtual_machine import powered

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("CUT_SEED", "20261126"))
ROUNDS = int(os.environ.get("POWER_CUTS", "30"))
STATES = int(os.environ.get("CRASH_STATES", "60"))
_WITH_SYSTEMD = 10  # every tenth round boots the whole systemd
_MID_BOOT = 6  # after every sixth cut the power fails again before the machine is up
_LONGEST_LOAD_SECONDS = 3.5


async def test_thirty_cuts_under_load(make_rig: MakeRig, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(SEED)
    rig = make_rig()
    stations = [Station(f"CP-{number}", SEED) for number in range(STATIONS)]
    for number in range(1, ROUNDS + 1):
        moment = await _one_round(rig, stations, dice, systemd=number % _WITH_SYSTEMD == 0)
        verdict = rig.left(stations, moment)
        assert verdict.well, f"seed {SEED}, round {number}: {verdict}"
        if number % _MID_BOOT == 0:
            await _cut_while_booting(rig, dice)
    async with rig.serving() as machine:
        assert_told(await rig.told(machine), stations)
        rig.cut(machine, SEED)
    last = rig.left(stations, moment)
    assert last.well, f"seed {SEED}: {last}"
    assert not [text for station in stations for text in station.refused]
    assert not rig.cuts.trouble, rig.cuts.trouble
    assert rig.cuts.lost_blocks > 0, "the cuts lost nothing: they prove nothing"
    with capsys.disabled():
        print(_report(rig, stations, last.answered))


async def test_any_moment_of_a_recorded_run(make_rig: MakeRig, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    log, before = tmp_path / "run.log", tmp_path / "before.img"
    stations = [Station(f"CP-{number}", SEED) for number in range(STATIONS)]
    rig = make_rig(log=log)
    copy_sparse(rig.image, before)
    async with rig.serving() as machine:
        began = len(times(log))
        async with loaded(machine, stations):
            await all_answered(stations, 20)
        rig.cut(machine, SEED)
    moments = sorted(dice.sample(range(began, len(times(log))), STATES))
    wrong = []
    for state in crash_states(before, log, moments, dice=dice):
        verdict = rig.left(stations, state.before_ns, state.image)
        if not verdict.well:
            wrong.append((state, verdict))
    assert not wrong, f"seed {SEED}: {wrong[0]} and {len(wrong) - 1} more of {STATES}"


async def test_that_sessions_get_lost_without_a_flush_per_commit(make_rig: MakeRig) -> None:
    dice = random.Random(SEED)
    rig = make_rig(prepare=_commit_without_flush)
    stations = [Station(f"CP-{number}", SEED) for number in range(STATIONS)]
    moment = await _one_round(rig, stations, dice, systemd=False)
    verdict = rig.left(stations, moment)
    assert verdict.lost, f"seed {SEED}: nothing of {verdict.answered} was lost, so the harness sees nothing"


def _commit_without_flush(image: Path) -> None:
    path = "/usr/lib/ocpp-gateway/gateway/store/migrations.py"
    replace_in_image(image, path, "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL")


async def _one_round(rig: Rig, stations: list[Station], dice: random.Random, *, systemd: bool) -> int:
    """Boot, compare what the API tells with what was answered before, load, cut; the moment of the cut."""
    async with rig.serving(systemd=systemd) as machine:
        assert_told(await rig.told(machine), stations)
        async with loaded(machine, stations):
            await all_answered(stations, 2)
            await asyncio.sleep(dice.uniform(0.0, _LONGEST_LOAD_SECONDS))
            return rig.cut(machine, dice.randrange(1 << 32))


async def _cut_while_booting(rig: Rig, dice: random.Random) -> None:
    """The power comes back for some seconds only: while the journal is replayed, or while the daemon starts."""
    with powered(rig.boot, rig.plug, rig.directory) as machine:
        await asyncio.sleep(dice.uniform(0.5, 12.0))
        rig.cut(machine, dice.randrange(1 << 32))


def _report(rig: Rig, stations: list[Station], answered: int) -> str:
    sessions = [session for station in stations for session in station.sessions]
    boots = sorted(rig.cuts.boot_seconds)
    return (
        f"\n{len(rig.cuts.unflushed)} cuts, seed {SEED}: {sum(s.started_ns is not None for s in sessions)} starts and "
        f"{sum(s.stopped_ns is not None for s in sessions)} stops answered, {answered} messages looked for, none lost; "
        f"{sum(rig.cuts.unflushed)} blocks were unflushed, {rig.cuts.lost_blocks} of them lost; "
        f"from power to service {boots[len(boots) // 2]:.1f} s (median)"
    )
