"""Finding the gateway that a command talks to, and the configuration that says where it lives.

--url (or OCPP_GATEWAY_URL) reaches a gateway elsewhere with a token; otherwise the unix socket in the data directory of
the configuration is used. It does not know what will be asked.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.configuration import Configuration, ConfigurationMistakes, data_directory_of, load_configuration
from gateway.operations.machine_names import outward_address
from gateway.terminal import own_addresses
from gateway.terminal.exits import CONFIGURATION, Ending, no_permission, usage

if TYPE_CHECKING:
    from gateway.terminal.client import Gateway

USUAL_FILE = Path("/etc/ocpp-gateway/gateway.toml")
SOCKET_NAME = "api.sock"


@dataclass(frozen=True, slots=True)
class Reached:
    """A gateway and what is known of it here; `configuration` is None when it is elsewhere."""

    gateway: Gateway
    configuration: Configuration | None
    zone: tzinfo | None


def configuration_of(options: argparse.Namespace) -> Configuration:
    """What --config says, else the usual file if there is one, else the defaults. Raises Ending 78 or 77."""
    path: Path | None = options.config or USUAL_FILE
    try:
        path = file_of(options)
        if path is not None and path.exists() and not os.access(path, os.R_OK):
            raise PermissionError
        return load_configuration(path)
    except PermissionError as error:
        raise no_permission(f"no permission to read {path}: run this as root or as the user ocpp-gateway") from error
    except ConfigurationMistakes as mistakes:
        raise Ending(CONFIGURATION, str(mistakes)) from mistakes


def file_of(options: argparse.Namespace) -> Path | None:
    """What --config says, else the usual file if it or its conf.d is there; None: nobody has configured anything."""
    if options.config is not None:
        return Path(options.config)
    is_there = USUAL_FILE.exists() or any((USUAL_FILE.parent / "conf.d").glob("*.toml"))
    return USUAL_FILE if is_there else None


def reach(options: argparse.Namespace) -> Reached:
    """The gateway to talk to."""
    from zoneinfo import ZoneInfo

    from gateway.terminal.client import Gateway

    url = options.url or os.environ.get("OCPP_GATEWAY_URL")
    if url:
        return Reached(Gateway(url=url, token=_token(options)), None, None)
    try:
        configuration = configuration_of(options)
    except Ending as ending:
        running = _socket_in_spite_of_mistakes(options) if ending.code == CONFIGURATION else None
        if running is None:
            raise
        return Reached(Gateway(socket_path=running), None, None)
    return Reached(
        Gateway(socket_path=socket_path_of(configuration)), configuration, ZoneInfo(configuration.site.timezone)
    )


def _socket_in_spite_of_mistakes(options: argparse.Namespace) -> Path | None:
    """A gateway goes on with what its files said before: where it listens, if the files still tell the directory."""
    path = file_of(options)
    directory = data_directory_of(path) if path is not None else None
    if directory is None or not (directory / SOCKET_NAME).is_socket():
        return None
    print("ocpp-gateway: the configuration holds mistakes (ocpp-gateway check-config lists them)", file=sys.stderr)
    return directory / SOCKET_NAME


def socket_path_of(configuration: Configuration) -> Path:
    """Where the daemon of this configuration listens for local commands."""
    return configuration.data.directory / SOCKET_NAME


def expect_writable(database: Path) -> None:
    """Raise Ending 77 unless this user may write the database file, or make it where it is not there yet."""
    nearest = next(path for path in (database, *database.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        raise no_permission(f"no permission to write {nearest}: run this as root or as the user ocpp-gateway")


def station_address(reached: Reached) -> str:
    """What to type into a station, with the address of this machine in the local network."""
    if reached.configuration is None:
        host = urlsplit(reached.gateway.url or "").hostname
        return f"ws://{host}:9000/ocpp/<station id>"
    ocpp = reached.configuration.ocpp
    host = lan_address() if ocpp.host in ("0.0.0.0", "::", "") else ocpp.host
    return _ws_address(host, ocpp.port)


def station_addresses(configuration: Configuration) -> list[str]:
    """One for each network of this machine, with a word of warning where it may change; at least one."""
    ocpp = configuration.ocpp
    if ocpp.host not in ("0.0.0.0", "::", ""):
        return [_ws_address(ocpp.host, ocpp.port)]
    found = own_addresses.own_addresses()
    if not found:
        return [_ws_address(lan_address(), ocpp.port)]
    by_dhcp = "; by DHCP: give it a fixed one"
    return [f"{_ws_address(one.address, ocpp.port)}  ({one.interface}{by_dhcp if one.lent else ''})" for one in found]


def page_addresses(configuration: Configuration) -> list[str]:
    """Where people reach the page, one for each network; that of this machine when the network does not reach it."""
    host, port = configuration.web.host, configuration.web.port
    every = host in ("0.0.0.0", "::", "")
    hosts = [one.address for one in own_addresses.own_addresses()] or [lan_address()] if every else [host]
    return [f"http://{_bracketed(one)}:{port}/" for one in hosts]


def _ws_address(host: str, port: int) -> str:
    return f"ws://{_bracketed(host)}:{port}/ocpp/<station id>"


def lan_address() -> str:
    """This machine's own address: that on the way out, else any; no packet is sent. 127.0.0.1 when there is none."""
    way_out = outward_address()
    if way_out is not None:
        return way_out
    found = own_addresses.own_addresses()  # a network of its own, without a way to others
    return found[0].address if found else "127.0.0.1"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _token(options: argparse.Namespace) -> str | None:
    if options.token_file is None:
        return os.environ.get("OCPP_GATEWAY_TOKEN")
    try:
        text: str = options.token_file.read_text("ascii").strip()
    except PermissionError as error:
        raise no_permission(f"no permission to read {options.token_file}") from error
    except (OSError, ValueError) as error:
        raise usage(f"--token-file: expected a file with a token, got {options.token_file} ({error})") from error
    # `token create` prints words before the token; its whole output may be kept in the file
    return text.split()[-1] if text else None
