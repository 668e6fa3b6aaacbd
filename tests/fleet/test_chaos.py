"""A minute of chaos: real processes are killed with -9 and frozen, and nothing is lost, doubled or told out of order.

`CHAOS_SEED` and `CHAOS_SECONDS` in the environment play other plans.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fleet.chaos import VICTIMS, plan, play

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("CHAOS_SEED", "20261125"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))


async def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    print(f"CHAOS_SEED={SEED}")
    outcome = await play(tmp_path, seed=SEED, seconds=SECONDS)
    print(outcome)
    assert all(outcome.blows[f"{victim} {deed}"] for victim in VICTIMS for deed in ("kill", "freeze"))
    assert outcome.sessions > 0 and outcome.events > 4 * outcome.sessions
    assert outcome.duplicates > 0, "so much was repeated that it would have shown"


def test_a_seed_gives_the_same_plan_each_time() -> None:
    assert plan(7, 60) == plan(7, 60) != plan(8, 60)
    for blows in plan(7, 60).values():
        assert 40 < sum(blow.after + blow.seconds for blow in blows) <= 60
