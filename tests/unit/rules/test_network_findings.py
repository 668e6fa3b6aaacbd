"""What is wrong between stations, this machine and fleet managers, judged and worded."""

from __future__ import annotations

import pytest

from gateway.model.clocks import ClockQuality, Quality
from gateway.rules.disk_pressure import Room
from gateway.rules.network_findings import Dated, Facts, Finding, MeterSeen, Peer, Port, findings

GOOD = Facts(
    runs=True,
    addresses=("192.168.1.10", "10.0.0.2"),
    listening=frozenset({("0.0.0.0", 9000), ("192.168.1.10", 8088), ("127.0.0.1", 8080)}),
    ports=(Port("stations_port", "0.0.0.0", 9000), Port("firmware_port", "192.168.1.10", 8088)),
    routes=("192.168.1.1 (eth0)",),
    peers=(Peer("fleet", "broker.example", 8883, ("192.0.2.1",), 0.03, linked=True),),
    clock=ClockQuality("synced", 12, "b", 5),
    certificates=(Dated("a", 400, None), Dated("b", 100, None)),
    room=Room(10_000_000, 0, 20_000_000_000, 30_000_000_000),
    meters=(MeterSeen("grid", "fresh", 0.4, None),),
)


def only(facts: Facts, check: str) -> list[Finding]:
    return [finding for finding in findings(facts) if finding.check == check]


def state(facts: Facts, check: str) -> str:
    (finding,) = only(facts, check)
    assert (finding.advice is None) == (finding.state in ("good", "unknown")), finding
    return finding.state


def test_all_is_well() -> None:
    found = findings(GOOD)
    assert {finding.state for finding in found} == {"good"}
    assert not [finding for finding in found if finding.advice]
    assert [finding.check for finding in found] == [
        "daemon", "addresses", "stations_port", "firmware_port", "default_route", "dns", "reach", "clock",
        "certificate", "disk", "meter",
    ]  # fmt: skip


def test_nothing_is_told() -> None:
    facts = GOOD._replace(
        runs=False, addresses=(), listening=None, routes=None, clock=None, certificates=(), room=None,
        meters=(MeterSeen("grid", None, None, None),),
    )  # fmt: skip
    states = {finding.check: finding.state for finding in findings(facts)}
    assert states == {
        "daemon": "bad", "addresses": "bad", "stations_port": "unknown", "firmware_port": "unknown",
        "default_route": "unknown", "dns": "good", "reach": "good", "clock": "unknown", "certificate": "good",
        "disk": "unknown", "meter": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("listening", "expected"),
    [
        ({("0.0.0.0", 9000)}, "good"),
        ({("::", 9000)}, "good"),
        ({("10.0.0.2", 9000)}, "good"),
        ({("127.0.0.1", 9000)}, "warning"),
        ({("::1", 9000)}, "warning"),
        ({("192.168.1.99", 9000)}, "warning"),
        ({("0.0.0.0", 9001)}, "bad"),
    ],
)
def test_ports(listening: set[tuple[str, int]], expected: str) -> None:
    facts = GOOD._replace(listening=frozenset(listening))
    assert state(facts, "stations_port") == expected


def test_ways_to_other_networks() -> None:
    assert state(GOOD._replace(routes=()), "default_route") == "bad"
    assert state(GOOD._replace(routes=(), peers=()), "default_route") == "good"


def test_brokers() -> None:
    peer = GOOD.peers[0]
    slow = GOOD._replace(peers=[peer._replace(seconds=1.7)])
    assert state(slow, "reach") == "warning"
    away = GOOD._replace(peers=[peer._replace(seconds=None, trouble="Connection refused")])
    assert (state(away, "dns"), state(away, "reach")) == ("good", "bad")
    assert "Connection refused" in only(away, "reach")[0].text
    for trouble in ("not authorised", None):
        unlinked = GOOD._replace(peers=[peer._replace(linked=False, link_trouble=trouble)])
        assert state(unlinked, "reach") == "warning"
    nameless = GOOD._replace(peers=[peer._replace(addresses=None, seconds=None, trouble="no such name")])
    assert (state(nameless, "dns"), state(nameless, "reach")) == ("bad", "unknown")


@pytest.mark.parametrize(
    ("quality", "error_ms", "expected"),
    [
        ("synced", 12, "good"),
        ("synced", 2001, "warning"),
        ("holdover", 12, "warning"),
        ("holdover", 9000, "warning"),
        ("unsynced", 1, "bad"),
    ],
)
def test_clocks(quality: Quality, error_ms: int, expected: str) -> None:
    assert state(GOOD._replace(clock=ClockQuality(quality, error_ms, "b", 5)), "clock") == expected


def test_certificates() -> None:
    dated = [
        Dated("fine", 400, None),
        Dated("soon", 5, "soon ends"),
        Dated("over", -1, "over ended"),
        Dated("x", None, "unreadable"),
    ]
    found = only(GOOD._replace(certificates=dated), "certificate")
    assert [(finding.subject, finding.state) for finding in found] == [
        ("soon", "warning"),
        ("over", "bad"),
        ("x", "bad"),
    ]
    assert "in 100 days" in only(GOOD, "certificate")[0].text
    assert only(GOOD._replace(certificates=[Dated("a", None, None)]), "certificate")[0].text == "none is used"


@pytest.mark.parametrize(
    ("free", "expected"), [(10_000_000, "bad"), (100_000_000, "warning"), (10_000_000_000, "good")]
)
def test_disks(free: int, expected: str) -> None:
    assert state(GOOD._replace(room=Room(10_000_000, 0, free, 30_000_000_000)), "disk") == expected


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        (MeterSeen("m", "fresh", None, None), "good"),
        (MeterSeen("m", "stale", 90.0, "nothing for 90 s"), "bad"),
        (MeterSeen("m", "missing", None, None), "bad"),
    ],
)
def test_meters(meter: MeterSeen, expected: str) -> None:
    assert state(GOOD._replace(meters=[meter]), "meter") == expected
