"""reserve, reservations, cancel-reservation: what is sent, what is said, exit codes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from tests.unit.terminal.fake_api import FakeApi
from tests.unit.terminal.test_command_lines import api, do

__all__ = ["api"]

RESERVE, CANCEL = (f"POST /api/v1/stations/CP%201/commands/{action}" for action in ("ReserveNow", "CancelReservation"))
REQUEST = {"reservationId": 5}


def answered(status: str, **more: Any) -> dict[str, Any]:
    return {"command_id": "x", "status": "answered", "response": {"status": status}, "request": REQUEST, **more}


def sent(api: FakeApi) -> dict[str, Any]:
    body = json.loads(api.requests[-1][2])
    assert isinstance(body, dict)
    return body


def test_the_end_is_computed_and_the_rest_sent_as_said(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer(RESERVE, answered("Accepted"))
    assert do(config, "reserve", "CP 1", "--connector", "2", "--tag", "FLEET-7", "--minutes", "30") == 0
    body = sent(api)
    expiry = datetime.fromisoformat(body.pop("expiryDate"))
    assert abs(expiry - datetime.now(UTC) - timedelta(minutes=30)) < timedelta(seconds=30)
    assert body == {"connectorId": 2, "idTag": "FLEET-7"}
    said = capsys.readouterr().out
    assert "connector 2 is reserved for FLEET-7 until" in said
    assert said.endswith("(Europe/Amsterdam), reservation 5\n")


def test_until_a_time_for_a_group_in_place_of_another(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer(RESERVE, answered("accepted", warning="connectorId 0: hm", request=None))
    words = ("--connector", "0", "--tag", "T", "--parent", "G", "--until", "2027-01-31T12:00:00+01:00", "--id", "0")
    assert do(config, "reserve", "CP 1", *words) == 0
    assert sent(api) == {
        "reservationId": 0,
        "connectorId": 0,
        "expiryDate": "2027-01-31T11:00:00.000Z",
        "idTag": "T",
        "parentIdTag": "G",
    }
    said = capsys.readouterr()
    assert said.err == "warning: connectorId 0: hm\n"
    assert "one connector is reserved for T until 2027-01-31 12:00:00 (Europe/Amsterdam), reservation 0" in said.out


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (answered("Occupied"), "CP 1 says Occupied"),
        ({"status": "answered", "response": {}}, "{}"),
        ({"status": "call_error", "code": "InternalError", "description": "no"}, "CP 1 answered with the error"),
        ({"status": "not_connected"}, "CP 1 is not connected"),
        ({"status": "unanswered"}, "CP 1 did not answer"),
    ],
)
def test_all_but_accepted_ends_with_1(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], outcome: dict[str, Any], said: str
) -> None:
    api.will_answer(RESERVE, outcome)
    api.will_answer(CANCEL, outcome)
    words = ("reserve", "CP 1", "--connector", "1", "--tag", "T", "--minutes", "1")
    for command in (words, ("cancel-reservation", "CP 1", "5")):
        assert do(config, *command) == 1
        assert said in capsys.readouterr().out
        assert do(config, *command, "--json") == 1
        assert json.loads(capsys.readouterr().out) == outcome


def test_what_never_left_is_not_shown_as_sent(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("reserve", "CP 1", "--connector", "1", "--tag", "T", "--minutes", "1")
    for status, shown in (("not_connected", False), ("unanswered", True)):
        api.will_answer(RESERVE, {"status": status, "request": {"reservationId": 1}})
        assert do(config, *words) == 1
        assert ("sent:" in capsys.readouterr().out) is shown


def test_cancelling(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(CANCEL, answered("Accepted"))
    assert do(config, "cancel-reservation", "CP 1", "5") == 0
    assert sent(api) == {"reservationId": 5}
    assert capsys.readouterr().out == "CP 1: reservation 5 is cancelled\n"


def test_the_list(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = {
        "reservation_id": 5,
        "station": "CP-1",
        "connector": 1,
        "id_tag": "T",
        "parent_id_tag": None,
        "expiry_time": "2027-01-31T12:00:00.000Z",
    }
    api.will_answer("GET /api/v1/reservations", {"items": [one], "next": None})
    assert do(config, "reservations") == 0
    assert "5  CP-1             1  T         -  2027-01-31 13:00:00" in capsys.readouterr().out
    assert do(config, "reservations", "--station", "CP-1", "--uncertain", "--json") == 0
    assert json.loads(capsys.readouterr().out)["items"] == [one]
    assert "station=CP-1" in api.lines()[-1]
    assert "uncertain=true" in api.lines()[-1]


def test_an_end_that_cannot_be_read(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "reserve", "CP 1", "--connector", "1", "--tag", "T", "--until", "soon") == 2
    assert "--until: expected a time such as" in capsys.readouterr().err
    assert api.requests == []


def test_minutes_that_are_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reserve", "CP-1", "--connector", "1", "--tag", "T", "--minutes", "soon"])
    assert ended.value.code == 2
    assert "argument --minutes: expected a number, got soon" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--connector", "1", "--tag", "T"],
        ["--connector", "1", "--tag", "T", "--minutes", "1", "--until", "2027-01-01"],
        ["--connector", "1", "--tag", "T", "--minutes", "0"],
        ["--connector", "-1", "--tag", "T", "--minutes", "1"],
        ["--tag", "T", "--minutes", "1"],
        ["--connector", "1", "--minutes", "1"],
    ],
)
def test_what_makes_no_sense_ends_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reserve", "CP-1", *words])
    assert ended.value.code == 2
