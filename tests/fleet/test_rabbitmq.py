"""RabbitMQ, three nodes: gateways publish MQTT, a quorum queue is consumed; a node dies by kill -9 in mid-stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet.at_work import ROOT
from tests.fleet.forwarder import Forwarder, forwarding
from tests.fleet.ingest import consuming_amqp
from tests.fleet.ledger import Ledger
from tests.fleet.mid_stream import Sides, tell_across_a_death
from tests.fleet.rabbitmq import RabbitCluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitCluster]:
    cluster = RabbitCluster(tmp_path_factory.mktemp("rabbitmq"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.mark.parametrize("whose", ["gateway", "consumer"])
async def test_a_node_dies_and_every_event_is_told_once(cluster: RabbitCluster, tmp_path: Path, whose: str) -> None:
    ledger = tmp_path / "ledger.db"
    async with forwarding(cluster.mqtt_ports) as near, forwarding(cluster.amqp_ports[::-1]) as far:
        with closing(Ledger(ledger)) as kept:
            async with consuming_amqp(far.port, kept, ROOT, queue=f"ingest-{whose}"):
                nodes = {"gateway": (near, cluster.mqtt_ports), "consumer": (far, cluster.amqp_ports)}
                killed: list[int] = []

                def strike() -> None:
                    forwarder, ports = nodes[whose]
                    killed.append(ports.index(_port_in_use(forwarder)))
                    cluster.kill_node(killed[0])

                dialled = len(near.arrivals)
                await tell_across_a_death(tmp_path, Sides(near, cluster.mqtt_ports, ledger), strike)

    assert len(near.arrivals) > dialled
    cluster.start_node(killed[0])
    assert len(cluster.running_nodes()) == 3


def _port_in_use(forwarder: Forwarder) -> int:
    (port,) = forwarder.nodes_in_use()
    return port
