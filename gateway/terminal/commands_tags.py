"""idTags from the command line: list, set, remove, import from a spreadsheet's CSV or a JSON file.

Files are read and checked by the gateway; every mistake comes back with its line. This file knows only how to ask.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.terminal.client import API, ask, expect
from gateway.terminal.exits import NEGATIVE, OK, usage
from gateway.terminal.json_output import Document, items_of, list_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import reach
from gateway.terminal.tables import local_time, table, zone_text


def list_tags(options: argparse.Namespace) -> int:
    """All tags in order."""
    reached = reach(options)
    document = collect(reached.gateway, "/id-tags")
    if options.json:
        print_json(document)
        return OK
    rows = [
        [
            tag.get("id_tag"),
            tag.get("status"),
            tag.get("parent_id_tag"),
            local_time(tag.get("expiry_date"), reached.zone),
            tag.get("note"),
        ]
        for tag in items_of(document)
    ]
    print(table(["TAG", "STATUS", "PARENT", f"EXPIRES ({zone_text(reached.zone)})", "NOTE"], rows))
    return OK


def set_tag(options: argparse.Namespace) -> int:
    """Add or replace one."""
    wishes = {
        "status": options.status,
        "parent_id_tag": options.parent,
        "expiry_date": options.expires,
        "note": options.note,
    }
    body = {name: value for name, value in wishes.items() if value is not None}
    document = expect(ask(reach(options).gateway, "PUT", _path(options.tag), body=body))
    if options.json:
        print_json(document)
    else:
        print(f"{options.tag} is {options.status}")
    return OK


def remove_tag(options: argparse.Namespace) -> int:
    """Forget one; 1 when it was not there."""
    document = expect(ask(reach(options).gateway, "DELETE", _path(options.tag)))
    if options.json:
        print_json(document if document is not None else {})
    else:
        print(f"{options.tag} is forgotten")
    return OK


def import_tags(options: argparse.Namespace) -> int:
    """Store the tags of a file, all or none unless --partial; 1 when a line was wrong."""
    content = _content(options.file)
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{")
    document = expect(
        ask(
            reach(options).gateway,
            "POST",
            f"{API}/id-tags/import" + ("?partial=true" if options.partial else ""),
            text=content,
            content_type="application/json" if is_json else "text/csv",
        )
    )
    mistakes = list_of(document, "errors") if isinstance(document, Mapping) else []
    if options.json:
        print_json(document)
    else:
        _print_imported(document, mistakes)
    return NEGATIVE if mistakes else OK


def _print_imported(document: object, mistakes: list[Document]) -> None:
    stored = document.get("imported") if isinstance(document, Mapping) else None
    print(f"{stored} tags stored")
    for mistake in mistakes:
        field = f"{mistake['field']}: " if mistake.get("field") else ""
        print(f"line {mistake.get('line')}: {field}{mistake.get('detail')}", file=sys.stderr)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise usage(f"cannot read {file}: {error.strerror}") from error


def _path(tag: str) -> str:
    return f"{API}/id-tags/{quote(tag, safe='')}"
