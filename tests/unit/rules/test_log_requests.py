"""By which request a station uploads a log, by what it can."""

from __future__ import annotations

import pytest

from gateway.rules.log_requests import payload_of, requests_to_try

DIAGNOSTICS, LOG = "GetDiagnostics", "GetLog"


@pytest.mark.parametrize(
    ("extension", "unsupported", "expected"),
    [
        (True, (), (LOG, DIAGNOSTICS)),
        (False, (), (DIAGNOSTICS, LOG)),
        (None, (), (DIAGNOSTICS, LOG)),
        (True, (LOG,), (DIAGNOSTICS, LOG)),
        (None, (DIAGNOSTICS,), (LOG, DIAGNOSTICS)),
        (True, (LOG, DIAGNOSTICS), (LOG, DIAGNOSTICS)),
    ],
)
def test_diagnostics(extension: bool | None, unsupported: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert requests_to_try("diagnostics", security_extension=extension, unsupported=unsupported) == expected


def test_the_security_log_is_had_by_get_log_alone() -> None:
    assert requests_to_try("security", security_extension=True, unsupported=()) == (LOG,)
    assert requests_to_try("security", security_extension=None, unsupported=()) == (LOG,)
    assert requests_to_try("security", security_extension=False, unsupported=()) == ()
    assert requests_to_try("security", security_extension=True, unsupported=(LOG,)) == ()


def test_the_payloads_have_the_members_of_their_requests() -> None:
    assert payload_of("GetDiagnostics", "diagnostics", since="a", until="b") == {
        "retries": 3, "retryInterval": 60, "startTime": "a", "stopTime": "b",
    }  # fmt: skip
    assert payload_of("GetLog", "security", since="a", until=None) == {
        "retries": 3, "retryInterval": 60, "logType": "SecurityLog", "log": {"oldestTimestamp": "a"},
    }  # fmt: skip
    assert payload_of("GetLog", "diagnostics", since=None, until="b")["log"] == {"latestTimestamp": "b"}
