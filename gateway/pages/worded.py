"""A value of the API by its table of words, in the reader's language; one that no table has is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.pages.visit import Visit


def worded(visit: Visit, texts: Mapping[str, str], value: object) -> str:
    """The words for a value."""
    text = texts.get(str(value))
    return str(value) if text is None else visit.gettext(text)


def badge(visit: Visit, texts: Mapping[str, tuple[str, str]], value: object) -> tuple[str, str]:
    """The words for a state, and the class of its badge."""
    if str(value) not in texts:
        return str(value), ""
    text, look = texts[str(value)]
    return visit.gettext(text), look
