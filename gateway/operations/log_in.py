"""Logging in and out of people: by name and password, or by a code that is good once; and who a cookie's owner is.

An unknown name takes as long as a wrong password and is answered alike. How long to wait is decided in
rules/login_throttle. A password is compared in a thread, few at a time.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass

from gateway.model.instants import SECOND, Instant
from gateway.operations.manage_users import actor_of_user, add_user, give_password, hashed, told_of
from gateway.operations.site import Site
from gateway.rules.login_throttle import Pair, after_success, after_try, network_of, seconds_to_wait
from gateway.rules.people import code_as_compared, folded_name, password_bytes
from gateway.store import events, one_time_codes, users, web_sessions
from gateway.store.passwords import NOBODYS_HASH, is_password
from gateway.store.users import UserRow
from gateway.store.web_sessions import SessionRow
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

IDLE_SECONDS = 14 * 86_400
LONGEST_SECONDS = 90 * 86_400

_NOTED_EVERY = 3600 * SECOND
_HOUR = 3600 * SECOND
_MOST_TOLD_AN_HOUR = 20
_LONGEST_AGENT = 80
_CODES = "\0one-time code"  # what codes are counted under; nobody is called so


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an address without a port, and what the browser calls itself."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """`secret` is the value of the cookie, to be shown once."""

    user: UserRow
    secret: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """No user has this name and this password, or no code is like this."""


@dataclass(frozen=True, slots=True)
class MustWait:
    """Nothing was looked at: too many tries were wrong."""

    seconds: float


async def log_in(site: Site, *, name: str, password: str, caller: Caller) -> LoggedIn | Wrong | MustWait:
    """A new session of the user with this name and password."""
    pair = (network_of(caller.address), folded_name(name))
    wait = _begin_try(site, pair)
    if wait is not None:
        return wait
    found = await users.find(site.readers, folded_name(name))
    password_hash = NOBODYS_HASH if found is None else found[1]
    right = await _is_right(site, password_hash, password)
    if found is None or not right:
        _tell_refusal(site, None if found is None else found[0], "password", caller)
        return Wrong()
    secret, now = secrets.token_urlsafe(32), site.wall_clock()

    def unit(db: Writing) -> UserRow | None:
        user = users.one(db, found[0].user_id)
        if user is None or not users.has_password_hash(db, user.user_id, password_hash):
            return None  # removed, or another password, in this very moment
        _begin_session(db, user, secret, caller, now=now)
        return user

    user = await site.database.write(unit)
    if user is None:
        return Wrong()
    site.logins.tries = after_success(site.logins.tries, pair)
    logger.info("user %s logged in", user.name)
    return LoggedIn(user, secret)


async def redeem_code(
    site: Site, *, code: str, name: str | None, password: str, caller: Caller
) -> LoggedIn | Wrong | MustWait:
    """A new user, or a new password, and a session. Raises NotAUser (the code stays good) for a name or password."""
    pair = (network_of(caller.address), _CODES)
    wait = _begin_try(site, pair)
    if wait is not None:
        return wait
    text, now = code_as_compared(code), site.wall_clock()
    if await one_time_codes.find(site.readers, text, now=now) is None:
        _tell_refusal(site, None, "code", caller)
        return Wrong()
    site.logins.tries = after_success(site.logins.tries, pair)
    password_hash = await hashed(site, password)
    secret = secrets.token_urlsafe(32)

    def unit(db: Writing) -> UserRow | None:
        used = one_time_codes.use(db, text, now=now)
        if used is None:
            return None  # somebody else was quicker
        if used.user_id is None:
            user = add_user(
                db, name=name or "", role=used.role, password=password, password_hash=password_hash,
                by=None, code_of=used.made_by, now=now,
            )  # fmt: skip
        else:
            user = give_password(
                db, used.user_id, password=password, password_hash=password_hash, by=None, code_of=used.made_by, now=now
            )
        _begin_session(db, user, secret, caller, now=now)
        return user

    user = await site.database.write(unit)
    if user is None:
        return Wrong()
    logger.info("user %s came with a code", user.name)
    return LoggedIn(user, secret)


async def change_own_password(
    site: Site, user_id: int, *, old: str, new: str, caller: Caller
) -> LoggedIn | Wrong | MustWait:
    """Another password, and a session that stands for all that ended with the old one. Raises NotAUser."""
    found = await users.find_by_id(site.readers, user_id)
    if found is None:
        return Wrong()
    user, password_hash = found
    pair = (network_of(caller.address), folded_name(user.name))
    wait = _begin_try(site, pair)
    if wait is not None:
        return wait
    if not await _is_right(site, password_hash, old):
        _tell_refusal(site, user, "password", caller)
        return Wrong()
    site.logins.tries = after_success(site.logins.tries, pair)
    new_hash = await hashed(site, new)
    secret, now = secrets.token_urlsafe(32), site.wall_clock()

    def unit(db: Writing) -> UserRow | None:
        if not users.has_password_hash(db, user_id, password_hash):
            return None
        changed = give_password(
            db, user_id, password=new, password_hash=new_hash, by=actor_of_user(user.name), code_of=None, now=now
        )
        web_sessions.begin(db, secret=secret, user_id=user_id, agent=caller.agent[:_LONGEST_AGENT], now=now)
        return changed

    changed = await site.database.write(unit)
    return Wrong() if changed is None else LoggedIn(changed, secret)


async def log_out(site: Site, secret: str, *, name: str) -> None:
    """End the session of this cookie; who has a copy of it is nobody from now on."""
    now = site.wall_clock()

    def unit(db: Writing) -> None:
        if web_sessions.end(db, secret):
            data = {"name": name, "actor": actor_of_user(name)}
            events.append(db, "user.logged_out", happened_at=now, recorded_at=now, data=data)

    await site.database.write(unit)


async def whose_session(site: Site, secret: str) -> SessionRow | None:
    """The user of this cookie while the session lasts; that it is used is noted once an hour."""
    now = site.wall_clock()
    found = await web_sessions.find(
        site.readers,
        secret,
        seen_since=Instant(now - IDLE_SECONDS * SECOND),
        made_since=Instant(now - LONGEST_SECONDS * SECOND),
    )
    if found is not None and abs(now - found.last_seen_at) >= _NOTED_EVERY:
        site.database.submit(lambda db: web_sessions.saw(db, secret, now=now), lambda result, error: None)
    return found


async def _is_right(site: Site, password_hash: str, password: str) -> bool:
    async with site.logins.hashing:
        return await asyncio.to_thread(is_password, password_hash, password_bytes(password))


def _begin_try(site: Site, pair: Pair) -> MustWait | None:
    now = asyncio.get_running_loop().time()
    seconds = seconds_to_wait(site.logins.tries, pair, now=now)
    if seconds > 0:
        return MustWait(seconds)
    site.logins.tries = after_try(site.logins.tries, pair, now=now)
    return None


def _begin_session(db: Writing, user: UserRow, secret: str, caller: Caller, *, now: Instant) -> None:
    web_sessions.end_old(
        db,
        seen_before=Instant(now - IDLE_SECONDS * SECOND),
        made_before=Instant(now - LONGEST_SECONDS * SECOND),
    )
    web_sessions.begin(db, secret=secret, user_id=user.user_id, agent=caller.agent[:_LONGEST_AGENT], now=now)
    data = {**told_of(user), "address": caller.address, "actor": actor_of_user(user.name)}
    events.append(db, "user.logged_in", happened_at=now, recorded_at=now, data=data)


def _tell_refusal(site: Site, user: UserRow | None, what: str, caller: Caller) -> None:
    """A few in an hour. A name that nobody has is not told: people type their password into the wrong field."""
    now, logins = site.wall_clock(), site.logins
    site.health.counters.increase("logins_refused_total")
    if now // _HOUR != logins.told_hour:
        logins.told_hour, logins.told = now // _HOUR, 0
    if logins.told >= _MOST_TOLD_AN_HOUR:
        return
    logins.told += 1
    logger.warning("a login from %s was refused", caller.address)
    data = {"name": None if user is None else user.name, "wrong": what, "address": caller.address}
    site.database.submit(
        lambda db: events.append(db, "user.login_refused", happened_at=now, recorded_at=now, data=data),
        lambda result, error: None,
    )
