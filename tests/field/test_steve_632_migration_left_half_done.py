"""SteVe 632: a migration failed in the middle; from then on neither program started, and half of it stood there.

Here a step that cannot be done is found on a copy: the newer program says so and changes nothing, and the program from
before goes on with the same sessions. A better version does the step later.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from gateway.store.migrations import newest_version
from tests.field.stage import PROJECT, site

NEXT = newest_version() + 1
HALF = "CREATE TABLE of_tomorrow (id INTEGER PRIMARY KEY) STRICT;\n"
FAILS = f"{HALF}INSERT INTO a_table_that_nobody_made VALUES (1);\n"


def newer_program(place: Path, step: str) -> Path:
    """The folder of a program that brings one more step."""
    shutil.copytree(PROJECT / "gateway", place / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT / "firmware_store", place / "firmware_store")
    (place / "gateway" / "store" / "schema" / f"{NEXT:04}_of_tomorrow.sql").write_text(step)
    return place


def opens(program: Path, database: Path) -> str:
    """What this program says when it opens the database; nothing when all is well."""
    code = (
        "import sys; from pathlib import Path; from gateway.store.migrations import open_for_writing, UnusableDatabase"
    )
    code += "\ntry: open_for_writing(Path(sys.argv[1])).close()\nexcept UnusableDatabase as error: print(error)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(database)],
        cwd=program,
        env={"PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def schema(database: Path) -> tuple[int, bool]:
    """(version, whether anything of the step is there)."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'of_tomorrow'").fetchone()
    return version, tables == 1


async def test_a_step_that_fails_leaves_the_site_as_it_was(tmp_path: Path) -> None:
    database = tmp_path / "data" / "gateway.db"
    async with site(tmp_path) as (gateway, operator), gateway.station() as station:
        await station.charges(1)

    told = opens(newer_program(tmp_path / "0.2.0", FAILS), database)
    assert f"cannot bring the database from schema version {NEXT - 1} to {NEXT}" in told
    assert "a_table_that_nobody_made" in told and "Nothing was changed" in told
    assert schema(database) == (NEXT - 1, False)

    async with site(tmp_path) as (gateway, operator), gateway.station() as station:
        assert [one["connector"] for one in await operator.sessions(open="true")] == [1]

    assert opens(newer_program(tmp_path / "0.2.1", HALF), database) == ""
    assert schema(database) == (NEXT, True)
