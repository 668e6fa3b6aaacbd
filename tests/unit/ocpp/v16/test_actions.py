"""The table of actions agrees with the specification and with the official schema files."""

from __future__ import annotations

from importlib.resources import files

import pytest

from gateway.ocpp.v16.actions import ACTIONS, sent_by_station, sent_to_station
from gateway.ocpp.v16.from_station import REQUEST_TYPES


def test_the_table_names_exactly_the_actions_that_have_schemas() -> None:
    names = {file.name.removesuffix(".json") for file in files("ocpp").joinpath("v16/schemas").iterdir()}
    assert names == set(ACTIONS) | {f"{action}Response" for action in ACTIONS}
    assert len(ACTIONS) == 39


def test_the_station_sends_exactly_the_actions_that_have_a_request_type() -> None:
    assert {action for action in ACTIONS if sent_by_station(action)} == set(REQUEST_TYPES)


def test_every_action_has_a_direction_and_only_data_transfer_has_both() -> None:
    assert all(sent_by_station(action) or sent_to_station(action) for action in ACTIONS)
    assert [action for action in ACTIONS if sent_by_station(action) and sent_to_station(action)] == ["DataTransfer"]


def test_an_unknown_action_is_sent_by_nobody() -> None:
    assert not sent_by_station("MakeCoffee")
    assert not sent_to_station("MakeCoffee")


@pytest.mark.parametrize(
    ("profile", "count"),
    [
        ("Core", 16),
        ("FirmwareManagement", 4),
        ("LocalAuthListManagement", 2),
        ("Reservation", 2),
        ("SmartCharging", 3),
        ("RemoteTrigger", 1),
        ("Security", 11),
    ],
)
def test_the_profiles_have_their_sizes(profile: str, count: int) -> None:
    assert sum(facts.profile == profile for facts in ACTIONS.values()) == count
