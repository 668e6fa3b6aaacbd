"""Fields of the setup: amperes of three phases, what a file has fixed, and where the API's mistakes belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from gateway.pages.said import said
from gateway.pages.station_fields import number_or_text
from gateway.pages.visit import Visit
from gateway.web.asking_within import Answer

Document = dict[str, object]
_PHASES = ("l1", "l2", "l3")


def amps_of(fields: Mapping[str, str]) -> list[object]:
    """The limit that a form says: L2 and L3 are as L1 where they are empty."""
    return [number_or_text(fields.get(name, "") or fields.get("l1", "")) for name in _PHASES]


def wrong_amps(visit: Visit, fields: Mapping[str, str]) -> dict[str, str]:
    """Mistakes at the fields of a limit, before the API is asked."""
    needed = visit.gettext("Amperes are needed, such as 63.")
    values = {name: number_or_text(fields.get(name, "")) for name in _PHASES if fields.get(name) or name == "l1"}
    return {name: needed for name, value in values.items() if not isinstance(value, int | float) or not value >= 0}


def fields_of_amps(amps: object) -> dict[str, str]:
    """The same the other way round; a limit that is equal on all phases stands only once."""
    if not isinstance(amps, list) or len(amps) != len(_PHASES):
        return dict.fromkeys(_PHASES, "")
    texts = [f"{each:g}" if isinstance(each, int | float) else str(each) for each in amps]
    equal = texts.count(texts[0]) == len(texts)
    return {name: "" if equal and name != "l1" else text for name, text in zip(_PHASES, texts, strict=True)}


def mistakes_of(visit: Visit, answer: Answer, where: str, names: tuple[str, ...], otherwise: str) -> dict[str, str]:
    """The API's mistakes by the form's fields. `where`: what the field's name in the API begins with, such as `main.`;
    what concerns none of `names` stands at the field `otherwise`.
    """
    found: dict[str, str] = {}
    errors = answer.errors or {"": answer.detail}
    for name, detail in errors.items():
        inside = name.removeprefix(where).partition("[")[0]
        field = next((each for each in (inside, inside.rpartition(".")[2]) if each in names), otherwise)
        text = said(visit, detail)
        found[field] = f"{found[field]} {text}" if field in found else text
    return found


def of_this_page(entries: object) -> list[Document]:
    """The meters or circuits that no administrator's file gives."""
    return [each for each in cast(list[Document], entries) if not each["fixed"]]
