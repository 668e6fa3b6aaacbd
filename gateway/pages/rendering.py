"""Templates: one environment for all readers; whose texts and formats are used says the `visit` a template is given."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Context

from gateway.pages.navigation import MENU, area_of
from gateway.pages.said import problem_title, said
from gateway.pages.static_files import StaticFiles
from gateway.pages.visit import Visit, notice_of, part

TEMPLATE_FOLDER = Path(__file__).with_name("templates")


def make_environment(static: StaticFiles) -> Environment:
    """Where templates come from and what each of them knows beside `visit`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[InternationalizationExtension],
    )
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["static"] = static.address
    environment.globals["menu"] = MENU
    environment.globals["area_of"] = area_of
    environment.globals["said"] = said
    environment.globals["problem_title"] = problem_title
    environment.globals["notice_of"] = notice_of
    environment.filters["part"] = part
    return environment


@pass_context
def _gettext(context: Context, text: str) -> str:
    return _visit(context).texts.gettext(text)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return _visit(context).texts.ngettext(one, many, number)


def _visit(context: Context) -> Visit:
    return cast(Visit, context["visit"])
