from __future__ import annotations

from typing import cast

from aiohttp import web
from jinja2 import Environment

from gateway.pages.visit import Visit
from gateway.pages.worded import badge, worded
from gateway.pages.words import texts_of
from tests.unit.pages.test_said import visit_in

_TABLE = {"Charging": "Charging"}
_BADGES = {"Charging": ("Charging", "good")}


def german() -> Visit:
    return Visit(
        request=cast(web.Request, None), person=None, language="de", texts=texts_of("de"),
        formats=visit_in("de").formats, theme="auto", environment=cast(Environment, None), site_name="",
    )  # fmt: skip


def test_known_values_are_said_in_the_readers_language() -> None:
    assert worded(german(), _TABLE, "Charging") == "Lädt"
    assert badge(german(), _BADGES, "Charging") == ("Lädt", "good")


def test_unknown_values_are_shown_as_they_are() -> None:
    for value in ("Other", "", "Yes", None, 7):
        assert worded(german(), _TABLE, value) == str(value)
        assert badge(german(), _BADGES, value) == (str(value), "")


def test_no_text_is_no_text() -> None:
    assert german().gettext("") == ""
