"""Tokens without the web door: made offline, beside a running gateway or before its first start."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from gateway.operations.manage_tokens import create_token_offline, new_token_text
from gateway.store import tokens
from gateway.store.migrations import UnusableDatabase
from tests.unit.web.conftest import configuration_in, open_site


def test_tokens_have_256_random_bits() -> None:
    texts = {new_token_text() for _ in range(50)}
    assert len(texts) == 50
    assert all(re.fullmatch(r"ocppgw_[A-Za-z0-9_-]{43}", text) for text in texts)


async def test_a_token_made_before_the_first_start_counts(tmp_path: Path) -> None:
    text = create_token_offline(configuration_in(tmp_path), "operator", "laptop")
    async with open_site(configuration_in(tmp_path)) as site:
        row = await tokens.find(site.readers, text)
    assert row is not None
    assert (row.role, row.name) == ("operator", "laptop")


async def test_a_token_made_beside_the_running_gateway_counts_at_once(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        text = create_token_offline(configuration_in(tmp_path), "viewer", "")
        assert await tokens.find(site.readers, text) is not None
        kinds = [row[0] for row in await site.readers.rows("SELECT kind FROM events ORDER BY id")]
        assert kinds == ["token.created"]
        await site.database.write(lambda db: tokens.remove(db, 1))
        assert await tokens.find(site.readers, text) is None


def test_a_file_that_is_not_ours_is_refused_in_words(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "gateway.db")
    other.execute("CREATE TABLE a (b)")
    other.close()
    with pytest.raises(UnusableDatabase, match="not a database of ocpp-gateway"):
        create_token_offline(configuration_in(tmp_path), "viewer", "")


def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(UnusableDatabase):
        create_token_offline(configuration_in(tmp_path), "viewer", "")


def test_only_the_digest_is_on_disk(tmp_path: Path) -> None:
    text = create_token_offline(configuration_in(tmp_path), "installer", "x")
    content = b"".join(file.read_bytes() for file in tmp_path.glob("gateway.db*"))
    assert text.encode() not in content
    assert tokens.digest_of(text).encode() in content
