"""Where log records go: the journal with its own fields when systemd listens, else one line each on standard error.

Extras of a record (`extra={"station": ...}`) become journal fields or `key=value`. Secrets are masked in every record,
whatever was logged. This file does not know what is worth logging.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import traceback
from datetime import UTC, datetime
from typing import Protocol, TextIO, cast

_JOURNAL = "/run/systemd/journal/socket"
_LONGEST_MESSAGE = 8000
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
# what the design calls these fields in the journal; any other extra keeps its name in capitals
_JOURNAL_FIELDS = {
    "station": "STATION_ID",
    "connector": "CONNECTOR",
    "action": "OCPP_ACTION",
    "message_id": "OCPP_MSG_ID",
    "transaction": "TX_ID",
    "upstream": "UPSTREAM",
    "code": "ERROR_CODE",
}
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Format(Protocol):
    def format(self, record: logging.LogRecord) -> str: ...


def set_up_logging(
    level: str, *, as_json: bool = False, stream: TextIO | None = None, program: str = "ocpp-gateway"
) -> None:
    """Send everything at `level` (error, warning, info, debug) and above to the journal or to standard error."""
    stream = stream or sys.stderr
    journal = None if as_json or not _is_the_journal(stream) else _open_journal()
    handler: logging.StreamHandler[TextIO] | logging.StreamHandler[_Journal]
    form: _Format
    if journal is not None:
        handler, form = logging.StreamHandler(journal), JournalFormat(program)
        handler.terminator = ""
    else:
        handler, form = logging.StreamHandler(stream), JsonFormat() if as_json else LineFormat()
    handler.setFormatter(cast(logging.Formatter, form))
    handler.addFilter(mask_secrets)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for noisy in ("websockets", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.NOTSET if level == "debug" else logging.ERROR)


def mask_secrets(record: logging.LogRecord) -> bool:
    """A logging filter that keeps every record and takes the secrets out of it, also out of tracebacks and extras."""
    from gateway.rules.secrecy import masked_text  # stations are served before anything is logged

    record.msg, record.args = masked_text(record.getMessage()), None
    if record.exc_info and not record.exc_text:
        record.exc_text = masked_text("".join(traceback.format_exception(*record.exc_info)).rstrip())
    for name, value in extras_of(record).items():
        if isinstance(value, str):
            setattr(record, name, masked_text(value))
        elif not isinstance(value, int | float | None):
            setattr(record, name, masked_text(str(value)))
    return True


def extras_of(record: logging.LogRecord) -> dict[str, object]:
    """What the caller added with `extra=`."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


class LineFormat:
    """`time level logger message key=value`, a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        extras = "".join(f" {name}={_word(value)}" for name, value in extras_of(record).items())
        message = record.getMessage().replace("\n", "\\n")
        text = f"{_time(record)} {record.levelname.lower()} {record.name} {message}{extras}"
        return f"{text}\n{record.exc_text}" if record.exc_text else text


class JsonFormat:
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as a line of JSON."""
        entry = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        document: dict[str, object] = {**entry, "message": record.getMessage(), **extras_of(record)}
        if record.exc_text:
            document["traceback"] = record.exc_text
        return json.dumps(document, default=str, ensure_ascii=False)


class JournalFormat:
    """The journal's native form; bytes travel as latin-1 text because a StreamHandler carries text."""

    def __init__(self, program: str = "ocpp-gateway") -> None:
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """One record as a datagram."""
        message = record.getMessage() + (f"\n{record.exc_text}" if record.exc_text else "")
        fields: dict[str, object] = {
            "PRIORITY": _PRIORITIES.get(record.levelno, 6),
            "MESSAGE": message[:_LONGEST_MESSAGE],
            "SYSLOG_IDENTIFIER": self._program,
            "LOGGER": record.name,
            "CODE_FILE": record.pathname,
            "CODE_LINE": record.lineno,
            "CODE_FUNC": record.funcName,
        }
        for name, value in extras_of(record).items():
            if value is not None:
                fields[_JOURNAL_FIELDS.get(name, name.upper().lstrip("_"))] = value
        return b"".join(_field(name, str(value)) for name, value in fields.items()).decode("latin-1")


class _Journal:
    """Looks like a text stream, sends datagrams."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def write(self, text: str) -> None:
        self._socket.send(text.encode("latin-1"))

    def flush(self) -> None:
        pass


def _field(name: str, value: str) -> bytes:
    content = value.encode("utf-8", "replace")
    if b"\n" not in content:
        return name.encode() + b"=" + content + b"\n"
    return name.encode() + b"\n" + len(content).to_bytes(8, "little") + content + b"\n"


def _is_the_journal(stream: TextIO) -> bool:
    """Whether systemd connected this stream to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _open_journal() -> _Journal | None:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        opened.connect(_JOURNAL)
    except OSError:
        opened.close()
        return None
    return _Journal(opened)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or "\n" in text or '"' in text else text
