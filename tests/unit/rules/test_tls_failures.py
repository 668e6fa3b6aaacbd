"""What a failed TLS handshake is called, and whether it is a security event."""

from __future__ import annotations

import pytest

from gateway.rules.tls_failures import what_failed


@pytest.mark.parametrize(
    ("reason", "detail", "event", "words"),
    [
        ("CERTIFICATE_VERIFY_FAILED", "certificate has expired", "InvalidChargePointCertificate", "has expired"),
        ("CERTIFICATE_VERIFY_FAILED", "", "InvalidChargePointCertificate", "cannot be verified"),
        ("UNSUPPORTED_PROTOCOL", "", "InvalidTLSVersion", "TLS 1.2"),
        ("NO_SHARED_CIPHER", "", "InvalidTLSCipherSuite", "cipher"),
        ("TLSV1_ALERT_UNKNOWN_CA", "", "InvalidCentralSystemCertificate", "the gateway's certificate"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "", "InvalidCentralSystemCertificate", "EXPIRED"),
        ("TLSV1_ALERT_INTERNAL_ERROR", "", "TLSHandshakeFailed", "INTERNAL_ERROR"),
        ("UNKNOWN_CA", "", "TLSHandshakeFailed", "UNKNOWN_CA"),
        ("HTTP_REQUEST", "", "TLSHandshakeFailed", "wss"),
        ("WRONG_VERSION_NUMBER", "", "TLSHandshakeFailed", "WRONG_VERSION_NUMBER"),
        ("hung up", "", None, "hung up"),
        ("too slow", "", None, "too slow"),
    ],
)
def test_what_failed(reason: str, detail: str, event: str | None, words: str) -> None:
    told = what_failed(reason, detail)
    assert told.event == event
    assert words in told.reason
