"""Which firmware images a person means: files with options, files with a manifest beside them, folders of such pairs.

Everything that can be wrong with one is found here before a byte is sent; the others go on.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from firmware_store.manifest import LONGEST_CERTIFICATE, LONGEST_SIGNATURE, Announced, read_manifest

# a manifest is small; what is larger is something else that ends with .json
_LARGEST_MANIFEST_BYTES = 1_000_000


class Unusable(Exception):
    """This one cannot be imported; the text is for people."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One image to import. `path`: as the person named it; `announced` raises Unusable with all that is wrong."""

    path: Path
    source: str
    read: Callable[[], tuple[Path, Announced]]


def candidates(paths: list[Path], wishes: Mapping[str, object]) -> Iterator[Candidate]:
    """What the paths mean. `wishes`: members of the manifest from the command line; they beat those of a file."""
    for path in paths:
        if path.is_dir():
            yield from _of_folder(path, wishes)
        elif path.suffix == ".json":
            yield _of_manifest(path, "cli", wishes)
        else:
            yield Candidate(path, "cli", lambda path=path: _read(path, _beside(path), wishes))  # type: ignore[misc]


def text_of_signature(path: Path) -> str:
    """A signature in base64, of a file that has it so or as bare bytes. Raises Unusable."""
    content = _content(path, most_bytes=LONGEST_SIGNATURE * 2)
    try:
        text = content.decode("ascii")
        base64.b64decode("".join(text.split()), validate=True)
    except (UnicodeDecodeError, binascii.Error, ValueError):
        return base64.b64encode(content).decode()
    return text


def text_of_certificate(path: Path) -> str:
    """A certificate as it is in the file. Raises Unusable."""
    try:
        return _content(path, most_bytes=LONGEST_CERTIFICATE * 4).decode()
    except UnicodeDecodeError:
        raise Unusable(f"{path} is not PEM") from None


def _of_folder(folder: Path, wishes: Mapping[str, object]) -> Iterator[Candidate]:
    found = False
    for path in sorted(folder.rglob("*.json")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            found = True
            yield Candidate(path, "usb", lambda path=path: _read(_inside(folder, path), path, wishes))  # type: ignore[misc]
    if not found:
        yield Candidate(folder, "usb", lambda: _nothing(folder))


def _inside(folder: Path, manifest: Path) -> Path:
    """The file of a manifest; whoever filled a stick must not choose among the files of this machine."""
    file = _file_of(manifest)
    for path in (manifest, file):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Unusable(f"{path.name} is a link out of the folder")
    return file


def _nothing(folder: Path) -> tuple[Path, Announced]:
    raise Unusable(f"there is no manifest (*.json) in {folder}")


def _of_manifest(path: Path, source: str, wishes: Mapping[str, object]) -> Candidate:
    return Candidate(path, source, lambda: _read(_file_of(path), path, wishes))


def _file_of(manifest: Path) -> Path:
    """The file that a manifest is about: FILE of FILE.json, else the one beside it that the manifest names."""
    named = manifest.with_suffix("")
    if named.is_file():
        return named
    name = _members(manifest).get("file_name")
    beside = None if not isinstance(name, str) or not name else manifest.parent / Path(name).name
    if beside is None or not beside.is_file():
        raise Unusable(f"there is no {named.name} beside it" + (f", and no {beside.name}" if beside else ""))
    return beside


def _beside(path: Path) -> Path | None:
    manifest = path.with_name(path.name + ".json")
    return manifest if manifest.is_file() else None


def _read(file: Path, manifest: Path | None, wishes: Mapping[str, object]) -> tuple[Path, Announced]:
    if not file.is_file():
        raise Unusable("there is no such file")
    members = {} if manifest is None else _members(manifest)
    read = read_manifest({**members, **wishes}, file_name=file.name)
    if isinstance(read, Announced):
        return file, read
    where = "" if manifest is None else f"{manifest.name}: "
    lines = [f"{where}{mistake.field}: {mistake.detail}" for mistake in read]
    if manifest is None:
        lines.append(f"say it with options, or in {file.name}.json")
    raise Unusable("\n  ".join(lines))


def _members(manifest: Path) -> dict[str, object]:
    try:
        found = json.loads(_content(manifest, most_bytes=_LARGEST_MANIFEST_BYTES))
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Unusable("expected a JSON object")
    return found


def _content(path: Path, *, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from error
    if len(content) > most_bytes:
        raise Unusable(f"{path} is too large for what it should be")
    return content
