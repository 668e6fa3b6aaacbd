"""Backups: the database as a file, out and back in. Files stream through; nothing of them is kept here."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.pages.guard import LOGIN
from gateway.pages.said import said
from gateway.pages.table import Page
from gateway.pages.visit import Visit
from gateway.web.asking_within import Answer
from gateway.web.problems import Problem

BACKUP = "/system/backup"


async def show(visit: Visit) -> web.StreamResponse:
    """Both ways."""
    return _backup(visit)


async def encrypted(visit: Visit) -> web.StreamResponse:
    """A backup that only the passphrase opens, as a download."""
    fields = await visit.form()
    if fields.get("passphrase", "") != fields.get("again", ""):
        return _backup(visit, errors={"again": visit.gettext("The two passphrases differ.")})
    answer = await visit.hand_through("POST", "/backup", {"passphrase": fields.get("passphrase", "")})
    if not isinstance(answer, Answer):
        return answer
    if answer.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        raise Problem(HTTPStatus(answer.status), answer.detail)
    return _backup(visit, errors={name: said(visit, text) for name, text in answer.errors.items()})


async def restore(visit: Visit) -> web.StreamResponse:
    """A backup back in; the login goes with it."""
    answer = await visit.pass_on("POST", "/restore")
    if answer.good:
        notice = visit.gettext("The backup is restored. Stations reconnect now. Log in with a user of the backup.")
        return visit.go(LOGIN, notice)
    refusal = said(visit, answer.detail)
    if visit.in_part:
        return visit.page("system_restore_refused.html", {"refusal": refusal}, status=answer.status)
    return _backup(visit, refusal=refusal, status=answer.status)


def _backup(
    visit: Visit, *, errors: dict[str, str] | None = None, refusal: str = "", status: int = 422
) -> web.Response:
    values = {"errors": errors or {}, "refusal": refusal, "tab": "backup"}
    return visit.page("system_backup.html", values, status=status if errors or refusal else 200)


PAGES = (
    Page("GET", BACKUP, show, "installer"),
    Page("POST", f"{BACKUP}/encrypted", encrypted, "installer"),
    Page("POST", f"{BACKUP}/restore", restore, "installer"),
)
