"""A site is set up over the API of a real daemon: decisions are in force at once, and after a restart."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.end_to_end.running_gateway import Document, RunningGateway, running_gateway, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "site") as gateway:
        yield gateway


def decide(gateway: RunningGateway, wishes: Document) -> None:
    """PUT /setup, and wait until the gateway serves with it."""
    answer = gateway.ask("PUT", "/setup", wishes)
    assert answer.status == 202 and isinstance(answer.document, dict), answer
    before = answer.document["taken"]

    def serves() -> bool:
        try:
            return gateway.is_ready() and gateway.get("/reload")["taken"] != before
        except OSError:  # the door is closed while it begins anew
            return False

    wait_until(serves, "the decisions to be in force")


def limits(gateway: RunningGateway) -> dict[str, object]:
    circuits = gateway.get("/site")["circuits"]
    assert isinstance(circuits, list)
    return {one["name"]: one["limit_amps"] for one in circuits}


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_from_a_bare_site_to_its_limit(gateway: RunningGateway) -> None:
    assert gateway.get("/setup")["complete"] is False
    transport = {"type": "tcp", "host": "127.0.0.1", "port": closed_port()}
    meter = {"name": "grid", "model": "eastron_sdm630", "transport": transport}
    decide(gateway, {"name": "Depot", "main": {"limit_amps": 63, "meter": "grid"}, "meters": [meter]})
    assert limits(gateway) == {"main": [63, 63, 63]}
    decide(gateway, {"main": {"limit_amps": [50, 50, 35]}})
    assert limits(gateway) == {"main": [50, 50, 35]}

    refused = gateway.ask("PUT", "/setup", {"id": "other"})
    assert refused.status == 409 and "gateway.toml" in str(refused.document)
    assert gateway.ask("PUT", "/setup", {"main": {"limit_amps": -5}}).status == 422
    assert limits(gateway) == {"main": [50, 50, 35]}
    assert "decided on the setup page: site.name, meter[0].name" in gateway.command("check-config")

    assert gateway.stop() == 0
    gateway.start()
    assert limits(gateway) == {"main": [50, 50, 35]}
    kinds = [event["kind"] for event in gateway.get("/events?limit=1000")["items"]]  # type: ignore[attr-defined]
    assert kinds.count("configuration.decided") == 2


def test_a_torn_file_keeps_nobody_from_charging(gateway: RunningGateway) -> None:
    decide(gateway, {"name": "Depot", "main": {"limit_amps": 63}})
    file = gateway.directory / "data" / "site.toml"
    whole = file.read_text()
    file.write_text(whole[:-20])
    answer = gateway.ask("POST", "/reload")
    assert answer.status == 422 and "site.toml" in str(answer.document), "what is in force is not forgotten"
    assert gateway.stop() == 0
    gateway.start()
    assert "site.toml is left out whole" in gateway.command("status")
    assert "is left out whole" in gateway.try_command("check-config").stderr
    assert gateway.get("/setup")["left_out"]
    decide(gateway, {"main": {"limit_amps": 40}})
    assert limits(gateway) == {"main": [40, 40, 40]} and gateway.get("/setup")["left_out"] == []
    assert "left out" not in gateway.command("status")
    gateway.log.write_text("")  # the mistake was told there, as it should be


def test_a_station_that_was_refused_gets_in_once_it_is_adopted(gateway: RunningGateway) -> None:
    def come() -> None:
        with connect(f"{gateway.ocpp_url}/CP-1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
            pass

    with pytest.raises(InvalidStatus):
        come()
    (knock,) = gateway.get("/setup")["knocks"]  # type: ignore[misc]
    assert (knock["station"], knock["count"], knock["reason"]) == ("CP-1", 1, "unknown_station")
    gateway.put("/stations/CP-1", {})
    come()
    found = gateway.get("/setup")
    assert found["knocks"] == [] and found["stations"]["known"] == 1  # type: ignore[index]
