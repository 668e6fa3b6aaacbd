"""/users: accounts of people and the codes that make them. A code is shown in the answer that makes it, never again."""

from __future__ import annotations

from aiohttp import web

from gateway.model.instants import Instant, text_of
from gateway.operations.manage_users import (
    Changes,
    MadeCode,
    NotAUser,
    change_user,
    create_code,
    create_user,
    remove_code,
    remove_user,
)
from gateway.store import one_time_codes, users
from gateway.store.one_time_codes import CodeRow
from gateway.store.users import UserRow
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, path_number
from gateway.web.login import actor_of
from gateway.web.people_fields import fields_of, problem_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Route


async def list_users(request: web.Request) -> web.StreamResponse:
    """Users in the order they were made."""
    expect_only(request, ("limit", "after"))
    limit = limit_of(request)
    found = await users.page(request.app[SITE].readers, after=integer_of(request, "after") or 0, limit=limit + 1)
    cursor = found[limit - 1][0].user_id if len(found) > limit else None
    return collection([_document(user, seen) for user, seen in found[:limit]], cursor)


async def post(request: web.Request) -> web.StreamResponse:
    """Make a user."""
    expect_only(request, ())
    fields = await fields_of(request)
    fields.expect_only("name", "role", "password")
    name, password, role = fields.text("name"), fields.text("password"), fields.role()
    if fields.members.get("role") is None:
        fields.errors.append({"field": "role", "detail": "is needed"})
    fields.stop_if_wrong()
    assert role is not None
    try:
        made = await create_user(request.app[SITE], name=name, role=role, password=password, actor=actor_of(request))
    except NotAUser as refused:
        raise problem_of(refused) from refused
    return json_response(_document(made, None), status=201)


async def patch(request: web.Request) -> web.StreamResponse:
    """Give a user another name, role or password."""
    expect_only(request, ())
    fields = await fields_of(request)
    fields.expect_only("name", "role", "password")
    changes = Changes(fields.optional_text("name"), fields.role(), fields.optional_text("password"))
    fields.stop_if_wrong()
    if changes == Changes():
        raise unacceptable("expected one of name, role, password")
    try:
        changed = await change_user(request.app[SITE], _user_id(request), changes, actor=actor_of(request))
    except NotAUser as refused:
        raise problem_of(refused) from refused
    return json_response(_document(changed, None))


async def delete(request: web.Request) -> web.StreamResponse:
    """Remove a user."""
    expect_only(request, ())
    try:
        await remove_user(request.app[SITE], _user_id(request), actor=actor_of(request))
    except NotAUser as refused:
        raise problem_of(refused) from refused
    return web.Response(status=204)


async def list_codes(request: web.Request) -> web.StreamResponse:
    """Codes that are still good, newest first, without their texts."""
    expect_only(request, ())
    site = request.app[SITE]
    return collection([_code(row) for row in await one_time_codes.known(site.readers, now=site.wall_clock())], None)


async def post_code(request: web.Request) -> web.StreamResponse:
    """Make a code."""
    expect_only(request, ())
    fields = await fields_of(request)
    fields.expect_only("role", "user_id")
    role, user_id = fields.role(), fields.number("user_id")
    if (role is None) == (user_id is None):
        fields.errors.append({"field": "role", "detail": "expected either role or user_id"})
    fields.stop_if_wrong()
    try:
        made = await create_code(request.app[SITE], role=role, user_id=user_id, actor=actor_of(request))
    except NotAUser as refused:
        raise problem_of(refused) from refused
    response = json_response(_new_code(made), status=201)
    response.headers["Cache-Control"] = "no-store"
    return response


async def delete_code(request: web.Request) -> web.StreamResponse:
    """Forget a code."""
    expect_only(request, ())
    code_id = path_number(request, "code_id")
    if code_id is None or not await remove_code(request.app[SITE], code_id, actor=actor_of(request)):
        raise not_found(f"no code {request.match_info['code_id']} is known")
    return web.Response(status=204)


def _user_id(request: web.Request) -> int:
    user_id = path_number(request, "user_id")
    if user_id is None:
        raise not_found(f"no user {request.match_info['user_id']} is known")
    return user_id


def _document(user: UserRow, seen: Instant | None) -> dict[str, object]:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "role": user.role,
        "created_time": text_of(user.created_at),
        "password_time": text_of(user.password_at),
        "last_seen_time": None if seen is None else text_of(seen),
    }


def _code(row: CodeRow) -> dict[str, object]:
    return {
        "code_id": row.code_id,
        "role": row.role,
        "user_id": row.user_id,
        "made_by": row.made_by,
        "made_time": text_of(row.made_at),
        "expires_time": text_of(row.expires_at),
    }


def _new_code(made: MadeCode) -> dict[str, object]:
    return {**_code(made.row), "name": made.name, "code": made.text}


ROUTES = (
    Route(
        "GET", "/api/v1/users", list_users, "installer", "Users, in the order they were made",
        parameters=(LIMIT, AFTER), answers={200: "UserCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/users", post, "installer", "Make a user",
        request={"application/json": "NewUserFields"}, answers={201: "User"}, errors=(400, 409, 413, 422),
    ),
    Route(
        "PATCH", "/api/v1/users/{user_id}", patch, "installer",
        "Give a user another name, role or password; the latter two end the user's sessions",
        request={"application/json": "UserFields"}, answers={200: "User"}, errors=(400, 404, 409, 413, 422),
    ),
    Route(
        "DELETE", "/api/v1/users/{user_id}", delete, "installer", "Remove a user, but never the last installer",
        answers={204: None}, errors=(404, 409),
    ),
    Route(
        "GET", "/api/v1/users/codes", list_codes, "installer", "One-time codes that are still good",
        answers={200: "CodeCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/users/codes", post_code, "installer",
        "Make a one-time code for a new user of a role, or for a user's new password; shown only in this answer",
        request={"application/json": "CodeFields"}, answers={201: "NewCode"}, errors=(400, 404, 413, 422),
    ),
    Route(
        "DELETE", "/api/v1/users/codes/{code_id}", delete_code, "installer", "Forget a one-time code",
        answers={204: None}, errors=(404,),
    ),
)  # fmt: skip
