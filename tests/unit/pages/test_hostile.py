"""Every page against people who may not: strangers, low roles, pages of other addresses, and hostile texts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from yarl import URL

from gateway.pages.application import PAGES
from gateway.pages.guard import LIVE_PREFIX
from gateway.pages.rendering import TEMPLATE_FOLDER
from gateway.pages.table import Page
from gateway.web.login import COOKIE
from gateway.web.routes import matching
from tests.unit.pages.hostile_site import EVIL, ROLES, Hostile, hostile_site
from tests.unit.pages.reading import Form, read

PUBLIC = {page.path for page in PAGES if page.access == "public"}
OWN = {"/logout", "/account/password"}
CHANGES_NOTHING_AS_IT_STANDS = {
    "/system/users/{user}/name", "/system/users/{user}/role", "/firmware/check", "/stations/{station}/settings",
}  # fmt: skip
_HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control")
_REAL = {
    "station": EVIL, "circuit": EVIL, "upstream": EVIL, "session": "1", "transaction": "1", "number": "1", "user": "1",
    "token": "1", "code": "1", "image": "img-1", "deed": "reset", "name": EVIL, "manager": EVIL,
}  # fmt: skip


@pytest.fixture
async def hostile(tmp_path: Path) -> AsyncIterator[Hostile]:
    async with hostile_site(tmp_path) as site:
        yield site


def real(path: str) -> URL:
    """The address of something that exists, of hostile name."""
    filled = re.sub(r"\{(\w+)\}", lambda found: quote(_REAL.get(found[1], "1"), safe=""), path)
    return URL(filled, encoded=True)


def pages(method: str) -> Iterator[Page]:
    return (page for page in PAGES if page.method == method)


async def all_forms(hostile: Hostile) -> dict[str, Form]:
    """Every POST form that an installer is offered, by its action, filled as it stands."""
    forms: dict[str, Form] = {}
    for page in pages("GET"):
        response = await hostile.as_user("GET", real(page.path), "installer")
        if response.status == 200 and response.content_type == "text/html":
            for form in read(await response.text()).forms:
                if form.method == "post":
                    forms.setdefault(form.action, form)
    return forms


def page_of(action: str) -> Page:
    """The page that a form goes to."""
    path = urlsplit(action).path
    for page in pages("POST"):
        pattern = re.sub(r"\{(\w+):([^}]*)\}", r"(\2)", matching(page.path))
        if re.fullmatch(pattern, path):
            return page
    raise AssertionError(f"no page takes {action}")


async def test_strangers_see_the_login_alone(hostile: Hostile) -> None:
    before = await hostile.journal()
    for page in PAGES:
        response = await hostile.ask(page.method, real(page.path), role=None)
        text = await response.text()
        assert [name for name in _HEADERS if name not in response.headers] == [], page.path
        if page.path in PUBLIC:
            assert response.status in (200, 303, 401, 422), page.path
        else:
            assert (response.status, text) == (303, ""), page.path
            assert response.headers["Location"].startswith("/login")
        if page.pieces is not None:
            stream = await hostile.ask("GET", real(f"{LIVE_PREFIX}{page.path}"), role=None)
            assert (stream.status, await stream.text()) == (401, ""), page.path
    kinds = {event[1] for event in (await hostile.journal())[len(before) :]}
    assert kinds <= {"user.login_refused"}


@pytest.mark.parametrize("role", ROLES)
async def test_too_low_a_role_changes_nothing(hostile: Hostile, role: str) -> None:
    forms = await all_forms(hostile)
    tried = set()
    before, asked = await hostile.journal(), [len(each.asked) for each in hostile.connected.all().values()]
    for page in PAGES:
        if page.access == "public" or ROLES.index(page.access) <= ROLES.index(role):  # type: ignore[arg-type]
            continue
        response = await hostile.as_user(page.method, real(page.path), role)
        assert response.status == 403 and read(await response.text()).text, page.path
        if page.pieces is not None:
            stream = await hostile.as_user("GET", real(f"{LIVE_PREFIX}{page.path}"), role)
            assert (stream.status, await stream.text()) == (401, ""), page.path
    for action, form in forms.items():
        page = page_of(action)
        if page.access != "public" and ROLES.index(page.access) > ROLES.index(role):
            tried.add(page.path)
            response = await hostile.as_user("POST", URL(action, encoded=True), role, data=form.fields)
            assert response.status == 403, action
    assert await hostile.journal() == before
    assert [len(each.asked) for each in hostile.connected.all().values()] == asked
    assert role == "installer" or len(tried) > 10


async def test_a_viewer_changes_nothing_at_all(hostile: Hostile) -> None:
    forms = await all_forms(hostile)
    before = await hostile.journal()
    for action, form in forms.items():
        if page_of(action).path not in OWN | PUBLIC:
            await hostile.as_user("POST", URL(action, encoded=True), "viewer", data=form.fields)
    for page in pages("POST"):
        if page.path not in OWN | PUBLIC:
            await hostile.as_user("POST", real(page.path), "viewer", data={})
    assert await hostile.journal() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1", "HX-Request": "true"},
    ],
)
async def test_a_page_of_another_address_does_nothing(hostile: Hostile, headers: dict[str, str]) -> None:
    forms = {page_of(action).path: (action, form.fields) for action, form in (await all_forms(hostile)).items()}
    before = await hostile.journal()
    for page in pages("POST"):
        action, fields = forms.get(page.path, (str(real(page.path)), {}))
        response = await hostile.as_user("POST", URL(action, encoded=True), "installer", data=fields, headers=headers)
        assert response.status == 403, page.path
    assert await hostile.journal() == before


async def test_no_text_becomes_part_of_a_page(hostile: Hostile) -> None:
    shown = 0
    for page in pages("GET"):
        for role in ROLES:
            response = await hostile.as_user("GET", real(page.path), role)
            if response.content_type == "text/html":
                text = await response.text()
                expect_harmless(text, page.path)
                shown += "&lt;script&gt;alert" in text
    assert shown > len(list(pages("GET"))), "the texts are shown, not left out"


async def test_no_text_becomes_part_of_an_answer_to_a_form(hostile: Hostile) -> None:
    for action, form in (await all_forms(hostile)).items():
        if "logout" in action or "forget" in action or "restore" in action or "bundle" in action:
            continue
        hostile_fields = dict.fromkeys(form.fields, EVIL)
        for headers in ({}, {"HX-Request": "true"}):
            for fields in (hostile_fields, form.fields):
                response = await hostile.as_user(
                    "POST", URL(action, encoded=True), "installer", data=fields, headers=headers
                )
                assert response.status < 500, action
                if response.content_type == "text/html":
                    expect_harmless(await response.text(), action)


@pytest.mark.parametrize(
    "text", ["9" * 5000, "1e400", "\u00b2\u0664", "[" * 3000], ids=["digits", "endless", "other digits", "deep"]
)
async def test_no_number_is_a_fault(hostile: Hostile, text: str) -> None:
    """Numbers that are none or far too long: in all fields at once, and too many digits in each field in turn."""
    for action, form in (await all_forms(hostile)).items():
        if page_of(action).path in OWN:
            continue
        in_turn = [{**form.fields, name: text} for name in form.fields] if text.isascii() and text.isdecimal() else []
        for fields in (dict.fromkeys(form.fields, text), *in_turn):
            response = await hostile.as_user("POST", URL(action, encoded=True), "installer", data=fields)
            assert response.status < 500, (action, list(fields), (await response.text())[-300:])
            await response.read()


async def test_no_text_becomes_part_of_a_stream(hostile: Hostile) -> None:
    for page in pages("GET"):
        if page.pieces is None:
            continue
        address = hostile.client.make_url("/").join(real(f"{LIVE_PREFIX}{page.path}"))
        headers = {"Cookie": f"{COOKIE}={hostile.cookies['installer']}"}
        async with hostile.client.session.get(address, headers=headers) as response:
            assert response.status == 200, page.path
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            await response.content.readuntil(b"\n\n")
            begun = await response.content.readany()
            expect_harmless(begun.decode("utf-8", "replace"), page.path)


def expect_harmless(text: str, where: str) -> None:
    """No hostile text is markup, an attribute's end, or was taken for a template."""
    assert "<script>alert" not in text, where
    assert '"><script' not in text and "'><script" not in text, where
    assert "alert(1)</script>49" not in text and "/script&gt;49" not in text, where


