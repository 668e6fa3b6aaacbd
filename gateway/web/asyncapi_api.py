"""/api/v1/asyncapi.json: what travels over MQTT. The document is put together in `gateway/contract`."""

from __future__ import annotations

from functools import cache

from aiohttp import web

from gateway.web.asking import json_response
from gateway.web.routes import Route


async def get_asyncapi(request: web.Request) -> web.StreamResponse:
    """The AsyncAPI document."""
    return json_response(_document())


@cache
def _document() -> dict[str, object]:
    from gateway.contract.asyncapi import document  # most gateways are never asked

    return document()


ROUTES = (
    Route(
        "GET", "/api/v1/asyncapi.json", get_asyncapi, "public",
        "The AsyncAPI document about everything that travels over MQTT", answers={200: {"type": "object"}},
    ),
)  # fmt: skip
