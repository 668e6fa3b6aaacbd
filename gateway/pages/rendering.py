"""Templates: an environment for each language, whose texts are in all of its templates, macros included.

Whose formats and rights count says the `visit` that a template is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import InternationalizationExtension

from gateway.pages.load_words import source_text
from gateway.pages.navigation import MENU, area_of
from gateway.pages.said import problem_title, said
from gateway.pages.static_files import StaticFiles
from gateway.pages.statuses import error_text, status_text, status_tone
from gateway.pages.visit import notice_of, part
from gateway.pages.words import LANGUAGES, texts_of

TEMPLATE_FOLDER = Path(__file__).with_name("templates")


@cache
def make_environments(static: StaticFiles) -> Mapping[str, Environment]:
    """By language: where templates come from and what each of them knows beside `visit`.

    Compiled templates are kept for the length of the process: a page costs no more after the gateway began anew.
    """
    return {language: _environment(static, language) for language in LANGUAGES}


def _environment(static: StaticFiles, language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[InternationalizationExtension],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: texts_of(language).gettext(text),
        lambda one, many, number: texts_of(language).ngettext(one, many, number),
        newstyle=True,
    )
    environment.globals |= _EVERYWHERE | {"static": static.address}
    environment.filters["part"] = part
    return environment


_EVERYWHERE = {
    "menu": MENU,
    "area_of": area_of,
    "said": said,
    "problem_title": problem_title,
    "notice_of": notice_of,
    "source_text": source_text,
    "status_text": status_text,
    "status_tone": status_tone,
    "error_text": error_text,
}
