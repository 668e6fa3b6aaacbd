"""The page's texts and their translations: what the source says, brought into the catalogs, and what is wrong there.

python -m tools.texts            complaints about the catalogs, exit code 1 if there are any
python -m tools.texts --update   new texts into locale/*.po (untranslated), those that are gone out of them
python -m tools.texts --missing LANGUAGE    what has no translation: JSON {text: ""}, plural {text: ["", ""]}
python -m tools.texts --fill LANGUAGE FILE  translations of such a file into the catalog
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "gateway" / "pages"
LOCALE = PAGES / "locale"
LANGUAGES = ("de", "fr", "nl")

_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "gettext": None, "ngettext": (1, 2), "mark": None, "pgettext": None,
}  # fmt: skip
# header lines that would differ with each run, or name nobody
_NOT_KEPT = tuple(
    f'"{name}'
    for name in ("POT-", "PO-Rev", "Generated-By", "Project-Id", "Report-", "Last-Translator", "Language-Team")
)
_NAMES = re.compile(r"%\((\w+)\)[sd]")


def source_texts() -> Catalog:
    """Every text of the page, English, with where it stands."""
    catalog = Catalog(project="ocpp-gateway", charset="utf-8")
    found = extract_from_dir(str(PAGES), _METHODS, _OPTIONS, keywords=_KEYWORDS, strip_comment_tags=True)
    for file, line, text, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        if text:
            catalog.add(text, None, [(file, line)], auto_comments=comments, context=context)
    return catalog


def catalog_of(language: str) -> Catalog:
    """The translations of a language; empty when there are none yet."""
    file = LOCALE / f"{language}.po"
    if not file.exists():
        return Catalog(locale=language, project="ocpp-gateway", charset="utf-8")
    with file.open("rb") as source:
        return read_po(source, locale=language)


def complaints(language: str, wanted: Catalog) -> Iterator[str]:
    """What is missing, left over, doubtful, or says something else than the source (its %(names)s)."""
    catalog = catalog_of(language)
    have = {message.id: message for message in catalog if message.id}
    for message in wanted:
        if not message.id:
            continue
        translated = have.pop(message.id, None)
        if translated is None or not _is_translated(translated, catalog.num_plurals):
            yield f"{language}: not translated: {message.id!r}"
        elif translated.fuzzy:
            yield f"{language}: doubtful: {message.id!r}"
        else:
            yield from differences(language, message, translated)
    yield from (f"{language}: not in the source any more: {left!r}" for left in have)


def update(language: str, wanted: Catalog) -> None:
    """Bring the catalog up to date; translations of texts that stay are kept, those of others are dropped."""
    catalog = catalog_of(language)
    catalog.update(wanted, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    catalog.header_comment = f"# {catalog.locale.english_name if catalog.locale else language} texts of the web page."
    _write(language, catalog)


def missing(language: str) -> dict[str, str | list[str]]:
    """What has no translation yet, to be filled in; plural texts under their singular."""
    catalog = catalog_of(language)
    lacking = [each for each in catalog if each.id and not _is_translated(each, catalog.num_plurals)]
    return {_key(each): "" if isinstance(each.id, str) else [""] * catalog.num_plurals for each in lacking}


def fill(language: str, translations: dict[str, str | list[str]]) -> None:
    """Put translations into the catalog, by the texts of `missing`."""
    catalog = catalog_of(language)
    for message in catalog:
        found = translations.get(_key(message)) if message.id else None
        if found:
            message.string = found if isinstance(found, str) else tuple(found)
            message.flags.discard("fuzzy")
    _write(language, catalog)


def _write(language: str, catalog: Catalog) -> None:
    out = io.BytesIO()
    write_po(out, catalog, width=110, omit_header=False, sort_output=True, no_location=True, ignore_obsolete=True)
    lines = out.getvalue().decode().split("\n")
    kept = [line for line in lines if not line.startswith(_NOT_KEPT)]
    LOCALE.mkdir(exist_ok=True)
    (LOCALE / f"{language}.po").write_text("\n".join(kept))


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else str(message.id[0])


def _is_translated(message: Message, plurals: int) -> bool:
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    expected = 1 if isinstance(message.id, str) else plurals
    return len(strings) == expected and all(strings)


def differences(language: str, message: Message, translated: Message) -> Iterator[str]:
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [translated.string] if isinstance(translated.string, str) else list(translated.string)
    known = {name for text in ids for name in _NAMES.findall(text)}
    needed = set(_NAMES.findall(ids[-1]))
    for string in strings:
        names = set(_NAMES.findall(string))
        if names - known or (needed - names - {"num", "n"}):
            yield f"{language}: other names in {string!r} than in {ids[-1]!r}"
        if string.count("%") != len(_NAMES.findall(string)) + 2 * string.count("%%") and known:
            yield f"{language}: a stray % in {string!r}"
        if re.findall(r"</?\w+>", string) != re.findall(r"</?\w+>", ids[-1]):
            yield f"{language}: other marks in {string!r} than in {ids[-1]!r}"


def main(arguments: list[str]) -> int:
    """The command line above."""
    wanted = source_texts()
    if arguments[:1] == ["--update"]:
        for language in LANGUAGES:
            update(language, wanted)
        return 0
    if arguments[:1] == ["--missing"]:
        print(json.dumps(missing(arguments[1]), ensure_ascii=False, indent=0))
        return 0
    if arguments[:1] == ["--fill"]:
        fill(arguments[1], json.loads(Path(arguments[2]).read_text()))
        return 0
    found = [line for language in LANGUAGES for line in complaints(language, wanted)]
    print("\n".join(found) or "every text is translated")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
