"""The fields of bodies about people, read strictly, and what is wrong with them as a problem. Texts are never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

from gateway.operations.manage_tokens import ROLES, Role
from gateway.operations.manage_users import NotAUser
from gateway.web.asking import body_of, object_of
from gateway.web.problems import Problem, not_found, unacceptable

_LONGEST_TEXT = 1000
_MOST_BODY_BYTES = 64 * 1024


@dataclass(slots=True)
class Fields:
    """A body's members; mistakes are collected until `stop_if_wrong`."""

    members: dict[str, object]
    errors: list[dict[str, str]] = field(default_factory=list)

    def expect_only(self, *known: str) -> None:
        """Every other member is a mistake."""
        for name in self.members:
            if name not in known:
                self.errors.append({"field": name, "detail": f"unknown; known are {', '.join(known)}"})

    def text(self, name: str) -> str:
        """A member that must be text."""
        value = self.optional_text(name)
        if value is None and not any(error["field"] == name for error in self.errors):
            self.errors.append({"field": name, "detail": "is needed"})
        return value or ""

    def optional_text(self, name: str) -> str | None:
        """A member that is text, or absent or null."""
        value = self.members.get(name)
        if value is None or (isinstance(value, str) and len(value) <= _LONGEST_TEXT):
            return value
        self.errors.append({"field": name, "detail": f"expected text of up to {_LONGEST_TEXT} characters"})
        return None

    def role(self) -> Role | None:
        """`role`, or None when it is absent."""
        value = self.members.get("role")
        known = next((role for role in ROLES if role == value), None)
        if value is not None and known is None:
            self.errors.append({"field": "role", "detail": "expected one of " + ", ".join(ROLES)})
        return known

    def number(self, name: str) -> int | None:
        """A member that is a whole number, or absent or null."""
        value = self.members.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62):
            return value
        self.errors.append({"field": name, "detail": "expected a whole number"})
        return None

    def stop_if_wrong(self) -> None:
        """422 with every mistake."""
        if self.errors:
            raise unacceptable("this cannot be done like this", self.errors)


async def fields_of(request: web.Request) -> Fields:
    """The body's fields. 400 when it is not JSON, 413 when it is large (anybody may send one), 422 when no object."""
    if len(await body_of(request)) > _MOST_BODY_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is larger than allowed")
    return Fields(await object_of(request))


def problem_of(refused: NotAUser) -> Problem:
    """404, 409 or 422 with the field that is wrong."""
    if refused.kind == "unknown":
        return not_found(refused.detail)
    errors = [{"field": refused.field, "detail": refused.detail}]
    if refused.kind == "conflict":
        return Problem(HTTPStatus.CONFLICT, refused.detail, members={"errors": errors})
    return unacceptable(f"{refused.field}: {refused.detail}", errors)
