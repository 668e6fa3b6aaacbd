"""`pki`: the site's authority and certificates. Asks the daemon; what only needs the files works without it as well.

It decides nothing about certificates. A key is written once, readable by its owner only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from gateway.configuration import Configuration
from gateway.model.instants import Instant
from gateway.terminal.client import API, Gateway, ask, expect, fetch
from gateway.terminal.exits import OK, UNREACHABLE, Ending, negative, no_permission, usage
from gateway.terminal.json_output import Document, items_of, list_of, part_of, print_json, text_member
from gateway.terminal.pages import collect
from gateway.terminal.reaching import configuration_of, reach
from gateway.terminal.tables import local_time, table, zone_text


def show(options: argparse.Namespace) -> int:
    """The authority, and what needs attention."""
    document = _pki(options)
    if options.json:
        print_json(document)
        return OK
    authority = part_of(document, "authority")
    if not authority:
        print("no authority yet: it is made when first needed (ocpp-gateway pki authority)")
    else:
        print(f"authority: generation {authority.get('generation')}, root {authority.get('root_subject')}")
        for issuer in list_of(authority, "issuers"):
            print(f"issues with: {issuer.get('key')} {issuer.get('subject')} until {str(issuer.get('not_after'))[:10]}")
    warnings = [str(one["warning"]) for one in list_of(document, "certificates") if one.get("warning")]
    print("\n".join(f"attention: {warning}" for warning in warnings) or "nothing ends soon")
    return OK


def list_certificates(options: argparse.Namespace) -> int:
    """Everything that ends one day, then what was issued to stations."""
    document = dict(_pki(options))
    document["issued"] = _online_or_offline(
        options,
        lambda gateway: items_of(collect(gateway, "/pki/certificates", most=options.limit)),
        lambda configuration: [],  # the database is the daemon's
    )
    if options.json:
        print_json(document)
        return OK
    rows = [
        [one.get("kind"), one.get("name"), one.get("station"), str(one.get("not_after"))[:10], one.get("days_left")]
        for one in list_of(document, "certificates")
    ]
    print(table(["KIND", "NAME", "STATION", "ENDS", "DAYS LEFT"], rows))
    issued = list_of(document, "issued")
    if issued:
        print()
        print(_issued_table(options, issued))
    return OK


def authority(options: argparse.Namespace) -> int:
    """The root that stations must trust, as PEM; made when there is none yet."""

    def offline(configuration: Configuration) -> str:
        from gateway.pki.authority import ensure_authority
        from gateway.pki.certificate_facts import pem_of

        return pem_of([ensure_authority(_directory(configuration), _now()).root()])

    text = _online_or_offline(options, lambda gateway: fetch(gateway, f"{API}/pki/authority"), offline)
    sys.stdout.write(str(text))
    return OK


def server_certificate(options: argparse.Namespace) -> int:
    """The server certificates that the site's authority signed, as PEM; with names they are made for these."""
    from gateway.pki.server_certificates import ensure_server_certificates, server_certificate_files

    directory = _directory(configuration_of(options))
    with _trouble_told(directory):
        try:
            if options.names:
                ensure_server_certificates(directory, options.names, _now())
        except ValueError as error:
            raise usage(f"expected host names or addresses, got {' '.join(options.names)} ({error})") from error
        files = server_certificate_files(directory)
        if not files:
            raise negative(
                "there are none yet: name the addresses that stations use, such as gateway.local 192.168.1.10"
            )
        for file in files:
            sys.stdout.write(file.read_text("ascii"))
    return OK


def renew_authority(options: argparse.Namespace) -> int:
    """Begin a new generation of the authority."""
    if not options.yes:
        raise usage("stations need the new root before the former one ends; add --yes when you mean it")

    def offline(configuration: Configuration) -> object:
        from gateway.operations.keep_authority import authority_document
        from gateway.pki import roll_over

        return authority_document(roll_over.renew_authority(_directory(configuration), _now()))

    return _print_change(options, "/pki/authority/renew", {}, offline)


def import_authority(options: argparse.Namespace) -> int:
    """Let the operator's own authority issue."""
    if len(options.key) != len(options.chain):
        raise usage("each --key needs its --chain")
    parts = [(_text_of(key), _text_of(chain)) for key, chain in zip(options.key, options.chain, strict=True)]

    def offline(configuration: Configuration) -> object:
        from gateway.operations.keep_authority import authority_document
        from gateway.pki import roll_over

        try:
            imported = roll_over.import_authority(_directory(configuration), parts, _now())
        except roll_over.Unfit as unfit:
            raise negative(f"nothing was changed: {unfit}") from unfit
        return authority_document(imported)

    body = {"authorities": [{"private_key": key, "chain": chain} for key, chain in parts]}
    return _print_change(options, "/pki/authority/import", body, offline)


