"""/api/v1/openapi.json: the OpenAPI 3.1 document, written from the same route table that the application registers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from gateway.web.asking import json_response
from gateway.web.documents import SCHEMAS
from gateway.web.login import COOKIE
from gateway.web.routes import Parameter, Route

PATH = "/api/v1/openapi.json"

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def route_to_document(routes: Sequence[Route]) -> Route:
    """The route that gives the document about `routes` and about itself; nobody needs a token for it."""

    async def get_document(request: web.Request) -> web.StreamResponse:
        """The OpenAPI document."""
        return json_response(document)

    route = Route("GET", PATH, get_document, "public", "This document", answers={200: {"type": "object"}})
    document = document_of((*routes, route))
    return route


def document_of(routes: Sequence[Route]) -> dict[str, object]:
    """The OpenAPI document about these routes."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ocpp-gateway",
            "version": "1",
            "description": "Local OCPP central system. Times are RFC 3339 UTC; errors are RFC 9457 documents.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "login": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}"
        if hasattr(route.handler, "__name__")
        else route.path,
        "summary": route.summary,
        "description": _who(route),
        "tags": [_tag(route.path)],
        "parameters": [_in_path(name) for name in re.findall(r"{(\w+)}", route.path)]
        + [_in_query(parameter) for parameter in route.parameters],
        "responses": _responses(route),
        "security": []
        if route.access == "public"
        else [{"token": []}, {"login": []}, {}]
        if route.access == "loopback"
        else [{"token": []}, {"login": []}],
    }
    if route.request:
        operation["requestBody"] = {"content": {media: {"schema": _schema(of)} for media, of in route.request.items()}}
    return operation


def _responses(route: Route) -> dict[str, object]:
    errors = set(route.errors)
    if route.access not in ("public", "loopback"):
        errors |= {401, 403}
    if route.access == "loopback":
        errors.add(401)
    told = {str(status): {"description": HTTPStatus(status).phrase, "content": _PROBLEM} for status in errors}
    answered = {
        str(status): {"description": HTTPStatus(status).phrase, **({} if of is None else {"content": _content(of)})}
        for status, of in route.answers.items()
    }
    return dict(sorted({**told, **answered}.items()))


def _content(of: object) -> dict[str, object]:
    """A schema (its name or itself) is JSON; a mapping from media types says which other forms there are."""
    if isinstance(of, Mapping) and all("/" in str(media) for media in of):
        return {str(media): {"schema": _schema(schema)} for media, schema in of.items()}
    return {"application/json": {"schema": _schema(of)}}


def _schema(of: object) -> object:
    return {"$ref": f"#/components/schemas/{of}"} if isinstance(of, str) else of


def _in_path(name: str) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _in_query(parameter: Parameter) -> dict[str, object]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _tag(path: str) -> str:
    return path.removeprefix("/api/v1/").strip("/").split("/")[0].split(".")[0]


def _who(route: Route) -> str:
    if route.access == "public":
        return "Needs no token and no login."
    if route.access == "loopback":
        return "Needs no token on loopback; from elsewhere the role viewer."
    return f"Needs the role {route.access}."
