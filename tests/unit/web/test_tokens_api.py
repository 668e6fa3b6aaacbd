"""/tokens: shown once, stored as a digest."""

from __future__ import annotations

import pytest

from tests.unit.web.conftest import Door

TOKENS = "/api/v1/tokens"


async def test_a_new_token_is_shown_once_and_works(door: Door) -> None:
    made = await door.document("POST", TOKENS, json={"role": "operator", "name": "fleet page"}, expect=201)
    assert (made["role"], made["name"]) == ("operator", "fleet page")
    assert len(made["token"]) >= 43
    response = await door.ask("GET", TOKENS, role=None, headers={"Authorization": f"Bearer {made['token']}"})
    assert response.status == 403
    listed = await door.ask("GET", TOKENS)
    assert made["token"] not in await listed.text()
    stored = await door.site.readers.rows("SELECT * FROM tokens")
    assert made["token"] not in str([tuple(row) for row in stored])
    journal = await (await door.ask("GET", "/api/v1/events")).text()
    assert "token.created" in journal and made["token"] not in journal


async def test_the_list_is_paged(door: Door) -> None:
    first = await door.document("GET", TOKENS, params={"limit": "2"})
    assert [token["role"] for token in first["items"]] == ["viewer", "operator"]
    rest = await door.document("GET", TOKENS, params={"limit": "2", "after": first["next"]})
    assert [token["role"] for token in rest["items"]] == ["installer"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "fields",
    [{}, {"role": "root"}, {"role": "viewer", "name": 5}, {"role": "viewer", "rights": 1}, {"role": ["viewer"]}],
)
async def test_fields_that_mean_nothing(door: Door, fields: dict[str, object]) -> None:
    await door.problem("POST", TOKENS, json=fields, expect=422)
    assert len((await door.document("GET", TOKENS))["items"]) == 3


@pytest.mark.parametrize("token_id", ["99", "x"])
async def test_unknown_tokens_cannot_be_revoked(door: Door, token_id: str) -> None:
    await door.problem("DELETE", f"{TOKENS}/{token_id}", expect=404)
