"""NATS, three servers: gateways publish MQTT, JetStream is consumed; a server dies by kill -9 in mid-stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet.at_work import ROOT
from tests.fleet.forwarder import forwarding
from tests.fleet.ingest import consuming_jetstream
from tests.fleet.ledger import Ledger
from tests.fleet.mid_stream import Sides, tell_across_a_death
from tests.fleet.nats import NatsCluster

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[NatsCluster]:
    cluster = NatsCluster(tmp_path / "nats")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.mark.parametrize("whose", ["gateway", "consumer"])
async def test_a_server_dies_and_every_event_is_told_once(cluster: NatsCluster, tmp_path: Path, whose: str) -> None:
    ledger = tmp_path / "ledger.db"
    consumers_way = cluster.nats_ports[::-1]  # so the consumer is on the last server, and the gateway on the first
    async with forwarding(cluster.mqtt_ports) as near:
        with closing(Ledger(ledger)) as kept:
            async with consuming_jetstream(consumers_way, kept, ROOT):

                def strike() -> None:
                    assert near.nodes_in_use() == cluster.mqtt_ports[:1]
                    cluster.kill_node(0 if whose == "gateway" else 2)

                await tell_across_a_death(tmp_path, Sides(near, cluster.mqtt_ports, ledger), strike)
