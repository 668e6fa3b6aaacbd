"""kill -9 at every step of taking a file over: afterwards no row lacks its file, and no file of nobody stays."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Firmware
from gateway.operations import keep_uploads
from gateway.operations.keep_uploads import incoming_folder, path_of, uploads_folder
from gateway.operations.sweep_uploads import hold_beside
from tests.fakes.uploaded_files import uploaded
from tests.unit.store.opened_database import look
from tests.unit.web.conftest import configuration_in, open_site

pytestmark = pytest.mark.slow

KILLED = 137
LIMITS = Firmware(upload_limit_mb=1, station_uploads_limit_mb=1, uploads_limit_mb=1)
CONTENT = b"x" * 600_000  # two of them are more than a megabyte
STEPS = ("before the move", "after the move", "after the commit")


def die_at(step: str) -> None:
    """Prepare this process to end without a word at a step of keeping a file."""

    def dying(name: str, *, first: bool) -> None:
        real: Callable[..., object] = getattr(keep_uploads, name)

        def instead(*given: object) -> object:
            if not first:
                real(*given)
            os._exit(KILLED)

        setattr(keep_uploads, name, instead)

    name, first = {
        "before the move": ("_move", True),
        "after the move": ("_move", False),
        "after the commit": ("_remove", True),
    }[step]
    dying(name, first=first)


async def keep_one_more(directory: Path, step: str) -> None:
    async with open_site(replace(configuration_in(directory), firmware=LIMITS)) as site:
        await uploaded(site, CONTENT)
        die_at(step)
        await uploaded(site, CONTENT)


@pytest.mark.parametrize("step", STEPS)
async def test_the_next_life_finds_rows_with_files_and_files_with_rows(tmp_path: Path, step: str) -> None:
    command = [sys.executable, "-m", __name__, str(tmp_path), step]
    done = await asyncio.to_thread(subprocess.run, command, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == KILLED
    async with open_site(replace(configuration_in(tmp_path), firmware=LIMITS)) as site:
        for path in uploads_folder(site).rglob("*"):
            os.utime(path, (0, 0))
        await hold_beside(site)
        kept = [number for (number,) in look(site.database.path, "SELECT upload_id FROM uploads")]
        assert kept == ([2] if step == "after the commit" else [1])
        assert sorted(path.name for path in uploads_folder(site).iterdir() if path.is_file()) == [str(kept[0])]
        assert list(incoming_folder(site).iterdir()) == []
        assert look(site.database.path, "SELECT missing_at FROM uploads") == [(None,)]
        await uploaded(site, CONTENT)
        (((number,),)) = look(site.database.path, "SELECT upload_id FROM uploads")
        assert path_of(site, int(str(number))).read_bytes() == CONTENT


if __name__ == "__main__":
    asyncio.run(keep_one_more(Path(sys.argv[1]), sys.argv[2]))
