"""Logging in, what a cookie may, and everything that somebody else tries with it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import cast

import pytest
from aiohttp import ClientResponse
from multidict import CIMultiDict

from gateway.model.instants import SECOND, Instant
from gateway.operations import log_in as log_in_module
from gateway.operations.log_in import IDLE_SECONDS, LONGEST_SECONDS
from gateway.operations.manage_tokens import Role
from gateway.store import web_sessions
from gateway.store.passwords import NOBODYS_HASH, is_password
from gateway.web.login import COOKIE
from tests.unit.web.conftest import NOON, Door

SESSION = "/api/v1/session"
USERS = "/api/v1/users"
PASSWORD = "correct horse battery"
DAY = 86_400 * SECOND


async def make_user(door: Door, name: str = "Ann", role: Role = "installer") -> int:
    made = await door.document("POST", USERS, json={"name": name, "role": role, "password": PASSWORD}, expect=201)
    return cast(int, made["user_id"])


async def make_code(door: Door, **of: object) -> str:
    return cast(
        str, (await door.document("POST", f"{USERS}/codes", json=of or {"role": "operator"}, expect=201))["code"]
    )


async def as_stranger(door: Door, method: str, path: str, **more: object) -> ClientResponse:
    """A request with what `more` says alone: the client's own jar keeps no cookie."""
    response = await door.ask(method, path, role=None, **more)  # type: ignore[arg-type]
    door.client.session.cookie_jar.clear()
    return response


async def login(
    door: Door, name: str = "Ann", password: str = PASSWORD, headers: Mapping[str, str] | None = None
) -> ClientResponse:
    body = {"name": name, "password": password}
    return await as_stranger(door, "POST", SESSION, json=body, headers=headers or {})


def secret_of(response: ClientResponse) -> str:
    assert response.status in (200, 201), response.status
    return cast(str, SimpleCookie(response.headers["Set-Cookie"])[COOKIE].value)


async def with_cookie(door: Door, secret: str, method: str, path: str, **more: object) -> ClientResponse:
    headers = {**cast(Mapping[str, str], more.pop("headers", {})), "Cookie": f"{COOKIE}={secret}"}
    return await as_stranger(door, method, path, headers=headers, **more)


def set_clock(door: Door, now: int) -> None:
    """The same site at another time, behind the same door."""
    object.__setattr__(door.site, "wall_clock", lambda: Instant(now))


async def data_of(door: Door, kind: str) -> list[dict[str, object]]:
    """The data of the events of a kind, those too that nobody waited for."""
    await door.write(lambda db: None)
    rows = await door.site.readers.rows("SELECT data FROM events WHERE kind = ? ORDER BY id", (kind,))
    return [json.loads(row[0]) for row in rows]


async def kinds(door: Door) -> list[str]:
    await door.write(lambda db: None)
    rows = await door.site.readers.rows("SELECT kind FROM events WHERE kind NOT LIKE 'token%' ORDER BY id")
    return [row[0] for row in rows]


async def test_a_login_gives_a_cookie_that_opens_what_the_role_opens(door: Door) -> None:
    user_id = await make_user(door, role="operator")
    response = await login(door, name="aNN")
    assert response.status == 201
    assert await response.json() == {"kind": "user", "name": "Ann", "role": "operator", "user_id": user_id}
    cookie = response.headers["Set-Cookie"]
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Max-Age={LONGEST_SECONDS}; Path=/; SameSite=Strict", cookie)
    secret = secret_of(response)
    who = await with_cookie(door, secret, "GET", SESSION)
    assert await who.json() == {"kind": "user", "name": "Ann", "role": "operator", "user_id": user_id}
    assert (await with_cookie(door, secret, "PUT", "/api/v1/id-tags/A", json={})).status == 200
    refused = await with_cookie(door, secret, "GET", USERS)
    assert refused.status == 403 and "Ann has the role operator" in (await refused.json(content_type=None))["detail"]
    actors = await door.site.readers.rows("SELECT data ->> 'actor', actor FROM events WHERE kind = 'id_tag.changed'")
    assert [tuple(row) for row in actors] == [("user Ann", "user Ann")]
    stored = str([tuple(row) for row in await door.site.readers.rows("SELECT * FROM web_sessions")])
    assert secret not in stored and "Python" in stored


