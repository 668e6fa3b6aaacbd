"""/session: logging in with name and password or with a one-time code, who I am, logging out, a new password.

Wrong is answered in one way, whatever is wrong; too many tries with 429 and Retry-After.
"""

from __future__ import annotations

import math
from http import HTTPStatus

from aiohttp import web

from gateway.operations.log_in import (
    Caller,
    LoggedIn,
    MustWait,
    Wrong,
    change_own_password,
    log_in,
    log_out,
    redeem_code,
)
from gateway.operations.manage_users import NotAUser
from gateway.web.asking import expect_only, json_response
from gateway.web.login import (
    PERSON,
    Person,
    address_of,
    clear_cookie,
    expect_own_page,
    session_secret,
    set_cookie,
)
from gateway.web.people_fields import Fields, fields_of, problem_of
from gateway.web.problems import Problem
from gateway.web.routes import SITE, Route


async def post(request: web.Request) -> web.StreamResponse:
    """Log in."""
    fields = await _asked(request)
    fields.expect_only("name", "password")
    name, password = fields.text("name"), fields.text("password")
    fields.stop_if_wrong()
    outcome = await log_in(request.app[SITE], name=name, password=password, caller=caller_of(request))
    return _logged_in(request, outcome, "the name or the password is wrong")


async def redeem(request: web.Request) -> web.StreamResponse:
    """Log in with a one-time code: as a new user, or with a new password."""
    fields = await _asked(request)
    fields.expect_only("code", "name", "password")
    code, name, password = fields.text("code"), fields.optional_text("name"), fields.text("password")
    fields.stop_if_wrong()
    try:
        outcome = await redeem_code(
            request.app[SITE], code=code, name=name, password=password, caller=caller_of(request)
        )
    except NotAUser as refused:
        raise problem_of(refused) from refused
    return _logged_in(request, outcome, "the code is wrong, was used, or is too old")


async def get(request: web.Request) -> web.StreamResponse:
    """Who I am."""
    expect_only(request, ())
    return json_response(_document(request[PERSON]))


async def delete(request: web.Request) -> web.StreamResponse:
    """Log out."""
    expect_only(request, ())
    person, secret = request[PERSON], session_secret(request)
    if person.kind == "user" and secret is not None:
        await log_out(request.app[SITE], secret, name=person.shown)
    response = web.Response(status=204)
    clear_cookie(request, response)
    return response


async def put_password(request: web.Request) -> web.StreamResponse:
    """Give myself another password."""
    expect_only(request, ())
    fields, person = await fields_of(request), request[PERSON]
    fields.expect_only("old", "new")
    old, new = fields.text("old"), fields.text("new")
    fields.stop_if_wrong()
    if person.user_id is None:
        raise Problem(HTTPStatus.CONFLICT, f"only a user has a password; {person.shown} is none")
    try:
        outcome = await change_own_password(
            request.app[SITE], person.user_id, old=old, new=new, caller=caller_of(request)
        )
    except NotAUser as refused:
        raise problem_of(refused) from refused
    if isinstance(outcome, Wrong):
        raise Problem(HTTPStatus.FORBIDDEN, "the old password is wrong")
    return _logged_in(request, outcome, "", status=200)


def caller_of(request: web.Request) -> Caller:
    """Where a login comes from."""
    agent = "".join(letter for letter in request.headers.get("User-Agent", "") if letter.isprintable())
    return Caller(address_of(request), agent)


def problem_of_waiting(waiting: MustWait) -> Problem:
    """429: not before some seconds have passed."""
    seconds = math.ceil(waiting.seconds)
    detail = f"too many tries: the next one in {seconds} s"
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(seconds)})


async def _asked(request: web.Request) -> Fields:
    expect_only(request, ())
    expect_own_page(request)
    return await fields_of(request)


def _logged_in(
    request: web.Request, outcome: LoggedIn | Wrong | MustWait, wrong: str, *, status: int = 201
) -> web.Response:
    if isinstance(outcome, MustWait):
        raise problem_of_waiting(outcome)
    if isinstance(outcome, Wrong):
        raise Problem(HTTPStatus.UNAUTHORIZED, wrong, headers={"WWW-Authenticate": 'Bearer realm="ocpp-gateway"'})
    user = outcome.user
    document = {"kind": "user", "name": user.name, "role": user.role, "user_id": user.user_id}
    response = json_response(document, status=status)
    response.headers["Cache-Control"] = "no-store"
    set_cookie(request, response, outcome.secret)
    return response


def _document(person: Person) -> dict[str, object]:
    return {"kind": person.kind, "name": person.shown, "role": person.role, "user_id": person.user_id}


ROUTES = (
    Route(
        "POST", "/api/v1/session", post, "public", "Log in with name and password; the answer sets a cookie",
        request={"application/json": "LoginFields"}, answers={201: "Session"}, errors=(400, 401, 403, 413, 422, 429),
    ),
    Route(
        "POST", "/api/v1/session/redeem", redeem, "public",
        "Log in with a one-time code: it makes a user, or gives its user a new password",
        request={"application/json": "RedeemFields"}, answers={201: "Session"},
        errors=(400, 401, 403, 409, 413, 422, 429),
    ),
    Route("GET", "/api/v1/session", get, "viewer", "Who I am", answers={200: "Session"}),
    Route("DELETE", "/api/v1/session", delete, "viewer", "Log out", answers={204: None}),
    Route(
        "PUT", "/api/v1/session/password", put_password, "viewer",
        "Give myself another password; it ends all other sessions of mine",
        request={"application/json": "PasswordFields"}, answers={200: "Session"}, errors=(400, 409, 413, 422, 429),
    ),
)  # fmt: skip
