"""How a broker is named on the command line, and that the demo is connected to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.configuration import load_configuration
from gateway.demo_site import write_configuration
from gateway.terminal.arguments import parse


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1", ("127.0.0.1", 1883)),
        ("broker.example:8883", ("broker.example", 8883)),
        ("[::1]:1884", ("::1", 1884)),
        ("::1", ("::1", 1883)),
    ],
)
def test_a_broker_is_a_host_and_perhaps_a_port(text: str, place: tuple[str, int]) -> None:
    assert parse(["demo", "--broker", text], "0").broker == place


@pytest.mark.parametrize("text", ["broker:", "broker:x", "broker:0", "broker:70000", ":1883"])
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["demo", "--broker", text], "0")
    assert ended.value.code == 2


def test_the_demo_has_a_fleet_manager_when_a_broker_is_named(tmp_path: Path) -> None:
    with_it = load_configuration(write_configuration(tmp_path, stations=1, broker=("127.0.0.1", 1884)))
    (upstream,) = with_it.upstreams
    assert (upstream.host, upstream.port, upstream.tls, upstream.start_jitter_seconds) == ("127.0.0.1", 1884, False, 0)
    assert load_configuration(write_configuration(tmp_path, stations=1, broker=None)).upstreams == ()
