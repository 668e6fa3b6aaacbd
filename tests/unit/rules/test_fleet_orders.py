"""What a fleet manager's command means for a station, and what the answer means for the command."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.fleet_commands import Command, Complaint
from gateway.rules.fleet_orders import (
    CallStatus,
    lane_of,
    limit_fields,
    request_of,
    source_of,
    superseding_key,
    verdict_on,
)


def call(action: str, payload: object = None, station: str = "CP") -> Command:
    args = {"action": action} if payload is None else {"action": action, "payload": payload}
    return Command("1", "ocpp.call", station, args=args)


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        (call("ClearCache"), ("ClearCache", {})),
        (call("Reset", {"type": "Odd", "x": [1.5]}), ("Reset", {"type": "Odd", "x": [1.5]})),
        (Command("1", "station.remote_start", "CP"), ("RemoteStartTransaction", {})),
        (
            Command("1", "station.remote_start", "CP", 2, {"id_tag": "T", "charging_profile": {"a": 1}}),
            ("RemoteStartTransaction", {"connectorId": 2, "idTag": "T", "chargingProfile": {"a": 1}}),
        ),
        (
            Command("1", "station.remote_stop", "CP", 2, {"transaction_id": 7}),
            ("RemoteStopTransaction", {"transactionId": 7}),
        ),
        (Command("1", "station.reset", "CP"), ("Reset", {"type": "Soft"})),
        (Command("1", "station.reset", "CP", args={"type": "hard"}), ("Reset", {"type": "Hard"})),
        (Command("1", "station.unlock", "CP", 1), ("UnlockConnector", {"connectorId": 1})),
    ],
)
def test_the_request(command: Command, request_: tuple[str, dict[str, object]]) -> None:
    assert request_of(command) == request_


def test_a_transaction_to_stop_may_be_found_by_its_place() -> None:
    running = [(1, 10), (2, 20), (2, 21)]
    anywhere, first, second, third = (Command("1", "station.remote_stop", "CP", n) for n in (None, 1, 2, 3))
    assert request_of(first, open_transactions=running) == ("RemoteStopTransaction", {"transactionId": 10})
    assert request_of(anywhere, open_transactions=running[:1]) == ("RemoteStopTransaction", {"transactionId": 10})
    none, several = request_of(third, open_transactions=running), request_of(second, open_transactions=running)
    assert isinstance(none, Complaint) and none.code == "no_transaction" and "connector 3" in none.description
    assert isinstance(several, Complaint) and several.code == "several_transactions"
    assert "20, 21 are open" in several.description
    nothing = request_of(anywhere)
    assert isinstance(nothing, Complaint) and "the station" in nothing.description


def test_the_fields_of_a_limit() -> None:
    asked = Command("1", "site.limit.set", args={"circuit": "main", "limit_amps": 5, "until": None, "x": 1})
    assert limit_fields(asked) == {"limit_amps": 5, "until": None, "source": "fleet"}
    assert source_of(Command("1", "site.limit.set", args={"source": "dso"})) == "dso"


@pytest.mark.parametrize(
    ("kind", "status", "told", "expected"),
    [
        ("ocpp.call", "answered", {"response": {"status": "Rejected"}}, ("succeeded", None)),
        ("ocpp.call", "call_error", {"code": "NotSupported", "description": "no"}, ("failed", "NotSupported")),
        ("ocpp.call", "call_error", {"code": "", "description": ""}, ("failed", "call_error")),
        ("ocpp.call", "unanswered", {"description": "silence"}, ("failed", "unanswered")),
        ("ocpp.call", "not_connected", {}, ("failed", "not_connected")),
        ("ocpp.call", "refused", {}, ("failed", "refused")),
        ("ocpp.call", "unknown_station", {}, ("rejected", "unknown_station")),
        ("ocpp.call", "unknown_action", {}, ("rejected", "unknown_action")),
        ("station.reset", "answered", {"response": {"status": "Accepted"}}, ("succeeded", None)),
        ("station.reset", "answered", {"response": {"status": "Rejected"}}, ("failed", "station_refused")),
        ("station.unlock", "answered", {"response": {"status": "Unlocked"}}, ("succeeded", None)),
        ("station.unlock", "answered", {"response": {}}, ("failed", "station_refused")),
        ("station.unlock", "answered", {}, ("failed", "station_refused")),
    ],
)
def test_what_the_answer_means(
    kind: str, status: CallStatus, told: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    whole = {"response": None, "code": None, "description": None, **told}
    ended = verdict_on(kind, status, more={"gateway_command_id": "c"}, **whole)
    assert (ended.status, ended.error.code if ended.error else None) == expected
    assert ended.response == told.get("response")
    assert ended.more == {"gateway_command_id": "c"}
    assert ended.error is None or ended.error.description


def test_stations_are_lanes_of_their_own() -> None:
    assert lane_of("ocpp.call", "A") == lane_of("station.reset", "A") != lane_of("station.reset", "B")
    assert lane_of("site.limit.set", None) == lane_of("site.limit.clear", "A") != lane_of("ping", None)
    assert lane_of("live.start", None) == lane_of("live.stop", None)


def profile(connector: int = 1, **more: object) -> Command:
    return call("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": {"stackLevel": 1, **more}})


def test_what_makes_an_older_one_needless() -> None:
    limit = Command("1", "site.limit.set", args={"circuit": "main", "limit_amps": 5})
    assert superseding_key(limit) == superseding_key(
        Command("2", "site.limit.set", args={"circuit": "main", "limit_amps": 9, "source": "fleet"})
    )
    assert superseding_key(limit) != superseding_key(
        Command("2", "site.limit.set", args={"circuit": "main", "source": "dso"})
    )
    off, on = call("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}), call("ChangeAvailability")
    assert superseding_key(off) == superseding_key(call("ChangeAvailability", {"connectorId": 1, "type": "Operative"}))
    assert superseding_key(off) != superseding_key(on)
    assert superseding_key(off) != superseding_key(call("ChangeAvailability", {"connectorId": 1}, "CP-2"))
    assert superseding_key(profile(chargingProfileId=1)) == superseding_key(profile(chargingProfileId=2))
    assert len({superseding_key(one) for one in (profile(), profile(2), profile(transactionId=1), off, limit)}) == 5
    odd = call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": "x"})
    assert superseding_key(odd) not in (None, superseding_key(profile()))


def test_nothing_else_does() -> None:
    for command in (
        call("Reset"),
        Command("1", "station.reset", "CP"),
        Command("1", "site.limit.clear"),
        call("x", {}),
    ):
        assert superseding_key(command) is None
