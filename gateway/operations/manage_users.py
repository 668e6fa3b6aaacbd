"""Accounts of people: made, changed, removed; and the codes with which somebody makes an account of his own.

Whoever is removed, or gets another role or password, is logged out everywhere; codes made by somebody who is removed or
gets another role are good no more. The last installer stays one. Everything is in the journal with who did it,
passwords and codes never.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gateway.model.instants import SECOND, Instant
from gateway.operations.write_offline import COMMAND_LINE, write_offline
from gateway.rules.people import (
    code_as_compared,
    code_text,
    folded_name,
    password_bytes,
    wrong_with_name,
    wrong_with_password,
)
from gateway.store import events, one_time_codes, users, web_sessions
from gateway.store.one_time_codes import CodeRow
from gateway.store.passwords import hash_password
from gateway.store.users import NewUser, UserRow
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.operations.manage_tokens import Role
    from gateway.operations.site import Site

logger = logging.getLogger(__name__)

MOST_USERS = 200
CODE_SECONDS = 7 * 86_400


class NotAUser(Exception):
    """It cannot be so, and nothing was changed. `field` names what is wrong; `kind` tells where the reason lies."""

    def __init__(self, kind: Literal["unknown", "wrong", "conflict"], field: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be another; None: as it is."""

    name: str | None = None
    role: Role | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A new code; `text` is the secret, to be shown once. `name` is its user's, None for a new user."""

    text: str
    row: CodeRow
    name: str | None


async def create_user(site: Site, *, name: str, role: Role, password: str, actor: str) -> UserRow:
    """Make a user. Raises NotAUser."""
    password_hash, now = await hashed(site, password), site.wall_clock()
    made = await site.database.write(
        lambda db: add_user(
            db, name=name, role=role, password=password, password_hash=password_hash, by=actor, code_of=None, now=now
        )
    )
    logger.info("user %s (%s) made by %s", made.name, made.role, actor)
    return made


async def change_user(site: Site, user_id: int, changes: Changes, *, actor: str) -> UserRow:
    """Give a user another name, role or password. Raises NotAUser."""
    password_hash = None if changes.password is None else await hashed(site, changes.password)
    now = site.wall_clock()

    def unit(db: Writing) -> UserRow:
        after = _change_name_and_role(db, _known(db, user_id), changes, actor=actor, now=now)
        if changes.password is None or password_hash is None:
            return after
        return give_password(
            db, user_id, password=changes.password, password_hash=password_hash, by=actor, code_of=None, now=now
        )

    return await site.database.write(unit)


async def remove_user(site: Site, user_id: int, *, actor: str) -> None:
    """Forget a user. Raises NotAUser."""
    now = site.wall_clock()

    def unit(db: Writing) -> UserRow:
        user = _known(db, user_id)
        _expect_another_installer(db, user)
        web_sessions.end_of_user(db, user_id)
        one_time_codes.remove_of_user(db, user_id)
        one_time_codes.remove_made_by(db, actor_of_user(user.name))
        users.remove(db, user_id)
        data = {**told_of(user), "actor": actor}
        events.append(db, "user.removed", happened_at=now, recorded_at=now, data=data)
        return user

    user = await site.database.write(unit)
    logger.info("user %s removed by %s", user.name, actor)


async def create_code(site: Site, *, role: Role | None, user_id: int | None, actor: str) -> MadeCode:
    """Make a code for a new user of this role, or for a new password of this user. Raises NotAUser."""
    text, now = new_code(), site.wall_clock()
    made = await site.database.write(
        lambda db: _add_code(db, text=text, role=role, user_id=user_id, actor=actor, now=now)
    )
    logger.info("code %d made by %s", made.row.code_id, actor)
    return made


async def remove_code(site: Site, code_id: int, *, actor: str) -> bool:
    """Forget a code. False when there is none with this id."""
    now = site.wall_clock()

    def unit(db: Writing) -> bool:
        row = one_time_codes.remove(db, code_id)
        if row is None:
            return False
        data = {"code_id": code_id, "role": row.role, "actor": actor}
        events.append(db, "code.removed", happened_at=now, recorded_at=now, data=data)
        return True

    return await site.database.write(unit)


