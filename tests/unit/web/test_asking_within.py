"""What a page asks within the process reaches the route that the page means, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import gateway.pages
from gateway.web.asking_within import ask, pass_on

PAGES = Path(gateway.pages.__file__).parent
ASKING = {"ask", "get", "pass_on", "hand_through"}
# values that are ours, not a reader's: constants, a path that was made of encoded parts, a word out of a fixed table
OURS = re.compile(r"_?[A-Z][A-Z_]+|path|request\.path|action|wish|part\(.*\)|_path\(.*\)")


def asked_directly(file: Path) -> list[ast.expr]:
    """The values within the paths of calls that ask."""
    return [
        part.value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ASKING
        and ast.unparse(node.func.value) == "visit"
        for argument in node.args
        if isinstance(argument, ast.JoinedStr)
        for part in argument.values
        if isinstance(part, ast.FormattedValue)
    ]


def test_no_page_asks_with_a_part_that_is_not_encoded() -> None:
    asked = [(file.name, ast.unparse(value)) for file in PAGES.glob("*.py") for value in asked_directly(file)]
    assert len(asked) > 30
    assert not [each for each in asked if not OURS.fullmatch(each[1])]


async def test_what_the_browser_sent_stays_with_the_page() -> None:
    heard: list[tuple[str, str, str, bytes, str]] = []

    async def hear(request: web.Request) -> web.Response:
        named, body = request.match_info["name"], await request.read()
        heard.append((request.method, named, request.query_string, body, request.content_type))
        return web.json_response({})

    async def page(request: web.Request) -> web.Response:
        await request.read()
        await ask(request, "POST", "/api/a%2F..%2Fb%3Fx%3D1%23y", body={"own": 1}, query={"q": "&r=1#"})
        await ask(request, "GET", "/api/..")
        return web.Response()

    async def upload(request: web.Request) -> web.Response:
        await pass_on(request, "POST", "/api/upload")
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/api/{name}", hear)
    application.router.add_post("/page", page)
    application.router.add_post("/upload", upload)
    async with TestClient(TestServer(application)) as client:
        headers = {"X-HTTP-Method-Override": "DELETE", "Content-Type": "text/csv"}
        await client.post("/page?evil=1", data=b"theirs", headers=headers)
        await client.post("/upload?evil=1", data=b"theirs", headers=headers)
    assert [each[:4] for each in heard] == [
        ("POST", "a/../b?x=1#y", "q=%26r%3D1#", b'{"own": 1}'),
        ("GET", "..", "", b""),
        ("POST", "upload", "", b"theirs"),
    ]
    assert [each[4] for each in heard] == ["application/json", "application/octet-stream", "text/csv"]
