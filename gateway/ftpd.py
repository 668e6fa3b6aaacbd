"""`ocpp-gateway-ftpd`: FTP for stations, a process of its own beside the daemon.

It reads the configuration and the TLS pair, and asks the daemon for everything else through `transfers/desk.sock`; it
opens neither the database nor other keys. Without `[firmware] ftp_port` there is nothing to do, and it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.configuration import Configuration
from gateway.operations.transfer_folders import INCOMING
from gateway.systemd_notice import SystemdNotices
from gateway.terminal.exits import OK, Ending, negative
from gateway.terminal.logging_setup import set_up_logging
from gateway.terminal.reaching import configuration_of
from gateway.version import version

if TYPE_CHECKING:
    from firmware_store.ftp_server import FtpSettings
    from firmware_store.ftp_tls import TlsFiles

logger = logging.getLogger(__name__)

PROGRAM = "ocpp-gateway-ftpd"
_MOST_DESCRIPTORS = 4096
# where systemd hands over copies of files that only the daemon may read
_CREDENTIALS = "CREDENTIALS_DIRECTORY"


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM; the exit code (docs/command-line.md)."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(options)
    except Ending as ending:
        sentence = ending.sentence
        print(sentence if ": expected " in sentence else f"{PROGRAM}: {sentence}", file=sys.stderr)
        return ending.code


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="FTP and FTPS for stations of ocpp-gateway.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the gateway's configuration")
    parser.add_argument("--log-json", action="store_true", help="log records as JSON lines")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version()}")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    configuration = configuration_of(options)
    port = configuration.firmware.ftp_port
    if port is None:
        print(f"{PROGRAM}: nothing to do, there is no ftp_port in [firmware]", flush=True)
        SystemdNotices().ready("nothing to do: no ftp_port in [firmware]")  # it did start
        return OK
    set_up_logging(configuration.log.level, as_json=options.log_json, program=PROGRAM)
    _allow_descriptors()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    from firmware_store.ftp_server import FtpServer

    try:
        server = FtpServer(_settings(configuration, port), tls=_tls(configuration))
    except OSError as error:
        host = configuration.firmware.host
        raise negative(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
    with server:
        signal.set_wakeup_fd(server.wakeup_descriptor)
        logger.info("stations: ftp://%s:%d", configuration.firmware.host, server.port)
        notices = SystemdNotices()
        notices.ready(f"FTP on port {server.port}")
        server.run(stopping.is_set)
        notices.stopping()
        signal.set_wakeup_fd(-1)
    return OK


def _settings(configuration: Configuration, port: int) -> FtpSettings:
    from firmware_store.desk_socket import SOCKET_NAME
    from firmware_store.ftp_server import FtpSettings

    firmware, data = configuration.firmware, configuration.data.directory
    return FtpSettings(
        host=firmware.host,
        port=port,
        desk_socket=data / SOCKET_NAME,
        incoming=data / INCOMING,
        passive_ports=firmware.ftp_passive_ports,
        masquerade_address=_public_address(firmware.public_url),
        transfers_at_once=firmware.transfers_at_once,
        station_bytes_per_second=firmware.station_kilobytes_per_second * 1000,
    )


def _tls(configuration: Configuration) -> TlsFiles | None:
    if configuration.ocpp.tls is None:
        return None
    from firmware_store.ftp_tls import TlsFiles
    from gateway.stations.tls import CIPHERS

    return TlsFiles(lambda: _pairs(configuration), CIPHERS[configuration.ocpp.tls.cipher_set])


def _pairs(configuration: Configuration) -> Sequence[tuple[Path, Path]]:
    """(chain, key): those of the configuration; else the gateway's own, as far as they are there."""
    tls = configuration.ocpp.tls
    if tls is None or tls.certificates:
        return [(one.chain, one.key_file) for one in tls.certificates] if tls else []
    handed = os.environ.get(_CREDENTIALS)
    for folder in ([Path(handed)] if handed else []) + [configuration.data.directory / "pki"]:
        found = [folder / f"server-{algorithm}.pem" for algorithm in ("rsa", "ecdsa")]
        pairs = [(chain, chain.with_suffix(".key")) for chain in found if _holds_something(chain)]
        if pairs:
            return pairs
    return []


def _holds_something(file: Path) -> bool:
    """Where the gateway has no such file, the unit hands over a sign of one character."""
    return os.access(file, os.R_OK) and file.stat().st_size > 1


def _public_address(public_url: str | None) -> str | None:
    """The address for data connections; a name could be another one for each station."""
    host = urlsplit(public_url).hostname if public_url else None
    try:
        return str(ipaddress.IPv4Address(host)) if host else None
    except ValueError:
        return None


def _allow_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft < wanted:
        with contextlib.suppress(OSError):  # the unit allows no change, and has LimitNOFILE
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
