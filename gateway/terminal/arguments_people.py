"""The grammar of `user` (gateway.terminal.arguments puts it in). No password is an argument: others would see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar

_ROLES = ("viewer", "operator", "installer")


def add_people(grammar: Grammar) -> None:
    """Accounts of people, and the codes with which they make their own."""
    user = grammar.group("user", "people who log in on the web page", by_itself="commands_people:list_users")
    user.add("list", "commands_people:list_users", "all users")
    code = user.add("code", "commands_people:code", "make a code with which somebody comes in and chooses a password")
    whose = code.add_mutually_exclusive_group(required=True)
    whose.add_argument("--role", choices=_ROLES, help="for a new user with this role")
    whose.add_argument("--for", dest="name", metavar="NAME", help="for this user, who forgot the password")
    code.add_argument("--if-nobody", action="store_true", help="only while there is no user; else print nothing")
    create = user.add("create", "commands_people:create", "make a user; the password is asked for, or read from input")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--role", required=True, choices=_ROLES)
    password = user.add("password", "commands_people:password", "give a user another password, asked for or read")
    password.add_argument("name", metavar="NAME")
    role = user.add("role", "commands_people:role", "give a user another role")
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", choices=_ROLES, metavar="ROLE", help="viewer, operator or installer")
    remove = user.add("remove", "commands_people:remove", "remove a user, who is logged out everywhere")
    remove.add_argument("name", metavar="NAME")
