"""The power fails while dpkg upgrades the package, or while the new version migrates the database.

One upgrade is recorded, write by write; of some moments of it the disk is made as a cut would have left it, and
booted with the whole systemd. Nobody helps: the daemon has to run afterwards, the old one or the new one, with every
session that was answered before the cut; and dpkg has nothing left to do. CUT_SEED plays other moments, UPGRADE_CUTS
other numbers of them.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.power.busy_stations import Station
from tests.system.power.conftest import MakeRig
from tests.system.power.crash_states import CrashState, copy_sparse, crash_states, times
from tests.system.power.image import put_into_image
from tests.system.power.newer import VERSION, newer_version
from tests.system.power.rounds import Rig, all_answered, loaded
from tests.system.power.virtual_machine import Machine, Shell, plugged

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("CUT_SEED", "20261126"))
CUTS = int(os.environ.get("UPGRADE_CUTS", "5"))
_INSTALLED = "install ok installed"
_WHAT_DPKG_SAYS = "dpkg-query -W -f '${Status} ${Version}\\n' ocpp-gateway; dpkg --audit; ls -A /var/lib/dpkg/updates"
_NEWER_IS_HERE = "/newer.deb"


async def test_cuts_during_an_upgrade(
    make_rig: MakeRig, deb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(SEED)
    log, before = tmp_path / "upgrade.log", tmp_path / "before.img"
    newer = newer_version(deb, tmp_path)
    rig = make_rig(log=log, prepare=lambda image: put_into_image(image, newer, _NEWER_IS_HERE))
    copy_sparse(rig.image, before)
    stations = [Station(f"CP-{number}", SEED) for number in range(2)]
    began, ended = await _upgrade(rig, stations, log)
    moments = sorted(dice.sample(range(began, ended), CUTS))
    told = []
    for state in crash_states(before, log, moments, dice=dice):
        verdict = rig.left(stations, state.before_ns, state.image)
        assert verdict.well, f"seed {SEED}, {state}: {verdict}"
        told.append(await _boot_and_look(rig, state, began, ended))
    with capsys.disabled():
        print("\ncuts during an upgrade: " + "; ".join(told))


async def _upgrade(rig: Rig, stations: list[Station], log: Path) -> tuple[int, int]:
    """Upgrade under load, to the first answers of the new version; the entries of the log between which it happened."""
    async with rig.serving(systemd=True) as machine:
        shell = await _shell(machine)
        async with loaded(machine, stations):
            await all_answered(stations, 3)
            rig.plug.settle()
            began = len(times(log))
            status, said = await asyncio.to_thread(shell.run, f"dpkg -i {_NEWER_IS_HERE}", timeout_seconds=500)
            assert status == 0, said
            async with asyncio.timeout(120):
                while await rig.version(machine) != VERSION:  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
            await all_answered(stations, 2)
            rig.plug.settle()
            ended = len(times(log))
            rig.cut(machine, SEED)
        shell.close()
    return began, ended


async def _boot_and_look(rig: Rig, state: CrashState, began: int, ended: int) -> str:
    """Boot what the cut left; a few words on what was found and what became of it."""
    place = f"seed {SEED}, entry {state.index} of {began} to {ended}"
    with plugged(state.image, rig.directory) as plug:
        again = replace(rig, plug=plug, image=state.image)
        async with again.serving(systemd=True) as machine:
            shell = await _shell(machine)
            _, repaired = await asyncio.to_thread(shell.run, "journalctl --no-pager -o cat -u ocpp-gateway-repair")
            _, dpkg = await asyncio.to_thread(shell.run, _WHAT_DPKG_SAYS)
            running = await again.version(machine)
            shell.close()
            assert dpkg.startswith(_INSTALLED) and len(dpkg.splitlines()) == 1, f"{place}: {dpkg}\n{repaired}"
            assert not machine.file_system_trouble(), place
            machine.kill()
    how = "repaired" if "interrupted" in repaired else "nothing to repair"
    return f"{(state.index - began) * 100 // (ended - began)} %: {how}, {running} runs, dpkg has {dpkg.split()[-1]}"


async def _shell(machine: Machine) -> Shell:
    shell = await asyncio.to_thread(Shell, machine)
    await asyncio.to_thread(shell.wait, 60.0)
    return shell
