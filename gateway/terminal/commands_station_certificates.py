"""`station certificates`: what a station has installed; roots installed and deleted, its own certificate renewed.

Every request goes the way of `call`. The station's own letters are sent back to it; line ends are made plain. The last
root by which a station knows this gateway is not deleted without --yes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.terminal.client import API, Gateway, ask, fetch, problem_text
from gateway.terminal.exits import NEGATIVE, OK, Ending, negative, usage
from gateway.terminal.json_output import Document, list_of, print_json
from gateway.terminal.reaching import reach
from gateway.terminal.tables import local_time, table, zone_text

_TYPES = {"central-system": "CentralSystemRootCertificate", "manufacturer": "ManufacturerRootCertificate"}
_HASH_MEMBERS = {
    "hashAlgorithm": "hash_algorithm",
    "issuerNameHash": "issuer_name_hash",
    "issuerKeyHash": "issuer_key_hash",
    "serialNumber": "serial_number",
}


def certificates(options: argparse.Namespace) -> int:
    """List, install, delete or renew; 1 when the station says no."""
    if options.do == "delete" and not options.which:
        raise usage("delete: which one? name its serial number, as the list shows it")
    match options.do:
        case "install":
            return _install(options)
        case "delete":
            return _delete(options)
        case "renew":
            return _print_answer(options, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        case _:
            return _list(options)


def _list(options: argparse.Namespace) -> int:
    reached = reach(options)
    document = _told(reached.gateway, options)
    if options.json:
        print_json(document)
        return OK
    zone = f"TOLD ({zone_text(reached.zone)})"
    rows = [
        [
            one.get("certificate_type"),
            one.get("serial_number"),
            one.get("subject"),
            str(one.get("not_after"))[:10] if one.get("not_after") else None,
            local_time(one.get("reported_time"), reached.zone),
        ]
        for one in list_of(document, "installed")
    ]
    print(table(["TYPE", "SERIAL", "SUBJECT", "ENDS", zone], rows))
    issued = [
        [one.get("state"), one.get("common_name"), one.get("serial_number"), str(one.get("not_after"))[:10]]
        for one in list_of(document, "issued")
    ]
    print()
    print(table(["ISSUED HERE", "COMMON NAME", "SERIAL", "ENDS"], issued))
    return OK


def _install(options: argparse.Namespace) -> int:
    gateway = reach(options).gateway
    if options.which:
        try:
            text = sys.stdin.read() if options.which == "-" else Path(options.which).read_text("ascii")
        except (OSError, ValueError) as error:
            raise usage(f"expected a PEM file, got {options.which} ({error})") from error
    else:
        text = str(fetch(gateway, f"{API}/pki/authority"))
    payload = {"certificateType": _TYPES[options.type or "central-system"], "certificate": _plain(text)}
    return _print_answer(options, "InstallCertificate", payload)


def _delete(options: argparse.Namespace) -> int:
    gateway = reach(options).gateway
    told = list_of(_told(gateway, options), "installed")
    wanted = _same(options.which)
    found = [one for one in told if _same(str(one.get("serial_number"))) == wanted and _is_of_type(options, one)]
    if not found:
        raise negative(f"{options.station} tells of no certificate with the serial number {options.which}")
    if len({one.get("certificate_type") for one in found}) > 1 or len(found) > 1:
        raise negative("more than one certificate has this serial number: add --type, or use `call DeleteCertificate`")
    (one,) = found
    roots = [other for other in told if other.get("certificate_type") == _TYPES["central-system"]]
    if roots == [one] and not options.yes:
        raise negative(
            f"this is the last root by which {options.station} knows this gateway: without it the station may never"
            " connect with TLS again; add --yes when you mean it"
        )
    hash_data = {member: one.get(name) for member, name in _HASH_MEMBERS.items()}
    return _print_answer(options, "DeleteCertificate", {"certificateHashData": hash_data})


def _told(gateway: Gateway, options: argparse.Namespace) -> Document:
    """What the station tells now; what it told before when it cannot be asked."""
    for kind in _TYPES.values():
        outcome = _ask_station(gateway, options, "GetInstalledCertificateIds", {"certificateType": kind})
        if outcome.get("status") != "answered":
            print(f"{options.station}: {_words(outcome)}; this is what it told before", file=sys.stderr)
            break
    document = fetch(gateway, f"{API}/stations/{quote(options.station, safe='')}/certificates")
    return document if isinstance(document, Mapping) else {}


def _print_answer(options: argparse.Namespace, action: str, payload: Mapping[str, object]) -> int:
    outcome = _ask_station(reach(options).gateway, options, action, payload)
    if options.json:
        print_json(outcome)
    else:
        print(f"{options.station}: {_words(outcome)}")
    if outcome.get("warning"):
        print(f"warning: {outcome['warning']}", file=sys.stderr)
    response = outcome.get("response")
    accepted = isinstance(response, Mapping) and response.get("status") == "Accepted"
    return OK if accepted else NEGATIVE


def _ask_station(gateway: Gateway, options: argparse.Namespace, action: str, payload: Mapping[str, object]) -> Document:
    path = f"{API}/stations/{quote(options.station, safe='')}/commands/{action}"
    response = ask(gateway, "POST", path, body=payload, patience_seconds=None)
    document = response.document
    if not isinstance(document, Mapping) or not isinstance(document.get("status"), str):
        raise Ending(NEGATIVE, problem_text(response))
    return document


def _words(outcome: Document) -> str:
    response = outcome.get("response")
    if isinstance(response, Mapping):
        return str(response.get("status") or response)
    return str(outcome.get("description") or outcome.get("status"))


def _is_of_type(options: argparse.Namespace, one: Document) -> bool:
    return options.type is None or one.get("certificate_type") == _TYPES[options.type]


def _same(serial: str) -> str:
    return serial.strip().casefold().replace(":", "").lstrip("0")


def _plain(pem: str) -> str:
    return "\n".join(line.rstrip() for line in pem.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")) + "\n"
