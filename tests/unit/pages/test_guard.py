"""Who sees which page, what a problem looks like, and what the browser is told about the page."""

from __future__ import annotations

import pytest

from gateway.pages.application import PAGES
from gateway.pages.guard import safe_way_back
from tests.unit.pages.conftest import Reader


async def test_who_is_not_logged_in_comes_to_the_login(reader: Reader) -> None:
    response = await reader.ask("GET", "/", role=None)
    assert (response.status, response.headers["Location"]) == (303, "/login")


async def test_an_address_that_does_not_exist_is_a_page(reader: Reader) -> None:
    sight = await reader.see("/nowhere", expect=404)
    assert "There is no page at this address." in sight.text
    response = await reader.ask("GET", "/api/v1/nowhere")
    assert response.content_type == "application/problem+json"


async def test_a_problem_is_not_kept_up_to_date(reader: Reader) -> None:
    sight = await reader.see("/stations/NOBODY", expect=404)
    assert not [attributes for _, attributes in sight.elements if attributes.get("id") == "live"]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/stations/NOBODY"])
async def test_the_browser_may_load_nothing_from_elsewhere(reader: Reader, path: str) -> None:
    response = await reader.ask("GET", path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';") and "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert "'self'" in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "https://127.0.0.1"])
async def test_a_form_of_another_site_changes_nothing(reader: Reader, origin: str) -> None:
    posts = [page for page in PAGES if page.method == "POST" and "{" not in page.path]
    for page in posts:
        response = await reader.ask("POST", page.path, headers={"Origin": origin})
        assert response.status == 403, page.path
    for page in posts:
        response = await reader.ask("POST", page.path, headers={"Sec-Fetch-Site": "cross-site"})
        assert response.status == 403, page.path


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "/\t/elsewhere.example", ""]
)
def test_the_login_sends_nobody_to_another_host(path: str) -> None:
    assert safe_way_back(path) == "/"


def test_the_login_leads_back() -> None:
    assert safe_way_back("/stations/CP-1?tab=log") == "/stations/CP-1?tab=log"


@pytest.mark.parametrize(
    ("came_from", "way"),
    [
        ("{own}/stations/A/settings?x=1", "/login?next=%2Fstations%2FA%2Fsettings%3Fx%3D1"),
        ("https://elsewhere.example/stations", "/login"),
        ("{own}/login", "/login"),
        ("http://[", "/login"),
        ("", "/login"),
    ],
)
async def test_a_form_sent_after_the_login_ended_leads_back_to_its_page(
    reader: Reader, came_from: str, way: str
) -> None:
    own = str(reader.client.make_url("")).rstrip("/")
    headers = {"Referer": came_from.format(own=own)}
    plain = await reader.ask("POST", "/stations", role=None, data={}, headers=headers)
    assert (plain.status, plain.headers["Location"]) == (303, way)
    part = await reader.ask("POST", "/stations", role=None, data={}, headers={**headers, "HX-Request": "true"})
    assert (part.status, part.headers["HX-Redirect"]) == (401, way)
