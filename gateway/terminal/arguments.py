"""The command line's grammar: every command with its options, and the function that carries it out, by name.

Functions are named, not imported, so that `--help` and `check-config` load nothing that they do not need.
It does not know what the commands do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway.terminal.arguments_campaigns import add_campaigns
from gateway.terminal.arguments_firmware import add_firmware
from gateway.terminal.arguments_fleet import add_fleet, broker
from gateway.terminal.arguments_jobs import add_jobs
from gateway.terminal.arguments_keep import add_keeping
from gateway.terminal.arguments_people import add_people
from gateway.terminal.arguments_setup import add_setup

_DESCRIPTION = "Local OCPP 1.6 central system for a charging site."
_EPILOG = """exit codes: 0 done; 1 the answer is no; 2 the command was not understood; 69 the gateway does not answer;
77 not allowed (token, role, file permissions); 78 configuration mistake; 130 interrupted"""

_GLOBAL_DEFAULTS: dict[str, object] = {"config": None, "url": None, "token_file": None, "json": False}


def parse(arguments: list[str], version: str) -> argparse.Namespace:
    """The options of one call; argparse ends the process with 2 when they make no sense."""
    options = build_parser(version, daemon_alone=arguments[:1] == ["run"]).parse_args(arguments)
    for name, value in _GLOBAL_DEFAULTS.items():
        if not hasattr(options, name):
            setattr(options, name, value)
    return options


def build_parser(version: str, *, daemon_alone: bool = False) -> argparse.ArgumentParser:
    """The parser of `ocpp-gateway`; `daemon_alone`: of `run` only, because stations wait while the others are built."""
    everywhere = _everywhere()
    parser = argparse.ArgumentParser(
        prog="ocpp-gateway",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        parents=[everywhere],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ocpp-gateway {version}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    grammar = Grammar(commands, everywhere)
    _add_run(grammar)
    if daemon_alone:
        return parser
    _add_daemon(grammar)
    _add_questions(grammar)
    _add_charging(grammar)
    _add_tags(grammar)
    _add_actions(grammar)
    add_keeping(grammar)
    _add_pki(grammar)
    _add_station(grammar)
    _add_reservations(grammar)
    add_campaigns(add_firmware(grammar))
    add_fleet(grammar)
    add_people(grammar)
    add_setup(grammar)
    return parser


class Grammar:
    """Adds commands that all take the options of everywhere."""

    def __init__(
        self, commands: argparse._SubParsersAction[argparse.ArgumentParser], everywhere: argparse.ArgumentParser
    ) -> None:
        self._commands = commands
        self._everywhere = everywhere

    def add(self, name: str, carried_out_by: str, summary: str) -> argparse.ArgumentParser:
        """A command; `carried_out_by` is `module:function` inside gateway.terminal."""
        parser = self._commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", parents=[self._everywhere],
            allow_abbrev=False,
        )  # fmt: skip
        parser.set_defaults(carried_out_by=carried_out_by)
        return parser

    def group(self, name: str, summary: str, *, by_itself: str | None = None) -> Grammar:
        """A command with commands of its own; `by_itself` carries it out when none of them is named."""
        parser = self._commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", parents=[self._everywhere],
            allow_abbrev=False,
        )  # fmt: skip
        parser.set_defaults(carried_out_by=by_itself)
        inner = parser.add_subparsers(metavar="WHAT", required=by_itself is None, dest="what")
        return Grammar(inner, self._everywhere)


def _everywhere() -> argparse.ArgumentParser:
    """Options understood before and after the command; SUPPRESS keeps the second place from undoing the first."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: /etc/ocpp-gateway/gateway.toml, if there)"
    )
    parser.add_argument("--url", metavar="URL", help="a gateway elsewhere, such as http://192.168.1.10:8080")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file with the token for --url")
    parser.add_argument("--json", action="store_true", help="print the API's JSON document")
    return parser


def _add_run(grammar: Grammar) -> None:
    run = grammar.add("run", "commands_daemon:run", "run the gateway in the foreground")
    run.add_argument("--log-json", action="store_true", help="log records as JSON lines")


