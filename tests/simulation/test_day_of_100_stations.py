"""The day that the gateway is built for: a hundred stations, all that befalls them, and every session billed once.

Stations lose the network for hours, come back with and without a boot, are reset and lose power in the middle of
sessions; lines die with requests and with answers on them, so that stations tell again what is already stored; the
gateway itself is started anew several times, on the same data.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.virtual_network import Weather
from tests.simulation.charger import DAY, HOUR, Bad
from tests.simulation.ledger import billed_energy_wh, counts
from tests.simulation.played_day import Plan, Played, play

ROUGH = Weather(loses_request=0.01, loses_answer=0.03)
BAD = Bad(network_every=9 * HOUR, reset_every=12 * HOUR, power_every=DAY)


@pytest.mark.parametrize("seed", [20260328])
def test_every_session_of_the_day_is_billed_once_and_right(directory: Path, seed: int) -> None:
    played = play(Plan(100, seed=seed, gateway_restarts=4, bad=BAD, weather=ROUGH), directory)
    assert played.complaints() == []
    assert_it_was_a_hard_day(played)


def assert_it_was_a_hard_day(played: Played) -> None:
    """A day on which nothing happened would prove nothing."""
    told = counts(played.ledger)
    assert told["gateway.started"] == 6
    assert told["station.connected"] > 1000
    assert told["station.booted"] > 250
    assert played.sessions() > 1000
    assert played.running() > 10
    assert min(played.mishaps("network"), played.mishaps("reset"), played.mishaps("power")) > 50
    assert min(played.world.network.lines_died.values()) > 100
    assert played.retold("StartTransaction", "transaction.started") > 3
    assert played.retold("StopTransaction", "transaction.ended") > 3
    assert billed_energy_wh(played.ledger) > 10_000_000
