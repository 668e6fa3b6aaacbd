"""Reading the parts of a document's body: every mistake is collected with its path, none stops the reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model.fleet_documents import Wrong
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant


@dataclass(slots=True)
class Parts:
    """Collects what is wrong with one body."""

    mistakes: list[Wrong] = field(default_factory=list)

    def wrong(self, path: str, detail: str, code: str = "invalid") -> None:
        """One more mistake."""
        self.mistakes.append(Wrong(code, path, detail))

    def only(self, part: Mapping[str, object], path: str, names: Sequence[str]) -> None:
        """No other members are allowed."""
        for name in part:
            if name not in names:
                self.wrong(f"{path}.{name}".lstrip("."), f"unknown; known are {', '.join(names)}")

    def objects(
        self, part: Mapping[str, object], name: str, names: Sequence[str], *, most: int
    ) -> Iterator[tuple[str, Mapping[str, object]]]:
        """The objects of a list (none when it is left out) with their paths; `names` () allows any members."""
        items = part.get(name)
        if items is None:
            return
        if not isinstance(items, list) or len(items) > most:
            self.wrong(name, f"expected a list of at most {most} objects")
            return
        for number, item in enumerate(items):
            path = f"{name}[{number}]"
            if not isinstance(item, Mapping):
                self.wrong(path, "expected an object")
                continue
            if names:
                self.only(item, path, names)
            yield path, item

    def text(self, part: Mapping[str, object], path: str, name: str, longest: int) -> str | None:
        """A text that must be there."""
        value = part.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
            self.wrong(f"{path}.{name}".lstrip("."), f"expected text of 1 to {longest} printable characters")
            return None
        return value

    def number(
        self, part: Mapping[str, object], path: str, name: str, least: float, most: float, *, whole: bool = False
    ) -> float | None:
        """A number that must be there."""
        value = part.get(name)
        usable = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not usable or not isinstance(value, int | float) or not least <= value <= most:
            kind = "whole number" if whole else "number"
            self.wrong(f"{path}.{name}".lstrip("."), f"expected a {kind} of {least:g} to {most:g}")
            return None
        return value

    def instant(self, part: Mapping[str, object], path: str, name: str) -> Instant | None:
        """A time that must be there."""
        value = part.get(name)
        instant = instant_from_text(value) if isinstance(value, str) else None
        if instant is None:
            self.wrong(f"{path}.{name}".lstrip("."), "expected a time such as 2027-01-31T12:00:00Z")
        return instant
