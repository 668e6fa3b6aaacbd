"""The grammar of the commands about jobs, diagnostics and uploads. It does not know what they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar

Number = Callable[[str], int]


def add_jobs(grammar: Grammar, positive: Number) -> None:
    """`jobs`, `security-events` and `diagnostics`; `positive` reads a number from 1 on."""
    jobs = grammar.add("jobs", "commands_jobs:jobs", "firmware updates, diagnostics and logs, newest first")
    jobs.add_argument("station", metavar="STATION", nargs="?", help="only this station's")
    jobs.add_argument("--kind", choices=("firmware", "signed_firmware", "diagnostics", "log"))
    jobs.add_argument("--open", action="store_true", help="only those without a result")
    jobs.add_argument("--limit", type=positive, default=50, metavar="N", help="at most so many (50)")
    security = grammar.add("security-events", "commands_jobs:security_events", "security events, newest first")
    security.add_argument("--station", metavar="ID")
    security.add_argument("--critical", action="store_true", help="only those that somebody should look at")
    security.add_argument("--limit", type=positive, default=50, metavar="N", help="at most so many (50)")
    _add_diagnostics(grammar, positive)


def _add_diagnostics(grammar: Grammar, positive: Number) -> None:
    diagnostics = grammar.group("diagnostics", "what stations uploaded, and asking them for it")
    ask = diagnostics.add("ask", "commands_uploads:ask_station", "ask a station for its diagnostics or its log")
    ask.add_argument("station", metavar="STATION")
    ask.add_argument("--log", choices=("diagnostics", "security"), default="diagnostics", help="which (diagnostics)")
    ask.add_argument("--since", metavar="TIME", help="nothing that is older (RFC 3339; without a zone UTC)")
    ask.add_argument("--until", metavar="TIME", help="nothing that is newer")
    ask.add_argument("--reason", metavar="TEXT", help="why, kept with what is uploaded")
    ask.add_argument("--wait", action="store_true", help="until it has arrived, or failed")
    ask.add_argument("--patience", type=positive, default=600, metavar="N", help="with --wait: seconds at most (600)")
    listed = diagnostics.add("list", "commands_uploads:list_uploads", "what was uploaded, newest first")
    listed.add_argument("--station", metavar="ID")
    listed.add_argument("--limit", type=positive, default=50, metavar="N", help="at most so many (50)")
    get = diagnostics.add("get", "commands_uploads:get_file", "fetch an uploaded file")
    get.add_argument("id", type=positive, metavar="N", help="its number in `diagnostics list`")
    get.add_argument("--output", type=Path, metavar="FILE", help="default: its own name, here")
    delete = diagnostics.add("delete", "commands_uploads:delete", "delete an uploaded file")
    delete.add_argument("id", type=positive, metavar="N")
    forward = diagnostics.add("forward", "commands_uploads:forward", "forward a file to the fleet manager once more")
    forward.add_argument("id", type=positive, metavar="N")
