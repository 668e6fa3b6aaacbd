"""`python -m examples.fleet_manager`: watch gateways, give them commands and documents, take leave of one.

`watch` is the consumer and must run for anything to be sent; the other commands write into its database.
"""

from __future__ import annotations

import argparse
import json
import signal
import ssl
import sys
import time
from pathlib import Path

from examples.fleet_manager.commands import new_command
from examples.fleet_manager.consume import FleetManager, Wishes
from examples.fleet_manager.ledger import FINAL, Ledger


def main(arguments: list[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    ledger = Ledger(options.database)
    try:
        return WHATS[options.what](options, ledger)
    finally:
        ledger.close()


def watch(options: argparse.Namespace, ledger: Ledger) -> int:
    """Consume until SIGINT or SIGTERM."""
    wishes = Wishes(
        host=options.host,
        port=options.port or (8883 if options.tls else 1883),
        root=options.root,
        name=options.name,
        tls=ssl.create_default_context(cafile=options.ca) if options.tls else None,
        username=options.username,
        password=options.password_file.read_text().rstrip("\r\n") if options.password_file else None,
        batch=options.batch,
        max_events_per_s=options.max_events_per_s,
        modern=options.mqtt == "5",
        tell=(lambda line: None) if options.quiet else (lambda line: print(line, flush=True)),
    )
    manager = FleetManager(wishes, ledger)

    def stop(number: int, frame: object) -> None:
        manager.stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    manager.run()
    return 0


def command(options: argparse.Namespace, ledger: Ledger) -> int:
    """Give a command and wait for its final result; exit 0 when it succeeded."""
    new = new_command(
        options.type,
        seconds=options.seconds,
        station=options.station,
        connector=options.connector,
        args=json.loads(options.args),
        if_offline=options.if_offline,
    )
    with ledger.transaction():
        ledger.add_command(options.gateway, new)
    give_up_at = time.monotonic() + options.seconds + 5
    while time.monotonic() < give_up_at:
        result = ledger.result_of(new["id"])
        if result is not None and result["status"] in FINAL:
            print(json.dumps(result, indent=2))
            return 0 if result["status"] == "succeeded" else 1
        time.sleep(0.2)
    print(json.dumps({"id": new["id"], "status": "unanswered"}))
    return 1


def document(options: argparse.Namespace, ledger: Ledger) -> int:
    """Publish a document for a gateway, or take it back."""
    content = None if options.clear else json.loads(options.file.read_text())
    with ledger.transaction():
        version = ledger.put_document(options.gateway, options.doc, content)
    print(f"{options.doc} {'is taken back' if options.clear else f'version {version}'}")
    return 0


def leave(options: argparse.Namespace, ledger: Ledger) -> int:
    """Clear what a gateway that is no more left in the broker; its events stay."""
    with ledger.transaction():
        ledger.take_leave(options.gateway)
    return 0


def show(options: argparse.Namespace, ledger: Ledger) -> int:
    """How far each stream came, and what somebody should look at."""
    for row in ledger.execute("SELECT gateway, stream, epoch, upto FROM streams ORDER BY 1, 2").fetchall():
        print(*row)
    for row in ledger.execute("SELECT opened_at, gateway, what, details FROM incidents ORDER BY 1").fetchall():
        print(*row)
    for row in ledger.execute("SELECT gateway, doc, version, report FROM documents ORDER BY 1, 2").fetchall():
        print(*row)
    return 0


WHATS = {"watch": watch, "command": command, "document": document, "leave": leave, "show": show}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="examples.fleet_manager", description=__doc__)
    parser.add_argument("--database", default="fleet.db", help="an SQLite file, or postgresql://... (fleet.db)")
    whats = parser.add_subparsers(dest="what", required=True)
    _add_watch(whats.add_parser("watch", help="consume events, send commands and documents"))
    one = whats.add_parser("command", help="give a command and wait for its result")
    one.add_argument("gateway")
    one.add_argument("type", help="such as ping, rebirth, ocpp.call")
    one.add_argument("args", nargs="?", default="{}", help="the command's args, a JSON object")
    one.add_argument("--station")
    one.add_argument("--connector", type=int)
    one.add_argument("--seconds", type=int, default=30, help="how long it is good (30)")
    one.add_argument("--if-offline", choices=("reject", "queue"), default="reject")
    put = whats.add_parser("document", help="publish a desired document, or take it back")
    put.add_argument("gateway")
    put.add_argument("doc", help="such as auth-list")
    which = put.add_mutually_exclusive_group(required=True)
    which.add_argument("file", nargs="?", type=Path, help="JSON; its version is counted up by itself")
    which.add_argument("--clear", action="store_true")
    whats.add_parser("leave", help="clear the retained messages of a gateway that is no more").add_argument("gateway")
    whats.add_parser("show", help="positions, incidents, documents")
    return parser


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="of the broker (127.0.0.1)")
    parser.add_argument("--port", type=int, help="1883; with --tls 8883")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ca", help="certificates that the broker's is checked against (default: the system's)")
    parser.add_argument("--username")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--root", default="ocpp-gateway", help="topic_root of the gateways (ocpp-gateway)")
    parser.add_argument("--name", default="fleet-manager", help="our client id, one per fleet manager (fleet-manager)")
    parser.add_argument("--mqtt", choices=("5", "3.1.1"), default="5", help="which version the broker speaks (5)")
    parser.add_argument("--batch", action="store_true", help="ask gateways for several events in one message")
    parser.add_argument("--max-events-per-s", type=float, help="ask each gateway for at most so many")
    parser.add_argument("--quiet", action="store_true", help="do not print what is stored")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
