"""Manual pages and completion of the .deb, written from the command line's grammar and docs/gateway.toml.

`commands` and `configuration` print a manual page, `completion SHELL` prints what a shell loads. What an option
means stands in the grammar, never here.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT))

from gateway.terminal.arguments import build_parser  # noqa: E402

FILES = """.TP
.I /etc/ocpp\\-gateway/gateway.toml
The site's configuration, see
.BR gateway.toml (5).
.TP
.I /var/lib/ocpp\\-gateway
Database, certificates, firmware images, uploads and backups.
.TP
.I /usr/share/doc/ocpp\\-gateway
The documentation.
"""


def main(words: list[str]) -> int:
    """Print one document."""
    match words:
        case ["commands", version, epoch]:
            print(commands(version, _day(epoch)), end="")
        case ["configuration", version, epoch]:
            print(configuration(version, _day(epoch)), end="")
        case ["completion", shell]:
            print(completion(shell), end="")
        case _:
            print(main.__doc__, file=sys.stderr)
            return 2
    return 0


def _day(epoch: str) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(int(epoch)))


def commands(version: str, day: str) -> str:
    """The page ocpp-gateway(1)."""
    parser = build_parser(version)
    parts = [
        _head("OCPP-GATEWAY", 1, version, day),
        f".SH NAME\nocpp\\-gateway \\- {_text('central system (OCPP 1.6) of a charging site')}\n",
        ".SH SYNOPSIS\n.B ocpp\\-gateway\n.RI [ OPTIONS ]\n.I COMMAND\n.RI [ ARGUMENTS ]\n",
        ".SH DESCRIPTION\n" + _text(parser.description or "") + "\n",
        _text("Commands of root and of members of the group ocpp-gateway need no token.") + "\n",
        ".SH OPTIONS\n" + _options(parser),
        ".SH COMMANDS\n" + "".join(_command(words, one) for words, one in _walk(parser, [])),
        ".SH EXIT STATUS\n" + _exit_codes(parser.epilog or ""),
        ".SH FILES\n" + FILES,
        ".SH SEE ALSO\n.BR gateway.toml (5),\n.BR ocpp\\-gateway\\-ftpd (8),\n.BR systemctl (1),\n.BR journalctl (1)\n",
    ]
    return "".join(parts)


def configuration(version: str, day: str) -> str:
    """The page gateway.toml(5): the commented reference as it stands in the documentation."""
    told = (
        "What a site sets stands in /etc/ocpp-gateway/gateway.toml and in the files *.toml of /etc/ocpp-gateway/conf.d."
        ' Both belong to the site: no package writes or changes them. "ocpp-gateway setup" writes them, and so may you.'
        " Without any, the gateway runs on its defaults. After a change: systemctl reload ocpp-gateway."
        " Every key follows with its default; the same text is /usr/share/ocpp-gateway/gateway.toml."
    )
    reference = (CHECKOUT / "docs" / "gateway.toml").read_text(encoding="utf-8")
    parts = [
        _head("GATEWAY.TOML", 5, version, day),
        ".SH NAME\ngateway.toml \\- configuration of ocpp\\-gateway\n",
        f".SH DESCRIPTION\n{_text(told)}\n",
        ".SH KEYS\n.nf\n.ft CW\n" + "".join(_literal(line) + "\n" for line in reference.splitlines()) + ".ft\n.fi\n",
        ".SH SEE ALSO\n.BR ocpp\\-gateway (1)\n",
    ]
    return "".join(parts)


def completion(shell: str) -> str:
    """What bash or zsh loads to complete the command."""
    import shtab  # type: ignore[import-not-found,unused-ignore]  # Debian's, only where the package is built

    return str(shtab.complete(build_parser(""), shell)) + "\n"


def _head(name: str, section: int, version: str, day: str) -> str:
    return f'.TH {_text(name)} {section} {day} "ocpp\\-gateway {version}"\n'


def _walk(parser: argparse.ArgumentParser, words: list[str]) -> Iterator[tuple[list[str], argparse.ArgumentParser]]:
    """Every command that does something, with the words that call it."""
    if words and parser.get_default("carried_out_by"):
        yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from _walk(inner, [*words, word])


def _command(words: list[str], parser: argparse.ArgumentParser) -> str:
    takes = [_signature(action) for action in _own(parser)]
    usage = " ".join([f"\\fB{_text(' '.join(words))}\\fR", *takes])
    details = "".join(f".IP {_quoted(_names(one))} 4\n{_text(_help(one))}\n" for one in _own(parser) if _help(one))
    return f".TP\n{usage}\n{_text(parser.description or '')}\n" + (f".RS\n{details}.RE\n" if details else "")


def _own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of this command alone, without those of every command."""
    everywhere = {"help", "config", "url", "token_file", "json"}
    return [
        one
        for one in parser._actions
        if one.dest not in everywhere
        and one.help != argparse.SUPPRESS
        and not isinstance(one, argparse._SubParsersAction)
    ]


def _options(parser: argparse.ArgumentParser) -> str:
    shown = [one for one in parser._actions if one.option_strings and one.help != argparse.SUPPRESS]
    return "".join(f".TP\n{_names(one)}\n{_text(_help(one))}\n" for one in shown)


def _names(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return value
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in action.option_strings)
    return f"{names} {value}" if value else names


def _signature(action: argparse.Action) -> str:
    if not action.option_strings:
        shown = _value(action)
        return f"[{shown}]" if action.nargs in ("?", "*") else shown
    shown = " ".join([f"\\fB{_text(action.option_strings[-1])}\\fR", *([_value(action)] if _value(action) else [])])
    return shown if action.required else f"[{shown}]"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return _text("|".join(str(choice) for choice in action.choices))
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return f"\\fI{_text(name)}\\fR" + (" ..." if action.nargs in ("*", "+") else "")


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")


def _exit_codes(epilog: str) -> str:
    _, _, told = " ".join(epilog.split()).partition("exit codes: ")
    pairs = (one.strip().split(" ", 1) for one in told.split(";"))
    return "".join(f".TP\n.B {code}\n{_text(meaning)}\n" for code, meaning in pairs)


def _text(words: str) -> str:
    """Words for roff: backslashes and hyphens kept, no line that begins with a control character."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def _literal(line: str) -> str:
    return _text(line) if line else ""


def _quoted(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
