"""The rounds of the house: which old copies of the database go, and what load limits need no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Retention
from gateway.model.circuits import TemporaryLimit
from gateway.model.instants import SECOND, Instant
from gateway.operations.keep_backups import back_up_offline, restore_offline
from gateway.operations.keep_house import forget, forget_copies
from gateway.rules.circuit_history import MINUTE, Extremes
from gateway.store import circuit_history, limits_log
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, configuration_in, open_site


async def left_after_rounds(directory: Path, *, keep: int) -> list[str]:
    """The names in `backups/` after the rounds."""
    configuration = replace(configuration_in(directory), retention=Retention(backups=keep))
    async with open_site(configuration) as site:
        await forget_copies(site)
        await forget_copies(site)
    return sorted(path.name for path in (directory / "backups").iterdir())


def copies(directory: Path, *names: str) -> None:
    """Files in `backups/`, made in this order."""
    (directory / "backups").mkdir()
    for name in names:
        (directory / "backups" / name).write_text(name)


async def test_of_each_kind_the_newest_stay(tmp_path: Path) -> None:
    copies(
        tmp_path,
        "before-restore-20260302T120000.000000Z.db",
        "before-restore-20260301T120000.000000Z.db",
        "before-restore-20260301T120000.000001Z.db",
        "damaged-20250101T000000.000000Z.db",
        "before-migration-from-9.db",
        "before-migration-from-10.db",
        "before-migration-from-11.db",
    )
    assert await left_after_rounds(tmp_path, keep=2) == [
        "before-migration-from-10.db",
        "before-migration-from-11.db",
        "before-restore-20260301T120000.000001Z.db",
        "before-restore-20260302T120000.000000Z.db",
        "damaged-20250101T000000.000000Z.db",
    ]


async def test_a_damaged_database_goes_with_what_belonged_to_it(tmp_path: Path) -> None:
    old, new = "damaged-20260301T120000.000000Z.db", "damaged-20260302T120000.000000Z.db"
    copies(tmp_path, old, f"{old}-wal", f"{old}-shm", new, f"{new}-wal")
    assert await left_after_rounds(tmp_path, keep=1) == [new, f"{new}-wal"]


async def test_files_of_other_names_stay(tmp_path: Path) -> None:
    others = [".passing-1.db", "before-restore-mine.db", "monday.db", "old-damaged-20260301T120000.000000Z.db"]
    copies(tmp_path, *others)
    assert await left_after_rounds(tmp_path, keep=1) == others


async def test_what_restores_leave_is_recognised(tmp_path: Path) -> None:
    configuration = configuration_in(tmp_path)
    async with open_site(configuration):
        pass
    back_up_offline(configuration, tmp_path / "copy.db")
    for _ in range(2):
        restore_offline(configuration, tmp_path / "copy.db")
    for _ in range(2):
        (tmp_path / "gateway.db").write_bytes(b"not a database" * 1000)
        restore_offline(configuration, tmp_path / "copy.db")
    before = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert [name.partition("-2")[0] for name in before] == ["before-restore"] * 2 + ["damaged"] * 2
    assert await left_after_rounds(tmp_path, keep=1) == [before[1], before[3]]


async def test_a_copy_that_cannot_be_deleted_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copies(tmp_path, "before-migration-from-2.db")
    (tmp_path / "backups" / "before-migration-from-1.db").mkdir()  # unlink refuses, also for root
    assert len(await left_after_rounds(tmp_path, keep=1)) == 2
    assert "cannot be deleted" in caplog.text


async def test_a_site_without_copies(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await forget_copies(site)
    assert not (tmp_path / "backups").exists()


async def test_history_goes_after_a_month_and_the_log_of_limits_after_two_years(tmp_path: Path) -> None:
    day = 86_400 * SECOND
    seen = Extremes((1, 1, 1), (None, None, None), (1, 1, 1))
    limit = TemporaryLimit("main", (1.0, 1.0, 1.0), "dso")

    def unit(db: Writing) -> None:
        for days in (1, 29, 31, 900):
            for minute in range(600):
                circuit_history.keep(db, (NOON - days * day) // MINUTE - minute, {"main": seen, "row": seen})
        for days in (900, 732, 730, 1):
            limits_log.begin(db, limit, set_by="x", now=Instant(NOON - days * day))
            limits_log.end(db, limit, "removed", by="x", now=Instant(NOON - days * day))
        limits_log.begin(db, limit, set_by="x", now=Instant(NOON - 1000 * day))

    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(unit)
        await forget(site)
        left = await site.database.write(
            lambda db: [
                db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("circuit_history", "limits_log")
            ]
        )
    assert left == [2 * 2 * 600, 3]
