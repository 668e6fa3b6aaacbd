"""The Node tool `ocpp-ws-cli`: 21 negative tests, a fuzzer, a load test and an interactive station.

docs/foreign-clients.md says what each of the 21 tests wants. Every flag is passed and standard input is never a
terminal, as the tool asks questions otherwise.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.end_to_end.foreign_clients import (
    boot_tester,
    ocpp_ws_cli,
    report_of,
    run_to_end,
    running_client,
)
from tests.end_to_end.running_gateway import Document, RunningGateway, running_gateway, wait_until

# Its 128 KB are the tool's own idea; a site keeps the default, which long sessions need.
CERTIFICATION: Document = {"unknown_stations": "accept", "strict": True}

NEGATIVE_TESTS = {
    "Server requires subprotocol",
    "Server rejects invalid subprotocol",
    "Server handles malformed JSON gracefully",
    "Server rejects oversized frames (>128KB)",
    "Server handles empty array payload",
    "Graceful WebSocket close",
    "Rapid reconnect stability",
    "Heartbeat round-trip",
    "WebSocket ping/pong",
    "Server rejects invalid message type",
    "Server rejects unknown action (NotImplemented)",
    "Server enforces MessageId is a string",
    "Server ignores unmatched CALLRESULT gracefully",
    "Server rejects missing payload in CALL",
    "Server rejects non-object payload in CALL",
    "Server rejects deeply nested JSON objects",
    "Server withstands massive JSON arrays",
    "Server handles Null Byte injection gracefully",
    "Server survives rapid heartbeat flood",
    "Server survives thundering herd (50 concurrent connects)",
    "Server handles abrupt TCP disconnect mid-message",
}

FUZZING_SECONDS = 12
LOAD_STATIONS = 300
LOAD_RAMP_SECONDS = 6
LOAD_HEARTBEATS = 3 * LOAD_STATIONS


def test_all_negative_tests_pass(place: Path) -> None:
    with running_gateway(place, ocpp=CERTIFICATION) as gateway:
        results = _negative_tests(gateway, place, "all")
        assert set(results) == NEGATIVE_TESTS
        assert {name: issue for name, issue in results.items() if issue} == {}
        _assert_well_behaved_station_is_served(gateway)


def test_a_tolerant_gateway_fails_only_where_it_repairs(place: Path) -> None:
    with running_gateway(place, ocpp={**CERTIFICATION, "strict": False}) as gateway:
        results = _negative_tests(gateway, place, "rpc")
        repaired = {"Server enforces MessageId is a string", "Server rejects missing payload in CALL"}
        assert {name for name, issue in results.items() if issue} <= repaired, results


def test_a_fuzzer_does_no_harm(place: Path) -> None:
    ocpp: Document = {"unknown_stations": "accept", "unknown_tags": "accept"}
    with running_gateway(place, ocpp=ocpp) as gateway:
        command = ocpp_ws_cli("fuzz", "-e", gateway.ocpp_url, "-w", "5", "--flood", *_report_into(place / "fuzz"))
        with running_client(command, place / "fuzz.log") as client:
            wait_until(lambda: gateway.is_connected("Fuzzer-5"), "the fuzzer to connect")
            beginning = time.monotonic()
            while time.monotonic() - beginning < FUZZING_SECONDS:
                assert client.is_running(), client.output()[-2000:]
                _assert_well_behaved_station_is_served(gateway)
            client.interrupt()
            metrics = report_of(place / "fuzz", client)["metrics"]
        assert isinstance(metrics, dict)
        assert metrics["anomaliesSent"] > 50 * FUZZING_SECONDS
        assert metrics["serverErrors"] > 0, "the gateway refused nothing of what it got"
        assert metrics["serverDrops"] == 0, "the gateway dropped a station for sending nonsense"
        _assert_well_behaved_station_is_served(gateway)


def test_three_hundred_stations_boot_and_beat(place: Path) -> None:
    with running_gateway(place, ocpp={"unknown_stations": "accept", "heartbeat_seconds": 2}) as gateway:
        command = ocpp_ws_cli(
            "load-test", "-e", gateway.ocpp_url, "-c", str(LOAD_STATIONS), "-r", str(LOAD_RAMP_SECONDS),
            *_report_into(place / "load"),
        )  # fmt: skip
        with running_client(command, place / "load.log") as client:
            wait_until(lambda: _connected(gateway) == LOAD_STATIONS, "all stations to be connected")
            wait_until(lambda: _shown(client.output(), "Booted") == LOAD_STATIONS, "all stations to boot")
            wait_until(lambda: _shown(client.output(), "Heartbeats") >= LOAD_HEARTBEATS, "heartbeats of all")
            assert gateway.is_ready()
            client.interrupt()
            metrics = report_of(place / "load", client)["metrics"]
        assert isinstance(metrics, dict)
        assert (metrics["connected"], metrics["booted"]) == (LOAD_STATIONS, LOAD_STATIONS)
        assert (metrics["failed"], metrics["dropped"], metrics["pending"]) == (0, 0, 0)
        _assert_well_behaved_station_is_served(gateway)


def test_an_interactive_station_charges_once(place: Path) -> None:
    with running_gateway(place) as gateway:
        gateway.put("/stations/SIM-1", {})
        gateway.put("/id-tags/SIM-USER-001", {"status": "Accepted"})
        command = ocpp_ws_cli(
            "simulate", "-e", gateway.ocpp_url, "-i", "SIM-1", "-t", "SIM-USER-001", "-p", "ocpp1.6",
            *_report_into(place / "simulation"),
        )  # fmt: skip
        with running_client(command, place / "simulation.log") as client:
            wait_until(lambda: "Waiting for commands" in client.output(), "the station to have booted")
            client.press("a")
            wait_until(lambda: "Authorize Response: Accepted" in client.output(), "the tag to be accepted")
            client.press("t")
            wait_until(lambda: len(gateway.transactions("SIM-1")) == 1, "the transaction to begin")
            wait_until(lambda: gateway.connector_status("SIM-1", 1) == "Charging", "the connector to charge")
            for count in (1, 2, 3):
                client.press("m")
                wait_until(lambda: _readings(gateway) >= count, "its meter values to arrive")  # noqa: B023
            client.press("e")
            wait_until(lambda: gateway.transactions("SIM-1")[0]["open"] is False, "the transaction to end")
            wait_until(lambda: gateway.connector_status("SIM-1", 1) == "Available", "the connector to be free")
            client.press("q")
            metrics = report_of(place / "simulation", client)["metrics"]
        assert isinstance(metrics, dict) and metrics["finalState"] == "Available"
        (session,) = gateway.transactions("SIM-1")
        assert (session["connector"], session["id_tag"], session["reason"]) == (1, "SIM-USER-001", "Local")
        # each of its meter values adds 14 Wh, and a fourth one may come by itself after ten seconds
        assert session["meter_start_wh"] == 0 and session["energy_wh"] in (42, 56)
        assert session["anomalies"] == []


def _negative_tests(gateway: RunningGateway, place: Path, suite: str) -> dict[str, str]:
    """Name of each test -> what was wrong, or nothing."""
    done = run_to_end(
        ocpp_ws_cli(
            "test", "-e", gateway.ocpp_url, "-i", "CP001", "-p", "ocpp1.6", "--suite", suite,
            *_report_into(place / "test"),
        )
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    results = report_of(place / "test")["testResults"]
    assert isinstance(results, list)
    return {result["name"]: "" if result["passed"] else str(result.get("issue")) for result in results}


def _assert_well_behaved_station_is_served(gateway: RunningGateway) -> None:
    done = run_to_end(boot_tester(gateway.ocpp_url, "GOOD-1"))
    assert done.returncode == 0, done.stdout
    gateway.assert_unharmed()


def _report_into(directory: Path) -> tuple[str, ...]:
    return "--report", "json", "--report-dir", str(directory)


def _connected(gateway: RunningGateway) -> int:
    page = gateway.get("/stations?limit=1000")
    items = page["items"]
    assert isinstance(items, list)
    return sum(1 for item in items if item["id"].startswith("LoadTester-") and item["connected"])


def _shown(output: str, name: str) -> int:
    """The newest number beside `name` on the tool's dashboard; 0 before the first."""
    lines = [line for line in _plain(output).splitlines() if f" {name}:" in line]
    return int(lines[-1].split()[-1]) if lines else 0


def _readings(gateway: RunningGateway) -> int:
    (session,) = gateway.transactions("SIM-1")
    values = gateway.get(f"/transactions/{session['transaction_id']}")["meter_values"]
    assert isinstance(values, list)
    return len(values)


def _plain(output: str) -> str:
    """Without colours and what moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
