"""The store of firmware images: `firmware images`, `approve`, `withdraw`, `check`.

Importing is in `commands_firmware_import`. It asks the running gateway and shows what that says.
"""

from __future__ import annotations

import argparse
import sys
from urllib.parse import quote

from gateway.terminal.client import API, ask, expect
from gateway.terminal.exits import NEGATIVE, OK
from gateway.terminal.json_output import Document, items_of, list_of, part_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, local_time, table, zone_text

_NONE = "No firmware image is in the store: ocpp-gateway firmware import FILE takes one in."


def list_newest_images(options: argparse.Namespace) -> int:
    """All images that were not withdrawn."""
    return _list(options, {})


def list_images(options: argparse.Namespace) -> int:
    """Images, newest first."""
    return _list(options, {"state": options.state, "vendor": options.vendor, "model": options.model})


def approve(options: argparse.Namespace) -> int:
    """Let stations have an image; 1 when that is not possible."""
    document = expect(ask(reach(options).gateway, "POST", f"{_path(options.image)}/approve"))
    if options.json:
        print_json(document)
    else:
        image = part_of({"image": document}, "image")
        print(f"{cell(image.get('image_id'))} is {cell(image.get('state'))}, by {cell(image.get('state_by'))}")
    return OK


def withdraw(options: argparse.Namespace) -> int:
    """Nobody can fetch the image any more; 1 when it is unknown."""
    document = expect(ask(reach(options).gateway, "DELETE", _path(options.image)))
    if options.json:
        print_json(document if document is not None else {})
    else:
        print(f"{options.image} is withdrawn")
    return OK


def check(options: argparse.Namespace) -> int:
    """Read all bytes again; 1 when something is damaged."""
    document = expect(ask(reach(options).gateway, "POST", f"{API}/firmware/check", patience_seconds=None))
    found = part_of({"check": document}, "check")
    damaged = list_of(found, "damaged")
    if options.json:
        print_json(document)
        return NEGATIVE if damaged else OK
    whole, healed = (_count(found.get(name)) for name in ("whole", "healed"))
    print(f"{whole + healed} images are whole" + (f", {healed} of them again" if healed else ""))
    for image in damaged:
        print(f"{cell(image.get('image_id'))}: {cell(image.get('reason'))}; import it again", file=sys.stderr)
    return NEGATIVE if damaged else OK


def _list(options: argparse.Namespace, query: dict[str, object]) -> int:
    reached = reach(options)
    document = collect(reached.gateway, "/firmware/images", query=query)
    items = items_of(document)
    if options.json:
        print_json(document)
    elif not items:
        print(_NONE)
    else:
        _print(reached, items)
    return OK


def _print(reached: Reached, items: list[Document]) -> None:
    headings = ["IMAGE", "VENDOR", "MODELS", "VERSION", "FILE", "MB", "STATE", f"IMPORTED ({zone_text(reached.zone)})"]
    print(table([*headings, "SIGNATURE"], [_row(reached, item) for item in items]))
    for item in items:
        if item.get("state") == "approved" and not item.get("usable"):
            print(f"{cell(item.get('image_id'))}: {cell(item.get('reason'))}")


def _row(reached: Reached, item: Document) -> list[object]:
    models, size = item.get("models"), item.get("size")
    return [
        item.get("image_id"),
        item.get("vendor"),
        ", ".join(map(str, models)) if isinstance(models, list) else None,
        item.get("version"),
        item.get("file_name"),
        size / 1e6 if isinstance(size, int) else None,
        item.get("state") if item.get("usable") or item.get("state") != "approved" else "UNUSABLE",
        local_time(item.get("imported_time"), reached.zone),
        item.get("verification"),
    ]


def _path(image: str) -> str:
    return f"{API}/firmware/images/{quote(image, safe='')}"


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
