"""A fleet manager at a desk: puts documents before a site and reads the reports, without a broker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from gateway.model.links import Message
from gateway.operations.heed_documents import heed_document, report_again
from gateway.operations.site import Site

if TYPE_CHECKING:
    from gateway.operations.upstream_now import UpstreamNow


@dataclass
class Desk:
    """One upstream of the site, as far as documents know it. `said`: every report, oldest first."""

    site: Site
    name: str = "fleet"
    said: list[tuple[str, Any, bool]] = field(default_factory=list)
    acked: int = 0

    def say(self, suffix: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """What the gateway publishes on `up/`."""
        self.said.append((suffix, json.loads(payload), retain))

    async def send(self, doc: str, document: Mapping[str, object] | bytes | None) -> dict[str, Any]:
        """Put a document on `dn/des/{doc}` (None: take it away); the report that follows."""
        payload = (
            document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
        )
        message = Message(f"ocpp-gateway/v1/gw/dn/des/{doc}", payload, retain=True, on_ack=self.count_ack)
        before = self.acked
        await heed_document(cast("UpstreamNow", self), doc, message)
        assert self.acked == before + 1
        return self.report(doc)

    async def is_born(self) -> None:
        """The gateway has connected again."""
        await report_again(cast("UpstreamNow", self))

    def report(self, doc: str) -> dict[str, Any]:
        """The newest report of the document; {} before the first."""
        reports = [payload for suffix, payload, _ in self.said if suffix == f"rep/{doc}"]
        return cast(dict[str, Any], reports[-1]) if reports else {}

    def count_ack(self) -> None:
        """The broker may forget a message."""
        self.acked += 1
