"""`support-bundle`: what somebody needs who helps from afar, in one .tar.gz, without any secret.

Works with the gateway running, elsewhere, or not at all: what cannot be had is named in `missing.txt`. Documents pass
through the masking as a whole; idTags get names that hold only within this bundle.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from gateway.model.instants import Instant
from gateway.operations.support_bundle import about, configuration_texts, new_salt, text_for_bundle, write_bundle
from gateway.terminal.client import API, ask, fetch
from gateway.terminal.commands_doctor import network_findings
from gateway.terminal.commands_events import MOST_OF_THE_NEWEST, newest_events
from gateway.terminal.commands_site import collect_status
from gateway.terminal.exits import NEGATIVE, OK, Ending, no_permission
from gateway.terminal.json_output import Document, items_of, list_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import USUAL_FILE, Reached, reach

_MOST_DECISIONS = 100
_MOST_LINES = 600


def support_bundle(options: argparse.Namespace) -> int:
    """Make FILE."""
    reached = reach(options)
    salt, now = new_salt(), Instant(time.time_ns() // 1000)
    contents: dict[str, str] = {}
    missing: list[str] = []
    for name, collected in _documents(reached, now).items():
        try:
            contents[name] = text_for_bundle(collected(), salt)
        except Ending as ending:
            missing.append(f"{name}: {ending.sentence}")
    contents |= configuration_texts(_configuration_files(options))
    if missing:
        contents["missing.txt"] = "\n".join(missing) + "\n"
    _write(options.file, contents, now)
    if options.json:
        print_json({"file": str(options.file), "contents": sorted(contents), "missing": missing})
    else:
        print(f"{options.file}: {', '.join(sorted(contents))}")
        print("Passwords, keys and tokens are masked; look through it before you hand it on.")
    return OK


def _documents(reached: Reached, now: Instant) -> dict[str, Callable[[], object]]:
    gateway = reached.gateway
    return {
        "about.json": lambda: about(reached.configuration, now),
        "status.json": lambda: collect_status(reached),
        "stations.json": lambda: collect(gateway, "/stations"),
        "quirks.json": lambda: _quirks(collect(gateway, "/stations")),
        "events.json": lambda: newest_events(gateway, MOST_OF_THE_NEWEST),
        "transactions.json": lambda: collect(gateway, "/transactions", most=200),
        "meters.json": lambda: collect(gateway, "/meters"),
        "upstreams.json": lambda: collect(gateway, "/upstreams"),
        "site.json": lambda: fetch(gateway, f"{API}/site"),
        "load_decisions.json": lambda: collect(
            gateway, "/site/decisions", query={"records": True}, most=_MOST_DECISIONS
        ),
        "jobs.json": lambda: collect(gateway, "/jobs", most=200),
        "security_events.json": lambda: collect(gateway, "/security-events", most=200),
        "log.json": lambda: collect(gateway, "/log", most=_MOST_LINES),
        "network_check.json": lambda: network_findings(reached),
        "metrics.txt": lambda: ask(gateway, "GET", "/metrics").document,
    }


def _quirks(stations: Document) -> object:
    return {str(station.get("id")): list_of(station, "quirks") for station in items_of(stations)}


def _configuration_files(options: argparse.Namespace) -> list[Path]:
    if options.url or os.environ.get("OCPP_GATEWAY_URL"):
        return []
    first: Path = options.config or USUAL_FILE
    return [first, *sorted((first.parent / "conf.d").glob("*.toml"))]


def _write(target: Path, contents: dict[str, str], now: Instant) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            write_bundle(file, contents, now)
        temporary.replace(target)
    except PermissionError as error:
        raise no_permission(f"cannot write {target}: {error.strerror}") from error
    except OSError as error:
        raise Ending(NEGATIVE, f"cannot write {target}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
