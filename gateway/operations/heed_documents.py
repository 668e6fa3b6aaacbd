"""Desired-state documents as they arrive: kept, acknowledged to the broker, settled when they are due, told.

A fleet manager's document is on disk before the broker may forget it. What is wrong with it is told in its report and
keeps nothing else waiting. Big ones are fetched later, by the loop of `keep_documents`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.model.fleet_documents import Manifest, Wrong
from gateway.model.links import Message
from gateway.operations.document_kinds import KINDS
from gateway.operations.document_turn import Kind
from gateway.operations.report_documents import report, say_unknown
from gateway.operations.settle_documents import Heard, hear, is_clock_known, is_news, reject, settle_document, withdraw
from gateway.operations.site import Site
from gateway.rules import fleet_documents as rules
from gateway.store import fleet_documents

if TYPE_CHECKING:
    from gateway.operations.upstream_now import UpstreamNow

logger = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024 * 1024  # of a message; above it a document goes by `url`
_DOC_NAME = re.compile("[a-z0-9-]{1,40}")


async def heed_document(upstream: UpstreamNow, doc: str, message: Message) -> None:
    """Keep what came, acknowledge it, apply it if it is due, and tell how it stands. Raises for nothing that came.

    Raises StoreUnavailable; then whoever hears it tries again, because what waits holds up what is behind it.
    """
    site = upstream.site
    site.documents.upstreams[upstream.name] = upstream
    if doc not in KINDS:
        message.ack()
        logger.warning("%s sent a document that is not known: %.50r", upstream.name, doc)
        if message.payload and _DOC_NAME.fullmatch(doc):
            say_unknown(upstream, doc)
        return
    await _keep(site, upstream.name, doc, message.payload)
    message.ack()
    await settle_document(site, upstream.name, doc, fetch=False)
    await report(site, upstream, doc, again=True)


async def report_again(upstream: UpstreamNow) -> None:
    """After a birth: how every document of this upstream stands."""
    site = upstream.site
    site.documents.upstreams[upstream.name] = upstream
    rows = await site.database.write(fleet_documents.every)
    for row in rows:
        if row.upstream == upstream.name:
            await report(site, upstream, row.doc, again=True)


async def _keep(site: Site, upstream: str, doc: str, payload: bytes) -> None:
    """Write down what came, as far as it is news."""
    now, kind = site.wall_clock(), KINDS[doc]
    if not payload:
        await site.database.write(lambda db: withdraw(db, site, upstream, doc, now))
        return
    read = await asyncio.to_thread(_read, doc, payload, kind)
    if isinstance(read, tuple):
        await site.database.write(lambda db: reject(db, site, upstream, doc, read, now))
        return
    heard = Heard(upstream, read.manifest, read.digest, now, is_clock_known(site))
    if not await site.database.write(lambda db: is_news(db, site, heard)):
        return
    if heard.manifest.body is not None:
        safe = await kind.prepare(site, heard.manifest.body)
        heard = replace(heard, manifest=replace(heard.manifest, body=safe))
    kept = heard
    await site.database.write(lambda db: hear(db, site, kept))


@dataclass(frozen=True, slots=True)
class _Read:
    manifest: Manifest
    digest: str


def _read(doc: str, payload: bytes, kind: Kind) -> _Read | tuple[Wrong, ...]:
    if len(payload) > MOST_BYTES:
        return (Wrong("too_large", "", f"expected at most {MOST_BYTES} bytes: send it by `url`"),)
    try:
        value = rules.json_of(payload)
    except ValueError as error:
        return (Wrong("invalid", "", f"not JSON: {error}"),)
    manifest = rules.read_manifest(doc, value)
    if isinstance(manifest, tuple):
        return manifest
    return _Read(manifest, rules.digest_of(manifest, without=kind.secrets))
