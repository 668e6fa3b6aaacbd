"""Cards from a file, with every mistake on its line, and the list as a file."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import web
from aiohttp.web_request import FileField

from gateway.pages.forms import uploaded_form
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit

_MOST_SHOWN = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


async def show(visit: Visit) -> web.StreamResponse:
    """What a file looks like, and the form for one."""
    return _page(visit)


async def send(visit: Visit) -> web.StreamResponse:
    """Import the file; with mistakes they are shown, and nothing was stored unless the good lines were wanted."""
    form = await uploaded_form(visit.request)
    file, partial = form.get("file"), form.get("partial") == "on"
    if not isinstance(file, FileField):
        return _page(visit, partial=partial, mistake=visit.gettext("Choose a file first."))
    content = file.file.read()
    answer = await visit.ask(
        "POST", "/id-tags/import", content, query={"partial": partial}, content_type=content_type_of(content)
    )
    errors = cast(list[Mapping[str, object]], answer.document.get("errors") or [])
    if not answer.good:
        mistake = said(visit, answer.detail) if not errors else ""
        return _page(visit, partial=partial, mistake=mistake, errors=errors, name=file.filename)
    count = cast(int, answer.document["imported"])
    notice = visit.ngettext("%(num)d card was imported.", "%(num)d cards were imported.", count)
    if errors:
        return _page(visit, partial=partial, errors=errors, imported=notice, name=file.filename)
    return visit.go("/access", notice)


def content_type_of(content: bytes) -> str:
    """What kind of file this is, by its first character: names of files are often wrong."""
    begin = content.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1]
    return "application/json" if begin in (b"[", b"{") else "text/csv"


def _page(
    visit: Visit,
    *,
    partial: bool = False,
    mistake: str = "",
    errors: list[Mapping[str, object]] | None = None,
    imported: str = "",
    name: str = "",
) -> web.Response:
    listed = errors or []
    facts = {
        "partial": partial,
        "mistake": mistake,
        "errors": listed[:_MOST_SHOWN],
        "errors_count": len(listed),
        "imported": imported,
        "name": name,
    }
    wrong = bool(mistake or (listed and not imported))
    return visit.page("access_import.html", facts, status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK)


PAGES = (
    Page("GET", "/access/import", show, "operator"),
    Page("POST", "/access/import", send, "operator"),
)
