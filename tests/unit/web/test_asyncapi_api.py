"""The AsyncAPI document over HTTP: whoever builds a fleet manager gets it without a token."""

from __future__ import annotations

from gateway.contract.asyncapi import document
from tests.unit.web.conftest import Door


async def test_the_document_needs_no_token(door: Door) -> None:
    assert await door.document("GET", "/api/v1/asyncapi.json", role=None) == document()
