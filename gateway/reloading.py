"""Whether the configuration's files, read again, can take the place of what is in force.

What the machine lacks already today (a meter that is unplugged) keeps nobody from changing something else; what the new
files bring is a mistake. It changes nothing and begins nothing (`daemon_process`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

from gateway.configuration import Configuration, ConfigurationMistakes, Mistake
from gateway.configuration_files import place_of
from gateway.operations.reload_configuration import Unchanged, Wrong

_MOST_BYTES = 1_000_000  # of a certificate, a key, a password


@dataclass(frozen=True, slots=True)
class InForce:
    """A configuration, and a digest of what the files named in it said when it was taken."""

    configuration: Configuration
    contents: bytes


def in_force(configuration: Configuration) -> InForce:
    """The configuration together with the contents of its password files, keys and certificates as of now."""
    digest = hashlib.sha256()
    for file in sorted(set(_files_named(configuration))):
        digest.update(f"{file}\0".encode())
        try:
            if file.is_file():
                with file.open("rb") as opened:
                    digest.update(opened.read(_MOST_BYTES))
        except OSError as error:
            digest.update(str(error.errno).encode())
    return InForce(configuration, digest.digest())


def look_again(load: Callable[[], Configuration], running: InForce) -> InForce | Wrong | Unchanged:
    """The new configuration when it is another one and good."""
    try:
        found = in_force(load())
    except ConfigurationMistakes as wrong:
        return Wrong(wrong.mistakes)
    if found.configuration.left_out and not running.configuration.left_out:
        return Wrong(found.configuration.left_out)  # what people decided is in force: it is not forgotten by a reload
    mistakes = tuple(_new_mistakes(found.configuration, running.configuration))
    if mistakes:
        return Wrong(mistakes)
    return Unchanged() if found == running else found


def _new_mistakes(new: Configuration, old: Configuration) -> Iterator[Mistake]:
    from gateway.provisioning_check import check_provisions  # slow to import, and stations wait for the start

    if new.data.directory != old.data.directory:
        yield Mistake(
            place=place_of(new.written, "data", "directory"),
            expected=f"{old.data.directory}, since another directory needs a restart",
            got=str(new.data.directory),
        )
        return
    # ports of this very daemon are taken in both, and so cancel out
    yield from check_provisions(new, besides=old)


def _files_named(value: object) -> Iterator[Path]:
    """Every path in a configuration; those that are no files (devices, directories) have no contents to speak of."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _files_named(one)
    elif is_dataclass(value):
        for field in fields(value):
            if field.compare:
                yield from _files_named(getattr(value, field.name))
