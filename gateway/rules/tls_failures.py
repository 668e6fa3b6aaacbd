"""What does a TLS handshake that failed tell? Which security event it is, in words that help on site.

OpenSSL's reasons in capitals, the door's own in small letters. A peer that only hangs up is a port scanner, a monitor
or a station whose network is bad: that is counted, and no security event.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.rules.security_profiles import INVALID_CERTIFICATE


class Told(NamedTuple):
    """The type of the security event, None where it is none, and the reason in words."""

    event: str | None
    reason: str


_VERSIONS = frozenset({"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "UNKNOWN_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"})
_CIPHERS = frozenset({"NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM", "NO_SUITABLE_KEY_SHARE"})
_NOT_ENCRYPTED = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})
# alerts of a peer that does not accept the certificate which it was shown
_OUR_CERTIFICATE = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_UNKNOWN", "ACCESS_DENIED")


def what_failed(reason: str, detail: str) -> Told:
    """What to tell of a handshake that ended with `reason`; `detail` is what OpenSSL says of a refused certificate."""
    if reason == "CERTIFICATE_VERIFY_FAILED":
        return Told(INVALID_CERTIFICATE, f"the certificate is refused: {detail or 'it cannot be verified'}")
    if reason in _VERSIONS:
        return Told("InvalidTLSVersion", "TLS 1.2 or newer is needed")
    if reason in _CIPHERS:
        return Told("InvalidTLSCipherSuite", "no cipher suite in common")
    if "ALERT" in reason and any(word in reason for word in _OUR_CERTIFICATE):
        return Told("InvalidCentralSystemCertificate", f"the station refuses the gateway's certificate ({reason})")
    if reason in _NOT_ENCRYPTED:
        return Told("TLSHandshakeFailed", "it does not encrypt: this port is for wss")
    if reason.isupper():
        return Told("TLSHandshakeFailed", f"the TLS handshake failed ({reason})")
    return Told(None, reason)
