"""What can be missing at the start does not stop the site: stations are served, and health tells what is missing."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.running_gateway import RunningGateway, free_ports, running_gateway, wait_until
from tests.fakes.blocking_station import BlockingStation

pytestmark = pytest.mark.slow

_ALL_OF_IT = """
[ocpp.tls]
port = {tls}
certificates = [{{ chain = "/none/chain.pem", key_file = "credential:gone" }}]
client_ca = "/none/ca.pem"
[[station]]
id = "CP-1"
[[station]]
id = "CP-2"
password_file = "/none/password"
[[station]]
id = "CP-3"
password_file = "credential:gone"
circuit = "main"
[[upstream]]
name = "fleet"
host = "127.0.0.1"
port = 1
ca = "/none/ca"
chain = "/none/chain"
key_file = "credential:gone"
[[upstream]]
name = "second"
host = "no-such-host.invalid"
username = "u"
password_file = "credential:gone"
uploads_url = "http://127.0.0.1:1/uploads"
uploads_token_file = "/none/token"
[[meter]]
name = "grid"
model = "eastron_sdm630"
transport = {{ type = "rtu", device = "/dev/none-such" }}
[[meter]]
name = "roof"
model = "eastron_sdm630"
transport = {{ type = "tcp", host = "no-such-host.invalid" }}
[[circuit]]
name = "main"
limit_amps = 40
meter = "grid"
"""


def _health(gateway: RunningGateway) -> dict[str, str]:
    """What ails which part, asked through the unix socket as `status` does."""
    document = json.loads(gateway.try_command("status", "--json").stdout)
    components = document["health"]["components"]
    return {name: part["reason"] for name, part in components.items() if part["reason"] is not None}


def test_everything_that_can_be_missing_is_missing(tmp_path: Path) -> None:
    (tls,) = free_ports(1)
    with running_gateway(tmp_path, ocpp={"unknown_tags": "accept"}, more=_ALL_OF_IT.format(tls=tls)) as gateway:
        with BlockingStation(gateway.ocpp_url, "CP-1") as station:
            assert station.start_charging() > 0
        expected = {
            "meter grid": "/dev/none-such is not there",
            "meter roof": "",
            "password files": "of CP-2 (/none/password), of CP-3",
            "stations tls": "/none/chain.pem",
            "upstream fleet": "/none/ca",
            "upstream second": "gone",
        }
        wait_until(lambda: expected.keys() <= _health(gateway).keys(), "health to tell all of it")
        told = _health(gateway)
        assert [name for name, words in expected.items() if words not in told[name]] == []
        assert gateway.is_ready(), "stations are served and what they say is stored"
        gateway.log.write_text("")  # errors are told there, as they should be


def test_ports_that_somebody_else_has_are_opened_later(tmp_path: Path) -> None:
    (tls,) = free_ports(1)
    more = f'[ocpp.tls]\nport = {tls}\n[[station]]\nid = "CP-1"\n'
    with running_gateway(tmp_path, more=more) as gateway:
        gateway.stop()
        web = int(gateway.web_url.rsplit(":", 1)[1])
        with closing(socket.create_server(("127.0.0.1", web))), closing(socket.create_server(("127.0.0.1", tls))):
            gateway.launch()
            wait_until(lambda: gateway.try_command("status").returncode == 1, "the socket to answer")
            told = _health(gateway)
            assert "Address already in use" in told["web"] and "Address already in use" in told["stations tls port"]
            with BlockingStation(gateway.ocpp_url, "CP-1") as station:
                assert station.start_charging() > 0
        wait_until(lambda: _health(gateway) == {}, "the ports to be open")
        assert gateway.is_ready()
        gateway.log.write_text("")