def _add_daemon(grammar: Grammar) -> None:
    demo = grammar.add("demo", "commands_daemon:demo", "a gateway with simulated stations on this machine")
    demo.add_argument("--stations", type=_count, default=3, metavar="N", help="simulated stations (3)")
    demo.add_argument("--data", type=Path, metavar="DIR", help="keep the data here (default: a temporary directory)")
    demo.add_argument(
        "--speed", type=_more_than_zero, default=20.0, metavar="X", help="how much faster drivers live (20)"
    )
    demo.add_argument("--broker", type=broker, metavar="HOST[:PORT]", help="a fleet manager's MQTT broker, without TLS")
    demo.add_argument("--seconds", type=_more_than_zero, metavar="N", help="stop after so many seconds")
    grammar.add("reload", "commands_reload:reload_configuration", "have the gateway read its configuration again")
    grammar.add("check-config", "commands_daemon:check_config", "check the configuration without running")
    token = grammar.group("token", "API tokens")
    create = token.add("create", "commands_daemon:token_create", "make a token and print it once")
    create.add_argument("--role", required=True, choices=("viewer", "operator", "installer"))
    create.add_argument("--name", default="", metavar="N", help="whose token it is")


def _add_questions(grammar: Grammar) -> None:
    grammar.add("status", "commands_site:status", "whether all is well, and what to do next")
    stations = grammar.add("stations", "commands_site:stations", "stations, their connection and connectors")
    stations.add_argument("station", metavar="STATION", nargs="?", help="one station: what it can do, its settings")
    transactions = grammar.add("transactions", "commands_site:transactions", "charging sessions, newest first")
    transactions.add_argument("--station", metavar="ID")
    transactions.add_argument("--connector", type=_count, metavar="N")
    transactions.add_argument("--id-tag", metavar="TAG")
    transactions.add_argument("--note", metavar="WORDS", help="only of cards whose note has all these words")
    transactions.add_argument("--open", action="store_true", help="only those that run")
    transactions.add_argument("--from", dest="begin", metavar="TIME", help="started at or after (RFC 3339)")
    transactions.add_argument("--to", dest="end", metavar="TIME", help="started before (RFC 3339)")
    transactions.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most so many (50)")
    add_jobs(grammar, _positive)
    _add_meters(grammar)
    _add_limits(grammar)
    why = grammar.add("why", "commands_load:why", "why a station has the limit it has")
    why.add_argument("station", metavar="STATION")
    why.add_argument("--at", metavar="TIME", help="at this moment that is past (RFC 3339; default: now)")
    why.add_argument("--connector", type=_count, metavar="N", help="default: the lowest with a session")
    events = grammar.add("events", "commands_events:events", "the journal")
    events.add_argument("--after", type=_count, metavar="EVENT", help="those after this event_id (default: the newest)")
    events.add_argument("--station", metavar="ID")
    events.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most so many (50)")
    tail = grammar.add("tail", "commands_events:tail", "the journal as it grows, until interrupted")
    tail.add_argument(
        "--after", type=_count, metavar="EVENT", help="begin after this event_id (default: with the next)"
    )
    tail.add_argument("--station", metavar="ID")


def _add_charging(grammar: Grammar) -> None:
    profiles = grammar.add("profiles", "commands_charging:profiles", "charging profiles in force")
    profiles.add_argument("--station", metavar="ID")
    profiles.add_argument(
        "--clear-all", action="store_true", help="clear every profile of the station, also those of an earlier system"
    )
    composite = grammar.add(
        "composite-schedule", "commands_charging:composite_schedule", "what a connector may draw from now on"
    )
    composite.add_argument("station", metavar="STATION")
    composite.add_argument("--connector", type=_count, default=0, metavar="N", help="0, the default: the whole station")
    composite.add_argument("--duration", type=_positive, default=86_400, metavar="N", help="seconds (86400)")
    composite.add_argument("--unit", choices=("A", "W"), default="A", help="A per phase (default), or W in total")


def _add_meters(grammar: Grammar) -> None:
    meters = grammar.group("meters", "site meters: newest readings", by_itself="commands_meters:meters")
    scan = meters.add("scan", "commands_meters:scan", "find the meters on a line and what they are")
    line = scan.add_mutually_exclusive_group(required=True)
    line.add_argument("--device", metavar="DEVICE", help="a serial device, such as /dev/ttyUSB0")
    line.add_argument("--host", metavar="HOST", help="a meter or converter in the network")
    scan.add_argument("--port", type=_positive, default=502, metavar="N", help="with --host (502)")
    scan.add_argument("--framing", default="tcp", choices=("tcp", "rtu"), help="with --host; rtu: RTU frames over TCP")
    scan.add_argument("--baudrate", default="usual", metavar="B", help="one speed, or `all` (default: the usual ones)")
    scan.add_argument("--parity", choices=("N", "E", "O"), help="default: N, then E")
    scan.add_argument("--units", type=_units, default=range(1, 11), metavar="A-B", help="addresses to try (1-10)")


