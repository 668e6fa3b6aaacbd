"""Files that stations upload."""

from __future__ import annotations

from pathlib import Path

from firmware_store.tickets import Received
from gateway.operations.site import Site


def incoming_folder(site: Site) -> Path:
    """Where files are received; it is there after the call."""
    folder = site.configuration.data.directory / "uploads" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def keep_upload(site: Site, received: Received) -> None:
    """Take a file over."""
