"""/tokens: who may use this API. A token's text is shown in the answer that makes it and never again."""

from __future__ import annotations

from aiohttp import web

from gateway.model.instants import text_of
from gateway.operations.manage_tokens import ROLES, create_token, revoke_token
from gateway.store import tokens
from gateway.store.tokens import TokenRow
from gateway.web.asking import collection, expect_only, integer_of, json_response, limit_of, object_of, path_number
from gateway.web.login import actor_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Route

_LONGEST_NAME = 100


async def list_tokens(request: web.Request) -> web.StreamResponse:
    """Tokens without their secrets."""
    expect_only(request, ("limit", "after"))
    limit = limit_of(request)
    found = await tokens.page(request.app[SITE].readers, after=integer_of(request, "after") or 0, limit=limit + 1)
    cursor = found[limit - 1].token_id if len(found) > limit else None
    return collection([_document(row) for row in found[:limit]], cursor)


async def post(request: web.Request) -> web.StreamResponse:
    """Make a token."""
    expect_only(request, ())
    fields = await object_of(request)
    role = next((role for role in ROLES if role == fields.get("role")), None)
    name = fields.get("name") or ""
    errors = [
        {"field": field, "detail": "unknown; known are role, name"} for field in fields if field not in ("role", "name")
    ]
    if role is None:
        errors.append({"field": "role", "detail": "expected one of " + ", ".join(ROLES)})
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not name.isprintable():
        errors.append({"field": "name", "detail": f"expected printable text of up to {_LONGEST_NAME} characters"})
    if errors or role is None:
        raise unacceptable("the token cannot be made like this", errors)
    made = await create_token(request.app[SITE], role=role, name=str(name), actor=actor_of(request))
    response = json_response({**_document(made.row), "token": made.text}, status=201)
    response.headers["Cache-Control"] = "no-store"
    return response


async def delete(request: web.Request) -> web.StreamResponse:
    """Revoke a token."""
    expect_only(request, ())
    token_id = path_number(request, "token_id")
    if token_id is None or not await revoke_token(request.app[SITE], token_id, actor=actor_of(request)):
        raise not_found(f"no token {request.match_info['token_id']} is known")
    return web.Response(status=204)


def _document(row: TokenRow) -> dict[str, object]:
    return {"token_id": row.token_id, "name": row.name, "role": row.role, "created_time": text_of(row.created_at)}


ROUTES = (
    Route(
        "GET", "/api/v1/tokens", list_tokens, "installer", "Tokens, without their secrets",
        parameters=(LIMIT, AFTER), answers={200: "TokenCollection"}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/tokens", post, "installer", "Make a token; its text is shown only in this answer",
        request={"application/json": "TokenFields"}, answers={201: "NewToken"}, errors=(400, 413, 422),
    ),
    Route(
        "DELETE", "/api/v1/tokens/{token_id}", delete, "installer", "Revoke a token",
        answers={204: None}, errors=(404,),
    ),
)  # fmt: skip
