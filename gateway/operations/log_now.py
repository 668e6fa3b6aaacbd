"""The newest lines of the daemon's log, in memory and without secrets: for people who cannot reach the machine.

A logging handler of its own, so that it works wherever the log goes. Errors are kept longer than the rest, because
they are what is looked for. What is worth logging, and from which level on, is not decided here.
"""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.rules.secrecy import masked_text

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_MOST_LINES = 500
_MOST_ERRORS = 100
_LONGEST_TEXT = 4000
_MOST_EXTRAS = 10
_LONGEST_EXTRA = 200
_LOGGERS = ("gateway", "firmware_store")  # not the root: who sets logging up anew takes the root's handlers away
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogLine(NamedTuple):
    """One line; `number` rises with each. `details`: what was logged beside the text, such as the station."""

    number: int
    time: Instant
    level: int
    logger: str
    text: str
    details: dict[str, str]


class LogNow(logging.Handler):
    """The newest lines, and errors before them."""

    def __init__(self) -> None:
        super().__init__()
        self._last_number = 0
        self._lines: deque[LogLine] = deque(maxlen=_MOST_LINES)
        self._errors: deque[LogLine] = deque(maxlen=_MOST_ERRORS)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; called under the handler's lock, from any thread. Whoever logs is never disturbed by it."""
        time = Instant(int(record.created * 1_000_000))
        try:
            text, details = _text_of(record), _details_of(record)
        except (TypeError, ValueError, KeyError):  # a format that does not fit what is logged
            self.handleError(record)
            return
        self._last_number += 1
        line = LogLine(self._last_number, time, record.levelno, record.name, text, details)
        self._lines.append(line)
        if record.levelno >= logging.ERROR:
            self._errors.append(line)

    def newest(self, *, level: int, before: int | None, limit: int, words: str = "") -> list[LogLine]:
        """The newest lines of this level and above with a number below `before` and `words` in them, newest first."""
        self.acquire()
        try:
            kept = {line.number: line for line in (*self._errors, *self._lines)}
        finally:
            self.release()
        wanted = [line for number, line in kept.items() if line.level >= level and (before is None or number < before)]
        found = [line for line in wanted if _has(line, words.casefold())] if words else wanted
        return sorted(found, reverse=True)[:limit]

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Lines are kept for the length of the block."""
        loggers = [logging.getLogger(name) for name in _LOGGERS]
        for one in loggers:
            one.addHandler(self)
        try:
            yield
        finally:
            for one in loggers:
                one.removeHandler(self)


def level_word(level: int) -> str:
    """The name of a level as people write it."""
    return next((word for word, least in reversed(LEVELS.items()) if level >= least), "debug")


def _has(line: LogLine, words: str) -> bool:
    return any(words in text.casefold() for text in (line.text, line.logger, *line.details.values()))


def _text_of(record: logging.LogRecord) -> str:
    text = masked_text(record.getMessage()[:_LONGEST_TEXT])
    if record.exc_info:
        trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        text = f"{text}\n{masked_text(trace)[-_LONGEST_TEXT:]}"
    return text[: 2 * _LONGEST_TEXT]


def _details_of(record: logging.LogRecord) -> dict[str, str]:
    extras = [(name, value) for name, value in vars(record).items() if name not in _OWN and value is not None]
    return {name: masked_text(str(value)[:_LONGEST_EXTRA]) for name, value in extras[:_MOST_EXTRAS]}
