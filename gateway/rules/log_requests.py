"""By which request does a station upload its diagnostics or its security log?

GetLog belongs to the security extension (OCPP 1.6 security whitepaper 3), GetDiagnostics to the plain protocol; a
station with the extension may have either, and some do not know what they have. So the other one is tried when the
first is not known. The security log is had by GetLog alone. How a request is sent is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

LogType = Literal["diagnostics", "security"]
Request = Literal["GetDiagnostics", "GetLog"]
LOG_TYPES: tuple[LogType, ...] = ("diagnostics", "security")

# so often and at such intervals a station tries again; some do not even try once when it is 0
RETRIES, RETRY_SECONDS = 3, 60

_LOG_TYPE_OF: Mapping[LogType, str] = {"diagnostics": "DiagnosticsLog", "security": "SecurityLog"}


def requests_to_try(
    log_type: LogType, *, security_extension: bool | None, unsupported: Collection[str]
) -> tuple[Request, ...]:
    """The requests in the order in which they are tried; none: the station cannot do it.

    `security_extension` None: the station did not tell. `unsupported`: what it answered as not known to it.
    """
    if log_type == "security":
        return () if security_extension is False or "GetLog" in unsupported else ("GetLog",)
    usual: tuple[Request, ...] = (
        ("GetLog", "GetDiagnostics") if security_extension is True else ("GetDiagnostics", "GetLog")
    )
    # what it once did not know comes last: a person asks, and it may have learnt it
    return tuple(sorted(usual, key=lambda request: request in unsupported))


def payload_of(request: Request, log_type: LogType, *, since: str | None, until: str | None) -> dict[str, object]:
    """The request without number and address, which are filled in; times as text."""
    retrying: dict[str, object] = {"retries": RETRIES, "retryInterval": RETRY_SECONDS}
    if request == "GetDiagnostics":
        return {**retrying, **_present(startTime=since, stopTime=until)}
    span = _present(oldestTimestamp=since, latestTimestamp=until)
    return {**retrying, "logType": _LOG_TYPE_OF[log_type], "log": span}


def _present(**times: str | None) -> dict[str, object]:
    return {name: text for name, text in times.items() if text is not None}