def create_code_offline(
    configuration: Configuration, *, role: Role | None, name: str | None, if_nobody: bool = False
) -> MadeCode | None:
    """The same straight in the database file; `name`: of a user who is there. Raises NotAUser, UnusableDatabase.

    `if_nobody`: None, and nothing is made, when there is a user already.
    """
    text, now = new_code(), Instant(time.time_ns() // 1000)

    def unit(db: Writing) -> MadeCode | None:
        if if_nobody and users.count(db):
            return None
        user = None if name is None else users.named(db, folded_name(name))
        if name is not None and user is None:
            raise NotAUser("unknown", "name", f"nobody is called {name}")
        user_id = None if user is None else user.user_id
        return _add_code(db, text=text, role=role, user_id=user_id, actor=COMMAND_LINE, now=now)

    return write_offline(configuration, unit)


async def hashed(site: Site, password: str) -> str:
    """The hash of a new password: made in a thread, few at a time."""
    async with site.logins.hashing:
        return await asyncio.to_thread(hash_password, password_bytes(password))


def new_code() -> str:
    """A code as it is shown, with 60 random bits."""
    return code_text(secrets.choice)


def add_user(
    db: Writing, *, name: str, role: str, password: str, password_hash: str, by: str | None, code_of: str | None,
    now: Instant,
) -> UserRow:  # fmt: skip
    """A new user, made by `by`, or (None) by the user with a code that `code_of` had made. Raises NotAUser."""
    _expect_good("name", wrong_with_name(name))
    _expect_good("password", wrong_with_password(password, name))
    if users.count(db) >= MOST_USERS:
        raise NotAUser("conflict", "name", f"there are {MOST_USERS} users: remove one first")
    user = users.add(db, NewUser(name, folded_name(name), role, password_hash), now=now)
    if user is None:
        raise NotAUser("conflict", "name", "another user has this name")
    data = {**told_of(user), "code_of": code_of, "actor": by or actor_of_user(name)}
    events.append(db, "user.created", happened_at=now, recorded_at=now, data=data)
    return user


def give_password(
    db: Writing, user_id: int, *, password: str, password_hash: str, by: str | None, code_of: str | None, now: Instant
) -> UserRow:
    """Another password for a user, who is logged out everywhere; `by` and `code_of` as in add_user. Raises NotAUser."""
    user = _known(db, user_id)
    _expect_good("password", wrong_with_password(password, user.name))
    users.set_password(db, user_id, password_hash, now=now)
    web_sessions.end_of_user(db, user_id)
    one_time_codes.remove_of_user(db, user_id)
    data = {**told_of(user), "name_before": user.name, "role_before": user.role, "password": True, "code_of": code_of}
    data["actor"] = by or actor_of_user(user.name)
    events.append(db, "user.changed", happened_at=now, recorded_at=now, data=data)
    return _known(db, user_id)


def actor_of_user(name: str) -> str:
    """What the journal calls a user."""
    return f"user {name}"


def told_of(user: UserRow) -> dict[str, object]:
    """What the journal says of a user."""
    return {"user_id": user.user_id, "name": user.name, "role": user.role}


def _add_code(db: Writing, *, text: str, role: Role | None, user_id: int | None, actor: str, now: Instant) -> MadeCode:
    user = None if user_id is None else _known(db, user_id)
    until = Instant(now + CODE_SECONDS * SECOND)
    row = one_time_codes.add(
        db,
        text=code_as_compared(text),
        role=user.role if user is not None else role or "viewer",
        user_id=user_id,
        made_by=actor,
        now=now,
        until=until,
    )
    data = {"code_id": row.code_id, "role": row.role, "name": None if user is None else user.name, "actor": actor}
    events.append(db, "code.created", happened_at=now, recorded_at=now, data=data)
    return MadeCode(text, row, None if user is None else user.name)


def _change_name_and_role(db: Writing, user: UserRow, changes: Changes, *, actor: str, now: Instant) -> UserRow:
    if changes.role is not None and changes.role != user.role:
        _expect_another_installer(db, user)
        users.set_role(db, user.user_id, changes.role)
        web_sessions.end_of_user(db, user.user_id)
        one_time_codes.remove_made_by(db, actor_of_user(user.name))
    if changes.name is not None:
        _rename(db, user, changes.name)
    after = _known(db, user.user_id)
    if (after.name, after.role) != (user.name, user.role):
        data = {**told_of(after), "name_before": user.name, "role_before": user.role, "password": False}
        data |= {"code_of": None, "actor": actor}
        events.append(db, "user.changed", happened_at=now, recorded_at=now, data=data)
    return after


def _rename(db: Writing, user: UserRow, name: str) -> None:
    _expect_good("name", wrong_with_name(name))
    if not users.rename(db, user.user_id, name=name, folded_name=folded_name(name)):
        raise NotAUser("conflict", "name", "another user has this name")
    one_time_codes.rename_maker(db, actor_of_user(user.name), actor_of_user(name))


def _known(db: Writing, user_id: int) -> UserRow:
    user = users.one(db, user_id)
    if user is None:
        raise NotAUser("unknown", "user_id", f"no user {user_id} is known")
    return user


def _expect_another_installer(db: Writing, user: UserRow) -> None:
    if users.is_last_installer(db, user.user_id):
        raise NotAUser("conflict", "role", "this is the last installer: make another one first")


def _expect_good(field: str, wrong: str | None) -> None:
    if wrong is not None:
        raise NotAUser("wrong", field, wrong)
