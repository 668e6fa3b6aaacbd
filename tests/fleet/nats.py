"""Three NATS servers on loopback: JetStream with three replicas, MQTT 3.1.1 in. It does not know what is sent."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.end_to_end.running_gateway import free_ports
from tests.fleet.processes import Child, wait_for_port

_NODES = 3


class NatsCluster:
    """A cluster of three; `kill_node` takes a node away with SIGKILL, `start_node` brings it back."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        ports = free_ports(3 * _NODES)
        self.mqtt_ports, self.nats_ports = ports[:_NODES], ports[_NODES : 2 * _NODES]
        self._cluster_ports = ports[2 * _NODES :]
        self.directory.mkdir(parents=True, exist_ok=True)
        self._nodes = [self._node(number) for number in range(_NODES)]

    def start(self) -> None:
        """Start three servers; returns when all listen. Whether they elected a leader, a first request tells."""
        for node in self._nodes:
            node.start()
        for number in range(_NODES):
            self._wait_for_node(number)

    def stop(self) -> None:
        """End all that `start` started."""
        for node in self._nodes:
            node.kill()

    def start_node(self, number: int) -> None:
        """Start one server (again)."""
        self._nodes[number].start()
        self._wait_for_node(number)

    def kill_node(self, number: int) -> None:
        """SIGKILL to one server."""
        self._nodes[number].kill()

    # Private

    def _wait_for_node(self, number: int) -> None:
        wait_for_port(self._nodes[number], self.nats_ports[number])
        wait_for_port(self._nodes[number], self.mqtt_ports[number])

    def _node(self, number: int) -> Child:
        home = self.directory / f"node-{number}"
        home.mkdir()
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self._cluster_ports)
        (home / "nats.conf").write_text(
            f"server_name: n{number}\n"
            f"listen: 127.0.0.1:{self.nats_ports[number]}\n"
            f"jetstream {{ store_dir: {json.dumps(str(home / 'jetstream'))} }}\n"
            f"cluster {{ name: fleet, listen: 127.0.0.1:{self._cluster_ports[number]}, routes: [{routes}] }}\n"
            f"mqtt {{ listen: 127.0.0.1:{self.mqtt_ports[number]}, stream_replicas: {_NODES} }}\n"
        )
        program = Path(sys.executable).parent / "nats-server"
        return Child([str(program), "-c", str(home / "nats.conf")], log=home / "node.log", cwd=home)
