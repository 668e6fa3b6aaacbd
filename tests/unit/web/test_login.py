"""Who may do what: every route, every role."""

from __future__ import annotations

import re

import pytest

from gateway.operations.manage_tokens import ROLES
from gateway.web.application import ROUTES
from gateway.web.routes import Route
from tests.unit.web.conftest import Door

GUARDED = [route for route in ROUTES if route.access in ROLES]


def _path(route: Route) -> str:
    return re.sub(r"{\w+}", "1", route.path)


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_refuses_without_token_and_with_too_low_a_role(door: Door, route: Route) -> None:
    await door.problem(route.method, _path(route), role=None, expect=401)
    for role in ROLES[: ROLES.index(route.access)]:  # type: ignore[arg-type]
        problem = await door.problem(route.method, _path(route), role=role, expect=403)
        assert route.access in problem["detail"]


async def test_a_challenge_says_what_is_needed(door: Door) -> None:
    response = await door.ask("GET", "/api/v1/stations", role=None)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz", "bearer \u00e4"])
async def test_a_wrong_token_opens_nothing(door: Door, header: str) -> None:
    response = await door.ask("GET", "/api/v1/stations", role=None, headers={"Authorization": header})
    assert response.status == 401


async def test_roles_contain_those_below(door: Door) -> None:
    for role in ROLES:
        assert (await door.ask("GET", "/api/v1/stations", role=role)).status == 200
    assert (await door.ask("PUT", "/api/v1/id-tags/A", role="operator", json={})).status == 200


async def test_a_revoked_token_opens_nothing(door: Door) -> None:
    tokens = await door.document("GET", "/api/v1/tokens")
    viewer = next(token for token in tokens["items"] if token["role"] == "viewer")
    assert (await door.ask("DELETE", f"/api/v1/tokens/{viewer['token_id']}")).status == 204
    await door.problem("GET", "/api/v1/stations", role="viewer", expect=401)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/metrics"])
async def test_health_needs_no_token_on_loopback_but_through_a_proxy(door: Door, path: str) -> None:
    assert (await door.ask("GET", path, role=None)).status == 200
    response = await door.ask("GET", path, role=None, headers={"X-Forwarded-For": "203.0.113.9"})
    assert response.status == 401
    response = await door.ask("GET", path, role="viewer", headers={"X-Forwarded-For": "203.0.113.9"})
    assert response.status == 200


async def test_unknown_paths_and_methods_are_problems_too(door: Door) -> None:
    await door.problem("GET", "/api/v1/nothing", expect=404)
    await door.problem("GET", "/", role=None, expect=404)
    response = await door.ask("PATCH", "/api/v1/stations")
    assert response.status == 405
    assert response.content_type == "application/problem+json"
    assert "GET" in response.headers["Allow"]
