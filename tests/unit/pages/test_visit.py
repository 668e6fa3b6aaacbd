"""What a visit does for every screen: whole collections of the API, pages that are long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from gettext import NullTranslations
from itertools import pairwise

import pytest
from aiohttp.test_utils import make_mocked_request
from babel import Locale
from jinja2 import DictLoader, Environment

from gateway.pages.formats import Formats
from gateway.pages.visit import Visit
from tests.unit.pages.conftest import Reader


async def test_a_choice_of_stations_has_all_of_them(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"CP{number}" for number in range(5)]
    for name in names:
        response = await reader.ask("PUT", f"/api/v1/stations/{name}", json={}, role="installer")
        assert response.status < 300, await response.text()
    monkeypatch.setattr("gateway.pages.visit.MOST_ITEMS", 2)
    sight = await reader.see("/access/learn")
    assert set(names) <= set(sight.text.split())


async def test_others_have_their_turn_while_a_long_page_is_filled_in() -> None:
    environment = Environment(
        loader=DictLoader({"long": "{% for each in lines %}{{ each }},{% endfor %}"}), autoescape=True
    )
    request, formats = make_mocked_request("GET", "/"), Formats(Locale("en"), UTC, datetime(2026, 1, 1, tzinfo=UTC))
    visit = Visit(request, None, "en", NullTranslations(), formats, "auto", environment, "Site")
    filled_in, seen = 0, [0]

    def lines() -> Iterator[int]:
        nonlocal filled_in
        while filled_in < 5000:
            filled_in += 1
            yield filled_in

    async def other() -> None:
        while True:
            seen.append(filled_in)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    response = await visit.long_page("long", {"lines": lines()})
    task.cancel()
    assert response.text == "".join(f"{number}," for number in range(1, 5001))
    assert max(later - earlier for earlier, later in pairwise([*seen, 5000])) <= 500
