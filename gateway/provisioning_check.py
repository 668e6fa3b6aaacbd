"""Whether this machine can provide what the configuration asks for: ports, directories, secrets, certificates, devices.

Looks and never changes anything; needs no network. A mistake keeps the daemon from its work; a note is worth knowing.
This file does not know whether the configuration agrees with itself (configuration_agreement).
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.configuration import Configuration, Mistake, RtuTransport, SerialTransport, TcpTransport, read_secret
from gateway.configuration_agreement import listeners
from gateway.configuration_files import Place, Step, place_of, quoted
from gateway.configuration_reading import CREDENTIALS_OF_THE_UNIT
from gateway.configuration_safety import load_notes
from gateway.operations.plan_meters import Unreadable, plan_of
from gateway.provisioning_notes import certificate_notes, has_address, meter_notes, name_notes
from gateway.rules.station_passwords import key_bytes

Trouble = tuple[tuple[Step, ...], str, str]
"""Where in the configuration, what was expected, what is there."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing that keeps nothing from working."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place.file}: {self.place.key}: note: {self.text}"


def check_provisions(
    configuration: Configuration, *, daemon_runs: bool = False, besides: Configuration | None = None
) -> tuple[Mistake, ...]:
    """What this machine lacks, but not what it lacks for `besides` as well. `daemon_runs`: its own ports are taken."""
    lacked = check_provisions(besides, daemon_runs=daemon_runs) if besides is not None else ()
    known = {(mistake.expected, mistake.got) for mistake in lacked}
    found = (
        *_ports(configuration, daemon_runs=daemon_runs),
        *_data_directory(configuration.data.directory),
        *_passwords(configuration),
        *_station_tls(configuration),
        *_upstream_tls(configuration),
        *_meters(configuration),
        *_devices(configuration),
    )
    return tuple(
        Mistake(place=place_of(configuration.written, *where), expected=expected, got=got)
        for where, expected, got in found
        if (expected, got) not in known
    )


def notes_about(configuration: Configuration, *, resolves: Callable[[str], bool] | None = None) -> tuple[Note, ...]:
    """What the installer may want to know; names are looked up for a few seconds at most."""
    found = (
        *_profile_notes(configuration),
        *_secret_notes(configuration),
        *meter_notes(configuration),
        *name_notes(configuration, resolves or has_address),
        *certificate_notes(configuration),
        *load_notes(configuration),
    )
    return tuple(Note(place=place_of(configuration.written, *where), text=text) for where, text in found)


def _ports(configuration: Configuration, *, daemon_runs: bool) -> Iterator[Trouble]:
    for where, host, port in listeners(configuration):
        if not port:
            continue
        try:
            _bind(host, port)
        except socket.gaierror:
            yield (*where[:1], "host"), "an address of this machine", quoted(host)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                yield (*where[:1], "host"), "an address of this machine", quoted(host)
            elif error.errno == errno.EACCES:
                yield where, "a port that this user may open (1024 or higher)", str(port)
            elif not (daemon_runs and error.errno == errno.EADDRINUSE):
                yield where, "a free port", f"{port} ({error.strerror})"


def _bind(host: str, port: int) -> None:
    """Bind and let go at once; OSError as the daemon would meet it."""
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as listener:
            # a connection of an earlier run in TIME_WAIT does not keep the daemon from listening
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)


def _data_directory(directory: Path) -> Iterator[Trouble]:
    where = ("data", "directory")
    nearest = next(path for path in (directory, *directory.parents) if _exists(path))
    if not nearest.is_dir():
        yield where, "a directory", f"the file {nearest}"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        what = "a directory that this user may write to" if nearest == directory else "a directory that can be made"
        yield where, what, f"{nearest} without permission to write"


def _password_files(configuration: Configuration) -> Iterator[tuple[tuple[Step, ...], Path]]:
    for position, upstream in enumerate(configuration.upstreams):
        if upstream.password_file:
            yield ("upstream", position, "password_file"), upstream.password_file
        if upstream.uploads_token_file:
            yield ("upstream", position, "uploads_token_file"), upstream.uploads_token_file
    for position, station in enumerate(configuration.stations):
        if station.password_file:
            yield ("station", position, "password_file"), station.password_file


def _passwords(configuration: Configuration) -> Iterator[Trouble]:
    for where, path in _password_files(configuration):
        if reason := _unreadable(path):
            if not _belongs_to_the_unit(path):
                yield where, "a readable file", reason
        elif not read_secret(path):
            yield where, "a password", f"nothing in {path}"


def _station_tls(configuration: Configuration) -> Iterator[Trouble]:
    tls = configuration.ocpp.tls
    if tls is None:
        return
    for position, certificate in enumerate(tls.certificates):
        where: tuple[Step, ...] = ("ocpp", "tls", "certificates", position)
        yield from _chain_and_key(where, certificate.chain, certificate.key_file)
    if tls.client_ca:
        yield from _certificates_file(("ocpp", "tls", "client_ca"), tls.client_ca)


