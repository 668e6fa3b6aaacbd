"""Coming in and going out: name and password, or a one-time code for the first time; and what a reader likes to read.

Language and theme are kept by the browser, so that they hold before the login as well.
"""

from __future__ import annotations

from aiohttp import web

from gateway.pages.guard import LANGUAGE_COOKIE, LOGIN, THEME_COOKIE, THEMES, safe_way_back
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.pages.words import LANGUAGES
from gateway.web.asking_within import Answer

_YEAR_SECONDS = 365 * 86_400


async def show_login(visit: Visit) -> web.StreamResponse:
    """Name and password."""
    if visit.person is not None:
        return visit.go(safe_way_back(visit.asked("next", "/")))
    return _login(visit)


async def log_in(visit: Visit) -> web.StreamResponse:
    """Come in, and go where one was going."""
    fields = await visit.form()
    body = {"name": fields.get("name", ""), "password": fields.get("password", "")}
    answer = await visit.ask("POST", "/session", body)
    if not answer.good:
        return _login(visit, answer, fields)
    return _come_in(visit, answer, safe_way_back(fields.get("next", "/")))


async def show_welcome(visit: Visit) -> web.StreamResponse:
    """The first time: a code makes a user."""
    return _welcome(visit)


async def redeem(visit: Visit) -> web.StreamResponse:
    """Make oneself a user, or take a new password, with a code."""
    fields = await visit.form()
    if fields.get("password", "") != fields.get("again", ""):
        mistake = visit.gettext("The two passwords differ.")
        return _welcome(visit, Answer(422, {"errors": [{"field": "again", "detail": mistake}]}), fields)
    body: dict[str, object] = {"code": fields.get("code", ""), "password": fields.get("password", "")}
    if fields.get("name"):
        body["name"] = fields["name"]
    answer = await visit.ask("POST", "/session/redeem", body)
    if not answer.good:
        return _welcome(visit, answer, fields)
    return _come_in(visit, answer, "/setup" if answer.document["role"] == "installer" else "/")


async def log_out(visit: Visit) -> web.StreamResponse:
    """Leave."""
    answer = await visit.ask("DELETE", "/session")
    response = visit.go(LOGIN, visit.gettext("You are logged out."))
    response.cookies.update(answer.cookies)
    return response


async def show_account(visit: Visit) -> web.StreamResponse:
    """What a person can change about oneself."""
    return visit.page("account.html", {"errors": {}, "languages": LANGUAGES, "themes": THEMES})


async def change_password(visit: Visit) -> web.StreamResponse:
    """Another password for oneself."""
    fields = await visit.form()
    answer = Answer(422, {"errors": [{"field": "again", "detail": visit.gettext("The two passwords differ.")}]})
    if fields.get("new", "") == fields.get("again", ""):
        body = {"old": fields.get("old", ""), "new": fields.get("new", "")}
        answer = await visit.ask("PUT", "/session/password", body)
    if answer.good:
        response = visit.go("/account", visit.gettext("The new password holds. Other devices have to log in again."))
        response.cookies.update(answer.cookies)
        return response
    errors = _errors(visit, answer, whole="old")
    return visit.page("account.html", {"errors": errors, "languages": LANGUAGES, "themes": THEMES}, status=422)


async def prefer(visit: Visit) -> web.StreamResponse:
    """Another language or theme for this browser."""
    fields = await visit.form()
    response = visit.go(safe_way_back(fields.get("next", "/account")))
    for name, cookie, known in (("language", LANGUAGE_COOKIE, LANGUAGES), ("theme", THEME_COOKIE, THEMES)):
        if fields.get(name) in known:
            response.set_cookie(cookie, fields[name], max_age=_YEAR_SECONDS, samesite="Strict", path="/", httponly=True)
    return response


def _login(visit: Visit, answer: Answer | None = None, fields: dict[str, str] | None = None) -> web.Response:
    values = {
        "problem": said(visit, answer.detail) if answer else "",
        "name": (fields or {}).get("name", ""),
        "next": safe_way_back((fields or {}).get("next") or visit.asked("next", "/")),
        "languages": LANGUAGES,
    }
    return visit.page("login.html", values, status=_status(answer))


def _welcome(visit: Visit, answer: Answer | None = None, fields: dict[str, str] | None = None) -> web.Response:
    values = {"errors": _errors(visit, answer, whole="code"), "fields": fields or {}, "languages": LANGUAGES}
    return visit.page("welcome.html", values, status=_status(answer))


def _status(answer: Answer | None) -> int:
    return 200 if answer is None else answer.status


def _errors(visit: Visit, answer: Answer | None, *, whole: str) -> dict[str, str]:
    """Mistakes by field; what concerns none of them stands at `whole`."""
    if answer is None:
        return {}
    return {name: said(visit, text) for name, text in answer.errors.items()} or {whole: said(visit, answer.detail)}


def _come_in(visit: Visit, answer: Answer, to: str) -> web.Response:
    response = visit.go(to)
    response.cookies.update(answer.cookies)
    return response


PAGES = (
    Page("GET", LOGIN, show_login, "public"),
    Page("POST", LOGIN, log_in, "public"),
    Page("GET", "/welcome", show_welcome, "public"),
    Page("POST", "/welcome", redeem, "public"),
    Page("POST", "/logout", log_out, "viewer"),
    Page("GET", "/account", show_account, "viewer"),
    Page("POST", "/account/password", change_password, "viewer"),
    Page("POST", "/preferences", prefer, "public"),
)
