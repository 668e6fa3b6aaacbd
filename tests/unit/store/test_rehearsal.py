"""What happens before a migration: room, a copy, a try on another copy, a note of the way back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.store import durable_files, migrations, rehearsal
from gateway.store.migrations import CannotMigrate, NewerDatabase, open_for_writing

GOOD = "ALTER TABLE quirks ADD COLUMN note TEXT;"
KEPT = f"before-migration-from-{migrations.newest_version()}.db"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.db"
    fill(path, "CP1")
    return path


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The program brings one more step than the database knows; an empty one: it is the program from before."""
    released = migrations._scripts()

    def add(script: str) -> None:
        scripts = [*released, (len(released) + 1, script)] if script else released
        monkeypatch.setattr(migrations, "_scripts", lambda: scripts)

    return add


def fill(path: Path, station: str) -> None:
    with closing(open_for_writing(path)) as connection:
        connection.execute("INSERT INTO quirks VALUES (?, 'q', 1, 1)", (station,))


def stations_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT station FROM quirks ORDER BY 1")]


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def in_backups(path: Path) -> list[str]:
    return sorted(file.name for file in (path.parent / "backups").iterdir())


def test_the_note_stands_until_a_door_opens(path: Path, step: Callable[[str], None]) -> None:
    version = migrations.newest_version()
    step(GOOD)
    open_for_writing(path).close()
    note = path.parent / rehearsal.NOTE_NAME
    assert json.loads(note.read_text()) == {"from": version, "to": version + 1, "copy": KEPT}
    rehearsal.no_way_back(path.parent)
    rehearsal.no_way_back(path.parent)
    assert not note.exists()
    assert in_backups(path) == [KEPT]


def test_the_newest_two_copies_of_a_version_stay(path: Path, step: Callable[[str], None]) -> None:
    before = path.with_name("before.db")
    for station in ("CP2", "CP3", "CP4"):
        shutil.copy(path, before)
        step(GOOD)
        open_for_writing(path).close()
        shutil.copy(before, path)  # put back, as the start program does
        step("")
        (path.parent / rehearsal.NOTE_NAME).unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("INSERT INTO quirks VALUES (?, 'q', 1, 1)", (station,))
            connection.commit()
    backups = path.parent / "backups"
    assert stations_in(backups / KEPT) == ["CP1", "CP2", "CP3"]
    assert stations_in(backups / KEPT.replace(".db", ".1.db")) == ["CP1", "CP2"]
    assert len(in_backups(path)) == 2


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("INSERT INTO no_such_table VALUES (1);", "no_such_table"),
        ("ALTER TABLE quirks ADD COLUMN note TEXT;\nthis is not SQL;", "syntax error"),
        (
            "CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT; PRAGMA defer_foreign_keys = ON;"
            "CREATE TABLE two (one INTEGER REFERENCES one) STRICT; INSERT INTO two VALUES (3);",
            "FOREIGN KEY",
        ),
    ],
)
def test_a_step_that_fails_never_touches_the_database(
    path: Path, step: Callable[[str], None], script: str, reason: str
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    as_it_was = path.read_bytes()
    step(script)
    with pytest.raises(CannotMigrate, match=reason):
        open_for_writing(path)
    assert path.read_bytes() == as_it_was
    assert not (path.parent / rehearsal.NOTE_NAME).exists()
    assert in_backups(path) == [KEPT]


def test_rows_that_refer_to_nothing_are_found(path: Path, step: Callable[[str], None]) -> None:
    step(
        "CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT; INSERT INTO one VALUES (3);"
        "CREATE TABLE two (one INTEGER) STRICT; INSERT INTO two VALUES (4);"
        "CREATE TABLE three (one INTEGER REFERENCES one) STRICT; PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE two (one INTEGER REFERENCES one) STRICT' WHERE name = 'two';"
        "PRAGMA writable_schema = RESET;"
    )
    with pytest.raises(CannotMigrate, match="refer to nothing"):
        open_for_writing(path)


def test_without_room_nothing_is_begun(
    path: Path, step: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = migrations.newest_version()
    step(GOOD)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 5_000_000, 5_000_000))
    with pytest.raises(CannotMigrate, match=r"it needs \d+ MB free in .*backups, and 5 MB are"):
        open_for_writing(path)
    assert version_of(path) == version
    assert in_backups(path) == []


def test_a_disk_that_refuses_the_copy(path: Path, step: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> None:
        raise OSError(5, "Input/output error")

    step(GOOD)
    monkeypatch.setattr(durable_files, "flush_one", refused)
    with pytest.raises(CannotMigrate, match="Input/output error"):
        open_for_writing(path)


@pytest.mark.parametrize("cut_at", range(1, 8))
def test_a_cut_at_any_flush_is_made_good_by_the_next_start(
    path: Path, step: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    step(GOOD)
    flushed: list[Path] = []
    real = durable_files.flush_one

    def flush_one(place: Path) -> None:
        flushed.append(place)
        if len(flushed) == cut_at:
            raise KeyboardInterrupt
        real(place)

    with monkeypatch.context() as cut:
        cut.setattr(durable_files, "flush_one", flush_one)
        try:
            open_for_writing(path).close()
        except KeyboardInterrupt:
            pass
    open_for_writing(path).close()
    assert version_of(path) == migrations.newest_version()
    assert stations_in(path) == ["CP1"]
    note = json.loads((path.parent / rehearsal.NOTE_NAME).read_text())
    assert stations_in(path.parent / "backups" / note["copy"]) == ["CP1"]
    assert version_of(path.parent / "backups" / note["copy"]) == note["from"]
    assert not [name for name in in_backups(path) if not name.startswith("before-migration-from-")]


def test_the_way_back_is_that_of_the_first_step(path: Path, step: Callable[[str], None]) -> None:
    version = migrations.newest_version()
    note = path.parent / rehearsal.NOTE_NAME
    earlier = {"from": version - 1, "to": version + 1, "copy": f"before-migration-from-{version - 1}.db"}
    note.write_text(json.dumps(earlier))
    step(GOOD)
    open_for_writing(path).close()
    assert json.loads(note.read_text()) == earlier


def test_an_older_program_names_the_copies_that_it_can_read(path: Path, step: Callable[[str], None]) -> None:
    step(GOOD)
    open_for_writing(path).close()
    step("")
    with pytest.raises(NewerDatabase, match=f"made before the upgrade .*backups/{KEPT}"):
        open_for_writing(path)


def test_what_root_keeps_belongs_to_the_daemon(
    path: Path, step: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda file, user, group: given.append(Path(file).name))
    step(GOOD)
    open_for_writing(path).close()
    assert given == ["backups", "before-migration.partial", "migration.json.new"]
