"""Shapes of sentences: an English text with named places, found in a sentence and said again in another language.

What a place takes lies in the last word of its name: numbers, instants, parts that are sentences themselves, or any
text. A sentence that no shape fits is taken apart at `. `, `; ` and `: `, and its parts are said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from gettext import NullTranslations
from types import MappingProxyType
from typing import NamedTuple

from gateway.pages.formats import Formats

PLACE = re.compile(r"%\((\w+)\)s")
_NUMBER = r"-?\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?"
# who gets another limit, with commas between them
_CHANGE = rf"[^,]+? (?:{_NUMBER} to {_NUMBER} A|is paused \(now {_NUMBER} A\))"


class Kind(NamedTuple):
    """What a place takes (a regular expression), and an example."""

    taken: str
    sample: str


# what is no sentence goes over no boundary of sentences
_TEXT = Kind("(?:(?!; ).)+?", "Xy")
# said by itself; what stands there may be anything, but for a `sentence`
_SENTENCE = Kind(".+?", "Xy")
# written as the reader writes numbers
_COUNTED = Kind(_NUMBER, "7")
# names that are numbers: no thousands in groups
_NUMBERED = Kind(r"\d+", "7")
_INSTANT = Kind(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z", "2027-01-31T12:00:00Z")
_ADDRESSES = Kind(r"[0-9a-fA-F.:]+(?:, [0-9a-fA-F.:]+)*", "192.168.1.2, fe80::1")
_CHANGES = Kind(f"{_CHANGE}(?:, {_CHANGE})*", "Xy 7 to 8 A, Xz is paused (now 7 A)")
_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        **dict.fromkeys(("amps", "bytes", "count", "days", "gigabytes", "hours", "kilowatts", "least"), _COUNTED),
        **dict.fromkeys(("megabytes", "milliseconds", "minutes", "most", "number", "percent", "seconds"), _COUNTED),
        **dict.fromkeys(("volts", "watts"), _COUNTED),
        **dict.fromkeys(("connector", "id", "line", "phase", "port", "wave"), _NUMBERED),
        **dict.fromkeys(("reason", "sentence", "source", "trouble", "what"), _SENTENCE),
        "time": _INSTANT,
        "addresses": _ADDRESSES,
        "changes": _CHANGES,
    }
)
_BETWEEN_SENTENCES = re.compile(r"(?<=[.]) (?=\S)")
# such as `3 done, 1 failed`
_COUNTS = re.compile(r"\d+ \w+(?:, \d+ \w+)+")
_LONGEST_HEAD = 80
_DEEPEST = 8
# of a number behind its point
_MOST_DIGITS = 3


@dataclass(frozen=True)
class Shape:
    """A text with places such as %(amps)s; `text` is the key of its translations."""

    text: str

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The names of its places."""
        return tuple(PLACE.findall(self.text))

    @cached_property
    def fixed(self) -> tuple[str, ...]:
        """What stands between its places, in order, as it is in a sentence."""
        return tuple(part.replace("%%", "%") if self.places else part for part in PLACE.split(self.text)[::2])

    @cached_property
    def anchor(self) -> str:
        """Its longest part that never changes."""
        return max(self.fixed, key=len)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a sentence of this shape looks like."""
        text = re.escape(self.fixed[0])
        for name, after in zip(self.places, self.fixed[1:], strict=True):
            taken = _KINDS.get(name.rpartition("_")[2], _TEXT).taken
            text += f"(?P<{name}>{taken}){re.escape(after)}"
        return re.compile(text, re.DOTALL)


class Shapes:
    """Shapes by what they begin with, the most telling first: few have to be tried on a sentence."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.exact: set[str] = set()
        self._by_word: defaultdict[str, list[Shape]] = defaultdict(list)
        self._by_place: list[Shape] = []
        for shape in sorted(map(Shape, texts), key=lambda each: -sum(map(len, each.fixed))):
            word, blank, _ = shape.fixed[0].partition(" ")
            if not shape.places:
                self.exact.add(shape.text)
            elif blank:
                self._by_word[word].append(shape)
            else:
                self._by_place.append(shape)

    def found(self, sentence: str) -> tuple[Shape, re.Match[str]] | None:
        """The shape of the sentence and what stands in its places. For sentences that are not in `exact`."""
        for shapes in (self._by_word.get(sentence.partition(" ")[0], ()), self._by_place):
            for shape in shapes:
                if shape.anchor in sentence and (match := shape.pattern.fullmatch(sentence)):
                    return shape, match
        return None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says sentences in one language; what no shape fits is left as it is and kept in `missed`."""

    shapes: Shapes
    texts: NullTranslations
    formats: Formats
    missed: list[str]

    def say(self, sentence: str, depth: int = 0) -> str:
        """The sentence in this language, or its parts."""
        if sentence in self.shapes.exact:
            return self.texts.gettext(sentence)
        sentences = _BETWEEN_SENTENCES.split(sentence) if sentence.endswith((".", ". ")) else []
        if depth > _DEEPEST:
            return sentence
        if len(sentences) > 1:
            return " ".join(self.say(part, depth + 1) for part in sentences)
        found = self.shapes.found(sentence)
        if found is not None:
            shape, match = found
            values = {name: self._value(name, match[name], depth + 1) for name in shape.places}
            return self.texts.gettext(shape.text) % values
        return self._in_parts(sentence, depth + 1)

    def _in_parts(self, sentence: str, depth: int) -> str:
        """What may begin with the name of what it is about: `limit_amps: expected a number`; or several sentences."""
        head, colon, rest = sentence.partition(": ")
        named = bool(colon and rest) and len(head) <= _LONGEST_HEAD and "; " not in head
        if named and (rest in self.shapes.exact or self.shapes.found(rest)):
            return f"{self._named(head, depth)}: {self.say(rest, depth)}"
        for between in ("; ", ", ") if _COUNTS.fullmatch(sentence) else ("; ",):
            if between in sentence:
                return between.join(self.say(part, depth) for part in sentence.split(between))
        if named:
            return f"{self._named(head, depth)}: {self.say(rest, depth)}"
        known = self.texts.gettext(sentence) if sentence else ""
        if known == sentence:
            self.missed.append(sentence)
        return known

    def _named(self, head: str, depth: int) -> str:
        return Speaker(self.shapes, self.texts, self.formats, []).say(head, depth)

    def _value(self, name: str, text: str, depth: int) -> str:
        word = name.rpartition("_")[2]
        kind = _KINDS.get(word, _TEXT)
        if kind is _COUNTED:
            return self.formats.number(float(text), min(len(text.partition(".")[2]), _MOST_DIGITS))
        if kind is _INSTANT:
            return self.formats.second(text)
        if kind is _CHANGES:
            return ", ".join(self.say(change, depth) for change in text.split(", "))
        if kind is _SENTENCE:
            missed = self.missed if word == "sentence" else []
            return Speaker(self.shapes, self.texts, self.formats, missed).say(text, depth)
        return text


def sample_of(text: str) -> Iterator[tuple[str, str]]:
    """A value for each place of a shape."""
    for name in PLACE.findall(text):
        yield name, _KINDS.get(name.rpartition("_")[2], _TEXT).sample
