"""Users: who may log in, with which role; one-time codes for new ones and for new passwords."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from gateway.pages.qr_codes import qr_code_of
from gateway.pages.said import said
from gateway.pages.system import roles
from gateway.pages.table import Page
from gateway.pages.typed_numbers import whole_number
from gateway.pages.visit import Visit, part
from gateway.web.asking_within import Answer
from gateway.web.login import address_of_page
from gateway.web.problems import Problem

Document = Mapping[str, object]

USERS = "/system/users"


async def show(visit: Visit) -> web.StreamResponse:
    """Users, and codes that are still good."""
    return await _users(visit)


async def change_role(visit: Visit) -> web.StreamResponse:
    """Another role for a user."""
    fields = await visit.form()
    answer = await visit.ask("PATCH", f"/users/{part(visit.matched('user'))}", {"role": fields.get("role", "")})
    if not answer.good:
        return await _refused(visit, answer)
    name, role = str(answer.document["name"]), visit.gettext(str(answer.document["role"]))
    return visit.go(USERS, visit.gettext("%(name)s is %(role)s now, and has to log in again.", name=name, role=role))


async def rename(visit: Visit) -> web.StreamResponse:
    """Another name for a user; password and role stay."""
    name, user = (await visit.form()).get("name", ""), visit.matched("user")
    answer = await visit.ask("PATCH", f"/users/{part(user)}", {"name": name})
    if answer.good:
        return visit.go(USERS, visit.gettext("%(name)s is the name to log in with now.", name=answer.document["name"]))
    if "name" not in answer.errors:
        return await _refused(visit, answer)
    mistake = said(visit, answer.errors["name"])
    return await _users(visit, status=answer.status, renamed={"user": user, "name": name, "mistake": mistake})


async def remove(visit: Visit) -> web.StreamResponse:
    """A user goes."""
    answer = await visit.ask("DELETE", f"/users/{part(visit.matched('user'))}")
    if not answer.good:
        return await _refused(visit, answer)
    return visit.go(USERS, visit.gettext("The user is removed and logged out everywhere."))


async def make_code(visit: Visit) -> web.StreamResponse:
    """A code for somebody new, of a role."""
    fields = await visit.form()
    answer = await visit.ask("POST", "/users/codes", {"role": fields.get("role", "")})
    return await _users(visit, made=answer.document) if answer.good else await _refused(visit, answer)


async def make_code_for(visit: Visit) -> web.StreamResponse:
    """A code with which a user takes a new password."""
    user = whole_number(visit.matched("user"))
    answer = await visit.ask("POST", "/users/codes", {"user_id": -1 if user is None else user})
    return await _users(visit, made=answer.document) if answer.good else await _refused(visit, answer)


async def remove_code(visit: Visit) -> web.StreamResponse:
    """A code that is worth nothing any more."""
    answer = await visit.ask("DELETE", f"/users/codes/{part(visit.matched('code'))}")
    if not answer.good:
        return await _refused(visit, answer)
    return visit.go(USERS, visit.gettext("The code is worth nothing any more."))


async def _refused(visit: Visit, answer: Answer) -> web.Response:
    """The page again with what is not possible; what is not to be found is a page of its own."""
    if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        return await _users(visit, refusal=answer)
    raise Problem(HTTPStatus(answer.status), answer.detail)


async def _users(
    visit: Visit,
    *,
    made: Document | None = None,
    refusal: Answer | None = None,
    renamed: Document | None = None,
    status: int = HTTPStatus.OK,
) -> web.Response:
    users = await visit.every("/users")
    names = {each["user_id"]: each["name"] for each in users}
    welcome = f"{address_of_page(visit.request)}/welcome"
    values = {
        "users": users, "names": names, "codes": (await visit.get("/users/codes"))["items"], "roles": roles(visit),
        "made": made, "welcome": welcome, "picture": qr_code_of(welcome) if made else None, "tab": "users",
        "renamed": renamed,
        "refusals": [said(visit, text) for text in (refusal.detail, *refusal.errors.values())] if refusal else [],
    }  # fmt: skip
    return visit.page("system_users.html", values, status=status if refusal is None else refusal.status)


PAGES = (
    Page("GET", USERS, show, "installer"),
    Page("POST", f"{USERS}/codes", make_code, "installer"),
    Page("POST", f"{USERS}/codes/{{code}}/remove", remove_code, "installer"),
    Page("POST", f"{USERS}/{{user}}/role", change_role, "installer"),
    Page("POST", f"{USERS}/{{user}}/name", rename, "installer"),
    Page("POST", f"{USERS}/{{user}}/remove", remove, "installer"),
    Page("POST", f"{USERS}/{{user}}/code", make_code_for, "installer"),
)
