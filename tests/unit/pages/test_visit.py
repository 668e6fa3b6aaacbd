"""What a visit does for every screen: whole collections of the API."""

from __future__ import annotations

import pytest

from tests.unit.pages.conftest import Reader


async def test_a_choice_of_stations_has_all_of_them(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"CP{number}" for number in range(5)]
    for name in names:
        response = await reader.ask("PUT", f"/api/v1/stations/{name}", json={}, role="installer")
        assert response.status < 300, await response.text()
    monkeypatch.setattr("gateway.pages.visit.MOST_ITEMS", 2)
    sight = await reader.see("/access/learn")
    assert set(names) <= set(sight.text.split())
