"""Accounts beside the web door: what a restore ends, codes made beside a running gateway, races of units."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.instants import Instant
from gateway.operations import log_in as log_in_module
from gateway.operations import manage_users
from gateway.operations.keep_backups import back_up, back_up_offline, restore, restore_offline
from gateway.operations.log_in import Caller, LoggedIn, Wrong, log_in, redeem_code, whose_session
from gateway.operations.manage_users import (
    Changes,
    NotAUser,
    change_user,
    create_code,
    create_code_offline,
    create_user,
    remove_user,
)
from gateway.operations.site import Site
from gateway.store import one_time_codes
from tests.unit.web.conftest import NOON, configuration_in, open_site

PASSWORD = "correct horse battery"
CALLER = Caller("192.0.2.1", "Firefox")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(configuration_in(tmp_path)) as opened:
        yield opened


async def logged_in(site: Site) -> LoggedIn:
    outcome = await log_in(site, name="Ann", password=PASSWORD, caller=CALLER)
    assert isinstance(outcome, LoggedIn)
    return outcome


async def test_a_restore_brings_back_users_but_no_session_and_no_code(site: Site, tmp_path: Path) -> None:
    await create_user(site, name="Ann", role="installer", password=PASSWORD, actor="test")
    secret = (await logged_in(site)).secret
    code = await create_code(site, role="installer", user_id=None, actor="test")
    async with back_up(site) as copy:
        kept = tmp_path / "kept.db"
        kept.write_bytes(copy.read_bytes())
    assert await whose_session(site, secret) is not None
    await restore(site, kept, actor="test")
    assert await whose_session(site, secret) is None
    redeemed = await redeem_code(site, code=code.text, name="Eve", password=PASSWORD, caller=CALLER)
    assert redeemed == Wrong()
    assert (await logged_in(site)).user.name == "Ann"


async def test_the_same_without_a_daemon(tmp_path: Path) -> None:
    configuration, copy = configuration_in(tmp_path), tmp_path / "copy.db"
    async with open_site(configuration) as site:
        await create_user(site, name="Ann", role="installer", password=PASSWORD, actor="test")
        secret = (await logged_in(site)).secret
        await create_code(site, role="viewer", user_id=None, actor="test")
    back_up_offline(configuration, copy)
    restore_offline(configuration, copy)
    async with open_site(configuration) as site:
        assert await whose_session(site, secret) is None
        assert not await one_time_codes.known(site.readers, now=NOON)


async def test_a_code_made_beside_the_running_gateway_counts_at_once(site: Site, tmp_path: Path) -> None:
    object.__setattr__(site, "wall_clock", _real_clock)
    made = create_code_offline(configuration_in(tmp_path), role="operator", name=None)
    assert made is not None
    outcome = await redeem_code(site, code=made.text, name="Ann", password=PASSWORD, caller=CALLER)
    assert isinstance(outcome, LoggedIn) and outcome.user.role == "operator"


async def test_two_installers_who_demote_each_other_leave_one(site: Site) -> None:
    ann = await create_user(site, name="Ann", role="installer", password=PASSWORD, actor="test")
    bob = await create_user(site, name="Bob", role="installer", password=PASSWORD, actor="test")
    outcomes = await asyncio.gather(
        change_user(site, ann.user_id, Changes(role="viewer"), actor="user Bob"),
        remove_user(site, bob.user_id, actor="user Ann"),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, NotAUser) for outcome in outcomes) == 1
    rows = await site.readers.rows("SELECT count(*) FROM users WHERE role = 'installer'")
    assert rows[0][0] == 1


async def test_one_name_for_two_at_once(site: Site) -> None:
    outcomes = await asyncio.gather(
        *(create_user(site, name=name, role="viewer", password=PASSWORD, actor="test") for name in ("Ann", "ANN")),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, NotAUser) for outcome in outcomes) == 1


async def test_hashing_leaves_the_loop_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    hash_password, is_password = manage_users.hash_password, log_in_module.is_password

    def hashing(password: bytes) -> str:
        threads.append(threading.current_thread())
        return hash_password(password)

    def comparing(password_hash: str, presented: bytes) -> bool:
        threads.append(threading.current_thread())
        return is_password(password_hash, presented)

    monkeypatch.setattr(manage_users, "hash_password", hashing)
    monkeypatch.setattr(log_in_module, "is_password", comparing)
    await create_user(site, name="Ann", role="viewer", password=PASSWORD, actor="test")
    await logged_in(site)
    assert len(threads) == 2 and threading.main_thread() not in threads


def _real_clock() -> Instant:
    return Instant(time.time_ns() // 1000)
