"""Times and registers in the raw payloads of MeterValues and StopTransaction, however large and however written."""

from __future__ import annotations

import json

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.operations.read_meter_bodies import first_moment, first_register, last_moment, last_register

EIGHT = Instant(1_800_000_000 * SECOND)


def value(minute: int, *sampled: object) -> dict[str, object]:
    return {"sampledValue": list(sampled), "timestamp": f"2027-01-15T08:{minute:02d}:00Z"}


def body(*values: object, name: str = "meterValue") -> bytes:
    return json.dumps({"connectorId": 1, name: list(values)}).encode()


@pytest.mark.parametrize("name", ["meterValue", "transactionData"])
def test_first_and_last_of_several(name: str) -> None:
    written = body(
        value(1, {"value": "100", "context": "Transaction.Begin"}, {"value": "5", "measurand": "SoC"}),
        value(2, {"value": "150"}),
        value(3, {"value": "7", "measurand": "Voltage"}),
        name=name,
    )
    assert first_moment(written, utc_offset_minutes=0) == EIGHT + 60 * SECOND
    assert last_moment(written, utc_offset_minutes=0) == EIGHT + 180 * SECOND
    assert first_register(written, utc_offset_minutes=0) == (EIGHT + 60 * SECOND, 100)
    assert last_register(written, utc_offset_minutes=0) == (EIGHT + 120 * SECOND, 150)


def test_a_lone_object_stands_for_a_list_and_nonsense_is_passed_over() -> None:
    lone = json.dumps({"meterValue": {**value(1), "sampledValue": {"value": "9"}}}).encode()
    mixed = body("nonsense", {"timestamp": 5}, {"timestamp": ["x"]}, {"sampledValue": 3}, value(1, {"value": "9"}))
    for written in (lone, mixed):
        assert first_moment(written, utc_offset_minutes=0) == EIGHT + 60 * SECOND
        assert last_moment(written, utc_offset_minutes=0) == EIGHT + 60 * SECOND
        assert first_register(written, utc_offset_minutes=0) == (EIGHT + 60 * SECOND, 9)
        assert last_register(written, utc_offset_minutes=0) == (EIGHT + 60 * SECOND, 9)


@pytest.mark.parametrize(
    "written",
    [b"", b"not json", b"[]", b"5", b"null", b"{}", b'{"meterValue":5}', b'{"meterValue":[]}', b"\xff", b"[" * 100_000,
     b'{"meterValue":' + b"[" * 100_000, body({"timestamp": ""}), body({"sampledValue": [{"measurand": ["x"]}]})],
    ids=range(13),
)  # fmt: skip
def test_what_says_nothing_gives_nothing(written: bytes) -> None:
    for question in (first_moment, last_moment, first_register, last_register):
        assert question(written, utc_offset_minutes=0) is None


def test_times_without_zone_are_of_the_station() -> None:
    written = body({"timestamp": "2027-01-15T10:00:00", "sampledValue": [{"value": "9"}]})
    assert first_moment(written, utc_offset_minutes=120) == EIGHT
    assert last_moment(written, utc_offset_minutes=120) == EIGHT
    assert first_register(written, utc_offset_minutes=120) == (EIGHT, 9)
    assert last_register(written, utc_offset_minutes=120) == (EIGHT, 9)


def test_of_a_huge_frame_only_the_ends_are_read() -> None:
    written = body(value(1, {"value": "5"}, *[{"value": "x"}] * 3000, {"value": "6"}))
    assert last_register(written, utc_offset_minutes=0) == (EIGHT + 60 * SECOND, 6)
    assert first_register(written, utc_offset_minutes=0) == (EIGHT + 60 * SECOND, 5)
    nothing, something = [{"value": "x"}] * 3000, {"value": "6"}
    elements = [value(1, sample) for sample in nothing]
    for begins_silent in (body(value(1, *nothing, something)), body(*elements, value(2, something))):
        assert first_register(begins_silent, utc_offset_minutes=0) is None
    for ends_silent in (body(value(1, something, *nothing)), body(value(0, something), *elements)):
        assert last_register(ends_silent, utc_offset_minutes=0) is None
