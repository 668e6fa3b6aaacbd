"""An open tab's stream: what is sent, when, and how it ends. The pieces are a test's own, the sockets are real."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.operations.manage_tokens import Role, create_token
from gateway.operations.site import Site
from gateway.pages.application import add_pages
from gateway.pages.open_streams import MOST_OF_ONE
from gateway.pages.shared_pieces import Pace
from gateway.web.application import make_application
from gateway.web.routes import CLOSING
from tests.unit.pages.streaming import QUICK, Played, Tab, streams_open, until
from tests.unit.web.conftest import configuration_in, open_site

PASSWORD = "four cars and a kettle"
SLOW = Pace(shortest_seconds=600.0, longest_seconds=600.0)


@dataclass
class Stage:
    """The door with the played page; `open` gives tabs."""

    site: Site
    application: web.Application
    client: TestClient
    tokens: dict[str, str]
    played: Played = field(default_factory=Played)
    tabs: list[Tab] = field(default_factory=list)

    async def open(
        self, path: str = "/played", *, role: Role = "viewer", language: str = "en", cookie: str = ""
    ) -> Tab:
        headers = {"Accept-Language": language, "Accept-Encoding": "identity"}
        headers |= {"Cookie": cookie} if cookie else {"Authorization": f"Bearer {self.tokens[role]}"}
        # by its session: the test client itself keeps every response
        response = await self.client.session.get(self.client.make_url(f"/live{path}"), headers=headers)
        assert response.status == 200
        self.tabs.append(Tab(response))
        return self.tabs[-1]

    def close_tabs(self) -> None:
        for tab in self.tabs:
            tab.response.close()
        self.tabs.clear()

    def announce(self) -> None:
        self.site.journal_signal.announce()


@pytest.fixture
async def on_stage(tmp_path: Path) -> AsyncIterator[Callable[[Pace], Awaitable[Stage]]]:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(open_site(configuration_in(tmp_path)))
        roles: tuple[Role, ...] = ("viewer", "operator", "installer")
        made = {role: (await create_token(site, role=role, name=role, actor="test")).text for role in roles}

        async def stage(pace: Pace) -> Stage:
            played, application = Played(), make_application(site)
            add_pages(application, pages=played.pages(), pace=pace)
            client = TestClient(TestServer(application), cookie_jar=DummyCookieJar())
            made_stage = Stage(site, application, await stack.enter_async_context(client), made, played)
            stack.callback(made_stage.close_tabs)
            return made_stage

        yield stage


OnStage = Callable[[Pace], Awaitable[Stage]]


async def test_first_everything_then_what_has_changed(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    tab = await stage.open()
    assert await tab.event() == "retry: 1500\n"
    assert await tab.message() == {"one": "1", "two": "2", "three": "3"}
    stage.played.texts["two"] = "<b>\n22\n</b>\n"
    assert await tab.message() == {"two": "<b>\n22\n</b>"}
    stage.played.texts |= {"one": "", "four": "4"}
    assert await tab.message() == {"one": "", "four": "4"}


async def test_while_nothing_changes_there_is_a_comment_at_times(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    tab = await stage.open()
    await tab.message()
    for times in (1, 2):
        assert await tab.event() == ": still here\n"
        assert len(stage.played.made_at) >= 1 + times * QUICK.keep_alive_rounds
    stage.played.texts["one"] = "11"
    assert await tab.message() == {"one": "11"}


async def test_a_journal_that_never_rests_is_not_followed_faster_than_the_shortest_pause(on_stage: OnStage) -> None:
    stage = await on_stage(replace(QUICK, shortest_seconds=0.05, longest_seconds=60.0))
    tab = await stage.open()
    await tab.message()
    for number in range(10):
        stage.played.texts["one"] = f"number {number}"
        stage.announce()
        assert await tab.message() == {"one": f"number {number}"}
    at = stage.played.made_at
    assert min(later - earlier for earlier, later in pairwise(at)) >= 0.045


async def test_a_growing_journal_is_told_at_once_where_nothing_was_for_long(on_stage: OnStage) -> None:
    stage = await on_stage(replace(QUICK, longest_seconds=600.0))
    tab = await stage.open()
    await tab.message()
    stage.played.texts["one"] = "11"
    stage.announce()
    assert await tab.message() == {"one": "11"}


async def test_ten_tabs_have_it_made_once(on_stage: OnStage) -> None:
    stage = await on_stage(SLOW)
    tabs = [await stage.open() for _ in range(10)]
    for tab in tabs:
        assert len(await tab.message()) == 3
    assert len(stage.played.made_at) == 1


async def test_what_came_after_the_making_reaches_the_tab_that_came_late(on_stage: OnStage) -> None:
    stage = await on_stage(replace(QUICK, shortest_seconds=0.2, longest_seconds=600.0))
    first = await stage.open()
    await first.message()
    stage.played.texts["one"] = "11"
    stage.announce()
    late = await stage.open()  # is shown what was made before, and the rest without another word from the journal
    shown = await late.message()
    while shown["one"] != "11":
        shown = await late.message()
    assert await first.message() == {"one": "11"}


async def test_tabs_do_not_disturb_each_other(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    first = await stage.open()
    await first.message()
    stage.played.texts["one"] = "11"
    assert await first.message() == {"one": "11"}
    second = await stage.open()
    assert await second.message() == {"one": "11", "two": "2", "three": "3"}
    second.response.close()
    stage.played.texts["three"] = "33"
    assert await first.message() == {"three": "33"}


async def test_another_language_role_or_address_has_its_own_pieces(on_stage: OnStage) -> None:
    stage = await on_stage(SLOW)
    for tab in (
        await stage.open(),
        await stage.open(language="de"),
        await stage.open(language="de-AT"),
        await stage.open(role="installer"),
        await stage.open("/played?q=x"),
        await stage.open("/played/a", role="operator"),
        await stage.open("/played/b", role="operator"),
    ):
        await tab.message()
    assert len(stage.played.made_at) == 7
    assert set(stage.played.languages) == {"en", "de"}


async def test_it_ends_when_the_gateway_stops_however_long_the_pause(on_stage: OnStage) -> None:
    stage = await on_stage(SLOW)
    tab = await stage.open()
    await tab.message()
    stage.application[CLOSING].set()
    await tab.end()


async def test_it_ends_when_what_the_page_shows_is_gone(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    first, second = await stage.open(), await stage.open()
    await first.message()
    await second.message()
    stage.played.gone = True
    await first.end()
    await second.end()


async def logged_in(stage: Stage, role: Role) -> tuple[str, int]:
    """The cookie and the number of a person with this role."""
    headers = {"Authorization": f"Bearer {stage.tokens['installer']}"}
    person = {"name": f"Some {role}", "role": role, "password": PASSWORD}
    made = await stage.client.post("/api/v1/users", json=person, headers=headers)
    assert made.status == 201
    number = int((await made.json())["user_id"])
    session = await stage.client.post("/api/v1/session", json={"name": person["name"], "password": PASSWORD})
    assert session.status == 201
    return session.headers["Set-Cookie"].partition(";")[0], number


async def test_it_ends_at_the_logout(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    cookie, _ = await logged_in(stage, "viewer")
    tab, other = await stage.open(cookie=cookie), await stage.open()
    await tab.message()
    await other.message()
    assert (await stage.client.delete("/api/v1/session", headers={"Cookie": cookie})).status == 204
    await tab.end()
    stage.played.texts["one"] = "11"
    assert await other.message() == {"one": "11"}


@pytest.mark.parametrize("role", ["viewer", "installer"])
async def test_it_ends_when_the_reader_has_another_role(on_stage: OnStage, role: Role) -> None:
    stage = await on_stage(QUICK)
    cookie, number = await logged_in(stage, "operator")
    tab = await stage.open("/played/a", cookie=cookie)
    await tab.message()
    # not by the API, which logs them out as well
    await stage.site.database.write(
        lambda db: db.execute("UPDATE users SET role = ? WHERE user_id = ?", (role, number)) and None
    )
    await tab.end()


async def test_who_may_not_see_the_page_gets_no_stream(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    headers = {"Authorization": f"Bearer {stage.tokens['viewer']}"}
    assert (await stage.client.get("/live/played/a", headers=headers)).status == 401
    assert not stage.played.made_at


async def test_who_does_not_read_is_cut_off(on_stage: OnStage) -> None:
    stage = await on_stage(replace(QUICK, reader_patience_seconds=0.2))
    stage.played.texts["one"] = "x" * 30_000_000  # more than the kernel takes for a reader
    server = stage.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
    authorization = f"Authorization: Bearer {stage.tokens['viewer']}"
    writer.write(f"GET /live/played HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n\r\n".encode())
    await until(lambda: stage.played.made_at)
    await until(lambda: not streams_open())
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(30_000_000)
    writer.close()


async def test_nothing_is_left_of_three_hundred_tabs(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)

    async def come_and_go(tabs: int) -> int:
        for _ in range(tabs // 10):
            opened = [await stage.open() for _ in range(10)]
            for tab in opened:
                await tab.message()
            assert streams_open() == 10
            stage.close_tabs()
            await until(lambda: not streams_open())
        gc.collect()
        return len(gc.get_objects())

    before = await come_and_go(50)
    grown = await come_and_go(300) - before
    assert grown < 3 * 300, "a stream that is kept is dozens of objects"


async def test_a_reader_with_very_many_tabs_is_told_to_wait(on_stage: OnStage) -> None:
    stage = await on_stage(QUICK)
    for _ in range(MOST_OF_ONE):
        await (await stage.open()).message()
    headers = {"Authorization": f"Bearer {stage.tokens['viewer']}"}
    refused = await stage.client.get("/live/played", headers=headers)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    await (await stage.open(role="operator")).message()
    stage.tabs.pop(0).response.close()

    async def admitted() -> bool:
        response = await stage.client.session.get(stage.client.make_url("/live/played"), headers=headers)
        response.close()
        return response.status == 200

    async with asyncio.timeout(20):
        while not await admitted():
            stage.announce()