def test_templates_leave_the_browser_nothing_to_run() -> None:
    """No script, style or handler within a page, no text unescaped, no form that goes elsewhere."""
    for file in TEMPLATE_FOLDER.rglob("*.html"):
        text = re.sub(r"\{%.*?%\}", "", file.read_text(), flags=re.DOTALL)
        for pattern in (
            r"\sstyle\s*=", r"\son\w+\s*=", r"javascript:", r"<style", r"<script(?! src=)", r"hx-on",
r"<iframe|<object|<embed|<base", r"\bjs:", r'(?:action|href|src)="https?:', r"srcdoc",
        ):  # fmt: skip
            assert not re.search(pattern, text), (file.name, pattern)
        for form in re.findall(r"<form\b[^>]*>", text):
            if 'method="dialog"' in form:
                continue
            assert re.search(r'method="(post|get)"', form), (file.name, form)
            assert re.search(r'action="(/(?!/)|\{\{)', form), (file.name, form)
        assert not re.search(r"\|\s*safe\b|autoescape", file.read_text()), file.name


def test_no_python_of_the_page_makes_markup() -> None:
    for file in TEMPLATE_FOLDER.parent.glob("*.py"):
        assert not re.search(r"\bMarkup\b|autoescape=False|from_string", file.read_text()), file.name


async def test_every_form_goes_to_a_guarded_page(hostile: Hostile) -> None:
    for action in await all_forms(hostile):
        assert page_of(action), action


async def test_what_a_person_does_is_in_the_journal_under_their_name(hostile: Hostile) -> None:
    told, silent, hostile_name = 0, set(), f"user {hostile.names['installer']}"
    for action, form in (await all_forms(hostile)).items():
        page = page_of(action)
        if page.path in OWN | PUBLIC:
            continue
        before = len(await hostile.journal())
        response = await hostile.as_user("POST", URL(action, encoded=True), "installer", data=form.fields)
        await response.read()
        actors = {event[2] for event in (await hostile.journal())[before:]}
        assert actors <= {None, hostile_name}, (action, actors)
        told += hostile_name in actors
        if response.status == 303 and hostile_name not in actors:
            silent.add(page.path)
    assert told > 30
    assert silent <= CHANGES_NOTHING_AS_IT_STANDS
