"""The page in four languages: every text has a translation that says the same names."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Catalog

from gateway.pages.words import LANGUAGES as SPOKEN
from tools.texts import LANGUAGES, catalog_of, complaints, differences, source_texts


@pytest.fixture(scope="module")
def wanted() -> Catalog:
    return source_texts()


def test_every_language_of_the_page_has_a_catalog() -> None:
    assert {*LANGUAGES, "en"} == set(SPOKEN)


def test_the_source_has_texts_of_templates_and_of_modules(wanted: Catalog) -> None:
    assert wanted.get("Log in") and wanted.get("The two passwords differ.") and wanted.get("Free")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(wanted: Catalog, language: str) -> None:
    assert not list(complaints(language, wanted))


def planted(text: str, string: str) -> list[str]:
    """The complaints about a catalog with this one translation."""
    catalog = Catalog(locale="de")
    catalog.add(text, string)
    wanted = Catalog()
    wanted.add(text)
    return list(differences("de", wanted.get(text), catalog.get(text)))


@pytest.mark.parametrize(
    ("text", "string"),
    [
        ("%(amps)s of %(limit)s", "%(amps)s von %(grenze)s"),
        ("%(amps)s of %(limit)s", "%(amps)s von"),
        ("<strong>%(now)s</strong> of", "%(now)s von"),
        ("%(share)s done", "%(share)s % fertig"),
    ],
)
def test_a_translation_with_other_names_is_told(text: str, string: str) -> None:
    assert planted(text, string)


def test_what_stands_in_no_source_is_told() -> None:
    catalog = catalog_of("de")
    assert [line for line in complaints("de", Catalog()) if "any more" in line] or not list(catalog)
