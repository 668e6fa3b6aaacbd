"""A process that makes many of itself: each does the same with firmware images and dies (as by kill -9) a step later.

    python -m tests.faults.dying_importer FOLDER SCENARIO

`FOLDER/data` is what each begins with, `FOLDER/<n>` what the one that died at step n left; the last one lived.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from firmware_store.incoming import Arriving
from firmware_store.manifest import Announced, Manifest
from gateway.operations import keep_images
from gateway.operations.import_images import Import, append_to_import, begin_import, receiving, take_received
from gateway.operations.look_after_images import collect_garbage
from gateway.operations.site import Site
from gateway.store.database import Database
from tests.unit.operations.firmware_site import taken
from tests.unit.web.conftest import configuration_in, open_site

CONTENT = b"firmware" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
MANIFEST = Manifest("Vendor", ("M",), "new", "f.bin")
MOST_STEPS = 200


async def in_one_go(site: Site) -> None:
    """A file that comes in one request."""
    async with receiving(site) as arriving:
        arriving.write(CONTENT[:1000])
        arriving.write(CONTENT[1000:])
        await take_received(site, arriving, Announced(MANIFEST), actor="me", source="api")


async def in_pieces(site: Site) -> None:
    """A file that comes in two pieces."""

    async def piece(content: bytes) -> AsyncIterator[bytes]:
        yield content

    begun = await begin_import(site, Announced(MANIFEST, SHA, len(CONTENT)), actor="me", source="api")
    assert isinstance(begun, Import)
    await append_to_import(site, begun.import_id, 0, piece(CONTENT[:1000]), actor="me")
    await append_to_import(site, begun.import_id, 1000, piece(CONTENT[1000:]), actor="me")


async def in_place_of_a_damaged_one(site: Site) -> None:
    """A good copy of what is there and damaged (see `prepare`)."""
    await in_one_go(site)


async def out(site: Site) -> None:
    """Withdrawn and collected."""
    for row in await site.database.write(keep_images.firmware_images.kept):
        await keep_images.withdraw(site, row.image_id, actor="me")
    await collect_garbage(site)


SCENARIOS: dict[str, Callable[[Site], Awaitable[None]]] = {
    "in_one_go": in_one_go,
    "in_pieces": in_pieces,
    "in_place_of_a_damaged_one": in_place_of_a_damaged_one,
    "out": out,
}


async def prepare(folder: Path, scenario: str) -> None:
    """What all begin with: another image, and where it is told so the same bytes, damaged."""
    async with open_site(configuration_in(folder)) as site:
        await taken(site, b"other", version="old")
        if scenario == "in_place_of_a_damaged_one":
            row = await taken(site, CONTENT, version="damaged")
            path = keep_images.image_store(site).path(row.sha256)
            path.chmod(0o600)
            path.write_bytes(b"rubbish")


def die_at(step: int) -> None:
    """From now on this process ends right before the call number `step` of those that change something."""
    left = step

    def counted(place: Any, name: str) -> None:
        really = getattr(place, name)

        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            return really(*arguments, **named)

        setattr(place, name, call)

    for place, name in (
        (os, "fsync"), (os, "replace"), (os, "unlink"), (os, "chmod"), (os, "mkdir"), (os, "utime"),
        (keep_images, "_take"), (keep_images, "tell_change"), (Arriving, "write"), (Database, "write"),
    ):  # fmt: skip
        counted(place, name)


async def _play(folder: Path, scenario: str, step: int) -> None:
    async with open_site(configuration_in(folder)) as site:
        die_at(step)
        await SCENARIOS[scenario](site)
        os._exit(0)


def main() -> None:
    """Make one process after the other."""
    folder, scenario = Path(sys.argv[1]), sys.argv[2]
    for step in range(1, MOST_STEPS):
        child = os.fork()
        if child == 0:
            shutil.copytree(folder / "data", folder / str(step))
            asyncio.run(_play(folder / str(step), scenario, step))
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return
        assert os.waitstatus_to_exitcode(status) == 9, status
    raise AssertionError("it never lived")


if __name__ == "__main__":
    main()
