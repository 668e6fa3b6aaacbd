"""The links to fleet managers: whether each is there, what waits, what it wants and asked for; trying the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import cast

from aiohttp import web

from gateway.pages import fleet_words
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.worded import badge, worded
from gateway.web.problems import Problem

Document = dict[str, object]

_COMMANDS = 5
# younger, it would change in an open tab all the time
_OLD = timedelta(hours=1)


async def show(visit: Visit) -> web.StreamResponse:
    """All of them; without any, how one is connected."""
    facts = await _facts(visit)
    certificates = await _certificates(visit) if facts else {}
    return visit.page("fleet_managers.html", {"managers": facts, "certificates": certificates})


async def pieces(visit: Visit) -> Mapping[str, str]:
    """A card of each."""
    facts = await _facts(visit)
    return {f"manager-{number}": visit.text("fleet_manager.html", {"manager": one}) for number, one in enumerate(facts)}


async def test(visit: Visit) -> web.StreamResponse:
    """Try the way to its broker, step by step."""
    name = visit.matched("name")
    answer = await visit.ask("POST", f"/upstreams/{part(name)}/test")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    values = {"name": name, "tried": answer.document, "words": fleet_words.STEPS}
    return visit.page("fleet_manager_tried.html" if visit.in_part else "fleet_manager_test.html", values)


async def forget(visit: Visit) -> web.StreamResponse:
    """Take the gateway out of its fleet."""
    name = visit.matched("name")
    answer = await visit.ask("POST", f"/upstreams/{part(name)}/forget")
    if not answer.good:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    text = "%(name)s is left. Take its [[upstream]] out of the configuration: a start with it comes back."
    return visit.go("/upstream", visit.gettext(text, name=name))


async def _facts(visit: Visit) -> list[Document]:
    upstreams, documents = await visit.every("/upstreams"), (await visit.get("/documents"))["items"]
    assert isinstance(documents, list)
    return [
        {
            **one,
            "help": fleet_words.help_for(one["trouble"]),
            "flows": [_flow(visit, name, stream) for name, stream in cast(dict[str, Document], one["streams"]).items()],
            "documents": [_document(visit, each) for each in documents if each["upstream"] == one["name"]],
            "commands": await _commands(visit, str(one["name"])),
        }
        for one in upstreams
    ]


async def _commands(visit: Visit, name: str) -> list[Document]:
    found = (await visit.get(f"/upstreams/{part(name)}/commands", limit=_COMMANDS))["items"]
    assert isinstance(found, list)
    return [{**one, **_word(visit, fleet_words.COMMAND_STATES, one["status"])} for one in found]


def _flow(visit: Visit, name: str, stream: Document) -> Document:
    """A stream with what waits in it, in words."""
    backlog, oldest = stream["backlog"], stream["oldest_unacknowledged_time"]
    assert isinstance(backlog, int)
    label = worded(visit, fleet_words.STREAMS, name)
    if not backlog:
        return {**stream, "label": label, "waiting": visit.gettext("everything has arrived")}
    number, when = visit.formats.number(backlog), visit.formats.local(oldest)
    waiting = visit.ngettext("%(count)s event waits", "%(count)s events wait", backlog, count=number)
    if when is not None and visit.formats.now - when > _OLD:
        age = visit.formats.ago(oldest)
    else:
        age = visit.formats.clock(oldest)
    return {**stream, "label": label, "waiting": waiting, "oldest": age}


def _document(visit: Visit, one: Document) -> Document:
    return {
        **one,
        "label": worded(visit, fleet_words.DOCUMENTS, one["doc"]),
        **_word(visit, fleet_words.DOCUMENT_STATES, one["status"]),
    }


def _word(visit: Visit, words: Mapping[str, tuple[str, str]], value: object) -> Document:
    text, look = badge(visit, words, value)
    return {"word": text, "look": look}


async def _certificates(visit: Visit) -> dict[str, list[Document]]:
    """By name of the fleet manager: the certificates of its link, with their ends, or why there is nothing to show."""
    answer = await visit.ask("GET", "/pki")
    listed = answer.document.get("certificates")
    found: dict[str, list[Document]] = {}
    for one in listed if isinstance(listed, list) else []:
        name = str(one["name"]).removeprefix("upstream ")
        if one["kind"] == "upstream":
            manager, _, of = name.rpartition(" ")
            found.setdefault(manager, []).append({**one, "ours": of == "chain", "told": said(visit, one["warning"])})
    return found


PAGES = (
    Page("GET", "/upstream", show, pieces=pieces),
    Page("POST", "/upstream/{name}/test", test, "operator"),
    Page("POST", "/upstream/{name}/forget", forget, "installer"),
)
