"""One person looking at one page: who they are, their language, and the API as they may use it.

Handlers get a Visit and nothing else. What the API refuses is either shown beside the form that asked (`ask`), or it
ends the page (`get` raises a Problem, which the guard shows).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from gettext import NullTranslations
from http import HTTPStatus
from urllib.parse import quote, unquote, urlencode

from aiohttp import web
from jinja2 import Environment

from gateway.pages.formats import Formats
from gateway.pages.forms import fields_of_form
from gateway.web.asking import MOST_ITEMS
from gateway.web.asking_within import Answer, ask, hand_through, pass_on
from gateway.web.login import Person, allows
from gateway.web.problems import Problem
from gateway.web.routes import Access

API = "/api/v1"
NOTICE_COOKIE = "ocppgw_notice"
_LONGEST_NOTICE = 400
_TEXTS_AT_ONCE = 500  # some milliseconds
# what htmx sends with its own requests: the answer goes into a part of the page
_PART_HEADER = "HX-Request"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page. `person` is None before the login."""

    request: web.Request
    person: Person | None
    language: str
    texts: NullTranslations
    formats: Formats
    theme: str  # light, dark, or auto
    environment: Environment
    site_name: str
    live: str = ""  # where the page's stream is, if it has one

    def gettext(self, text: str, **values: object) -> str:
        """A text in the reader's language; `values` fill its %(name)s."""
        said = self.texts.gettext(text) if text else ""  # under the empty key is the catalog's own heading
        return said % values if values else said

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """A text with a number in it, which %(num)s names."""
        return self.texts.ngettext(one, many, number) % {"num": number, **values}

    def may(self, access: Access) -> bool:
        """Whether the reader may do what needs this role."""
        return allows(self.person, access)

    @property
    def in_part(self) -> bool:
        """Whether htmx asks for a part of the page, not for all of it."""
        return _PART_HEADER in self.request.headers

    def matched(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def asked(self, name: str, otherwise: str = "") -> str:
        """A query parameter."""
        return self.request.query.get(name, otherwise).strip()

    async def form(self) -> dict[str, str]:
        """The fields of a posted form; of several with one name the last. Blanks and Problems as in `forms`."""
        return dict(await fields_of_form(self.request))

    async def form_lists(self) -> dict[str, list[str]]:
        """The fields of a posted form with every value of each name."""
        lists: dict[str, list[str]] = {}
        for name, value in await fields_of_form(self.request):
            lists.setdefault(name, []).append(value)
        return lists

    async def get(self, path: str, **query: object) -> dict[str, object]:
        """A document of the API (`path` begins behind /api/v1 and is encoded, see `part`). Raises Problem."""
        answer = await self.ask("GET", path, query=query)
        if not answer.good:
            raise Problem(HTTPStatus(answer.status), answer.detail)
        return answer.document

    async def every(self, path: str, **query: object) -> list[dict[str, object]]:
        """All items of a collection that is only as long as the site is large, such as its stations. Raises Problem."""
        found: list[dict[str, object]] = []
        after: object = None
        while True:
            page = await self.get(path, limit=MOST_ITEMS, after=after, **query)
            items, after = page["items"], page["next"]
            assert isinstance(items, list)
            found += items
            if after is None:
                return found

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | bytes | None = None,
        *,
        query: Mapping[str, object] | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the API; what it answers, refusals included."""
        return await ask(
            self.request, method, API + path, query=query, body=body, content_type=content_type, headers=headers
        )

    async def pass_on(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Hand the body that is coming in on to the API (an upload)."""
        return await pass_on(self.request, method, API + path, headers)

    async def hand_through(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> web.StreamResponse | Answer:
        """Let the API answer the browser by itself (a download); an Answer when it refuses."""
        return await hand_through(self.request, method, API + path, body)

    def hours_ago(self, hours: float) -> str:
        """An instant so long ago, as the API takes it; to the minute, so that an address stays the same for a while."""
        begin = self.formats.now.replace(second=0, microsecond=0) - timedelta(hours=hours)
        return f"{begin:%Y-%m-%dT%H:%M:%SZ}"

    def text(self, template: str, values: Mapping[str, object] | None = None) -> str:
        """A template filled in; every template knows `visit`."""
        return self.environment.get_template(template).render({**(values or {}), "visit": self})

    def page(self, template: str, values: Mapping[str, object] | None = None, *, status: int = 200) -> web.Response:
        """A template as the answer; 422 for a form that is shown again with its mistakes."""
        return web.Response(status=status, text=self.text(template, values), content_type="text/html")

    async def long_page(self, template: str, values: Mapping[str, object]) -> web.Response:
        """A template that is long as the answer: stations are answered while it is filled in."""
        texts: list[str] = []
        for text in self.environment.get_template(template).generate({**values, "visit": self}):
            texts.append(text)
            if len(texts) % _TEXTS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return web.Response(text="".join(texts), content_type="text/html")

    def go(self, to: str, notice: str | None = None) -> web.Response:
        """Send the browser to another page, which shows the notice once. For a form that htmx sent: the whole page."""
        if self.in_part:
            response = web.Response(status=HTTPStatus.OK, headers={"HX-Redirect": to})
        else:
            response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": to})
        if notice:
            value = quote(notice[:_LONGEST_NOTICE])
            response.set_cookie(NOTICE_COOKIE, value, max_age=60, httponly=True, samesite="Strict", path="/")
        return response


def part(text: object) -> str:
    """A text as one segment of a path."""
    return quote(str(text), safe="")


def address_with(path: str, **query: object) -> str:
    """A path with those members of a query that are not empty."""
    asked = {name: str(value) for name, value in query.items() if value not in ("", None)}
    return path + (f"?{urlencode(asked)}" if asked else "")


def notice_of(visit: Visit) -> str:
    """What the page before wanted said, once."""
    return unquote(visit.request.cookies.get(NOTICE_COOKIE, ""))[:_LONGEST_NOTICE]
