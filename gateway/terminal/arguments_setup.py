"""The grammar of `setup` and `next-step` (gateway.terminal.arguments puts it in)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar


def add_setup(grammar: Grammar) -> None:
    """Every answer of the dialogue is an option; what is not given is asked for on a terminal."""
    setup = grammar.add("setup", "commands_setup:setup", "first steps: name, meters, main fuse, stations, phone")
    setup.add_argument("--answers", type=Path, metavar="FILE", help="a TOML file with answers, names as these options")
    setup.add_argument("--site-id", metavar="ID", help="the name of this gateway upstream, such as depot-north")
    setup.add_argument("--name", metavar="TEXT", help="the name of the site for people")
    setup.add_argument("--timezone", metavar="ZONE", help="such as Europe/Amsterdam")
    setup.add_argument(
        "--web",
        choices=("local", "loopback", "network"),
        help="who reaches the page and the API: this machine (both words), or the network too",
    )
    setup.add_argument("--main-fuse", metavar="AMPS", help="for each phase; or three, such as 63,63,35; 0: no limit")
    setup.add_argument(
        "--meter-model", metavar="MODEL", help="the site meter, a name of docs/meters.md; `scan`: look for it"
    )
    setup.add_argument("--meter-device", metavar="DEVICE", help="its serial line, best /dev/serial/by-id/...")
    setup.add_argument("--meter-host", metavar="HOST[:PORT]", help="its address in the network (Modbus TCP)")
    setup.add_argument("--meter-unit", type=int, metavar="N", help="its Modbus address (1)")
    setup.add_argument("--meter-baudrate", type=int, metavar="B", help="with --meter-device (9600)")
    setup.add_argument("--meter-parity", choices=("N", "E", "O"), help="with --meter-device (N)")
    setup.add_argument(
        "--station", action="append", metavar="ID[=AMPS]", help="let this station in, with its most amperes; repeatable"
    )
    setup.add_argument(
        "--all-that-knocked", action="store_true", default=None, help="let in every station that knocked"
    )
    setup.add_argument("--card", action="append", metavar="TAG", help="let this card charge; repeatable")
    setup.add_argument("--free-charging", action="store_true", default=None, help="every card may charge")
    setup.add_argument("--phone", metavar="NAME", help="make a token for this phone and print it once")
    setup.add_argument("--yes", action="store_true", help="ask nothing: what is not given stays as it is")
    setup.add_argument("--dry-run", action="store_true", help="print the configuration, change nothing")
    grammar.add("next-step", "commands_next_step:next_step", "one or two lines: how it goes, and what to do next")
