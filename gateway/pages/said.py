"""What the API says in English sentences, said in the reader's language.

The API's texts stay English, for scripts and logs. Sentences are found here by their shape; one that no shape fits is
shown as it is: better English than nothing.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from gateway.pages.words import mark

if TYPE_CHECKING:
    from gateway.pages.visit import Visit
    from gateway.web.problems import Problem

_TITLES = {
    HTTPStatus.FORBIDDEN: mark("You may not do this"),
    HTTPStatus.NOT_FOUND: mark("Not found"),
    HTTPStatus.CONFLICT: mark("This cannot be done now"),
    HTTPStatus.UNPROCESSABLE_ENTITY: mark("This cannot be done like this"),
    HTTPStatus.SERVICE_UNAVAILABLE: mark("The gateway cannot store anything now"),
    HTTPStatus.INTERNAL_SERVER_ERROR: mark("Something went wrong in the gateway"),
}


def said(visit: Visit, sentence: object) -> str:
    """A sentence of the API for this reader."""
    return visit.gettext(str(sentence)) if sentence else ""


def problem_title(visit: Visit, problem: Problem) -> str:
    """The heading of the page that a problem becomes."""
    return visit.gettext(_TITLES.get(problem.status, mark("This did not work")))
