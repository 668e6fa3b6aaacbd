"""A fleet manager without a broker: hands commands to the gateway as its link would, and reads what is said on up/res.

None of the gateway's own words: commands and results are plain JSON, and each result is held to the contract.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from gateway.model.links import Message
from gateway.operations.obey_fleet import obey
from gateway.operations.site import Site
from tests.upstream.contract_check import complaints_about

if TYPE_CHECKING:
    from gateway.operations.upstream_now import UpstreamNow

_NUMBERS = itertools.count(1)


@dataclass
class FleetOnPaper:
    """One upstream of `site`; `said` are the results so far, `acks` how many commands were acknowledged."""

    site: Site
    name: str = "fleet"
    said: list[dict[str, Any]] = field(default_factory=list)
    correlations: list[bytes | None] = field(default_factory=list)  # what came back with each result
    acks: int = 0
    link: None = None  # for commands about the link itself, which is always away
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.site.fleet.upstreams[self.name] = cast("UpstreamNow", self)

    def say(
        self, suffix: str, payload: bytes, *, retain: bool = False, qos: int = 1, correlation: bytes | None = None
    ) -> None:
        """What `UpstreamNow` does, for its callers."""
        complaints = complaints_about(f"ocpp-gateway/v1/g/up/{suffix}", payload, retain=retain, qos=qos)
        assert suffix == "res" and not complaints, complaints
        self.said.append(json.loads(payload))
        self.correlations.append(correlation)
        self.heard.set()

    async def send(self, kind: str, *, interval: int | None = None, retain: bool = False, **members: Any) -> str:
        """Send a command; its id. `interval`: what is left of the message's own expiry."""
        document = {"id": f"01J-{next(_NUMBERS)}", "type": kind, **members}
        await self.send_bytes(json.dumps(document).encode(), interval=interval, retain=retain)
        return str(document["id"])

    async def send_bytes(
        self, payload: bytes, *, interval: int | None = None, retain: bool = False, correlation: bytes | None = None
    ) -> None:
        """Send anything."""
        before = self.acks

        def acked() -> None:
            self.acks += 1

        message = Message(
            "t/dn/cmd", payload, retain=retain, expiry_seconds=interval, correlation=correlation, on_ack=acked
        )
        await obey(cast("UpstreamNow", self), message)
        assert self.acks == before + 1, "acknowledged once"

    def told_of(self, command_id: str) -> list[dict[str, Any]]:
        """What was said of a command, in order."""
        return [result for result in self.said if result["id"] == command_id]

    def statuses(self, command_id: str) -> list[str]:
        """The statuses said, in order."""
        return [str(result["status"]) for result in self.told_of(command_id)]

    async def end_of(self, command_id: str, *, patience_seconds: float = 120) -> dict[str, Any]:
        """Wait for the final result."""
        async with asyncio.timeout(patience_seconds):
            while not (found := [one for one in self.told_of(command_id) if "finished_at" in one]):
                self.heard.clear()
                await self.heard.wait()
        return found[0]

    async def ask(self, kind: str, *, interval: int | None = None, **members: Any) -> dict[str, Any]:
        """Send a command and wait for its final result."""
        return await self.end_of(await self.send(kind, interval=interval, **members))
