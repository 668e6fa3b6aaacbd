"""Stations on the Node library `ocpp-rpc` in strict mode: whole sessions, remote control, reconnecting and replaying.

The library checks every frame of the gateway against its own schemas; a complaint of it fails the test. What each
station does stands in foreign/*.mjs.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from tests.end_to_end.foreign_clients import Script, running_script
from tests.end_to_end.running_gateway import Document, RunningGateway, running_gateway

TAG = "04A2B3C4D5E6"


def test_whole_sessions_of_several_stations_at_once(place: Path) -> None:
    tags = {f"NODE {number}": f"TAG-{number}" for number in range(1, 9)}  # the blank arrives percent-encoded
    with running_gateway(place) as gateway:
        _provision(gateway, tags)
        settings: Document = {"url": gateway.ocpp_url, "tags": tags, "sessions": 3}
        with running_script("whole_sessions.mjs", settings) as script:
            sessions = _sessions(script)
        assert len(sessions) == 24
        _assert_each_recorded_once(gateway, list(tags), sessions)
        for told in sessions:
            session = gateway.get(f"/transactions/{told['transactionId']}")
            assert (session["id_tag"], session["reason"], session["anomalies"]) == (told["tag"], "Local", [])
            values, signed = session["meter_values"], session["signed_values"]
            assert isinstance(values, list) and isinstance(signed, list)
            assert len(values) == 5  # one at the begin, three while charging, one in the stop
            assert [value["value"] for value in signed] == told["signed"]


def test_remote_start_and_remote_stop(place: Path) -> None:
    with running_gateway(place) as gateway:
        _provision(gateway, {"REMOTE-1": TAG})
        settings: Document = {"url": gateway.ocpp_url, "station": "REMOTE-1"}
        with running_script("remote_control.mjs", settings) as script:
            script.expect("waiting")
            refused = gateway.call("REMOTE-1", "RemoteStartTransaction", {"connectorId": 7, "idTag": TAG})
            assert refused["response"] == {"status": "Rejected"}
            unable = gateway.call("REMOTE-1", "UnlockConnector", {"connectorId": 1})
            assert (unable["status"], unable["code"]) == ("call_error", "NotImplemented")
            begun = gateway.call("REMOTE-1", "RemoteStartTransaction", {"connectorId": 1, "idTag": TAG})
            assert (begun["status"], begun["response"]) == ("answered", {"status": "Accepted"})
            charging = script.expect("charging")
            assert (charging["idTag"], charging["verdict"]) == (TAG, "Accepted")
            transaction = charging["transactionId"]
            (running,) = gateway.transactions("REMOTE-1")
            assert (running["transaction_id"], running["open"]) == (transaction, True)
            unknown = gateway.call("REMOTE-1", "RemoteStopTransaction", {"transactionId": 2_000_000_000})
            assert unknown["response"] == {"status": "Rejected"}
            assert gateway.transactions("REMOTE-1")[0]["open"] is True
            ended = gateway.call("REMOTE-1", "RemoteStopTransaction", {"transactionId": transaction})
            assert ended["response"] == {"status": "Accepted"}
            assert script.expect("done")["complaints"] == []
        (session,) = gateway.transactions("REMOTE-1")
        assert (session["open"], session["reason"], session["energy_wh"]) == (False, "Remote", 2250)
        assert gateway.ask("POST", "/stations/REMOTE-1/commands/ClearCache", {}).status == 409  # it has left


def test_stations_that_reconnect_without_boot_replay_what_they_queued(place: Path) -> None:
    with running_gateway(place) as gateway:
        _provision(gateway, {"FAITHFUL": TAG, "LONELY": TAG})
        settings: Document = {"url": gateway.ocpp_url, "faithful": "FAITHFUL", "lonely": "LONELY", "tag": TAG}
        with running_script("reconnect_and_replay.mjs", settings) as script:
            script.expect("charging")
            assert gateway.stop() == 0
            script.expect("disconnected")
            gateway.start()
            script.expect("replayed")
            assert gateway.is_connected("FAITHFUL")
            script.go_on()
            sessions = _sessions(script)
        assert len(sessions) == 5
        _assert_each_recorded_once(gateway, ["FAITHFUL", "LONELY"], sessions)
        recorded = {session["transaction_id"]: session for session in _recorded(gateway, ["FAITHFUL", "LONELY"])}
        for told in sessions:
            session = recorded[told["transactionId"]]
            assert _instant(session["start_time"]) == _instant(told["start"])
            assert _instant(session["stop_time"]) == _instant(told["stop"])
            values = gateway.get(f"/transactions/{told['transactionId']}")["meter_values"]
            assert isinstance(values, list) and len(values) == 1


def _provision(gateway: RunningGateway, tags: dict[str, str]) -> None:
    for station, tag in tags.items():
        gateway.put(f"/stations/{quote(station)}", {})
        gateway.put(f"/id-tags/{tag}", {"status": "Accepted"})


def _sessions(script: Script) -> list[Document]:
    """What the stations say that they have charged, in the order of the transaction ids."""
    done = script.expect("done")
    assert done["complaints"] == []
    sessions = done["sessions"]
    assert isinstance(sessions, list)
    return sorted(sessions, key=lambda session: session["transactionId"])


def _assert_each_recorded_once(gateway: RunningGateway, stations: list[str], told: list[Document]) -> None:
    recorded = [
        (session["station"], session["transaction_id"], session["energy_wh"], session["open"])
        for session in _recorded(gateway, stations)
    ]
    expected = [(session["station"], session["transactionId"], session["energyWh"], False) for session in told]
    assert sorted(recorded, key=str) == sorted(expected, key=str)
    everything = gateway.get("/transactions?limit=1000")["items"]
    assert isinstance(everything, list) and len(everything) == len(told)


def _recorded(gateway: RunningGateway, stations: list[str]) -> list[Document]:
    return [session for station in stations for session in gateway.transactions(station)]


def _instant(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
