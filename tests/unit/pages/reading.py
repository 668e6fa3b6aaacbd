"""HTML read as a person reads it: its texts, links, fields and forms; what is not well nested is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Form:
    """A form: where it goes, and what it sends as it stands."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Sight:
    """What is on a page."""

    text: str = ""
    links: dict[str, str] = field(default_factory=dict)  # text -> href
    forms: list[Form] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def form_to(self, action: str) -> Form:
        """The form that goes there."""
        return next(form for form in self.forms if form.action.partition("?")[0] == action)

    def by_id(self, name: str) -> tuple[str, dict[str, str]]:
        """The element with this id."""
        return next(each for each in self.elements if each[1].get("id") == name)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sight = Sight()
        self.open: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.selected: tuple[str, str] | None = None
        self.link_text: list[str] | None = None
        self.select: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if len(attributes) != len(attrs):
            self.sight.errors.append(f"<{tag}> has an attribute twice")
        self.sight.elements.append((tag, attributes))
        if tag == "form":
            self.sight.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get")))
        if tag == "a":
            self.link_text = []
        self._field(tag, attributes)
        if tag not in _VOID:
            self.open.append((tag, attributes))

    def _field(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.sight.forms or "name" not in attributes:
            if tag == "option" and self.sight.forms:
                self._option(attributes)
            return
        fields, name = self.sight.forms[-1].fields, attributes["name"]
        if tag == "input":
            if attributes.get("type") in ("checkbox", "radio") and "checked" not in attributes:
                return
            fields[name] = attributes.get("value", "on" if attributes.get("type") == "checkbox" else "")
        elif tag in ("select", "textarea"):
            fields[name] = ""

    def _option(self, attributes: dict[str, str]) -> None:
        select = next((each[1] for each in reversed(self.open) if each[0] == "select"), None)
        if select is None or "name" not in select:
            return
        fields, name = self.sight.forms[-1].fields, select["name"]
        if "selected" in attributes or self.select is not select:  # the first one, until another is chosen
            fields[name] = attributes.get("value", "")
        self.select = select

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            self.sight.errors.append(f"</{tag}> closes {self.open[-1][0] if self.open else 'nothing'}")
            return
        _, attributes = self.open.pop()
        if tag == "a" and self.link_text is not None:
            self.sight.links[" ".join("".join(self.link_text).split())] = attributes.get("href", "")
            self.link_text = None

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][0] in ("script", "style"):
            return
        if self.open and self.open[-1][0] == "textarea" and "name" in self.open[-1][1]:
            self.sight.forms[-1].fields[self.open[-1][1]["name"]] = data
        self.texts.append(data)
        if self.link_text is not None:
            self.link_text.append(data)


def read(html: str) -> Sight:
    """What is on this page, or in a part of one; the test fails when it is not well nested or an id stands twice."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    sight = reader.sight
    sight.text = " ".join("".join(reader.texts).split())
    sight.errors += [f"<{tag}> is not closed" for tag, _ in reader.open]
    ids = [attributes["id"] for _, attributes in sight.elements if "id" in attributes]
    sight.errors += [f"id {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    assert not sight.errors, sight.errors
    return sight