def _add_limits(grammar: Grammar) -> None:
    limits = grammar.group(
        "limits", "load of circuits, and lower limits for a time", by_itself="commands_limits:limits"
    )
    put = limits.add("set", "commands_limits:set_limit", "set a lower limit for a circuit")
    put.add_argument("circuit", metavar="CIRCUIT")
    put.add_argument("amps", metavar="AMPS", help="for each phase; or three, such as 16,16,10; or 11000W in total")
    end = put.add_mutually_exclusive_group()
    end.add_argument("--until", metavar="TIME", help="until when (RFC 3339; without a zone UTC)")
    end.add_argument("--for", dest="lasting", metavar="TIME", help="how long, such as 90m, 2h or 1d")
    put.add_argument("--source", metavar="NAME", help="whose limit it is, such as dso (api)")
    remove = limits.add("remove", "commands_limits:remove_limit", "take such a limit away")
    remove.add_argument("circuit", metavar="CIRCUIT")
    remove.add_argument("--source", metavar="NAME", help="whose limit (api)")


def _add_tags(grammar: Grammar) -> None:
    tags = grammar.group("tags", "idTags that may charge", by_itself="commands_tags:list_tags")
    tags.add("list", "commands_tags:list_tags", "all tags")
    put = tags.add("set", "commands_tags:set_tag", "add or replace a tag")
    put.add_argument("tag", metavar="TAG")
    put.add_argument("--status", default="Accepted", choices=("Accepted", "Blocked", "Expired", "Invalid"))
    put.add_argument("--parent", metavar="TAG", help="parent idTag (group)")
    put.add_argument("--expires", metavar="TIME", help="RFC 3339")
    put.add_argument("--note", metavar="TEXT")
    remove = tags.add("remove", "commands_tags:remove_tag", "forget a tag")
    remove.add_argument("tag", metavar="TAG")
    read = tags.add("import", "commands_tags:import_tags", "read tags from a CSV or JSON file")
    read.add_argument("file", metavar="FILE", help="- reads standard input")
    read.add_argument("--partial", action="store_true", help="store the good lines although others are wrong")


def _add_reservations(grammar: Grammar) -> None:
    reserve = grammar.add("reserve", "commands_reservations:reserve", "reserve a connector for a tag")
    reserve.add_argument("station", metavar="STATION")
    reserve.add_argument("--connector", type=_count, required=True, metavar="N", help="0: any of the station")
    reserve.add_argument("--tag", required=True, metavar="TAG", help="who may charge")
    reserve.add_argument("--parent", metavar="TAG", help="parent idTag: all tags of this group may charge")
    end = reserve.add_mutually_exclusive_group(required=True)
    end.add_argument("--minutes", type=_more_than_zero, metavar="M", help="how long, from now")
    end.add_argument("--until", metavar="TIME", help="until when (RFC 3339; without a zone UTC)")
    reserve.add_argument("--id", type=int, metavar="ID", help="replace this reservation (default: a new one)")
    known = grammar.add("reservations", "commands_reservations:reservations", "reservations in force")
    known.add_argument("--station", metavar="ID")
    known.add_argument("--uncertain", action="store_true", help="instead those that a station did not answer for")
    cancel = grammar.add("cancel-reservation", "commands_reservations:cancel", "cancel a reservation")
    cancel.add_argument("station", metavar="STATION")
    cancel.add_argument("id", type=int, metavar="ID", help="the reservation")


