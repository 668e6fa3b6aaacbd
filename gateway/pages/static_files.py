"""Scripts, styles and pictures of the page: read once, kept by browsers for a year under an address with a checksum."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

STATIC_FOLDER = Path(__file__).with_name("static")
PREFIX = "/static/"

_SERVED = (".js", ".css", ".svg", ".png", ".ico", ".webmanifest")
_KEPT_FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, eq=False)
class StaticFiles:
    """Every file that is served, with a checksum of each."""

    bodies: Mapping[str, bytes]
    checksums: Mapping[str, str]

    def address(self, name: str) -> str:
        """Where a browser finds the file; another content has another address. KeyError: there is no such file."""
        return f"{PREFIX}{name}?{self.checksums[name]}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The file that the path names."""
        name = request.match_info["name"]
        body = self.bodies.get(name)
        if body is None:
            raise web.HTTPNotFound
        kept = _KEPT_FOR_A_YEAR if request.query_string == self.checksums[name] else "no-cache"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response = web.Response(body=body, content_type=kind, headers=headers)
        if kind.startswith("text/"):
            response.charset = "utf-8"
        response.enable_compression()
        return response


@cache
def read_static_files() -> StaticFiles:
    """All files under static/ that browsers get, as they were when a process first asked."""
    files = [file for file in sorted(STATIC_FOLDER.rglob("*")) if file.is_file() and file.suffix in _SERVED]
    bodies = {file.relative_to(STATIC_FOLDER).as_posix(): file.read_bytes() for file in files}
    checksums = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in bodies.items()}
    return StaticFiles(bodies, checksums)