def station_certificate(options: argparse.Namespace) -> int:
    """A key and certificate for a station that cannot ask for one; on standard output, or in two files of --folder."""
    body = {"station": options.station, "algorithm": options.algorithm}
    if options.common_name:
        body["common_name"] = options.common_name
    document = expect(ask(reach(options).gateway, "POST", f"{API}/pki/station-certificates", body=body))
    key, chain = text_member(document, "private_key"), text_member(document, "chain")
    if options.folder:
        name = quote(options.station, safe="")
        _write_new(options.folder / f"{name}.key", key)
        _write_new(options.folder / f"{name}.pem", chain)
        print(f"wrote {name}.key and {name}.pem; the key is kept nowhere else")
    elif options.json:
        print_json(document)
    else:
        sys.stdout.write(key + chain)
    return OK


def revoke(options: argparse.Namespace) -> int:
    """The certificate counts no more from the next connection on."""
    path = f"{API}/pki/certificates/{quote(options.serial, safe='')}/revoke"
    document = expect(ask(reach(options).gateway, "POST", path, body={"reason": options.reason or ""}))
    if options.json:
        print_json(document)
    else:
        stations = document.get("stations") if isinstance(document, Mapping) else None
        print(f"revoked; it was of {', '.join(map(str, stations or []))}")
    return OK


def _pki(options: argparse.Namespace) -> Document:
    def offline(configuration: Configuration) -> object:
        from gateway.operations.certificate_files import dates_in_files
        from gateway.operations.keep_authority import CannotIssue, NoAuthority, offline_authority

        found: object = None
        try:
            found = offline_authority(configuration)
        except NoAuthority:
            pass
        except CannotIssue as error:
            raise negative(str(error)) from error
        return {"authority": found, "certificates": dates_in_files(configuration, Instant(time.time_ns() // 1000))}

    document = _online_or_offline(options, lambda gateway: fetch(gateway, f"{API}/pki"), offline)
    return document if isinstance(document, Mapping) else {}


def _print_change(
    options: argparse.Namespace, path: str, body: object, offline: Callable[[Configuration], object]
) -> int:
    document = _online_or_offline(options, lambda gateway: expect(ask(gateway, "POST", API + path, body=body)), offline)
    if options.json:
        print_json(document)
    elif isinstance(document, Mapping):
        print(f"generation {document.get('generation')} issues now; its root is {document.get('root_subject')}")
        print("give stations the new root: ocpp-gateway station certificates STATION install")
    return OK


def _online_or_offline(
    options: argparse.Namespace,
    online: Callable[[Gateway], object],
    offline: Callable[[Configuration], object],
) -> object:
    """The daemon's answer, or that of the files when no daemon runs on this machine."""
    reached = reach(options)
    try:
        return online(reached.gateway)
    except Ending as ending:
        if ending.code != UNREACHABLE or reached.configuration is None:
            raise
    with _trouble_told(_directory(reached.configuration)):
        return offline(reached.configuration)


@contextlib.contextmanager
def _trouble_told(directory: Path) -> Iterator[None]:
    from gateway.pki.authority import BrokenAuthority

    try:
        yield
    except PermissionError as error:
        raise no_permission(f"no permission for {directory}: run this as root or as the user ocpp-gateway") from error
    except (OSError, BrokenAuthority) as error:
        raise negative(str(error)) from error


def _issued_table(options: argparse.Namespace, issued: list[Document]) -> str:
    zone = reach(options).zone
    rows = [
        [
            one.get("station"),
            one.get("common_name"),
            one.get("state"),
            one.get("algorithm"),
            one.get("security_profile"),
            local_time(one.get("asked_time"), zone),
            str(one.get("not_after"))[:10] if one.get("not_after") else None,
            one.get("serial_number"),
        ]
        for one in issued
    ]
    asked = f"ASKED ({zone_text(zone)})"
    return table(["STATION", "COMMON NAME", "STATE", "ALGORITHM", "PROFILE", asked, "ENDS", "SERIAL"], rows)


def _directory(configuration: Configuration) -> Path:
    return configuration.data.directory / "pki"


def _now() -> datetime:
    return datetime.now(UTC)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError) as error:
        raise usage(f"expected a PEM file, got {path} ({error})") from error


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise negative(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
