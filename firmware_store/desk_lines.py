"""What is said on the socket between a server process and the desk: one JSON object per line, both ways.

It decides how questions and answers are written and read, and how a long socket path is reached. It asks and answers
nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from firmware_store.tickets import Download, Ticket, Upload

Line = dict[str, object]

LONGEST_LINE = 16_384
# sun_path has 108 bytes; longer paths are reached through a descriptor of their directory
_LONGEST_SOCKET_PATH = 100


class NotUnderstood(Exception):
    """A line that is no question or answer of this conversation; the text says why."""


def written(line: Line) -> bytes:
    """One line, with its end."""
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def read_line(content: bytes) -> Line:
    """The object in a line. Raises NotUnderstood."""
    try:
        line = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("no JSON") from error
    if not isinstance(line, dict):
        raise NotUnderstood("no object")
    return line


def text_in(line: Line, name: str) -> str:
    """A member that is a text. Raises NotUnderstood."""
    value = line.get(name)
    if not isinstance(value, str):
        raise NotUnderstood(f"{name}: expected a text")
    return value


def number_in(line: Line, name: str) -> int:
    """A member that is a whole number from 0 on. Raises NotUnderstood."""
    value = line.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise NotUnderstood(f"{name}: expected a number")
    return value


def line_of_ticket(ticket: Ticket | None) -> Line:
    """The answer to `find`."""
    if ticket is None:
        return {"answer": "nothing"}
    kind = "download" if isinstance(ticket, Download) else "upload"
    members = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(ticket).items()}
    return {"answer": kind, **members}


def ticket_in(line: Line) -> Ticket | None:
    """What `line_of_ticket` wrote. Raises NotUnderstood."""
    match line.get("answer"):
        case "nothing":
            return None
        case "download":
            return Download(
                link_id=number_in(line, "link_id"),
                station=text_in(line, "station"),
                path=Path(text_in(line, "path")),
                size=number_in(line, "size"),
                sha256=text_in(line, "sha256"),
                file_name=text_in(line, "file_name"),
            )
        case "upload":
            return Upload(
                link_id=number_in(line, "link_id"),
                station=text_in(line, "station"),
                folder=Path(text_in(line, "folder")),
                most_bytes=number_in(line, "most_bytes"),
                reserve_bytes=number_in(line, "reserve_bytes"),
            )
    raise NotUnderstood("answer: expected a ticket")


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for the unix socket `path` that fits into a socket address, valid inside the block. Raises OSError."""
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