async def test_who_i_am_with_a_token(door: Door) -> None:
    told = await door.document("GET", SESSION, role="viewer")
    assert told == {"kind": "token", "name": "viewer", "role": "viewer", "user_id": None}
    await door.problem("GET", SESSION, role=None, expect=401)
    await door.problem("PUT", f"{SESSION}/password", json={"old": PASSWORD, "new": PASSWORD}, expect=409)
    assert (await door.ask("DELETE", SESSION)).status == 204


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http", False)])
async def test_the_cookie_is_secure_when_the_page_is(door: Door, proto: str, secure: bool) -> None:
    await make_user(door)
    response = await login(door, headers={"X-Forwarded-Proto": proto})
    assert ("Secure" in response.headers["Set-Cookie"]) is secure


@pytest.mark.parametrize(
    ("name", "password"), [("Ann", "wrong horse battery"), ("Bob", PASSWORD), ("", ""), ("Ann", "")]
)
async def test_wrong_is_answered_alike_and_costs_alike(
    door: Door, name: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_user(door)
    compared: list[str] = []

    def counting(password_hash: str, presented: bytes) -> bool:
        compared.append(password_hash)
        return is_password(password_hash, presented)

    monkeypatch.setattr(log_in_module, "is_password", counting)
    response = await login(door, name, password)
    assert response.status == 401 and "Set-Cookie" not in response.headers
    assert (await response.json(content_type=None))["detail"] == "the name or the password is wrong"
    assert len(compared) == 1, "one hash, whoever it is"
    assert (compared[0] == NOBODYS_HASH) is (name != "Ann")
    told = await data_of(door, "user.login_refused")
    assert told == [{"name": "Ann" if name == "Ann" else None, "wrong": "password", "address": "127.0.0.1"}]
    assert door.site.health.counters.snapshot()


@pytest.mark.parametrize(
    "body", [{}, {"name": "Ann"}, {"name": 1, "password": PASSWORD}, {"name": "Ann", "password": "x" * 1001}, {"a": 1}]
)
async def test_what_is_no_login_is_not_looked_at(door: Door, body: object) -> None:
    response = await as_stranger(door, "POST", SESSION, json=body)
    assert response.status == 422 and "x" * 20 not in await response.text()
    assert not door.site.logins.tries


async def test_too_many_tries_wait_and_others_do_not(door: Door) -> None:
    await make_user(door)
    for _ in range(5):
        assert (await login(door, password="wrong horse battery")).status == 401
    refused = await login(door)
    assert refused.status == 429 and refused.headers["Retry-After"] == "1", "even with the right password"
    assert (await login(door, headers={"X-Forwarded-For": "192.0.2.9, 198.51.100.7"})).status == 201
    assert len(await data_of(door, "user.login_refused")) == 5


async def test_many_tries_at_once_are_no_way_around(door: Door) -> None:
    await make_user(door)
    answers = await asyncio.gather(*(login(door, password=f"wrong horse {number}") for number in range(12)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7


async def test_what_a_client_says_before_the_proxy_does_is_no_way_around(door: Door) -> None:
    """A proxy may add a line of its own behind those of the client (RFC 9110 5.3: the order counts)."""
    body = {"name": "Ann", "password": "wrong horse"}
    lines = [[("X-Forwarded-For", f"198.51.100.{each}"), ("X-Forwarded-For", "203.0.113.9")] for each in range(7)]
    answers = [await door.client.post(SESSION, json=body, headers=CIMultiDict(each)) for each in lines]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 2


async def test_refusals_fill_no_journal(door: Door) -> None:
    for number in range(30):
        address = {"X-Forwarded-For": f"198.51.100.{number}"}
        assert (await login(door, f"name {number}", headers=address)).status == 401
    assert (await kinds(door)).count("user.login_refused") == 20
    set_clock(door, NOON + 3600 * SECOND)
    assert (await login(door, "one more", headers={"X-Forwarded-For": "203.0.113.1"})).status == 401
    assert (await kinds(door)).count("user.login_refused") == 21


async def test_a_cookie_that_was_copied_is_worth_nothing_after_logging_out(door: Door) -> None:
    await make_user(door)
    secret, other = secret_of(await login(door)), secret_of(await login(door))
    response = await with_cookie(door, secret, "DELETE", SESSION)
    assert response.status == 204 and "Max-Age=0" in response.headers["Set-Cookie"]
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 401
    assert (await with_cookie(door, other, "GET", SESSION)).status == 200
    assert (await kinds(door))[-1] == "user.logged_out"


@pytest.mark.parametrize("secret", ["", "x", "a" * 5000, "\u00e4"])
async def test_cookies_that_nobody_was_given(door: Door, secret: str) -> None:
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 401


async def test_a_wrong_token_is_not_mended_by_a_cookie(door: Door) -> None:
    await make_user(door)
    secret = secret_of(await login(door))
    response = await with_cookie(door, secret, "GET", SESSION, headers={"Authorization": "Bearer nonsense"})
    assert response.status == 401


HOST = "gateway.example:8080"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://gateway.example:8080"}, 200),
        ({"Origin": "http://GATEWAY.example:8080", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://gateway.example"}, 403),
        ({"Origin": "http://gateway.example:9999"}, 403),
        ({"Origin": "http://gateway.example.evil.example:8080"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "file://gateway.example:8080"}, 403),
        ({"Origin": "https://[broken"}, 403),
        ({"Origin": "https://outside.example", "X-Forwarded-Host": "outside.example:443"}, 200),
    ],
)
async def test_only_pages_of_the_gateway_change_something_with_a_cookie(
    door: Door, headers: Mapping[str, str], status: int
) -> None:
    await make_user(door)
    secret = secret_of(await login(door))
    sent = {"Host": HOST, **headers}
    assert (await with_cookie(door, secret, "PUT", "/api/v1/id-tags/A", json={}, headers=sent)).status == status
    assert (await with_cookie(door, secret, "GET", SESSION, headers=sent)).status == 200, "reading is for the browser"
    asked = await as_stranger(door, "POST", SESSION, json={"name": "Ann", "password": PASSWORD}, headers=sent)
    assert (asked.status == 403) is (status == 403), "nobody is logged in by another page either"
    token = await door.ask("PUT", "/api/v1/id-tags/A", json={}, headers=sent)
    assert token.status == 200, "a token is sent by no browser by itself"


async def test_a_session_ends_when_it_is_not_used_and_is_seen_by_the_hour(door: Door) -> None:
    await make_user(door)
    secret = secret_of(await login(door))
    set_clock(door, NOON + 1800 * SECOND)
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 200
    await door.write(lambda db: None)
    assert [row[0] for row in await door.site.readers.rows("SELECT last_seen_at FROM web_sessions")] == [NOON]
    day_13 = NOON + 13 * DAY
    set_clock(door, day_13)
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 200
    await door.write(lambda db: None)
    assert [row[0] for row in await door.site.readers.rows("SELECT last_seen_at FROM web_sessions")] == [day_13]
    set_clock(door, day_13 + IDLE_SECONDS * SECOND)
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 200, "on the last day"
    await door.write(lambda db: None)
    set_clock(door, day_13 + 2 * IDLE_SECONDS * SECOND + 1)
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 401


async def test_a_session_ends_however_much_it_is_used(door: Door) -> None:
    await make_user(door)
    secret = secret_of(await login(door))
    for day in range(10, 91, 10):
        set_clock(door, NOON + day * DAY)
        assert (await with_cookie(door, secret, "GET", SESSION)).status == 200
        await door.write(lambda db: None)
    set_clock(door, NOON + 90 * DAY + 1)
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 401
    await login(door)
    assert len(await door.site.readers.rows("SELECT * FROM web_sessions")) == 1, "what ended is gone"


async def test_a_user_has_few_sessions_and_the_newest_stay(door: Door) -> None:
    user_id = await make_user(door)
    for number in range(web_sessions.MOST_OF_A_USER + 3):
        now = Instant(NOON + number)
        await door.write(
            lambda db, number=number, now=now: web_sessions.begin(  # type: ignore[misc]
                db, secret=f"s{number}", user_id=user_id, agent="", now=now
            )
        )
    assert (await with_cookie(door, "s2", "GET", SESSION)).status == 401
    assert (await with_cookie(door, "s3", "GET", SESSION)).status == 200


async def test_my_own_new_password_ends_all_my_sessions_and_begins_one(door: Door) -> None:
    await make_user(door, role="viewer")
    secret, other = secret_of(await login(door)), secret_of(await login(door))
    path, new = f"{SESSION}/password", "another horse"
    wrong = await with_cookie(door, secret, "PUT", path, json={"old": "wrong horse battery", "new": new})
    assert wrong.status == 403 and (await with_cookie(door, secret, "GET", SESSION)).status == 200
    weak = await with_cookie(door, secret, "PUT", path, json={"old": PASSWORD, "new": "password123"})
    assert weak.status == 422 and "guessed" in await weak.text()
    changed = await with_cookie(door, secret, "PUT", path, json={"old": PASSWORD, "new": new})
    assert changed.status == 200
    fresh = secret_of(changed)
    for ended in (secret, other):
        assert (await with_cookie(door, ended, "GET", SESSION)).status == 401
    assert (await with_cookie(door, fresh, "GET", SESSION)).status == 200
    assert (await login(door)).status == 401 and (await login(door, password=new)).status == 201
    assert "user.changed" in await kinds(door)


async def test_a_stolen_session_cannot_try_old_passwords_for_ever(door: Door) -> None:
    await make_user(door)
    secret = secret_of(await login(door))
    body = {"old": "wrong horse battery", "new": "another horse"}
    answers = [(await with_cookie(door, secret, "PUT", f"{SESSION}/password", json=body)).status for _ in range(6)]
    assert answers == [403] * 5 + [429]


async def test_a_code_makes_its_user_once(door: Door) -> None:
    code = await make_code(door)
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    body = {"code": typed, "name": "Bob", "password": PASSWORD}
    response = await as_stranger(door, "POST", f"{SESSION}/redeem", json=body)
    assert response.status == 201, await response.text()
    assert (await response.json())["role"] == "operator"
    assert (await with_cookie(door, secret_of(response), "GET", SESSION)).status == 200
    again = await as_stranger(door, "POST", f"{SESSION}/redeem", json={**body, "name": "Eve"})
    assert again.status == 401
    (made,) = await data_of(door, "user.created")
    assert (made["code_of"], made["actor"]) == ("token 3 (installer)", "user Bob")
    journal = await (await door.ask("GET", "/api/v1/events")).text()
    assert code not in journal and PASSWORD not in journal


async def test_two_who_use_a_code_at_once_are_one_user(door: Door) -> None:
    code = await make_code(door)
    bodies = [{"code": code, "name": f"User {number}", "password": PASSWORD} for number in range(4)]
    answers = await asyncio.gather(*(as_stranger(door, "POST", f"{SESSION}/redeem", json=body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [201, 401, 401, 401]
    assert len((await door.document("GET", USERS))["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "Ann"}, 409),
        ({"name": ""}, 422),
        ({"name": None}, 422),
        ({"name": "Bob", "password": "short"}, 422),
        ({"name": "Bob", "password": "0123456789"}, 422),
        ({"name": "Bob", "rights": "all"}, 422),
    ],
)
async def test_a_code_stays_good_when_the_name_or_the_password_is_not(
    door: Door, fields: Mapping[str, object], status: int
) -> None:
    await make_user(door)
    code = await make_code(door)
    path, body = f"{SESSION}/redeem", {"code": code, "password": PASSWORD}
    assert (await as_stranger(door, "POST", path, json={**body, **fields})).status == status
    assert (await as_stranger(door, "POST", path, json={**body, "name": "Bob"})).status == 201


async def test_a_code_for_a_user_gives_the_password_and_ends_sessions(door: Door) -> None:
    user_id = await make_user(door)
    secret = secret_of(await login(door))
    code = await make_code(door, user_id=user_id)
    body = {"code": code, "password": "another horse"}
    response = await as_stranger(door, "POST", f"{SESSION}/redeem", json=body)
    assert (await response.json())["name"] == "Ann"
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 401
    assert (await login(door)).status == 401 and (await login(door, password="another horse")).status == 201


async def test_codes_are_guessed_slowly_and_end(door: Door) -> None:
    code = await make_code(door)
    path, body = f"{SESSION}/redeem", {"name": "Bob", "password": PASSWORD}
    for number in range(5):
        assert (await as_stranger(door, "POST", path, json={**body, "code": f"0000-0000-000{number}"})).status == 401
    assert (await as_stranger(door, "POST", path, json={**body, "code": code})).status == 429
    set_clock(door, NOON + 7 * DAY + 1)
    elsewhere = {"X-Forwarded-For": "192.0.2.9"}
    assert (await as_stranger(door, "POST", path, json={**body, "code": code}, headers=elsewhere)).status == 401


async def test_a_login_while_the_password_changes_does_not_count(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = await make_user(door)
    loop = asyncio.get_running_loop()

    def slow(password_hash: str, presented: bytes) -> bool:
        changed = door.document("PATCH", f"{USERS}/{user_id}", json={"password": "another horse"})
        asyncio.run_coroutine_threadsafe(changed, loop).result(20)
        return is_password(password_hash, presented)

    monkeypatch.setattr(log_in_module, "is_password", slow)
    assert (await login(door)).status == 401
    assert not await door.site.readers.rows("SELECT * FROM web_sessions")
