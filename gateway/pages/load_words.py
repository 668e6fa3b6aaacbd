"""Whose limit it is, in words. A name that somebody gave (a grid operator's, a fleet manager's) is shown as it is."""

from __future__ import annotations

from gateway.pages.visit import Visit
from gateway.pages.worded import worded
from gateway.pages.words import mark

_SOURCES = {
    "installer": mark("the installer"),
    "api": mark("a person or a program"),
    "schedule": mark("the schedule"),
    "fleet": mark("a fleet manager"),
}


def source_text(visit: Visit, source: object) -> str:
    """The source of a limit."""
    return worded(visit, _SOURCES, source)
