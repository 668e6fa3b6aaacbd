"""`support-bundle`: what somebody needs who helps from afar, in one .tar.gz, without any secret.

Works with the gateway running, elsewhere, or not at all: what cannot be had is named in `missing.txt`. Documents pass
through the masking as a whole; idTags get names that hold only within this bundle.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import secrets
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.configuration import Configuration
from gateway.terminal.client import API, ask, fetch
from gateway.terminal.commands_events import MOST_OF_THE_NEWEST, newest_events
from gateway.terminal.commands_site import collect_status
from gateway.terminal.exits import NEGATIVE, OK, Ending, no_permission
from gateway.terminal.json_output import Document, items_of, list_of, print_json
from gateway.terminal.masking import masked_document, masked_text
from gateway.terminal.pages import collect
from gateway.terminal.reaching import USUAL_FILE, Reached, reach
from gateway.version import version

_MOST_DECISIONS = 100


def support_bundle(options: argparse.Namespace) -> int:
    """Make FILE."""
    reached = reach(options)
    salt = secrets.token_bytes(16)
    contents: dict[str, str] = {}
    missing: list[str] = []
    for name, collected in _documents(reached, options).items():
        try:
            contents[name] = _text_of(collected(), salt)
        except Ending as ending:
            missing.append(f"{name}: {ending.sentence}")
    for file in _configuration_files(options):
        with contextlib.suppress(OSError):
            contents[f"configuration/{file.name}"] = masked_text(file.read_text("utf-8", "replace"))
    if missing:
        contents["missing.txt"] = "\n".join(missing) + "\n"
    _write(options.file, contents)
    if options.json:
        print_json({"file": str(options.file), "contents": sorted(contents), "missing": missing})
    else:
        print(f"{options.file}: {', '.join(sorted(contents))}")
        print("Passwords, keys and tokens are masked; look through it before you hand it on.")
    return OK


def _documents(reached: Reached, options: argparse.Namespace) -> dict[str, Callable[[], object]]:
    gateway = reached.gateway
    return {
        "about.json": lambda: _about(reached.configuration),
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
        "metrics.txt": lambda: ask(gateway, "GET", "/metrics").document,
    }


def _quirks(stations: Document) -> object:
    return {str(station.get("id")): list_of(station, "quirks") for station in items_of(stations)}


def _about(configuration: Configuration | None) -> object:
    facts: dict[str, object] = {
        "version": version(),
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": list(os.getloadavg()),
        "time_zone_of_machine": time.strftime("%Z"),
    }
    with contextlib.suppress(OSError):
        facts["os_release"] = platform.freedesktop_os_release().get("PRETTY_NAME")
    if configuration is not None:
        directory = configuration.data.directory
        with contextlib.suppress(OSError):
            facts["disk_free_bytes"] = shutil.disk_usage(directory).free
            facts["data_files_bytes"] = {
                file.name: file.stat().st_size for file in directory.iterdir() if file.is_file()
            }
    return facts


def _configuration_files(options: argparse.Namespace) -> list[Path]:
    if options.url or os.environ.get("OCPP_GATEWAY_URL"):
        return []
    first: Path = options.config or USUAL_FILE
    return [first, *sorted((first.parent / "conf.d").glob("*.toml"))]


def _text_of(document: object, salt: bytes) -> str:
    if isinstance(document, str):
        return masked_text(document)
    return json.dumps(masked_document(document, salt), indent=1, ensure_ascii=False) + "\n"


def _write(target: Path, contents: dict[str, str]) -> None:
    now = int(time.time())
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, text in sorted(contents.items()):
                content = text.encode()
                entry = tarfile.TarInfo(f"ocpp-gateway-support/{name}")
                entry.size, entry.mtime, entry.mode = len(content), now, 0o600
                archive.addfile(entry, io.BytesIO(content))
        temporary.replace(target)
    except PermissionError as error:
        raise no_permission(f"cannot write {target}: {error.strerror}") from error
    except OSError as error:
        raise Ending(NEGATIVE, f"cannot write {target}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
