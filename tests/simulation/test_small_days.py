"""Days of a few stations in virtual time: what every change is checked against."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.virtual_network import Weather
from tests.simulation.charger import DAY, HOUR, Bad
from tests.simulation.ledger import billed_energy_wh, counts
from tests.simulation.played_day import Plan, play

ROUGH = Weather(loses_request=0.01, loses_answer=0.02)


def test_a_day_of_ten_stations(directory: Path) -> None:
    bad = Bad(network_every=DAY / 2, reset_every=DAY / 2, power_every=DAY)
    played = play(Plan(10, seed=20260504, gateway_restarts=1, bad=bad, weather=ROUGH), directory)
    print(counts(played.ledger), played.world.network.lines_died, [c.mishaps for c in played.chargers], played.running(), played.sessions())
    assert played.complaints() == []
