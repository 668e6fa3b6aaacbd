"""kill -9 at every step of taking a firmware image in and out: afterwards there is nothing of it, or all of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_store.manifest import Announced
from gateway.operations.import_images import begin_import
from gateway.operations.keep_images import Taken, image_store
from gateway.operations.look_after_images import check_images, clear, collect_garbage, look_at_sizes
from gateway.operations.site import Site
from gateway.store import firmware_images
from tests.faults.dying_importer import CONTENT, MANIFEST, SCENARIOS, SHA, prepare
from tests.unit.operations.firmware_site import files
from tests.unit.web.conftest import configuration_in, open_site

PROJECT = Path(__file__).resolve().parents[2]


async def after_the_restart(site: Site) -> set[str]:
    """What a start does; then versions of images that stations may have, every one of them whole."""
    await clear(site)
    await look_at_sizes(site)
    await collect_garbage(site)
    assert (await check_images(site)).damaged == {}
    rows = await site.database.write(firmware_images.kept)
    assert set(image_store(site).digests()) == {row.sha256 for row in rows}
    assert not [name for name in files(site) if name.endswith(".tmp")]
    return {site_row.manifest.partition('"version":"')[2].partition('"')[0] for site_row in rows}


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_nothing_or_all_of_it(tmp_path: Path, scenario: str) -> None:
    (tmp_path / "data").mkdir()
    await prepare(tmp_path / "data", scenario)
    command = [sys.executable, "-m", "tests.faults.dying_importer", str(tmp_path), scenario]
    await asyncio.to_thread(subprocess.run, command, check=True, cwd=PROJECT)
    lives = sorted((path for path in tmp_path.glob("[0-9]*")), key=lambda path: int(path.name))  # noqa: ASYNC240
    assert len(lives) > 5
    before, after = {"old"}, {"old", "new"}
    if scenario == "out":
        after = set()
    if scenario == "in_place_of_a_damaged_one":
        before, after = {"old", "damaged"}, {"old", "damaged", "new"}
    found = []
    for folder in lives:
        async with open_site(configuration_in(folder)) as site:
            if scenario == "in_place_of_a_damaged_one" and b"rubbish" in image_store(site).path(SHA).read_bytes():
                continue  # not healed yet
            found.append(await after_the_restart(site))
            assert found[-1] in (before, after), folder
            if scenario == "in_pieces" and found[-1] == before:
                begun = await begin_import(site, Announced(MANIFEST, SHA, len(CONTENT)), actor="me", source="api")
                assert not isinstance(begun, Taken) and begun.received in (0, 1000, len(CONTENT))
    assert found[-1] == after, "the last one lived"
    assert before in found
