"""Languages: which the page speaks, which one a reader wants, and the texts of each.

Catalogs are the .po files under locale/, each read when its first reader comes: they take memory that a site where
nobody speaks the language keeps. English is in the source. A text that no catalog has is shown in English.
"""

from __future__ import annotations

import io
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = {"en": "English", "de": "Deutsch", "nl": "Nederlands", "fr": "Français"}
LOCALE_FOLDER = Path(__file__).with_name("locale")


def language_wanted(chosen: str | None, accepted: str) -> str:
    """The language chosen before, else the first of the browser's (Accept-Language) that there is, else English."""
    if chosen in LANGUAGES:
        return str(chosen)
    weighted = [part.split(";q=") for part in accepted.replace(" ", "").split(",") if part]
    ordered = sorted(weighted, key=lambda part: -_weight(part[1] if len(part) > 1 else "1"))
    wanted = [part[0].partition("-")[0].lower() for part in ordered]
    return negotiate_locale(wanted, list(LANGUAGES)) or "en"


def locale_wanted(language: str, accepted: str) -> Locale:
    """How numbers and dates are written: the browser's region of that language where it names one (en-GB)."""
    regions = {"en": ("GB", "US", "IE"), "de": ("DE", "AT", "CH"), "nl": ("NL", "BE"), "fr": ("FR", "BE", "CH", "LU")}
    for part in accepted.replace(" ", "").split(","):
        tongue, _, region = part.partition(";")[0].partition("-")
        if tongue.lower() == language and region.upper() in regions[language]:
            return Locale(language, region.upper())
    return Locale(language, regions[language][0])


@cache
def texts_of(language: str) -> NullTranslations:
    """The texts of a language."""
    file = LOCALE_FOLDER / f"{language}.po"
    if language == "en" or not file.exists():
        return NullTranslations()
    with file.open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


def mark(text: str) -> str:
    """Marks a text that is looked up later, where it is shown."""
    return text


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


# the roles, wherever one is shown
ROLE_TEXTS = (mark("viewer"), mark("operator"), mark("installer"))
