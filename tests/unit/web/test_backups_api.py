"""/backup and /restore: the database out and back in, while stations are served."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import FormData

from gateway.store import events, transactions
from gateway.store.migrations import PAGE_BYTES, newest_version
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door, PlayedConnection

BACKUP, RESTORE = "/api/v1/backup", "/api/v1/restore"


async def put_tag(door: Door, tag: str) -> None:
    await door.document("PUT", f"/api/v1/id-tags/{tag}", json={})


async def tags(door: Door) -> list[str]:
    return [tag["id_tag"] for tag in (await door.document("GET", "/api/v1/id-tags"))["items"]]


async def backup(door: Door) -> bytes:
    response = await door.ask("GET", BACKUP)
    assert response.status == 200
    assert "attachment" in response.headers["Content-Disposition"]
    content = await response.read()
    assert len(content) == int(response.headers["Content-Length"])
    return content


def in_backups(door: Door) -> list[str]:
    return sorted(file.name for file in (door.site.configuration.data.directory / "backups").glob("*"))


def edited(content: bytes, tmp_path: Path, *statements: str) -> bytes:
    """The backup after some SQL."""
    file = tmp_path / "edited.db"
    file.write_bytes(content)
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return file.read_bytes()


async def test_a_backup_is_one_whole_file(door: Door, tmp_path: Path) -> None:
    await put_tag(door, "A")
    file = tmp_path / "copy.db"
    file.write_bytes(await backup(door))
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA user_version").fetchone() == (newest_version(),)
    assert connection.execute("SELECT id_tag FROM id_tags").fetchall() == [("A",)]
    connection.close()
    assert in_backups(door) == []


async def test_restore_brings_the_old_state_back_and_begins_a_new_life(door: Door) -> None:
    await put_tag(door, "OLD")
    content = await backup(door)
    before = (await door.document("GET", "/api/v1/events"))["items"]
    await put_tag(door, "NEW")
    await door.write(lambda db: transactions.set_last_issued(db, 4711))
    connection = door.connected.play(PlayedConnection("FILE-1"))

    result = await door.document("POST", RESTORE, data=io.BytesIO(content))

    assert result["status"] == "restored"
    assert result["epoch"] != before[0]["epoch"]
    assert await tags(door) == ["OLD"]
    assert await door.site.database.write(transactions.last_issued) == 4711
    assert connection.ended and door.connected.forgotten == 1
    (kept,) = in_backups(door)
    assert kept.startswith("before-restore-")
    old = sqlite3.connect(door.site.configuration.data.directory / "backups" / kept)
    assert old.execute("SELECT id_tag FROM id_tags ORDER BY 1").fetchall() == [("NEW",), ("OLD",)]
    old.close()


async def test_cursors_and_sequences_after_a_restore(door: Door, tmp_path: Path) -> None:
    def much(db: Writing) -> None:
        for _ in range(10):
            events.append(db, "gateway.started", happened_at=NOON, recorded_at=NOON, data={})

    await door.write(much)
    await door.write(lambda db: db.execute("DELETE FROM events WHERE sequence < 5"))  # as retention does
    content = await backup(door)
    await door.write(much)
    newest = (await door.document("GET", "/api/v1/events", params={"limit": "1000"}))["items"][-1]["event_id"]
    await door.document("POST", RESTORE, data=io.BytesIO(content))
    journal = (await door.document("GET", "/api/v1/events", params={"limit": "1000"}))["items"]
    assert [event["sequence"] for event in journal] == list(range(1, len(journal) + 1))
    assert len({event["epoch"] for event in journal}) == 1
    assert journal[-1]["kind"] == "gateway.restored"
    assert journal[-1]["event_id"] == newest + 1  # a reader that waits behind its cursor misses nothing
    await put_tag(door, "A")
    after = (await door.document("GET", "/api/v1/events", params={"after": str(newest + 1)}))["items"]
    assert [event["kind"] for event in after] == ["id_tag.changed"]
    assert after[0]["sequence"] == journal[-1]["sequence"] + 1


async def test_a_backup_with_other_pages_is_rebuilt(door: Door, tmp_path: Path) -> None:
    await put_tag(door, "A")
    content = edited(await backup(door), tmp_path, "PRAGMA page_size = 8192", "VACUUM", "PRAGMA journal_mode = WAL")
    await put_tag(door, "B")
    await door.document("POST", RESTORE, data=io.BytesIO(content))
    assert await tags(door) == ["A"]
    await put_tag(door, "C")
    pages = await door.site.database.alone(
        lambda live: [live.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "journal_mode")]
    )
    assert pages == [PAGE_BYTES, "wal"]


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (("PRAGMA application_id = 7",), "not a database of ocpp-gateway"),
        ((f"PRAGMA user_version = {newest_version() + 1}",), "newer program"),
        (("CREATE TABLE extra (a)",), "other tables"),
        (("CREATE TRIGGER t AFTER INSERT ON id_tags BEGIN DELETE FROM tokens; END",), "other tables"),
        (("DROP TABLE transactions",), "other tables"),
    ],
)
async def test_foreign_files_change_nothing(door: Door, tmp_path: Path, statements: tuple[str], reason: str) -> None:
    await put_tag(door, "A")
    content = edited(await backup(door), tmp_path, *statements)
    problem = await door.problem("POST", RESTORE, data=io.BytesIO(content), expect=422)
    assert reason in problem["detail"]
    assert "nothing was changed" in problem["detail"]
    assert await tags(door) == ["A"]
    assert in_backups(door) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + bytes(5000)])
async def test_files_that_are_no_database_change_nothing(door: Door, content: bytes) -> None:
    await door.problem("POST", RESTORE, data=content, expect=422)
    assert in_backups(door) == []


async def test_a_damaged_backup_changes_nothing(door: Door) -> None:
    for number in range(50):
        await put_tag(door, f"A{number}")
    content = bytearray(await backup(door))
    for page in range(2, len(content) // PAGE_BYTES):
        content[page * PAGE_BYTES : page * PAGE_BYTES + 64] = b"\xa5" * 64
    await door.problem("POST", RESTORE, data=io.BytesIO(bytes(content)), expect=422)
    assert len(await tags(door)) == 50


async def test_an_empty_database_is_no_backup(door: Door, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").executescript("VACUUM").connection.close()
    problem = await door.problem("POST", RESTORE, data=(tmp_path / "empty.db").read_bytes(), expect=422)
    assert "nothing was changed" in problem["detail"]


async def test_no_room_for_copies_is_told_and_changes_nothing(door: Door) -> None:
    await put_tag(door, "A")
    content = await backup(door)
    folder = door.site.configuration.data.directory / "backups"
    folder.rmdir()
    folder.write_text("a file is in the way")
    response = await door.ask("GET", BACKUP)
    assert response.status == 507
    response = await door.ask("POST", RESTORE, data=io.BytesIO(content))
    assert response.status == 507
    assert await tags(door) == ["A"]


WORDS = "größer als nötig"
GIVEN = {"Backup-Passphrase": quote(WORDS, safe="")}


async def encrypted(door: Door) -> bytes:
    response = await door.ask("POST", BACKUP, json={"passphrase": WORDS})
    assert response.status == 200
    assert response.content_type == "application/octet-stream"
    assert '.ocppgwb"' in response.headers["Content-Disposition"]
    return await response.read()


async def test_an_encrypted_backup_needs_its_passphrase(door: Door) -> None:
    await put_tag(door, "SECRETTAG")
    content = await encrypted(door)
    assert b"SECRETTAG" not in content
    assert b"SQLite" not in content
    await put_tag(door, "B")
    for headers, words in (
        ({"Backup-Passphrase": "wrong%20words"}, "passphrase is wrong"),
        ({}, "is encrypted"),
        ({"Backup-Passphrase": "%FF"}, "percent-encoded"),
    ):
        problem = await door.problem("POST", RESTORE, data=io.BytesIO(content), headers=headers, expect=422)
        assert words in problem["detail"]
    cut = content[: len(content) - 20]
    problem = await door.problem("POST", RESTORE, data=io.BytesIO(cut), headers=GIVEN, expect=422)
    assert "nothing was changed: the file is damaged" in problem["detail"]
    assert await tags(door) == ["B", "SECRETTAG"]
    assert in_backups(door) == []
    await door.document("POST", RESTORE, data=io.BytesIO(content), headers=GIVEN)
    assert await tags(door) == ["SECRETTAG"]
    assert len(in_backups(door)) == 1, "only the state before"


async def test_passphrases_that_are_not_taken(door: Door) -> None:
    for body in ({}, {"passphrase": "short"}, {"passphrase": 12345678}, {"passphrase": WORDS, "x": 1}):
        await door.problem("POST", BACKUP, json=body, expect=422)
    await door.problem("POST", BACKUP, json={"passphrase": WORDS}, role="operator", expect=403)
    content = await backup(door)
    problem = await door.problem("POST", RESTORE, data=io.BytesIO(content), headers=GIVEN, expect=422)
    assert "not encrypted" in problem["detail"]


def form_of(content: bytes, *, passphrase: str | None = None, **more: str) -> FormData:
    form = FormData()
    if passphrase is not None:
        form.add_field("passphrase", passphrase)
    form.add_field("file", content, filename="x.db", content_type="application/octet-stream")
    for name, value in more.items():
        form.add_field(name, value)
    return form


async def test_a_form_without_passphrase_restores_what_is_not_encrypted(door: Door) -> None:
    content = await backup(door)
    await put_tag(door, "NEW")
    assert (await door.document("POST", RESTORE, data=form_of(content, passphrase="")))["status"] == "restored"
    assert await tags(door) == []


async def test_a_browser_restores_by_a_form(door: Door) -> None:
    await put_tag(door, "OLD")
    sealed = await (await door.ask("POST", BACKUP, json={"passphrase": "correct horse"})).read()
    await put_tag(door, "NEW")
    await door.problem("POST", RESTORE, data=form_of(sealed, passphrase="wrong horse"), expect=422)
    await door.problem("POST", RESTORE, data=form_of(sealed, passphrase=""), expect=422)
    assert await tags(door) == ["NEW", "OLD"]
    assert (await door.document("POST", RESTORE, data=form_of(sealed, passphrase="correct horse")))["status"]
    assert await tags(door) == ["OLD"]


async def test_forms_that_are_none(door: Door) -> None:
    await door.problem("POST", RESTORE, data=form_of(b"x", other="y"), expect=422)
    only = FormData(default_to_multipart=True)
    only.add_field("passphrase", "correct horse")
    assert "missing" in (await door.problem("POST", RESTORE, data=only, expect=422))["detail"]
    long = form_of(b"x", passphrase="x" * 9000)
    assert "longer" in (await door.problem("POST", RESTORE, data=long, expect=422))["detail"]
    headers = {"Content-Type": "multipart/form-data"}
    await door.problem("POST", RESTORE, data=b"nothing", headers=headers, expect=400)
