"""Three RabbitMQ nodes on loopback, from Debian's package, beside whatever RabbitMQ the machine runs otherwise.

Own names, ports, directories, cookie and port mapper (epmd); neither the system's configuration nor its user is used,
so it works as root and as anybody else. MQTT in (3.1.1), AMQP out. It does not know what is sent.

Sessions of MQTT clients are queues; `quorum` lets them outlive the node on which they were made. With the classic
queues that are the default, a client with a persistent session cannot subscribe anywhere while that node is down.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from pathlib import Path

from tests.end_to_end.running_gateway import free_ports, wait_until
from tests.fleet.processes import Child, wait_for_port

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
_NODES = 3


class RabbitCluster:
    """A cluster of three; `start` forms it, `kill_node` takes a node away with SIGKILL, `start_node` brings it back."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        ports = free_ports(3 * _NODES + 1)
        self._epmd_port = ports.pop()
        self.mqtt_ports, self.amqp_ports = ports[:_NODES], ports[_NODES : 2 * _NODES]
        self._dist_ports = ports[2 * _NODES :]
        self.directory.mkdir(parents=True, exist_ok=True)
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        self._epmd = Child(
            ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"], log=self.directory / "epmd.log"
        )
        self._nodes = [self._node(number) for number in range(_NODES)]

    def start(self) -> None:
        """Start the port mapper and three nodes that find each other; returns when all three run as one cluster."""
        self._epmd.start()
        wait_for_port(self._epmd, self._epmd_port)
        for number in range(_NODES):
            self.start_node(number, wait=number == 0)  # the others join the first
        for number in range(1, _NODES):
            self._wait_for_node(number)
        wait_until(lambda: len(self.running_nodes()) == _NODES, "three nodes in one cluster")

    def stop(self) -> None:
        """End all that `start` started. Nodes are killed: nothing of them is needed afterwards."""
        for node in self._nodes:
            node.kill()
        self._epmd.kill()

    def start_node(self, number: int, *, wait: bool = True) -> None:
        """Start one node (again)."""
        self._nodes[number].start()
        if wait:
            self._wait_for_node(number)

    def kill_node(self, number: int) -> None:
        """SIGKILL to one node."""
        self._nodes[number].kill()

    def running_nodes(self, asked: int = 0) -> list[str]:
        """The nodes that run according to the one that is asked."""
        done = subprocess.run(
            [str(SCRIPTS / "rabbitmqctl"), "-q", "cluster_status", "--formatter", "json"],
            env=self._environment(asked),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(json.loads(done.stdout)["running_nodes"])

    # Private

    def _wait_for_node(self, number: int) -> None:
        wait_for_port(self._nodes[number], self.amqp_ports[number])
        wait_for_port(self._nodes[number], self.mqtt_ports[number])

    def _node(self, number: int) -> Child:
        home = self._home(number)
        home.mkdir()
        (home / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        (home / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp_ports[number]}\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.mqtt_ports[number]}\n"
            "mqtt.durable_queue_type = quorum\n"
            "log.file = false\nlog.console = true\nlog.console.level = warning\n"
            "cluster_formation.peer_discovery_backend = classic_config\n"
            "cluster_formation.classic_config.nodes.1 = " + self._name(0) + "\n"
        )
        return Child(
            [str(SCRIPTS / "rabbitmq-server")],
            log=home / "node.log",
            cwd=home,
            env=self._environment(number) | {"RUNNING_UNDER_SYSTEMD": "yes"},  # the script becomes the node
        )

    def _home(self, number: int) -> Path:
        return self.directory / f"node-{number}"

    def _name(self, number: int) -> str:
        return f"fleet{number}@localhost"

    def _environment(self, number: int) -> dict[str, str]:
        home = self._home(number)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),  # where the cookie is
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._name(number),
            "RABBITMQ_DIST_PORT": str(self._dist_ports[number]),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
