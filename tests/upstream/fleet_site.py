"""What tests of the fleet link share: the configuration of an upstream, a station that charges, a session's facts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gateway.daemon import Surroundings
from gateway.operations.upstream_now import UpstreamNow
from gateway.upstream.link import connect
from tests.fakes.fleet_consumer import FleetConsumer, fleet_consumer
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.scripted_station import NOW, ScriptedStation, plugged_in
from tests.upstream.linking import until

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
FREE = 'unknown_stations = "accept"\nunknown_tags = "accept"\nautomatic_calls = false\n'


def upstream(port: int, *, name: str = "fleet", more: str = "") -> str:
    """TOML of an upstream on loopback that is connected to at once."""
    return (
        f'[[upstream]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
        f"start_jitter_seconds = 0\nbackoff_max_seconds = 1\n{more}\n"
    )


@dataclass
class Scene:
    """A gateway with one station, its broker and its consumer."""

    broker: Mosquitto
    fleet: FleetConsumer
    gateway: Running
    station: ScriptedStation

    @property
    def upstream(self) -> UpstreamNow:
        """What the gateway knows of it."""
        return self.gateway.site.fleet.upstreams["fleet"]

    def acked(self, stream: str = "tx") -> int:
        """How far the gateway believes that the consumer is."""
        return self.upstream.delivery.flows[stream].acked

    async def alarmed(self, name: str) -> str:
        """The text of an alarm, as soon as there is one."""
        await until(lambda: name in self.upstream.alarms, f"the alarm {name!r}; there are {self.upstream.alarms}")
        notice = self.gateway.site.health.notices()["upstream fleet"]
        assert self.upstream.alarms[name] in notice, "people are told"
        return self.upstream.alarms[name]

    async def calm(self, name: str) -> None:
        """The alarm is over."""
        await until(lambda: name not in self.upstream.alarms, f"the end of the alarm {name!r}")

    async def billed(self, sessions: int) -> None:
        """All these sessions are stored by the consumer, in order and without a gap; and acknowledged."""
        await self.fleet.until(lambda: len(self.fleet.of_type("transaction.ended")) == sessions, f"{sessions} sessions")
        assert [event["sequence"] for event in self.fleet.stream("tx")] == list(range(1, 2 * sessions + 1))
        await until(lambda: self.acked() == 2 * sessions, "the acknowledgement of the last session")


@asynccontextmanager
async def scene(
    directory: Path, broker: Mosquitto, *, consumer: dict[str, Any] | None = None, keepalive_seconds: int = 30
) -> AsyncIterator[Scene]:
    """A gateway with one booted station at this broker, and a consumer of its events."""
    around = Surroundings(web=False, connect_upstream=partial(connect, keepalive_seconds=keepalive_seconds))
    async with (
        fleet_consumer(broker.port, **(consumer or {})) as fleet,
        running_gateway(directory, ocpp=FREE, more=upstream(broker.port), surroundings=around) as gateway,
        plugged_in(gateway.station_url("CP1")) as station,
    ):
        await station.say("BootNotification", BOOT)
        await until(lambda: any(one.link for one in gateway.site.fleet.upstreams.values()), "a link")
        yield Scene(broker, fleet, gateway, station)


async def charge(station: ScriptedStation, *, sessions: int = 1, first: int = 0) -> list[int]:
    """So many whole sessions on connector 1; their transaction ids. `first` makes their registers distinct."""
    found: list[int] = []
    for number in range(first, first + sessions):
        started: Any = await station.say(
            "StartTransaction",
            {"connectorId": 1, "idTag": f"tag-{number}", "meterStart": number * 1000, "timestamp": NOW},
        )
        transaction = started["transactionId"]
        await station.say(
            "StopTransaction",
            {
                "transactionId": transaction,
                "meterStop": number * 1000 + 700,
                "timestamp": NOW,
                "idTag": f"tag-{number}",
            },
        )
        found.append(transaction)
    return found


async def measure(station: ScriptedStation, *, text: str = "1", transaction: int | None = None) -> None:
    """A MeterValues message."""
    sample = {"value": text, "format": "SignedData"} if len(text) > 20 else {"value": text}
    told: dict[str, Any] = {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": [sample]}]}
    await station.say("MeterValues", told if transaction is None else {**told, "transactionId": transaction})
