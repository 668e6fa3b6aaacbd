"""Which security events are critical, and how many are kept of one station? Types are free text, most are listed.

Names differ by edition of the security white paper, and are compared without regard to case. What nobody knows is
accepted, and not critical.
"""

from __future__ import annotations

from gateway.model.instants import SECOND, Instant

# Of the same source and station, critical ones and others apart, so that neither crowds out the other.
MOST_AN_HOUR = 100
MOST_KEPT = 1000
# The gateway's own word for events that were only counted, because too many came.
LEFT_OUT = "SecurityEventsLeftOut"

_HOUR = 3_600 * SECOND
# What the white paper calls critical, and what tells of wrong certificates, signatures and forced-down encryption.
_CRITICAL = frozenset(
    name.casefold()
    for name in (
        "FirmwareUpdated",
        "InvalidCentralSystemCertificate",
        "InvalidChargePointCertificate",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "InvalidTLSCipherSuite",
        "InvalidTLSVersion",
        "MaintenanceLoginAccepted",
        "MemoryExhaustion",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "TamperDetectionActivated",
        LEFT_OUT,
    )
)


def is_critical(type_told: str) -> bool:
    """True when somebody should look at events of this type."""
    return type_told.strip().casefold() in _CRITICAL


def begin_of_hour(now: Instant) -> Instant:
    """Events since then count towards `MOST_AN_HOUR`."""
    return Instant(now - _HOUR)
