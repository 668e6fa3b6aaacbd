"""Which language a reader gets, and in which region's numbers."""

from __future__ import annotations

import pytest

from gateway.pages.words import language_wanted, locale_wanted, texts_of


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "pt,fr;q=0.3,nl;q=0.7", "nl"),
        (None, "ja", "en"),
        (None, "", "en"),
        (None, "de;q=nonsense,fr", "fr"),
        ("fr", "de", "fr"),
        ("tlh", "de", "de"),
    ],
)
def test_the_language(chosen: str | None, accepted: str, language: str) -> None:
    assert language_wanted(chosen, accepted) == language


@pytest.mark.parametrize(
    ("language", "accepted", "locale"),
    [("en", "en-US,en", "en_US"), ("en", "de-DE", "en_GB"), ("de", "de-CH", "de_CH"), ("nl", "nl-XX", "nl_NL")],
)
def test_the_region_of_its_numbers(language: str, accepted: str, locale: str) -> None:
    assert str(locale_wanted(language, accepted)) == locale


def test_texts() -> None:
    assert texts_of("de").gettext("Log in") != "Log in"
    assert texts_of("en").gettext("Log in") == "Log in"
    assert texts_of("nl").gettext("a text that no catalog has") == "a text that no catalog has"
