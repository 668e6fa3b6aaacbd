"""The codes of a CALLERROR: historic spelling out, any spelling in."""

from __future__ import annotations

import pytest

from gateway.ocpp.errors import ErrorCode, known_code, says_not_done


def test_the_ten_codes_keep_their_historic_spelling() -> None:
    assert {code.value for code in ErrorCode} == {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    }


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_read_as_itself(code: ErrorCode) -> None:
    assert known_code(code.value) is code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("OccurrenceConstraintViolation", ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION),
        ("FormatViolation", ErrorCode.FORMATION_VIOLATION),
        ("RpcFrameworkError", ErrorCode.FORMATION_VIOLATION),
        ("MessageTypeNotSupported", ErrorCode.NOT_SUPPORTED),
        ("genericerror", ErrorCode.GENERIC_ERROR),
        ("NOT_IMPLEMENTED", ErrorCode.NOT_IMPLEMENTED),
        (" Internal Error ", ErrorCode.INTERNAL_ERROR),
    ],
)
def test_other_spellings_are_understood(text: str, code: ErrorCode) -> None:
    assert known_code(text) is code


@pytest.mark.parametrize("text", ["", "Teapot", "Error"])
def test_an_unknown_code_is_none(text: str) -> None:
    assert known_code(text) is None


def test_which_codes_say_that_a_station_has_no_such_request() -> None:
    for text in ("NotImplemented", "notSupported ", "NOT_SUPPORTED", "MessageTypeNotSupported"):
        assert says_not_done(text)
    for other in ("GenericError", "NotSupportedOperation", "", None):
        assert not says_not_done(other)
