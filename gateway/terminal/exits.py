"""How the command line ends: the documented exit codes, and the exceptions that become one clear sentence each.

It knows no command; `gateway.__main__` turns an `Ending` into text on standard error and the process's exit code.
"""

from __future__ import annotations

OK = 0
NEGATIVE = 1  # the gateway or the station answered, and the answer is no
USAGE = 2
UNREACHABLE = 69  # EX_UNAVAILABLE
NO_PERMISSION = 77  # EX_NOPERM
CONFIGURATION = 78  # EX_CONFIG
INTERRUPTED = 130


class Ending(Exception):
    """The command ends here with `sentence` on standard error and `code`; `status`: of the HTTP answer that says so."""

    def __init__(self, code: int, sentence: str, *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status


def negative(sentence: str, *, status: int | None = None) -> Ending:
    """The answer is no."""
    return Ending(NEGATIVE, sentence, status=status)


def usage(sentence: str) -> Ending:
    """The command was not understood."""
    return Ending(USAGE, sentence)


def unreachable(sentence: str) -> Ending:
    """Nobody answers where the gateway should."""
    return Ending(UNREACHABLE, sentence)


def no_permission(sentence: str) -> Ending:
    """The token, its role or the file's mode does not allow it."""
    return Ending(NO_PERMISSION, sentence)
