"""`backup --encrypt` and `restore`: encrypted on the way into the file, and opened only with the passphrase."""

from __future__ import annotations

import contextlib
import getpass
import io
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.pki.sealing import unseal
from gateway.store import migrations
from tests.unit.terminal.fake_api import FakeApi, serving

WORDS = "three hundred cables"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def words(tmp_path: Path) -> Path:
    file = tmp_path / "words"
    file.write_text(f"{WORDS}\nanother line\n")
    return file


def do(config: Path, *arguments: object) -> int:
    try:
        return main(["--config", str(config), *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)


def test_with_the_gateway(api: FakeApi, config: Path, tmp_path: Path, words: Path) -> None:
    target = tmp_path / "copy.ocppgwb"
    api.will_answer("GET /api/v1/backup", b"x" * 100_000, kind="application/vnd.sqlite3")
    assert do(config, "backup", target, "--passphrase-file", words) == 0
    assert b"".join(unseal(io.BytesIO(target.read_bytes()), WORDS)) == b"x" * 100_000
    api.will_answer("POST /api/v1/restore", {"status": "restored", "epoch": "abcd"})
    assert do(config, "restore", target, "--yes", "--passphrase-file", words) == 0
    assert api.requests[-1][2] == target.read_bytes()


def test_without_the_gateway(config: Path, tmp_path: Path, words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.closing(migrations.open_for_writing(tmp_path / "gateway.db")) as live:
        live.execute(
            "INSERT INTO id_tags (folded_tag, id_tag, status, note, updated_at) VALUES ('a','A','Accepted','',1)"
        )
    target = tmp_path / "copy.ocppgwb"
    assert do(config, "backup", target, "--passphrase-file", words) == 0
    assert b"SQLite" not in target.read_bytes()
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as live:
        live.execute("DELETE FROM id_tags")
    wrong = tmp_path / "wrong"
    wrong.write_text("not these words")
    assert do(config, "restore", target, "--yes", "--passphrase-file", wrong) == 1
    assert "nothing was changed: the passphrase is wrong" in capsys.readouterr().err
    assert do(config, "restore", target, "--yes", "--passphrase-file", words) == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as live:
        assert live.execute("SELECT id_tag FROM id_tags").fetchall() == [("A",)]
    assert not [file for file in tmp_path.rglob("*") if "unsealed" in file.name or ".part" in file.name]


def test_a_passphrase_is_typed_twice(
    api: FakeApi, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy.ocppgwb"
    api.will_answer("GET /api/v1/backup", b"x", kind="application/vnd.sqlite3")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    typed = iter([WORDS, WORDS, WORDS, "other", "short"])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
    assert do(config, "backup", target, "--encrypt") == 0
    target.unlink()
    assert do(config, "backup", target, "--encrypt") == 2
    assert do(config, "backup", target, "--encrypt") == 2
    assert not target.exists()


def test_nobody_to_ask(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert do(config, "backup", tmp_path / "copy", "--encrypt") == 2
    assert do(config, "backup", tmp_path / "copy", "--passphrase-file", tmp_path / "absent") == 2
