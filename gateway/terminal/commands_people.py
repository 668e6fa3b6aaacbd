"""`user`: accounts of people, and codes with which somebody makes an account or gets back into one.

A code is also made while no daemon runs. Passwords come from a terminal or from standard input, never from arguments.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Mapping
from urllib.parse import quote

from gateway.configuration import Configuration
from gateway.terminal.client import API, Gateway, ask, expect, fetch
from gateway.terminal.exits import NEGATIVE, OK, UNREACHABLE, Ending, negative, usage
from gateway.terminal.json_output import Document, items_of, print_json, text_member
from gateway.terminal.reaching import Reached, configuration_of, expect_writable, page_addresses, reach
from gateway.terminal.tables import local_time, table, zone_text

_USERS = f"{API}/users"


def list_users(options: argparse.Namespace) -> int:
    """All users; the JSON document has all pages in one."""
    reached = reach(options)
    found = _all_users(reached.gateway)
    if options.json:
        print_json({"items": found, "next": None})
        return OK
    rows = [
        [one.get("name"), one.get("role"), *(local_time(one.get(at), reached.zone) for at in _TIMES)] for one in found
    ]
    print(table(["NAME", "ROLE", f"MADE ({zone_text(reached.zone)})", "PASSWORD SINCE", "LAST SEEN"], rows))
    return OK


def code(options: argparse.Namespace) -> int:
    """Make a code; it is the last word on standard output. With --if-nobody perhaps it prints nothing."""
    is_elsewhere = bool(options.url or os.environ.get("OCPP_GATEWAY_URL"))
    reached = reach(options)
    try:
        made = _made_code(reached.gateway, options)
    except Ending as ending:
        if ending.code != UNREACHABLE or is_elsewhere:
            raise
        made = _code_offline(reached.configuration or configuration_of(options), options)
    if made is None:
        return OK
    if options.json:
        print_json({**made, "page": _page_address(reached)})
        return OK
    whose = f"for {made.get('name')}" if made.get("name") else f"for a new {made.get('role')}"
    until = local_time(made.get("expires_time"), reached.zone)
    print(f"Open {_page_address(reached)} and enter this code {whose}, good once, until {until}:")
    print(text_member(made, "code"))
    return OK


def create(options: argparse.Namespace) -> int:
    """Make a user."""
    gateway = reach(options).gateway
    body = {"name": options.name, "role": options.role, "password": _new_password()}
    return _done(options, expect(ask(gateway, "POST", _USERS, body=body)), "made")


def password(options: argparse.Namespace) -> int:
    """Give a user another password."""
    gateway = reach(options).gateway
    path = _path_of(gateway, options.name)
    body = {"password": _new_password()}
    return _done(options, expect(ask(gateway, "PATCH", path, body=body)), "has another password, and is logged out")


def role(options: argparse.Namespace) -> int:
    """Give a user another role."""
    gateway = reach(options).gateway
    path = _path_of(gateway, options.name)
    changed = expect(ask(gateway, "PATCH", path, body={"role": options.role}))
    return _done(options, changed, f"has the role {options.role}")


def remove(options: argparse.Namespace) -> int:
    """Remove a user."""
    gateway = reach(options).gateway
    expect(ask(gateway, "DELETE", _path_of(gateway, options.name)))
    return _done(options, {"name": options.name, "removed": True}, "removed")


def is_without_users(gateway: Gateway, *, patience_seconds: float) -> bool:
    """Whether nobody has an account yet."""
    return not items_of(fetch(gateway, f"{_USERS}?limit=1", patience_seconds=patience_seconds))


_TIMES = ("created_time", "password_time", "last_seen_time")
_PATIENCE_SECONDS = 60.0


def _page_address(reached: Reached) -> str:
    if reached.configuration is not None:
        return page_addresses(reached.configuration)[0]
    return f"{reached.gateway.url.rstrip('/')}/" if reached.gateway.url else "the web page"


def _all_users(gateway: Gateway) -> list[Document]:
    page: object = fetch(gateway, f"{_USERS}?limit=1000")
    return items_of(page)  # there are never more


def _path_of(gateway: Gateway, name: str) -> str:
    for user in _all_users(gateway):
        if str(user.get("name")).casefold() == name.casefold():
            return f"{_USERS}/{quote(str(user.get('user_id')))}"
    raise negative(f"nobody is called {name}: ocpp-gateway user list")


def _made_code(gateway: Gateway, options: argparse.Namespace) -> Document | None:
    if options.if_nobody and not is_without_users(gateway, patience_seconds=_PATIENCE_SECONDS):
        return None
    body: dict[str, object] = {"role": options.role}
    if options.name is not None:
        body = {"user_id": int(_path_of(gateway, options.name).rpartition("/")[2])}
    made = expect(ask(gateway, "POST", f"{_USERS}/codes", body=body))
    return made if isinstance(made, Mapping) else {}


def _code_offline(configuration: Configuration, options: argparse.Namespace) -> Document | None:
    from gateway.model.instants import text_of
    from gateway.operations.manage_tokens import ROLES
    from gateway.operations.manage_users import NotAUser, create_code_offline
    from gateway.store.migrations import UnusableDatabase

    database = configuration.data.directory / "gateway.db"
    expect_writable(database)
    known = next((one for one in ROLES if one == options.role), None)
    try:
        made = create_code_offline(configuration, role=known, name=options.name, if_nobody=options.if_nobody)
    except NotAUser as refused:
        raise negative(refused.detail) from refused
    except (UnusableDatabase, OSError) as error:
        raise Ending(NEGATIVE, f"{database}: {error}") from error
    if made is None:
        return None
    row = made.row
    return {
        "code_id": row.code_id,
        "role": row.role,
        "user_id": row.user_id,
        "made_by": row.made_by,
        "made_time": text_of(row.made_at),
        "expires_time": text_of(row.expires_at),
        "name": made.name,
        "code": made.text,
    }


def _new_password() -> str:
    """Asked for twice on a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != first:
        raise usage("the two passwords differ; nothing was changed")
    return first


def _done(options: argparse.Namespace, document: object, words: str) -> int:
    if options.json:
        print_json(document)
    else:
        print(f"user {text_member(document, 'name')} {words}")
    return OK
