"""`station security`: where a station stands, a new password, the next security profile.

A password that the gateway made is printed once and kept nowhere; one from a file is sent as it stands there. With
--here the station is not asked: for the side of the gateway alone, also for a lower profile.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.configuration import read_secret
from gateway.terminal.client import API, Gateway, ask, expect, fetch, problem_text
from gateway.terminal.exits import NEGATIVE, OK, negative, usage
from gateway.terminal.json_output import print_json
from gateway.terminal.reaching import reach
from gateway.terminal.tables import cell

_NEW_PASSWORD_BYTES = 20
_PROFILES = {0: "no password", 1: "password", 2: "TLS and password", 3: "TLS and certificates"}


def security(options: argparse.Namespace) -> int:
    """Exit 0 when everything that was asked for was accepted (nothing asked: shows the state)."""
    gateway = reach(options).gateway
    path = f"{API}/stations/{quote(options.station, safe='')}"
    if options.here:
        document, done = _set_here(options, gateway, path), True
    elif _is_a_wish(options):
        document, done = _ask_station(options, gateway, path)
    else:
        document, done = {"security": fetch(gateway, f"{path}/security")}, True
    if options.json:
        print_json(document)
    else:
        _print(options.station, document)
    return OK if done else NEGATIVE


def _is_a_wish(options: argparse.Namespace) -> bool:
    return bool(options.new_password or options.password_file or options.profile is not None or options.reset)


def _ask_station(options: argparse.Namespace, gateway: Gateway, path: str) -> tuple[Mapping[str, object], bool]:
    body = {
        "new_password": options.new_password or None,
        "password": None if options.password_file is None else _password_in(options.password_file),
        "security_profile": options.profile,
        "reset": options.reset or None,
    }
    wished = {name: value for name, value in body.items() if value is not None}
    # how long a station may take is the gateway's decision (call_timeout_seconds)
    response = ask(gateway, "POST", f"{path}/security", body=wished, patience_seconds=None)
    document = response.document
    if not isinstance(document, Mapping) or "done" not in document:
        raise negative(problem_text(response))
    return document, document["done"] is True


def _set_here(options: argparse.Namespace, gateway: Gateway, path: str) -> Mapping[str, object]:
    if options.reset or not _is_a_wish(options):
        raise usage(
            "--here needs --new-password, --password-file or --profile, and no --reset: the station is not asked"
        )
    made = secrets.token_hex(_NEW_PASSWORD_BYTES) if options.new_password else None
    password = made if options.password_file is None else _password_in(options.password_file)
    body = {"password": password, "security_profile": options.profile}
    expect(ask(gateway, "PUT", path, body={name: value for name, value in body.items() if value is not None}))
    state = {"security": fetch(gateway, f"{path}/security")}
    return state if made is None else {"password": made, **state}


def _password_in(file: Path) -> str:
    try:
        password = read_secret(file).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{file}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    if not password:
        raise usage(f"{file}: nothing in it")
    return password


def _print(station: str, document: Mapping[str, object]) -> None:
    steps = document.get("steps")
    for step in steps if isinstance(steps, list) else []:
        _print_step(station, step)
    if "password" in document:
        print(f"new password, shown only now: {document['password']}")
    state = document["security"]
    assert isinstance(state, Mapping)
    for name, text in _lines(state):
        print(f"{name}: {text}")


def _print_step(station: str, step: Mapping[str, object]) -> None:
    if step.get("warning"):
        print(f"warning: {step['warning']}", file=sys.stderr)
    response = step.get("response")
    if step.get("status") == "answered" and isinstance(response, Mapping):
        said = cell(response.get("status"))
    else:
        said = cell(" ".join(str(step[name]) for name in ("status", "code", "description") if step.get(name)))
    print(f"{station} was sent {step.get('action')}: {said}")


def _lines(state: Mapping[str, object]) -> list[tuple[str, str]]:
    profile, connected = state["security_profile"], state["connected_profile"]
    lines = [("security profile", f"{profile} ({_PROFILES[int(str(profile))]})")]
    to_come = state["profiles_to_come"]
    if isinstance(to_come, list) and to_come:
        lines.append(("accepted as well until it is used", ", ".join(f"profile {one}" for one in to_come)))
    lines.append(("password here", "yes" if state["has_password"] else "no"))
    passwords = state["passwords_to_come"]
    if isinstance(passwords, list) and passwords:
        lines.append(("sent, and accepted as well until one is used", f"{len(passwords)} new password(s)"))
    lines.append(("connected with", "not connected" if connected is None else f"profile {connected}"))
    certificate = state["certificate"]
    if isinstance(certificate, Mapping):
        text = f"{cell(certificate['common_name'])}, signed by {cell(certificate['issuer'])}"
        lines.append(("certificate", f"{text}, until {certificate['not_after']}"))
    lines.append(("TLS port", "none ([ocpp.tls])" if state["tls_port"] is None else str(state["tls_port"])))
    return lines