def _add_actions(grammar: Grammar) -> None:
    call = grammar.add("call", "commands_station:call", "send any OCPP request to a station")
    call.add_argument("station", metavar="STATION")
    call.add_argument("action", metavar="ACTION", help="such as Reset")
    call.add_argument("payload", metavar="JSON", nargs="?", help="the payload, sent as it is; - reads standard input")
    call.add_argument("--image", metavar="ID", help="of the store: its address is filled into an UpdateFirmware")
    call.add_argument("--reason", metavar="TEXT", help="kept with what GetDiagnostics or GetLog brings")
    lists = grammar.add("local-list", "commands_lists:local_list", "the list of tags in a station; sent when told to")
    lists.add_argument("station", metavar="STATION")
    which = lists.add_mutually_exclusive_group()
    which.add_argument("--full", dest="update_type", action="store_const", const="Full", help="send the whole list")
    which.add_argument(
        "--differential", dest="update_type", action="store_const", const="Differential", help="send what changed"
    )


def _add_pki(grammar: Grammar) -> None:
    pki = grammar.group("pki", "the site's certificate authority", by_itself="commands_pki:show")
    pki.add("show", "commands_pki:show", "the authority, and what needs attention")
    listed = pki.add("list", "commands_pki:list_certificates", "every certificate with its end")
    listed.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most so many issued ones (50)")
    pki.add("authority", "commands_pki:authority", "print the root that stations must trust, as PEM")
    server = pki.add("server-certificate", "commands_pki:server_certificate", "print the gateway's server certificates")
    server.add_argument("names", nargs="*", metavar="NAME", help="make them for these names and addresses")
    renew = pki.add("renew-authority", "commands_pki:renew_authority", "begin a new generation of the authority")
    renew.add_argument("--yes", action="store_true", help="do not ask")
    read = pki.add("import-authority", "commands_pki:import_authority", "let the operator's own authority issue")
    read.add_argument("--key", type=Path, action="append", required=True, metavar="FILE", help="its private key")
    read.add_argument(
        "--chain",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="its certificate, then those above it",
    )
    make = pki.add("station-certificate", "commands_pki:station_certificate", "make a key and certificate by hand")
    make.add_argument("station", metavar="STATION")
    make.add_argument("--common-name", metavar="NAME", help="such as its serial number (default: its id)")
    make.add_argument("--algorithm", choices=("rsa", "ecdsa"), default="ecdsa", help="type of the key (ecdsa)")
    make.add_argument("--folder", type=Path, metavar="DIR", help="write two files here (default: standard output)")
    revoke = pki.add("revoke", "commands_pki:revoke", "revoke a station's certificate")
    revoke.add_argument("serial", metavar="SERIAL", help="its serial number or SHA-256 fingerprint")
    revoke.add_argument("--reason", metavar="TEXT")


def _add_station(grammar: Grammar) -> None:
    station = grammar.group("station", "one station's security")
    certificates = station.add(
        "certificates", "commands_station_certificates:certificates", "certificates in a station: list or change them"
    )
    certificates.add_argument("station", metavar="STATION")
    certificates.add_argument("do", nargs="?", default="list", choices=("list", "install", "delete", "renew"))
    certificates.add_argument("which", nargs="?", metavar="FILE|SERIAL", help="what to install, or to delete")
    certificates.add_argument(
        "--type", choices=("central-system", "manufacturer"), default=None, help="of the root (central-system)"
    )
    certificates.add_argument("--yes", action="store_true", help="delete also the last central system root")
    security = station.add(
        "security", "commands_security:security", "how a station proves itself; a new password, the next profile"
    )
    security.add_argument("station", metavar="STATION")
    password = security.add_mutually_exclusive_group()
    password.add_argument("--new-password", action="store_true", help="make one, send it, print it once")
    password.add_argument("--password-file", type=Path, metavar="FILE", help="send the one in this file")
    security.add_argument("--profile", type=int, choices=range(4), metavar="N", help="security profile 0 to 3")
    security.add_argument("--reset", action="store_true", help="a hard reset at the end")
    security.add_argument("--here", action="store_true", help="change only the gateway's side, do not ask the station")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {text}")
    return number


def _positive(text: str) -> int:
    number = _count(text)
    if number == 0:
        raise argparse.ArgumentTypeError("expected 1 or more, got 0")
    return number


def _units(text: str) -> range:
    first, _, last = text.partition("-")
    units = range(int(first), int(last or first) + 1)
    if not units or units[0] < 0 or units[-1] > 247:
        raise argparse.ArgumentTypeError(f"expected addresses such as 1-20, got {text}")
    return units


def _more_than_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {text}") from None
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"expected more than 0, got {text}")
    return number
