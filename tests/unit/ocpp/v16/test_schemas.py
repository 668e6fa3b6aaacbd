"""Which rule was broken, and how it is said."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.ocpp.errors import ErrorCode
from gateway.ocpp.v16.schemas import (
    Direction,
    Flag,
    Items,
    Number,
    Text,
    actions,
    compiled,
    listed_values,
    shape_of,
    violations,
)

SAMPLE = {"timestamp": "2024-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}
PERIOD = {"startPeriod": 0, "limit": 16.0}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]}
COMPOSITE = {"status": "Accepted", "chargingSchedule": SCHEDULE}


@pytest.mark.parametrize(
    ("action", "direction", "payload", "code", "description"),
    [
        ("Authorize", "request", [], ErrorCode.TYPE_CONSTRAINT_VIOLATION, "payload: expected an object"),
        ("Authorize", "request", {}, ErrorCode.PROTOCOL_ERROR, "idTag: missing"),
        ("Authorize", "request", {"idTag": "A", "x": 1}, ErrorCode.FORMATION_VIOLATION, "x: unknown property"),
        ("Authorize", "request", {"idTag": 7}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "idTag: expected a string"),
        ("Authorize", "request", {"idTag": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "idTag: expected a string"),
        (
            "Authorize",
            "request",
            {"idTag": "A" * 21},
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "idTag: expected at most 20 characters",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1.0, "meterValue": [SAMPLE]},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "connectorId: expected an integer",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": True, "meterValue": [SAMPLE]},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "connectorId: expected an integer",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1, "meterValue": []},
            ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
            "meterValue: expected at least 1 element",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1, "meterValue": SAMPLE},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "meterValue: expected a list",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1, "meterValue": [SAMPLE, 3]},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "meterValue[1]: expected an object",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1, "meterValue": [SAMPLE | {"sampledValue": [{"value": "1", "unit": "Hz"}]}]},
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "meterValue[0].sampledValue[0].unit: expected one of Wh, kWh, varh, kvarh, W, kW, VA, kVA, var, kvar, A, "
            "V, K, Celcius, Celsius, Fahrenheit, Percent, Hertz",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1, "meterValue": [SAMPLE | {"sampledValue": [{"value": "1", "measurand": "Energy"}]}]},
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "meterValue[0].sampledValue[0].measurand: expected one of the values in the specification",
        ),
        (
            "MeterValues",
            "request",
            {"connectorId": 1, "meterValue": [SAMPLE | {"sampledValue": [{}]}]},
            ErrorCode.PROTOCOL_ERROR,
            "meterValue[0].sampledValue[0].value: missing",
        ),
        (
            "GetConfiguration",
            "response",
            {"configurationKey": [{"key": "K", "readonly": 1}]},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "configurationKey[0].readonly: expected true or false",
        ),
        (
            "GetCompositeSchedule",
            "response",
            COMPOSITE | {"chargingSchedule": SCHEDULE | {"minChargingRate": "6"}},
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "chargingSchedule.minChargingRate: expected a number",
        ),
        (
            "GetInstalledCertificateIds",
            "response",
            {"status": "NotFound", "certificateHashData": []},
            ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
            "certificateHashData: expected at least 1 element",
        ),
    ],
)
def test_each_broken_rule_has_its_code(
    action: str, direction: Direction, payload: object, code: ErrorCode, description: str
) -> None:
    violation = violations(action, direction, payload)
    assert violation is not None
    assert (violation.code, violation.description) == (code, description)


@pytest.mark.parametrize("limit", [21.4, 8.1, 31.9, 0, 16, 0.3, -0.1, 1e300, 10**60, 10**400])
def test_tenths_are_multiples_of_a_tenth(limit: float) -> None:
    schedule = SCHEDULE | {"chargingSchedulePeriod": [PERIOD | {"limit": limit}]}
    assert violations("GetCompositeSchedule", "response", COMPOSITE | {"chargingSchedule": schedule}) is None


@pytest.mark.parametrize("limit", [16.35, 0.05, 1e-300, float("inf"), float("nan")])
def test_other_numbers_are_not_multiples_of_a_tenth(limit: float) -> None:
    schedule = SCHEDULE | {"chargingSchedulePeriod": [PERIOD | {"limit": limit}]}
    violation = violations("GetCompositeSchedule", "response", COMPOSITE | {"chargingSchedule": schedule})
    assert violation is not None
    assert violation.code is ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
    assert violation.description.endswith(".limit: expected a multiple of 0.1")


def test_no_value_is_repeated_and_foreign_names_are_cut_and_plain() -> None:
    secret = violations("ChangeConfiguration", "request", {"key": "AuthorizationKey", "value": ["hunter2"]})
    assert secret is not None
    assert "hunter2" not in secret.description
    foreign = violations("Heartbeat", "request", {"ü\n" * 300: 1})
    assert foreign is not None
    assert foreign.description == ("\\xfc\\n" * 300)[:50] + ": unknown property"


def test_all_78_schemas_compile() -> None:
    assert len(actions()) == 39
    directions: tuple[Direction, ...] = ("request", "response")
    for action in actions():
        for direction in directions:
            assert shape_of(action, direction)


def test_an_unknown_action_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        violations("MakeCoffee", "request", {})


def test_listed_values_come_from_the_schema() -> None:
    assert listed_values("Reset", "request", "type") == ("Hard", "Soft")
    assert listed_values("GetLog", "response", "status") == ("Accepted", "Rejected", "AcceptedCanceled")
    assert listed_values("Heartbeat", "response", "currentTime") == ()
    assert listed_values("Reset", "response", "nothing") == ()
    assert listed_values("MeterValues", "request", "connectorId") == ()


def test_schemas_of_every_kind_compile() -> None:
    assert compiled({"type": "string"}, {}) == Text(max_length=None, choices=())
    assert compiled({"type": "integer"}, {}) == Number(whole=True, step=None)
    assert compiled({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, {}) == Items(Flag(), at_least=2)
    assert compiled({"$ref": "#/definitions/F"}, {"F": {"type": "boolean"}}) == Flag()


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": "string", "pattern": "x"},
        {"type": "integer", "minimum": 0},
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": True},
        {"type": "array"},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "object", "additionalProperties": False, "patternProperties": {}},
    ],
)
def test_a_schema_that_says_more_than_is_understood_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not understood"):
        compiled(schema, {})


def test_the_code_of_the_ocpp_package_is_never_imported() -> None:
    program = (
        "import sys; from gateway.ocpp.v16.schemas import violations; violations('Reset', 'request', {});"
        "print([name for name in sys.modules if name.startswith(('ocpp.', 'jsonschema'))])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
