"""Logins on the page: what a cookie opens, when it ends, how fast one may guess, and what is told of secrets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from http.cookies import SimpleCookie
from urllib.parse import quote

import pytest
from aiohttp import FormData

from gateway.model.instants import SECOND, Instant
from gateway.operations.log_in import IDLE_SECONDS, LONGEST_SECONDS
from gateway.pages.guard import safe_way_back
from gateway.pages.live import message_of
from gateway.pages.visit import NOTICE_COOKIE
from gateway.web.login import COOKIE
from tests.unit.pages.conftest import Reader
from tests.unit.pages.hostile_site import PASSWORD, log_in, make_user
from tests.unit.web.conftest import NOON

NEW_PASSWORD = "three cars and a toaster"
DAY = 86_400 * SECOND


@pytest.fixture
async def ann(reader: Reader) -> AsyncIterator[str]:
    """The cookie of Ann, an operator; there is an installer beside her."""
    await make_user(reader, "Boss", "installer")
    await make_user(reader, "Ann", "operator")
    yield await log_in(reader, "Ann")


async def status_with(reader: Reader, cookie: str, path: str = "/") -> int:
    """200: the cookie opens the page; 303: it is worth nothing."""
    return (await reader.ask("GET", path, role=None, headers={"Cookie": f"{COOKIE}={cookie}"})).status


def set_clock(reader: Reader, now: int) -> None:
    object.__setattr__(reader.site, "wall_clock", lambda: Instant(now))


async def test_a_login_gives_a_new_cookie_and_takes_none_that_was_given(reader: Reader, ann: str) -> None:
    other = await log_in(reader, "Ann", cookie="chosen-by-somebody-else")
    again = await log_in(reader, "Ann", cookie=ann)
    assert len({ann, other, again, "chosen-by-somebody-else"}) == 4
    assert await status_with(reader, "chosen-by-somebody-else") == 303


async def log_out(reader: Reader, cookie: str) -> None:
    response = await reader.ask("POST", "/logout", role=None, headers={"Cookie": f"{COOKIE}={cookie}"})
    assert response.status == 303 and "Max-Age=0" in str(response.headers.getall("Set-Cookie"))


async def change_password(reader: Reader, cookie: str) -> None:
    fields = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    response = await reader.ask("POST", "/account/password", role=None, data=fields, headers=headers)
    new = next(SimpleCookie(each)[COOKIE].value for each in response.headers.getall("Set-Cookie") if COOKIE in each)
    assert new != cookie and await status_with(reader, new) == 200


async def change_role(reader: Reader, cookie: str) -> None:
    await reader.send("/system/users/2/role", {"role": "viewer"})


async def remove(reader: Reader, cookie: str) -> None:
    await reader.send("/system/users/2/remove", {})


async def restore(reader: Reader, cookie: str) -> None:
    backup = await (await reader.ask("GET", "/api/v1/backup")).read()
    form = FormData()
    form.add_field("file", backup, filename="a.db")
    response = await reader.ask("POST", "/system/backup/restore", data=form)
    assert response.status == 303, await response.text()


@pytest.mark.parametrize("end", [log_out, change_password, change_role, remove, restore])
async def test_after_these_the_old_cookie_opens_nothing_and_its_streams_end(
    reader: Reader, ann: str, end: Callable[[Reader, str], Awaitable[None]]
) -> None:
    assert await status_with(reader, ann) == 200
    address = reader.client.make_url("/live/")
    async with reader.client.session.get(address, headers={"Cookie": f"{COOKIE}={ann}"}) as stream:
        assert stream.status == 200
        await stream.content.readuntil(b"\n\n")
        await end(reader, ann)
        assert await status_with(reader, ann) == 303
        reader.site.journal_signal.announce()
        async with asyncio.timeout(20):
            await stream.content.read()


async def test_a_session_ends_unused_and_at_the_latest(reader: Reader, ann: str) -> None:
    set_clock(reader, NOON + IDLE_SECONDS * SECOND)
    assert await status_with(reader, ann) == 200
    await reader.site.database.write(lambda db: None)
    set_clock(reader, NOON + 2 * IDLE_SECONDS * SECOND + SECOND)
    assert await status_with(reader, ann) == 303, "unused for too long"
    second = await log_in(reader, "Ann")
    begun = NOON + 2 * IDLE_SECONDS * SECOND + SECOND
    for day in range(0, LONGEST_SECONDS // 86_400, 10):
        set_clock(reader, begun + day * DAY)
        assert await status_with(reader, second) == 200, day
        await reader.site.database.write(lambda db: None)
    set_clock(reader, begun + LONGEST_SECONDS * SECOND + SECOND)
    assert await status_with(reader, second) == 303, "however much it is used"


async def test_the_form_lets_nobody_guess_faster_than_the_api(reader: Reader, ann: str) -> None:
    for number in range(5):
        path, body = ("/login", "data") if number % 2 else ("/api/v1/session", "json")
        fields = {"name": "Ann", "password": f"wrong {number} and wrong"}
        response = await reader.ask("POST", path, role=None, **{body: fields})
        assert response.status == 401
    for path, body in (("/login", "data"), ("/api/v1/session", "json")):
        fields = {"name": "Ann", "password": PASSWORD}
        response = await reader.ask("POST", path, role=None, **{body: fields})
        assert response.status == 429 and "Set-Cookie" not in response.headers


async def test_codes_are_guessed_no_faster_by_the_form(reader: Reader) -> None:
    code = (await (await reader.ask("POST", "/api/v1/users/codes", json={"role": "installer"})).json())["code"]
    for number in range(5):
        path, body = ("/welcome", "data") if number % 2 else ("/api/v1/session/redeem", "json")
        fields = {"code": f"0000-0000-000{number}", "name": "Eve", "password": PASSWORD}
        fields |= {"again": PASSWORD} if body == "data" else {}
        assert (await reader.ask("POST", path, role=None, **{body: fields})).status == 401
    right = {"code": code, "name": "Eve", "password": PASSWORD, "again": PASSWORD}
    refused = await reader.ask("POST", "/welcome", role=None, data=right)
    assert refused.status == 429 and "Set-Cookie" not in refused.headers


async def test_secrets_are_in_no_log_no_journal_and_no_page(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    code = (await (await reader.ask("POST", "/api/v1/users/codes", json={"role": "installer"})).json())["code"]
    fields = {"code": code, "name": "Ann", "password": PASSWORD, "again": PASSWORD}
    came = await reader.ask("POST", "/welcome", role=None, data=fields)
    cookie = SimpleCookie(came.headers["Set-Cookie"])[COOKIE].value
    token = (await (await reader.ask("POST", "/api/v1/tokens", json={"role": "viewer", "name": "t"})).json())["token"]
    wrong = {"name": "Ann", "password": "a wrong one, typed here"}
    texts = [await (await reader.ask("POST", "/login", role=None, data=wrong)).text()]
    differs = {"code": code, "name": "B", "password": PASSWORD, "again": NEW_PASSWORD}
    texts.append(await (await reader.ask("POST", "/welcome", role=None, data={**differs, "code": ""})).text())
    phrase = "a passphrase of many words"
    await (await reader.ask("POST", "/system/backup/encrypted", data={"passphrase": phrase, "again": phrase})).read()
    for path in ("/", "/system/users", "/system/tokens", "/system/audit", "/diagnostics/events", "/account"):
        response = await reader.ask("GET", path, role=None, headers={"Cookie": f"{COOKIE}={cookie}"})
        assert response.status == 200, path
        texts.append(await response.text())
    await reader.site.database.write(lambda db: None)
    texts += [str(tuple(row)) for row in await reader.site.readers.rows("SELECT * FROM events")]
    texts += [record.getMessage() for record in caplog.records]
    for secret in (PASSWORD, NEW_PASSWORD, wrong["password"], phrase, code, cookie, token):
        assert not [text for text in texts if secret in text], secret


@pytest.mark.parametrize(
    "way",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https://e.x",
        "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "javascript:alert(1)", "evil",
        "/\r\nSet-Cookie: a=b", "/\x00", "/\ud800", "/\u2028/evil.example", "",
    ],
)  # fmt: skip
async def test_a_login_leads_to_no_other_host(reader: Reader, ann: str, way: str) -> None:
    assert safe_way_back(way) == "/"
    fields = {"name": "Ann", "password": PASSWORD, "next": way.encode("utf-8", "replace").decode()}
    response = await reader.ask("POST", "/login", role=None, data=fields)
    assert response.status == 303
    assert response.headers["Location"].startswith("/") and "evil" not in response.headers["Location"][:3]
    headers = {"Cookie": f"{COOKIE}={ann}"}
    query = quote(way.encode("utf-8", "replace"))
    back = await reader.ask("GET", f"/login?next={query}", role=None, headers=headers)
    assert not back.headers["Location"].lstrip().startswith(("//", "/\\", "h", "j"))


async def test_a_notice_is_text_and_short(reader: Reader) -> None:
    evil = quote("<script>alert(1)</script>" + "x" * 3000)
    response = await reader.ask("GET", "/", headers={"Cookie": f"{NOTICE_COOKIE}={evil}"})
    text = await response.text()
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text and "x" * 401 not in text
    assert NOTICE_COOKIE in response.cookies and response.cookies[NOTICE_COOKIE]["max-age"] == "0"


def test_a_text_begins_no_field_of_a_stream() -> None:
    sent = message_of({"a": "x\rretry: 9\r\revent: close\r\nid: 1\n"}).decode()
    assert all(line.startswith("data: ") for line in sent.splitlines() if line) and sent.count("\n\n") == 1


async def test_a_page_is_whole_or_a_part_and_never_more_than_its_reader_may(reader: Reader) -> None:
    part = {"HX-Request": "true"}
    refused = await reader.ask("GET", "/system/users", role="viewer", headers=part)
    assert refused.status == 403 and "form" not in await refused.text()
    stranger = await reader.ask("GET", "/system/users", role=None, headers=part)
    assert (stranger.status, await stranger.text()) == (401, "")
    assert stranger.headers["HX-Redirect"].startswith("/login")
