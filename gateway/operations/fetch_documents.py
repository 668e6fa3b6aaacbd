"""Documents that are too large for a message: fetched over http(s), checked against their digest, read."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.model.fleet_documents import Body, Manifest, Wrong
from gateway.operations.site import Site
from gateway.rules import fleet_documents as rules

_PATIENCE_SECONDS = 120.0
_PREFIX = ".document-"


async def clear_leftovers(site: Site) -> None:
    """At the start: what a kill left of a file that was being fetched."""
    for folder in site.configuration.data.directory.glob(f"{_PREFIX}*"):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def fetch_body(site: Site, manifest: Manifest) -> Body | Wrong | tuple[Wrong, ...]:
    """The contents; one mistake: it may work later; several, in a tuple: what was announced is no such document."""
    return await asyncio.to_thread(_fetch, site.configuration.data.directory, manifest)


def _fetch(folder: Path, manifest: Manifest) -> Body | Wrong | tuple[Wrong, ...]:
    from gateway.upstream.fetch import NotFetched, fetch  # its library is large, and few sites need it

    most = min(manifest.size_bytes or rules.MOST_FILE_BYTES, rules.MOST_FILE_BYTES)
    try:
        with TemporaryDirectory(prefix=_PREFIX, dir=folder) as place:
            content = fetch(
                str(manifest.url), Path(place) / "document", sha256=str(manifest.sha256), most_bytes=most,
                patience_seconds=_PATIENCE_SECONDS,
            ).read_bytes()  # fmt: skip
    except NotFetched as error:
        return Wrong(error.code, "url", error.reason)
    except OSError as error:
        return Wrong("fetch_failed", "url", f"the disk does not take it: {error.strerror}")
    try:
        value = rules.json_of(content)
    except ValueError as error:
        return (Wrong("invalid", "", f"the file is not JSON: {error}"),)
    return rules.read_fetched(manifest, value)
