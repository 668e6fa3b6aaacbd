"""What the API says in English sentences, said in the reader's language.

The API's texts stay English, for scripts and logs. Sentences are found here by their shape (said_of_*.py); one that no
shape fits is shown as it is: better English than nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from babel import Locale

from gateway.pages import (
    said_of_fields,
    said_of_firmware,
    said_of_fleet,
    said_of_health,
    said_of_load,
    said_of_meters,
    said_of_network,
    said_of_people,
    said_of_stations,
)
from gateway.pages.formats import Formats
from gateway.pages.said_shapes import Shapes, Speaker
from gateway.pages.words import mark, texts_of

if TYPE_CHECKING:
    from gateway.pages.visit import Visit
    from gateway.web.problems import Problem

TEXTS = (
    *said_of_fields.TEXTS,
    *said_of_firmware.TEXTS,
    *said_of_fleet.TEXTS,
    *said_of_health.TEXTS,
    *said_of_load.TEXTS,
    *said_of_meters.TEXTS,
    *said_of_network.TEXTS,
    *said_of_people.TEXTS,
    *said_of_stations.TEXTS,
)
# of sentences said, those of a site's every connector in every language
_KEPT = 4096
_LONGEST_KEPT = 1000
_TITLES = {
    HTTPStatus.FORBIDDEN: mark("You may not do this"),
    HTTPStatus.NOT_FOUND: mark("Not found"),
    HTTPStatus.CONFLICT: mark("This cannot be done now"),
    HTTPStatus.UNPROCESSABLE_ENTITY: mark("This cannot be done like this"),
    HTTPStatus.SERVICE_UNAVAILABLE: mark("The gateway cannot store anything now"),
    HTTPStatus.INTERNAL_SERVER_ERROR: mark("Something went wrong in the gateway"),
}


def said(visit: Visit, sentence: object) -> str:
    """A sentence of the API for this reader; in English as it is."""
    text = str(sentence) if sentence else ""
    if visit.language == "en" or not text:
        return text
    say = _kept if len(text) <= _LONGEST_KEPT else _said
    return say(visit.language, visit.formats.locale, visit.formats.zone, text)


def problem_title(visit: Visit, problem: Problem) -> str:
    """The heading of the page that a problem becomes."""
    return visit.gettext(_TITLES.get(problem.status, mark("This did not work")))


def missed_of(sentence: str) -> list[str]:
    """The parts of a sentence that no shape fits."""
    speaker = Speaker(shapes(), texts_of("en"), Formats(Locale("en"), UTC, datetime.now(UTC)), [])
    speaker.say(sentence)
    return speaker.missed


@cache
def shapes() -> Shapes:
    """Every shape there is."""
    return Shapes(TEXTS)


def _said(language: str, locale: Locale, zone: tzinfo, sentence: str) -> str:
    return Speaker(shapes(), texts_of(language), Formats(locale, zone, datetime.now(UTC)), []).say(sentence)


_kept = lru_cache(_KEPT)(_said)
