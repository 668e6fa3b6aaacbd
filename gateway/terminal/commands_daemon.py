"""Commands around the daemon itself: run, demo, check-config, token create.

They read the configuration; everything heavy is imported by the one command that needs it: between the start of `run`
and its first answer stands every import, so `run` loads no client and no time zone.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING

from gateway.configuration import Configuration, load_configuration
from gateway.terminal.exits import CONFIGURATION, NEGATIVE, OK, UNREACHABLE, Ending, negative
from gateway.terminal.json_output import print_json, text_member
from gateway.terminal.reaching import configuration_of, expect_writable, file_of, lan_address, reach, socket_path_of

if TYPE_CHECKING:
    from gateway.terminal.client import Gateway


def run(options: argparse.Namespace) -> int:
    """The daemon in the foreground until SIGTERM."""
    gc.disable()  # what is loaded now stays; run_until_signal switches it on again
    configuration = configuration_of(options)
    from gateway.terminal.logging_setup import set_up_logging

    def begin(chosen: Configuration) -> None:
        set_up_logging(chosen.log.level, as_json=options.log_json)

    begin(configuration)
    from gateway.daemon import AlreadyRunning
    from gateway.daemon_process import run_until_signal
    from gateway.operations.prove_version import cannot_start, ended_in_order
    from gateway.store.migrations import CannotMigrate, NewerDatabase, UnusableDatabase

    try:
        code = run_until_signal(
            configuration,
            load=lambda: load_configuration(file_of(options)),
            load_deciding=lambda text: load_configuration(file_of(options), decided=text),
            begin=begin,
        )
        ended_in_order()
        return code
    except AlreadyRunning as error:
        raise negative(str(error)) from error
    except UnusableDatabase as error:
        if isinstance(error, NewerDatabase | CannotMigrate):
            cannot_start(str(error))
        raise negative(f"{configuration.data.directory}/gateway.db: {error}") from error
    except OSError as error:
        raise negative(f"cannot start: {error}") from error


def demo(options: argparse.Namespace) -> int:
    """The gateway with simulated stations, until interrupted."""
    from gateway.demo import DemoWishes, run_demo

    wishes = DemoWishes(
        options.stations, data=options.data, speed=options.speed, seconds=options.seconds, broker=options.broker
    )
    return run_demo(wishes)


def check_config(options: argparse.Namespace) -> int:
    """Load and provision without running; every mistake on a line of its own."""
    configuration = configuration_of(options)
    from gateway.provisioning_check import check_provisions, notes_about
    from gateway.terminal.client import Gateway, is_there

    runs = is_there(Gateway(socket_path=socket_path_of(configuration)))
    mistakes = check_provisions(configuration, daemon_runs=runs)
    if mistakes:
        raise Ending(CONFIGURATION, "\n".join(str(mistake) for mistake in mistakes))
    notes = [f"{mistake}; site.toml is left out whole" for mistake in configuration.left_out]
    notes += [str(note) for note in notes_about(configuration)]
    if options.json:
        print_json({"ok": True, "facts": dict(_facts(configuration)), "notes": notes})
        return OK
    for name, fact in _facts(configuration):
        print(f"{name}: {fact}")
    for note in notes:
        print(note, file=sys.stderr)
    return OK


def token_create(options: argparse.Namespace) -> int:
    """Make a token; it is the last word on standard output."""
    name = options.name or f"made by {_user()}"
    offline = None if _is_elsewhere(options) else configuration_of(options)
    document = make_token(reach(options).gateway, offline, options.role, name)
    if options.json:
        print_json(document)
    else:
        print(f"token for {options.role}, shown only now: {text_member(document, 'token')}")
    return OK


def make_token(gateway: Gateway, offline: Configuration | None, role: str, name: str) -> object:
    """The API's document of a new token; `offline`: whose database it is put into when nobody answers."""
    from gateway.terminal.client import API, ask, expect

    try:
        return expect(ask(gateway, "POST", f"{API}/tokens", body={"role": role, "name": name}))
    except Ending as ending:
        if ending.code != UNREACHABLE or offline is None:
            raise
        return {"token": _token_offline(offline, role, name), "role": role, "name": name}


def _token_offline(configuration: Configuration, role: str, name: str) -> str:
    from gateway.operations.manage_tokens import ROLES, create_token_offline
    from gateway.store.migrations import UnusableDatabase

    database = configuration.data.directory / "gateway.db"
    expect_writable(database)
    known = next(one for one in ROLES if one == role)
    try:
        return create_token_offline(configuration, known, name)
    except (UnusableDatabase, OSError) as error:
        raise Ending(NEGATIVE, f"{database}: {error}") from error


def _facts(configuration: Configuration) -> list[tuple[str, str]]:
    ocpp, web = configuration.ocpp, configuration.web
    host = lan_address() if ocpp.host in ("0.0.0.0", "::") else ocpp.host
    facts = [
        ("site", f"{configuration.site.id} {configuration.site.name}".strip()),
        ("time zone", configuration.site.timezone),
        ("stations connect to", f"ws://{host}:{ocpp.port}/ocpp/<station id>"),
    ]
    if ocpp.tls is not None:
        facts.append(("stations with TLS connect to", f"wss://{host}:{ocpp.tls.port}/ocpp/<station id>"))
    facts += [
        ("stations in the file", str(len(configuration.stations))),
        ("unknown stations", ocpp.unknown_stations),
        ("unknown tags", ocpp.unknown_tags),
        ("API", f"http://{web.host}:{web.port}/api/v1"),
        ("data", str(configuration.data.directory)),
        ("decided on the setup page", ", ".join(configuration.decided) or "nothing"),
        ("fleet managers", ", ".join(one.name for one in configuration.upstreams) or "none"),
        ("meters", ", ".join(one.name for one in configuration.meters) or "none"),
        ("circuits", ", ".join(one.name for one in configuration.circuits) or "none"),
    ]
    if configuration.circuits:
        from gateway.configuration_safety import worst_case

        facts.append(("without the gateway at most", worst_case(configuration)))
    return [*facts, ("configuration", "good")]


def _is_elsewhere(options: argparse.Namespace) -> bool:
    return bool(options.url or os.environ.get("OCPP_GATEWAY_URL"))


def _user() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
