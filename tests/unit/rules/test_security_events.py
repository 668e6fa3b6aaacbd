"""Which security events are critical."""

from __future__ import annotations

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.rules.security_events import LEFT_OUT, begin_of_hour, is_critical


@pytest.mark.parametrize(
    "word",
    [
        "FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared",
        "MemoryExhaustion", "InvalidFirmwareSignature", "InvalidChargePointCertificate",
        "InvalidCentralSystemCertificate", "InvalidTLSVersion", "TamperDetectionActivated", " invalidtlsciphersuite ",
        LEFT_OUT,
    ],
)  # fmt: skip
def test_somebody_should_look(word: str) -> None:
    assert is_critical(word)


@pytest.mark.parametrize("word", ["FailedToAuthenticationAtCentralSystem", "VendorSpecific", "unknown", ""])
def test_what_is_usual_or_unknown_is_not_critical(word: str) -> None:
    assert not is_critical(word)


def test_an_hour_ago() -> None:
    assert begin_of_hour(Instant(7200 * SECOND)) == 3600 * SECOND
