"""The page as somebody with a role sees it, on a real database with played stations."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from gateway.operations.manage_tokens import Role, create_token
from gateway.operations.site import Site
from gateway.pages.application import add_pages
from gateway.web.application import make_application
from tests.unit.pages.reading import Sight, read
from tests.unit.web.conftest import PlayedConnected, configuration_in, open_site


@dataclass
class Reader:
    """Somebody who looks at pages with the token of a role (None: nobody who is logged in)."""

    site: Site
    client: TestClient
    tokens: dict[str, str]

    @property
    def connected(self) -> PlayedConnected:
        return cast(PlayedConnected, self.site.connected)

    async def ask(self, method: str, path: str, *, role: Role | None = "installer", **more: object) -> ClientResponse:
        """What the page answers; redirects are not followed. `language` is that of the browser."""
        headers = dict(cast(Mapping[str, str], more.pop("headers", {})))
        headers.setdefault("Accept-Language", str(more.pop("language", "en-GB")))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return await self.client.request(method, path, headers=headers, allow_redirects=False, **more)  # type: ignore[arg-type]

    async def see(self, path: str, *, expect: int = 200, **more: object) -> Sight:
        """What is on the page."""
        response = await self.ask("GET", path, **more)  # type: ignore[arg-type]
        text = await response.text()
        assert response.status == expect, (response.status, response.headers.get("Location"), text)
        return read(text)

    async def send(self, path: str, fields: Mapping[str, str], *, expect: int = 303, **more: object) -> ClientResponse:
        """A form sent; what came back is not read."""
        response = await self.ask("POST", path, data=dict(fields), **more)  # type: ignore[arg-type]
        assert response.status == expect, (response.status, await response.text())
        return response

    async def document(self, path: str) -> dict[str, object]:
        """What the API says, behind /api/v1."""
        response = await self.ask("GET", f"/api/v1{path}")
        return cast(dict[str, object], json.loads(await response.text()))


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with open_site(configuration_in(tmp_path)) as site:
        made = {
            role: (await create_token(site, role=role, name=role, actor="test")).text
            for role in ("viewer", "operator", "installer")
        }
        application = make_application(site)
        add_pages(application)
        async with TestClient(TestServer(application), cookie_jar=DummyCookieJar()) as client:
            yield Reader(site, client, made)


# The rest, a site and a browser's request for each test, is for ./dev test.
_QUICK = {
    "test_formats.py", "test_guard.py", "test_login.py", "test_said.py", "test_session_filters.py", "test_texts.py",
    "test_typed_numbers.py", "test_words.py", "test_worded.py",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What ./dev check leaves out of this folder."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name not in _QUICK:
            item.add_marker(pytest.mark.slow)
