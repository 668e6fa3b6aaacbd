"""Desired documents of fleet managers: what arrives is acknowledged and told."""

from __future__ import annotations

from gateway.model.links import Message
from gateway.operations.upstream_now import UpstreamNow


async def heed_document(upstream: UpstreamNow, doc: str, message: Message) -> None:
    """Acknowledge it."""
    message.ack()


async def report_again(upstream: UpstreamNow) -> None:
    """Nothing to report."""
