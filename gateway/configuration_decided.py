"""site.toml: what people decided in the setup of the web page, a layer beneath the files that an administrator writes.

It lies in the data directory and the daemon itself writes it. Whatever the files of /etc say wins: key by key in
tables; of `[[tables]]` an entry of the same name (`[[station]]`: id) is taken whole from there. This file does not know
what any key means, nor who writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from gateway.configuration_files import Mistake, Node, Place, merged, parse_text, place_of, unreadable

FILE_NAME = "site.toml"
_NAMED_BY = {"station": "id"}  # all other entries: by their name


def decided_in(directory: Path, text: str | None = None) -> Node | Mistake | None:
    """The tree of `directory`/site.toml, or of `text` instead; why there is none; None: nothing was decided."""
    path = directory / FILE_NAME
    try:
        content = path.read_bytes() if text is None else text.encode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return unreadable(path, error)
    found = parse_text(content, path)
    if isinstance(found, Node) and isinstance(found.value, dict) and "data" in found.value:
        return Mistake(place_of(found, "data"), expected="no [data], as this file lies in it", got="a table")
    return found


def beneath(decided: Node, written: Node) -> Node:
    """Both trees in one; what the files of an administrator say (`written`) wins."""
    assert isinstance(decided.value, dict) and isinstance(written.value, dict)
    kept: dict[str, Node] = {}
    for key, child in decided.value.items():
        above = written.value.get(key)
        kept[key] = _without(child, above, _NAMED_BY.get(key, "name")) if above is not None else child
    return merged(replace(decided, value=kept, place=written.place), written)


def keys_of(tree: Node) -> Iterator[Place]:
    """Where every single value stands, in reading order."""
    match tree.value:
        case dict():
            for child in tree.value.values():
                yield from keys_of(child)
        case list() if any(isinstance(item.value, dict) for item in tree.value):
            for item in tree.value:
                yield from keys_of(item)
        case _:
            yield tree.place


def tree_of(table: Mapping[str, object], where: str) -> Node:
    """A table that stands in no file, as a tree whose mistakes are told to be in `where`."""
    return Node({key: _node(value, where, key) for key, value in table.items()}, Place(where, ""))


def _node(value: object, where: str, key: str) -> Node:
    place = Place(where, key)
    if isinstance(value, Mapping):
        return Node({str(name): _node(child, where, f"{key}.{name}") for name, child in value.items()}, place)
    if isinstance(value, list):
        return Node([_node(child, where, f"{key}[{index}]") for index, child in enumerate(value)], place)
    return Node(value, place)


def _without(entries: Node, above: Node, named_by: str) -> Node:
    if not isinstance(entries.value, list) or not isinstance(above.value, list):
        return entries
    taken = {_name(entry, named_by) for entry in above.value} - {None}
    return replace(entries, value=[entry for entry in entries.value if _name(entry, named_by) not in taken])


def _name(entry: Node, named_by: str) -> object:
    if not isinstance(entry.value, dict) or named_by not in entry.value:
        return None
    name = entry.value[named_by].value
    return name if isinstance(name, str) else None
