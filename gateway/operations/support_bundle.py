"""What a support bundle is made of, for the API and for the command line: facts, masked documents, one .tar.gz.

Documents pass through the masking as a whole; idTags get names that hold only within one bundle. Which documents there
are is known to those who collect them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import secrets
import shutil
import tarfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from gateway.configuration import Configuration
from gateway.configuration_files import Node
from gateway.model.instants import SECOND, Instant, text_of
from gateway.rules.bundle_masking import masked_document
from gateway.rules.secrecy import masked_text
from gateway.version import version

_FOLDER = "ocpp-gateway-support"
_LARGEST_FILE_BYTES = 1_000_000


def new_salt() -> bytes:
    """What makes the names of idTags hold only within one bundle."""
    return secrets.token_bytes(16)


def text_for_bundle(document: object, salt: bytes) -> str:
    """A document as a file of the bundle, without secrets."""
    if isinstance(document, str):
        return masked_text(document)
    return json.dumps(masked_document(document, salt), indent=1, ensure_ascii=False) + "\n"


def about(configuration: Configuration | None, now: Instant) -> dict[str, object]:
    """Version, machine and disk; reads the disk."""
    facts: dict[str, object] = {
        "version": version(),
        "made_at": text_of(now),
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "time_zone_of_machine": time.strftime("%Z"),
    }
    with contextlib.suppress(OSError):  # the service's sandbox has no /proc/loadavg
        facts["load"] = list(os.getloadavg())
    with contextlib.suppress(OSError):
        facts["os_release"] = platform.freedesktop_os_release().get("PRETTY_NAME")
    if configuration is not None:
        directory = configuration.data.directory
        with contextlib.suppress(OSError):
            facts["disk_free_bytes"] = shutil.disk_usage(directory).free
            facts["data_files_bytes"] = {
                file.name: file.stat().st_size for file in directory.iterdir() if file.is_file()
            }
    return facts


def configuration_texts(files: Iterable[Path]) -> dict[str, str]:
    """`configuration/NAME` of every file that can be read, without secrets."""
    found = {}
    for file in files:
        with contextlib.suppress(OSError), file.open("rb") as opened:
            content = opened.read(_LARGEST_FILE_BYTES)
            found[f"configuration/{file.name}"] = masked_text(content.decode("utf-8", "replace"))
    return found


def files_of(configuration: Configuration) -> list[Path]:
    """The files that the configuration was read from, in the order in which they are named."""
    return [path for name in dict.fromkeys(_files_in(configuration.written)) if (path := Path(name)).is_file()]


def _files_in(node: Node) -> Iterable[str]:
    yield node.place.file
    children = node.value.values() if isinstance(node.value, dict) else node.value
    for child in children if not isinstance(children, str) and isinstance(children, Iterable) else ():
        if isinstance(child, Node):
            yield from _files_in(child)


def write_bundle(file: IO[bytes], contents: Mapping[str, str], now: Instant) -> None:
    """The .tar.gz of these texts by name."""
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in sorted(contents.items()):
            content = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), now // SECOND, 0o600
            archive.addfile(entry, io.BytesIO(content))
