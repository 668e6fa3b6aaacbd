"""What people decide in the setup goes into site.toml and is put to work, or nothing is changed at all.

What the gateway would make of the new text is rehearsed before it is written. What may be decided is `setup_wishes`'
question, how a text is edited `site_file`'s.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from gateway.configuration import Mistake
from gateway.configuration_decided import FILE_NAME
from gateway.operations.reload_configuration import Outcome, Unchanged, Wrong
from gateway.operations.setup_state import VALUES
from gateway.operations.setup_wishes import LISTS, Refusal, Wishes, sorted_out, wrong_shape
from gateway.operations.site import Site
from gateway.store import durable_files, events
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_KEPT = f"{FILE_NAME}.left-out"  # what could not be used, for a person to look into
_FIELD_OF_KEY = {f"{section}.{key}": field for field, (section, key) in VALUES.items()}


class NotDecided(Exception):
    """Nothing was changed; `refusals` holds every reason."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("; ".join(f"{refusal.field}: {refusal.detail}" for refusal in self.refusals))

    @property
    def is_fixed(self) -> bool:
        """Whether a file of an administrator is the reason."""
        return any(refusal.fixed_in is not None for refusal in self.refusals)


class NobodyReloads(Exception):
    """This gateway has no files to read again (a demo)."""


async def decide(site: Site, wishes: Wishes, *, actor: str) -> Outcome:
    """Write the wishes into site.toml, begin anew with them. Raises NotDecided, NobodyReloads; OSError: not written."""
    reloads = site.reloads
    if reloads.rehearse is None or reloads.reload is None:
        raise NobodyReloads
    if refusals := list(wrong_shape(wishes)):
        raise NotDecided(refusals)
    free, refusals = sorted_out(site.configuration, wishes)
    if refusals:
        raise NotDecided(refusals)
    async with reloads.deciding:
        before, text = await asyncio.to_thread(_texts, site, free)
        outcome = await reloads.rehearse(text)
        if isinstance(outcome, Wrong):
            raise NotDecided(_refusals(outcome.mistakes, _path(site), text, wishes))
        if isinstance(outcome, Unchanged):
            return outcome
        await asyncio.to_thread(_write, site, before, text)
        taken = False
        try:
            await _journal(site, fields=sorted(free), actor=actor)
            outcome = await reloads.reload()
            taken = not isinstance(outcome, Wrong)
        finally:
            if not taken:
                await asyncio.to_thread(_put_back, _path(site), before)
    if isinstance(outcome, Wrong):  # a file of /etc was changed since the rehearsal
        raise NotDecided(Refusal(None, str(mistake)) for mistake in outcome.mistakes)
    return outcome


async def _journal(site: Site, *, fields: list[str], actor: str) -> None:
    now = site.wall_clock()

    def unit(db: Writing) -> None:
        data = {"fields": fields, "actor": actor}
        events.append(db, "configuration.decided", happened_at=now, recorded_at=now, data=data)

    await site.database.write(unit)
    logger.info("%s decided by %s", ", ".join(fields), actor)


def _path(site: Site) -> Path:
    return site.configuration.data.directory / FILE_NAME


def _texts(site: Site, free: Wishes) -> tuple[str | None, str]:
    """What the file says now (None: there is none), and what it will say."""
    from gateway.operations import site_file  # its library is for the few who set a site up

    path = _path(site)
    before = path.read_bytes().decode("utf-8-sig", "replace") if path.exists() else None
    entries = {field: cast(list[Mapping[str, object]] | None, free.get(field)) for field in LISTS}
    decisions = site_file.Decisions(
        values={where: free[field] for field, where in VALUES.items() if field in free},
        main=cast(Mapping[str, object] | None, free.get("main")),
        without_main="main" in free and free["main"] is None,
        meters=entries["meters"],
        circuits=entries["circuits"],
    )
    try:
        return before, site_file.text_with("" if site.configuration.left_out else before or "", decisions)
    except site_file.Unwritable as error:
        raise NotDecided([Refusal(None, f"{path}: {error}; mend it by hand")]) from error


def _write(site: Site, before: str | None, text: str) -> None:
    if before is not None and site.configuration.left_out:
        durable_files.replace_text(_path(site).with_name(_KEPT), before)
    durable_files.replace_text(_path(site), text)


def _put_back(path: Path, before: str | None) -> None:
    if before is None:
        durable_files.remove(path)
    else:
        durable_files.replace_text(path, before)


def _refusals(mistakes: Iterable[Mistake], path: Path, text: str, wishes: Wishes) -> list[Refusal]:
    return [
        Refusal(_field_of(mistake, text, wishes), f"expected {mistake.expected}, got {mistake.got}")
        if mistake.place.file == str(path)
        else Refusal(None, str(mistake))
        for mistake in mistakes
    ]


def _field_of(mistake: Mistake, text: str, wishes: Wishes) -> str:
    """The wish that a mistake in the text comes from; what was not wished is told by its key in the file."""
    from gateway.operations.site_file import names_in

    key = mistake.place.key
    match = re.fullmatch(r"(meter|circuit)\[(\d+)\](.*)", key)
    if match is None:
        return _FIELD_OF_KEY.get(key, key)
    name = names_in(text, match[1])[int(match[2])]
    field = f"{match[1]}s"
    entries = wishes.get(field)
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        if entry["name"] == name:
            return f"{field}[{at}]{match[3]}"
    main = wishes.get("main")
    return f"main{match[3]}" if match[1] == "circuit" and isinstance(main, dict) else key
