"""What a station can do, read from what it told."""

from __future__ import annotations

import pytest

from gateway.rules.capabilities import (
    WELL_KNOWN_KEYS,
    capabilities_of,
    items_of,
    whole_number,
    yes_or_no,
)


def test_nothing_told_is_nothing_known() -> None:
    found = capabilities_of({})
    assert (found.feature_profiles, found.charging_units, found.connectors) == (None, None, None)
    assert (found.security_extension, found.phase_switching, found.unsupported) == (None, None, ())
    assert found.has_profile("SmartCharging") is None


def test_a_well_told_station() -> None:
    found = capabilities_of(
        {
            "SupportedFeatureProfiles": "Core, SmartCharging,LocalAuthListManagement",
            "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
            "ChargeProfileMaxStackLevel": "10",
            "ChargingScheduleMaxPeriods": "24",
            "MaxChargingProfilesInstalled": "5",
            "ConnectorSwitch3to1PhaseSupported": "true",
            "SendLocalListMaxLength": "20",
            "LocalAuthListMaxLength": "100",
            "NumberOfConnectors": "2",
            "ReserveConnectorZeroSupported": "false",
            "SupportedFileTransferProtocols": "ftp,HTTPS",
            "GetConfigurationMaxKeys": "30",
            "SecurityProfile": "2",
            "AuthorizationKey": None,
        },
        connectors_seen=(0, 1, 7),
        unsupported={"UnlockConnector", "ClearCache"},
    )
    assert found.feature_profiles == ("Core", "SmartCharging", "LocalAuthListManagement")
    assert found.charging_units == ("A", "W")
    assert (found.max_stack_level, found.max_schedule_periods, found.max_charging_profiles) == (10, 24, 5)
    assert (found.max_list_update_entries, found.max_list_entries, found.max_keys_at_once) == (20, 100, 30)
    assert (found.phase_switching, found.can_reserve_connector_zero) == (True, False)
    assert found.connectors == 2, "what the station told beats what it showed"
    assert found.file_transfer_protocols == ("FTP", "HTTPS")
    assert found.security_extension is True
    assert found.unsupported == ("ClearCache", "UnlockConnector")
    assert (found.has_profile("SmartCharging"), found.has_profile("Reservation")) == (True, False)


def test_keys_compare_without_case_and_values_may_be_odd() -> None:
    found = capabilities_of(
        {
            "supportedfeatureprofiles": "core; smartcharging ;Local Auth List Management,VendorThing,core",
            "CHARGINGSCHEDULEALLOWEDCHARGINGRATEUNIT": "Watt",
            "chargeprofilemaxstacklevel": "8.0",
            "connectorswitch3to1phasesupported": "1",
            "numberofconnectors": " 2 ",
        }
    )
    assert found.feature_profiles == ("Core", "SmartCharging", "LocalAuthListManagement", "VendorThing")
    assert (found.charging_units, found.max_stack_level, found.phase_switching) == (("W",), 8, True)
    assert (found.connectors, found.security_extension) == (2, False)


@pytest.mark.parametrize(
    ("units", "meant"),
    [("Current", ("A",)), ("A", ("A",)), ("W", ("W",)), ("W,A", ("A", "W")), ("Horsepower", None), ("", None)],
)
def test_charging_units_in_every_vocabulary(units: str, meant: tuple[str, ...] | None) -> None:
    assert capabilities_of({"ChargingScheduleAllowedChargingRateUnit": units}).charging_units == meant


@pytest.mark.parametrize("told", [{}, {"NumberOfConnectors": "0"}, {"NumberOfConnectors": "two"}])
def test_connectors_are_counted_by_what_they_showed_when_the_number_is_missing(told: dict[str, str]) -> None:
    assert capabilities_of(told, connectors_seen=(0, 1, 2)).connectors == 2
    assert capabilities_of(told, connectors_seen=(0,)).connectors is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("10", 10), ("10.0", 10), ("0", 0), ("-1", None), ("1.5", None), ("x", None), (None, None), ("nan", None),
     ("1e99", None), ("inf", None)],
)  # fmt: skip
def test_whole_numbers(text: str | None, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "meant"),
    [("true", True), (" TRUE ", True), ("1", True), ("yes", True), ("False", False), ("off", False), ("", None),
     (None, None), ("maybe", None)],
)  # fmt: skip
def test_booleans(text: str | None, meant: bool | None) -> None:
    assert yes_or_no(text) is meant


def test_lists() -> None:
    assert items_of(" a, b;c ,,") == ("a", "b", "c")
    assert items_of("") == ()


def test_the_bound_is_asked_for_first() -> None:
    assert WELL_KNOWN_KEYS[0] == "GetConfigurationMaxKeys"
    assert len({key.casefold() for key in WELL_KNOWN_KEYS}) == len(WELL_KNOWN_KEYS)
    assert all(len(key) <= 50 for key in WELL_KNOWN_KEYS)