def _upstream_tls(configuration: Configuration) -> Iterator[Trouble]:
    for position, upstream in enumerate(configuration.upstreams):
        where: tuple[Step, ...] = ("upstream", position)
        if upstream.ca:
            yield from _certificates_file((*where, "ca"), upstream.ca)
        if upstream.chain and upstream.key_file:
            yield from _chain_and_key(where, upstream.chain, upstream.key_file)


def _chain_and_key(where: tuple[Step, ...], chain: Path, key: Path) -> Iterator[Trouble]:
    chain_troubles = list(_certificates_file((*where, "chain"), chain))
    yield from chain_troubles
    if reason := _unreadable(key):
        if not _belongs_to_the_unit(key):
            yield (*where, "key_file"), "a readable file", reason
        return
    if chain_troubles:
        return
    try:
        # a password callback, or OpenSSL would ask the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password=_no_password)
    except _Encrypted:
        yield (*where, "key_file"), "a private key without a password", f"an encrypted one in {key}"
    except ssl.SSLError as error:
        if error.reason in _OF_ANOTHER_KEY:
            yield (*where, "key_file"), f"the private key of {chain}", f"another one in {key}"
        elif error.reason == "EE_KEY_TOO_SMALL":
            yield (*where, "chain"), "a key of 2048 bits (RSA) or 224 bits (EC) or more", f"a shorter one in {chain}"
        else:
            yield (*where, "key_file"), "a private key in PEM form", f"{key} ({error.reason})"


_OF_ANOTHER_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")  # the last: of another kind


class _Encrypted(Exception):
    """OpenSSL asked for the key's password."""


def _no_password() -> str:
    raise _Encrypted


def _certificates_file(where: tuple[Step, ...], path: Path) -> Iterator[Trouble]:
    if reason := _unreadable(path):
        yield where, "a readable file", reason
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except (ssl.SSLError, ValueError) as error:
        yield where, "certificates in PEM form", f"{path} ({getattr(error, 'reason', None) or error})"


def _meters(configuration: Configuration) -> Iterator[Trouble]:
    for position, meter in enumerate(configuration.meters):
        try:
            plan_of(meter)
        except Unreadable as reason:
            got = meter.model if reason.key == "model" else meter.transport.type
            yield ("meter", position, reason.key), str(reason), quoted(got)


def _devices(configuration: Configuration) -> Iterator[Trouble]:
    for position, meter in enumerate(configuration.meters):
        where = ("meter", position, "transport", "device")
        match meter.transport:
            case RtuTransport(device=device) | SerialTransport(device=device):
                yield from _device(where, device)
            case TcpTransport():
                pass


def _device(where: tuple[Step, ...], device: Path) -> Iterator[Trouble]:
    try:
        mode = device.stat().st_mode
    except OSError as error:
        yield where, "a serial device", f"{device} ({error.strerror})"
        return
    if not stat.S_ISCHR(mode):
        yield where, "a serial device", f"{device}, which is none"
    elif not os.access(device, os.R_OK | os.W_OK):
        yield where, "a device that this user may open (group dialout)", f"{device} without permission"


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"{path} ({error.strerror})"
    return None


def _belongs_to_the_unit(path: Path) -> bool:
    """A credential that systemd hands to the running unit only: nothing can be said from outside."""
    return path.parent == CREDENTIALS_OF_THE_UNIT and "CREDENTIALS_DIRECTORY" not in os.environ


def _profile_notes(configuration: Configuration) -> Iterator[tuple[tuple[Step, ...], str]]:
    for position, station in enumerate(configuration.stations):
        where = ("station", position, "security_profile")
        if station.security_profile in (1, 2):
            if not station.password_file:
                yield where, "no password_file: the station cannot connect until it gets a password at run time"
            elif (length := _length_of_password(station.password_file)) and not 16 <= length <= 20:
                text = f"OCPP asks for 16 to 20 bytes, this password has {length}"
                yield ("station", position, "password_file"), text
        if station.security_profile in (2, 3) and configuration.ocpp.tls is None:
            yield where, "no [ocpp.tls]: the station cannot connect with this profile"
        if station.security_profile in (0, 3) and station.password_file:
            yield where, "password_file is not used with this profile"


def _length_of_password(path: Path) -> int:
    """0: it cannot be read, or is empty, which is told elsewhere."""
    return 0 if _unreadable(path) else len(key_bytes(read_secret(path)))


def _secret_notes(configuration: Configuration) -> Iterator[tuple[tuple[Step, ...], str]]:
    tls = configuration.ocpp.tls
    keys = [
        (("ocpp", "tls", "certificates", position, "key_file"), certificate.key_file)
        for position, certificate in enumerate(tls.certificates if tls else ())
    ]
    own = [
        (("upstream", position, "key_file"), upstream.key_file)
        for position, upstream in enumerate(configuration.upstreams)
        if upstream.key_file
    ]
    for where, path in (*_password_files(configuration), *keys, *own):
        if _belongs_to_the_unit(path):
            yield where, "a credential of the unit: it is checked when the unit starts"
        elif _exists(path) and path.stat().st_mode & stat.S_IROTH:
            yield where, f"every user of this machine can read {path}"
