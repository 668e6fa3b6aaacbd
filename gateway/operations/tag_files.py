"""Files of idTags as people have them: CSV from a spreadsheet, JSON from a program. Read into entries with lines.

Spreadsheets write `;` or `,` or tabs, a byte order mark or none; all are understood. What the fields may hold is not
known here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

# An export writes an apostrophe before what a spreadsheet would run; here it is taken away again.
_GUARDED_STARTS = tuple("'" + start for start in ("=", "+", "-", "@"))
COLUMNS = ("id_tag", "status", "parent_id_tag", "expiry_date", "note")


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag as written. `line` counts from 1: the line of the file, or the position in a JSON list."""

    line: int
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TagMistake:
    """What is wrong on a line; `field` is empty when it is the line as a whole."""

    line: int
    field: str
    detail: str


Read = tuple[list[Entry], list[TagMistake]]


def read_csv(content: bytes) -> Read:
    """Entries of a CSV file with a header line; UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [TagMistake(line, "", "the file is not UTF-8: save it as CSV UTF-8")]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter_of(text), strict=True)
    entries: list[Entry] = []
    mistakes: list[TagMistake] = []
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if header is None:
                    header = [cell.strip().casefold() for cell in cells]
                    mistakes += _mistakes_in_header(header, line)
                    if mistakes:
                        return [], mistakes
                elif any(cell.strip() for cell in cells[len(header) :]):
                    mistakes.append(TagMistake(line, "", f"expected at most {len(header)} fields, got {len(cells)}"))
                else:
                    entries.append(Entry(line, dict(zip(header, map(_plain, cells), strict=False))))
            line = reader.line_num + 1
    except csv.Error as error:
        mistakes.append(TagMistake(reader.line_num, "", f"not CSV: {error}"))
    if header is None and not mistakes:
        mistakes.append(TagMistake(1, "", "the file is empty: expected a header line with " + ", ".join(COLUMNS)))
    return entries, mistakes


def read_json(content: bytes) -> Read:
    """Entries of a JSON list of objects, or of an object with such a list in `items`."""
    try:
        value = json.loads(content)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        return [], [TagMistake(1, "", f"not JSON: {error}")]
    if isinstance(value, dict):
        value = value.get("items")
    if not isinstance(value, list):
        return [], [TagMistake(1, "", "expected a list of tags, or an object with one in `items`")]
    entries = [Entry(number, item) for number, item in enumerate(value, start=1) if isinstance(item, dict)]
    mistakes = [
        TagMistake(number, "", "expected an object")
        for number, item in enumerate(value, start=1)
        if not isinstance(item, dict)
    ]
    return entries, mistakes


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith(_GUARDED_STARTS) else cell


def _delimiter_of(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=header.count)


def _mistakes_in_header(header: list[str], line: int) -> list[TagMistake]:
    mistakes = [
        TagMistake(line, name, "unknown column; known are " + ", ".join(COLUMNS))
        for name in header
        if name not in COLUMNS
    ]
    mistakes += [TagMistake(line, name, "the column is there twice") for name in COLUMNS if header.count(name) > 1]
    if "id_tag" not in header:
        mistakes.append(TagMistake(line, "id_tag", "the header has no column id_tag"))
    return mistakes
