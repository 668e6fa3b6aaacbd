"""What of a station is the installer's and the site's, whatever a fleet manager wants."""

from __future__ import annotations

import pytest

from gateway.rules.fleet_stations import overridden, why_not


@pytest.mark.parametrize(
    ("name", "wanted", "in_force", "allowed"),
    [
        ("circuit", "main", "main", True),
        ("circuit", "other", "main", False),
        ("circuit", None, None, True),
        ("phase_rotation", "231", "123", False),
        ("fallback_amps", 0, 6, False),
        ("max_amps", 16, 32, True),
        ("max_amps", 33, 32, False),
        ("max_amps", None, 32, True),
        ("max_amps", None, 20, False),
        ("priority", 9, 0, True),
    ],
)
def test_the_installers_safety_stays(name: str, wanted: object, in_force: object, allowed: bool) -> None:
    written = 32 if name == "max_amps" else in_force
    assert (why_not(name, wanted, written=written, in_force=in_force) is None) == allowed


def test_max_amps_that_nobody_wrote_is_not_compared() -> None:
    assert why_not("max_amps", 40, written=None, in_force=None) is None


def test_what_the_site_set_is_its_own_until_it_is_as_the_fleet_set_it() -> None:
    wanted = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    here = {"a": 1, "b": 9, "c": 9, "d": 9}
    before = {"c": 9, "d": 8}
    assert overridden(wanted, here=here, before=before) == {"b", "d"}
