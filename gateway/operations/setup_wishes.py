"""What people wish in the setup: whether it has the right shape, and what of it a file of an administrator has fixed.

Which values are good is the configuration's question; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.configuration import Configuration
from gateway.operations.setup_state import VALUES, circuit_document, file_that_fixes, main_circuit, meter_document

Wishes = Mapping[str, object]

LISTS = {"meters": "meter", "circuits": "circuit"}
FIELDS = (*VALUES, "main", *LISTS)
_USUAL_MAIN = "main"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one field cannot be decided like this; `fixed_in`: the file of an administrator that gives the value."""

    field: str | None
    detail: str
    fixed_in: str | None = None


def wrong_shape(wishes: Wishes) -> Iterator[Refusal]:
    """What cannot even be looked at: unknown fields, lists that are none, entries without a name."""
    for field, value in wishes.items():
        if field not in FIELDS:
            yield Refusal(field, f"unknown; known are {', '.join(FIELDS)}")
        elif field == "main" and not (value is None or isinstance(value, dict)):
            yield Refusal(field, "expected an object, or null")
        elif field in LISTS:
            yield from _wrong_list(field, value)
        if _has_null_in_a_list(value):
            yield Refusal(field, "expected no null in a list")


def sorted_out(configuration: Configuration, wishes: Wishes) -> tuple[dict[str, object], list[Refusal]]:
    """The wishes that are free to be decided, and those against a file; who repeats a file wishes nothing.

    `wishes` have the right shape. A main circuit has its name when it comes out.
    """
    free: dict[str, object] = {}
    refusals: list[Refusal] = []
    for field, value in wishes.items():
        if field in VALUES:
            section, key = VALUES[field]
            if (file := file_that_fixes(configuration, section, key)) is None:
                free[field] = value
            elif value != getattr(getattr(configuration, section), key):
                refusals.append(_by(field, file))
        elif field == "main":
            _sort_out_main(configuration, value, free, refusals)
        else:
            free[field] = [*_free_entries(configuration, field, value, refusals)]
    return free, refusals


def _wrong_list(field: str, value: object) -> Iterator[Refusal]:
    if not isinstance(value, list):
        yield Refusal(field, "expected a list of objects")
        return
    names: list[object] = []
    for at, entry in enumerate(value):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in names:
            yield Refusal(f"{field}[{at}].name", "expected a name that no other one has")
        elif field == "circuits" and not isinstance(entry.get("parent"), str):
            yield Refusal(f"{field}[{at}].parent", "expected the circuit above it; the one at the top is `main`")
        names.append(name)


def _has_null_in_a_list(value: object) -> bool:
    if isinstance(value, list):
        return any(one is None or _has_null_in_a_list(one) for one in value)
    return isinstance(value, dict) and any(_has_null_in_a_list(one) for one in value.values())


def _by(field: str, file: str) -> Refusal:
    return Refusal(field, f"set in {file}", fixed_in=file)


def _sort_out_main(
    configuration: Configuration, wish: object, free: dict[str, object], refusals: list[Refusal]
) -> None:
    top = main_circuit(configuration)
    if top is None:
        free["main"] = {"name": _USUAL_MAIN, **wish} if isinstance(wish, dict) else None
        return
    file = file_that_fixes(configuration, "circuit", configuration.circuits.index(top))
    if file is not None:
        if not isinstance(wish, dict) or not _says_the_same(wish, circuit_document(top)):
            refusals.append(_by("main", file))
    elif isinstance(wish, dict) and wish.get("name", top.name) != top.name:
        words = f"the main circuit is called {top.name}: other circuits and stations refer to it by this name"
        refusals.append(Refusal("main.name", words))
    else:
        free["main"] = {"name": top.name, **wish} if isinstance(wish, dict) else None


def _free_entries(
    configuration: Configuration, field: str, entries: object, refusals: list[Refusal]
) -> Iterator[Mapping[str, object]]:
    assert isinstance(entries, list), "its shape is right"
    known = (
        {one.name: (at, meter_document(one)) for at, one in enumerate(configuration.meters)}
        if field == "meters"
        else {one.name: (at, circuit_document(one)) for at, one in enumerate(configuration.circuits)}
    )
    for at, entry in enumerate(entries):
        position, said = known.get(entry["name"], (None, {}))
        file = file_that_fixes(configuration, LISTS[field], position) if position is not None else None
        if file is None:
            yield entry
        elif not _says_the_same(entry, said):
            refusals.append(_by(f"{field}[{at}]", file))


def _says_the_same(wish: Mapping[str, object], said: Mapping[str, object]) -> bool:
    return all(key in said and _is(value, said[key]) for key, value in wish.items())


def _is(wish: object, said: object) -> bool:
    if isinstance(said, list) and isinstance(wish, int | float):
        return said == [wish] * len(said)  # one number counts for all phases
    if isinstance(said, dict) and isinstance(wish, dict):
        return _says_the_same(wish, said)
    return wish == said
