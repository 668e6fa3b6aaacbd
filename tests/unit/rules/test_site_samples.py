"""The mean of what a site meter showed in a minute."""

from __future__ import annotations

from gateway.model.meters import UNKNOWN, Measured
from gateway.rules.site_samples import mean_of


def test_the_mean_of_each_value_that_is_known() -> None:
    read = [
        Measured((1.0, None, 3.0), UNKNOWN, (10.0, 10.0, None), 30.0, 100.0, None),
        Measured((2.0, 5.0, -3.0), UNKNOWN, (20.0, 10.0, None), None, 101.0, 7.0),
        Measured(energy_import_wh=None, energy_export_wh=8.0),
    ]
    assert mean_of(read) == Measured((1.5, 5.0, 0.0), UNKNOWN, (15.0, 10.0, None), 30.0, 101.0, 8.0)


def test_nothing_is_known_of_no_readings() -> None:
    assert mean_of([]) == Measured()
