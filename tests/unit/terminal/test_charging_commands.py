"""`profiles` and `composite-schedule` against a stand-in API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from tests.unit.terminal.fake_api import FakeApi, serving

PROFILE = {
    "chargingProfileId": 4, "stackLevel": 2, "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring", "recurrencyKind": "Daily", "validTo": "2027-01-15T08:00:00Z",
    "chargingSchedule": {
        "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": n, "limit": 6 + n} for n in range(5)],
    },
}  # fmt: skip
ITEM = {"station": "CP-1", "connector": 1, "charging_profile_id": 4, "transaction_id": None, "profile": PROFILE}
DOCUMENT = {"items": [ITEM], "next": None, "uncertain": [{**ITEM, "wanted": True}], "unverified": ["CP-2"]}
SCHEDULE = {
    "station": "CP-1", "connector": 1, "start_time": "2027-01-15T08:00:00.000Z", "duration_seconds": 60, "unit": "A",
    "periods": [
        {"start_seconds": 0, "limit": 10.0, "number_phases": 3},
        {"start_seconds": 30, "limit": None, "number_phases": None},
    ],
    "uncertain": True,
    "reported": {"time": "2027-01-15T08:00:00.000Z", "request": {}, "response": {"status": "Rejected"}},
}  # fmt: skip


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        served.will_answer("GET /api/v1/charging-profiles", DOCUMENT)
        served.will_answer("GET /api/v1/stations/CP-1/composite-schedule", SCHEDULE)
        yield served


def test_profiles(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "--station", "CP-1", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert lines[1].split() == [
        "CP-1", "1", "4", "TxDefaultProfile", "2", "Daily", "6,", "7,", "8,", "9,", "...", "A",
        "2027-01-15", "09:00:00", "yes",
    ]  # fmt: skip
    assert lines[2].endswith("nobody knows")
    assert "earlier system as well: CP-2" in shown
    assert api.lines() == ["GET /api/v1/charging-profiles?station=CP-1&limit=1000"]


def test_profiles_without_any(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/charging-profiles", {"items": [], "next": None, "uncertain": [], "unverified": []})
    assert main(["profiles", "--config", str(config)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_json_is_the_api_document(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, document in ((["profiles"], DOCUMENT), (["composite-schedule", "CP-1"], SCHEDULE)):
        assert main([*words, "--json", "--config", str(config)]) == 0
        assert json.loads(capsys.readouterr().out) == document


def test_clearing_all_is_a_command_like_any_other(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered = {"command_id": "c", "status": "answered", "response": {"status": "Accepted"}}
    api.will_answer("POST /api/v1/stations/CP-1/commands/ClearChargingProfile", answered)
    assert main(["profiles", "--station", "CP-1", "--clear-all", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out) == {"status": "Accepted"}
    ((_, _, body),) = api.requests
    assert body == b"{}"


def test_clearing_all_needs_a_station(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "--clear-all", "--config", str(config)]) == 2
    assert "--station" in capsys.readouterr().err


def test_composite_schedule(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["composite-schedule", "CP-1", "--connector", "1", "--duration", "60", "--unit", "A"]
    assert main([*words, "--config", str(config)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "From 2027-01-15 09:00:00, Europe/Amsterdam"
    assert lines[2].split() == ["0", "10.0", "3"]
    assert lines[3].split() == ["30", "-", "-"]
    assert "Some profiles may be in force" in lines[4]
    assert '"Rejected"' in "".join(lines[5:])
    assert api.lines() == ["GET /api/v1/stations/CP-1/composite-schedule?connector=1&duration=60&unit=A"]


def test_composite_schedule_without_an_answer_of_the_station(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {**SCHEDULE, "uncertain": False, "reported": None}
    api.will_answer("GET /api/v1/stations/CP-1/composite-schedule", plain)
    assert main(["composite-schedule", "CP-1", "--config", str(config)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
