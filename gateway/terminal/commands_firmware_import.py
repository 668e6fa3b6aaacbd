"""`firmware import`: files and USB sticks into the gateway's store, piece by piece, with progress.

Each file is read once for its digest, so that bytes that the gateway has are not sent, and what was interrupted goes
on where it stopped. One that fails does not keep the others from being imported.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from firmware_store.manifest import Announced, document_of
from gateway.terminal.client import API, Gateway, ask, expect, upload
from gateway.terminal.exits import NEGATIVE, NO_PERMISSION, OK, UNREACHABLE, Ending
from gateway.terminal.image_files import Candidate, Unusable, candidates, text_of_certificate, text_of_signature
from gateway.terminal.json_output import Document, part_of, print_json, text_member
from gateway.terminal.progress import Progress
from gateway.terminal.reaching import reach
from gateway.terminal.tables import cell

_PIECE_BYTES = 256 * 1024
_TRIES_WITHOUT_PROGRESS = 10  # over a minute: so long the gateway may wait for a connection that is dead
_CONFLICT = 409
_LONGEST_PAUSE_SECONDS = 8.0


def import_images(options: argparse.Namespace, pause: Callable[[float], None] = time.sleep) -> int:
    """Import everything that the paths mean. Exit 1 when one of them was not imported."""
    gateway = reach(options).gateway
    try:
        wishes = _wishes(options)
    except Unusable as reason:
        raise Ending(NEGATIVE, str(reason)) from None
    imported: list[Document] = []
    errors: list[Document] = []
    for candidate in candidates(options.paths, wishes):
        try:
            image = _import(gateway, candidate, pause)
        except (Unusable, Ending) as reason:
            if isinstance(reason, Ending) and reason.code in (UNREACHABLE, NO_PERMISSION):
                raise  # the others would fare no better
            errors.append({"path": str(candidate.path), "detail": str(reason)})
            print(f"{candidate.path}: {reason}", file=sys.stderr)
            continue
        imported.append(image)
        if not options.json:
            print(f"{candidate.path}: {_in_words(image)}")
    if options.json:
        print_json({"imported": imported, "errors": errors})
    return NEGATIVE if errors else OK


def _wishes(options: argparse.Namespace) -> dict[str, object]:
    wishes = {
        "vendor": options.vendor,
        "models": options.model,
        "version": options.version,
        "expected_reported_version": options.reported_version,
        "hw_revisions": options.hw_revision,
        "min_from": options.min_from,
        "max_from": options.max_from,
        "downgrade_allowed": options.downgrade_allowed,
        "signature": None if options.signature is None else text_of_signature(options.signature),
        "signing_certificate": None if options.certificate is None else text_of_certificate(options.certificate),
        "release_notes": options.notes,
        "sha256": options.sha256,
        "state": "staged" if options.staged else None,
    }
    return {name: value for name, value in wishes.items() if value is not None}


def _import(gateway: Gateway, candidate: Candidate, pause: Callable[[float], None]) -> Document:
    path, announced = candidate.read()
    try:
        with path.open("rb") as file:
            sha256, size = _digest_of(file, path)
            _expect(announced, sha256, size)
            wish = {
                **document_of(announced.manifest),
                "sha256": sha256,
                "size": size,
                "state": announced.state,
                "source": candidate.source,
            }
            return _send(gateway, wish, file, size, pause)
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from error


def _digest_of(file: IO[bytes], path: Path) -> tuple[str, int]:
    progress = Progress(f"reading {path.name}", total=path.stat().st_size)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
        progress.advance(len(piece))
    progress.finish()
    return digest.hexdigest(), progress.moved


def _expect(announced: Announced, sha256: str, size: int) -> None:
    if size == 0:
        raise Unusable("the file is empty")
    if announced.size is not None and announced.size != size:
        raise Unusable(f"the file has {size} bytes, not the {announced.size} that were announced")
    if announced.sha256 is not None and announced.sha256 != sha256:
        raise Unusable(f"the file has the SHA-256 {sha256}, not the one that was announced: it is damaged")


def _send(
    gateway: Gateway, wish: dict[str, object], file: IO[bytes], size: int, pause: Callable[[float], None]
) -> Document:
    """Begin or go on until the gateway has everything; connections that break are tried again."""
    progress = Progress(f"sending {wish['file_name']}", total=size)
    tries, furthest = 0, -1
    while True:
        try:
            begun = part_of({"begun": expect(ask(gateway, "POST", f"{API}/firmware/imports", body=wish))}, "begun")
            received = int(str(begun.get("received") or 0))
            if received > furthest:
                tries, furthest = 0, received
            image = part_of(begun, "image")
            if not image:
                path = f"{API}/firmware/imports/{text_member(begun, 'import_id')}?offset={received}"
                image = part_of(_send_rest(gateway, path, file, received, size, progress), "image")
        except Ending as ending:
            tries += 1
            again = ending.code == UNREACHABLE or ending.status == _CONFLICT
            if not again or furthest < 0 or tries > _TRIES_WITHOUT_PROGRESS:
                raise
            pause(min(2.0**tries, _LONGEST_PAUSE_SECONDS))
            continue
        progress.finish()
        return image


def _send_rest(gateway: Gateway, path: str, file: IO[bytes], received: int, size: int, progress: Progress) -> object:
    progress.moved = received

    def pieces() -> Iterator[bytes]:
        sent = received
        file.seek(received)
        while sent < size:
            piece = _piece(file, size - sent)
            yield piece
            sent += len(piece)
            progress.advance(len(piece))

    kind = "application/octet-stream"
    return upload(gateway, path, pieces(), length=size - received, content_type=kind, method="PUT")


def _piece(file: IO[bytes], most_bytes: int) -> bytes:
    """The next bytes. A stick that was pulled out is no trouble of the connection."""
    try:
        piece = file.read(min(_PIECE_BYTES, most_bytes))
    except OSError as error:
        raise Unusable(f"cannot read on: {error.strerror}") from error
    if not piece:
        raise Unusable("the file became shorter while it was read")
    return piece


def _in_words(image: Document) -> str:
    models = image.get("models")
    names = ", ".join(map(str, models)) if isinstance(models, list) else ""
    said = f"image {image.get('image_id')}, {image.get('vendor')} {names} {image.get('version')}"
    state = "" if image.get("usable") else f"; {image.get('reason')}"
    return cell(f"{said}: {image.get('state')}, {image.get('verification')}{state}")
