"""The rounds of the house: index meter frames, store what was counted, end abandoned sessions, forget what is old.

Each round is a short unit of work of its own; nothing here is needed for an answer to a station.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.configuration import Retention
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.operations.attribute_meter_frames import attribute_all
from gateway.operations.end_sessions import end_reconstructed
from gateway.operations.site import Site
from gateway.operations.tell_drops import claims_of, tell_drops
from gateway.operations.watch_certificates import report_ends
from gateway.rules.retention import Keep, Limits, limits_at, limits_log_end, trusted_now
from gateway.rules.transactions import is_abandoned
from gateway.stations.server import end_idle
from gateway.store import (
    circuit_history,
    clock_states,
    commands,
    expiry,
    journal_expiry,
    limits_log,
    load_decisions,
    station_facts,
    station_numbers,
    transactions,
)
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_INDEX_EVERY_SECONDS = 30.0
_ROUND_EVERY_SECONDS = 60.0
_ROUNDS_AN_HOUR = 60
_PAUSE_SECONDS = 0.1
_PROBE_EVERY_SECONDS = 5.0
_ROWS_AT_ONCE = 500
# what keep_backups and the migrations leave: a time stamp of fixed width, or a schema version (and .1, the one before)
_KEPT_COPY = re.compile(r"(before-restore|before-migration-from|damaged)-([0-9][0-9TZ.]*)\.db")


async def index_meter_frames(site: Site) -> None:
    """For ever: find the sessions of new meter frames, some time after they came."""
    seen = 0
    while True:
        seen = await site.journal_signal.newer_than(seen)
        await asyncio.sleep(_INDEX_EVERY_SECONDS)
        seen = site.journal_signal.generation
        await attribute_all(site)


async def make_rounds(site: Site) -> None:
    """For ever: everything that needs doing about once a minute, and what needs doing once an hour."""
    for number in itertools.count():
        try:
            if number % _ROUNDS_AN_HOUR == 0:
                await report_ends(site)  # also at once: it is looked for right after a change of the configuration
            await asyncio.sleep(_ROUND_EVERY_SECONDS)
            await store_quirks(site)
            end_silent_connections(site)
            await end_abandoned_sessions(site)
            if number % _ROUNDS_AN_HOUR == 0:
                await forget(site)
            await forget_copies(site)
        except StoreUnavailable as error:
            logger.error("the rounds could not be stored: %s", error)


async def watch_store(site: Site) -> None:
    """For ever: while the store cannot write, try it, so that readiness returns by itself when the disk has room."""
    while True:
        await asyncio.sleep(_PROBE_EVERY_SECONDS)
        if site.database.failure is not None:
            try:
                await site.database.write(_probe)
            except StoreUnavailable:
                continue
            logger.warning("the store can write again")


async def store_quirks(site: Site) -> None:
    """Add the repairs counted since the last time to their totals."""
    counted = dict(site.quirks_seen)
    if not counted:
        return
    now = site.wall_clock()
    await site.database.write(lambda db: station_facts.add_quirks(db, counted, now=now))
    for key, times in counted.items():
        site.quirks_seen[key] -= times
        if not site.quirks_seen[key]:
            del site.quirks_seen[key]
        site.health.counters.increase("quirks_total", times, quirk=key[1])


async def store_last_words(site: Site) -> None:
    """Before the store closes: what was only counted so far."""
    try:
        await store_quirks(site)
    except StoreUnavailable as error:
        logger.error("the last counts could not be stored: %s", error)


def end_silent_connections(site: Site) -> None:
    """Close connections that said nothing for longer than allowed; any frame counts."""
    limit = site.configuration.ocpp.silence_allowed_seconds
    now = asyncio.get_running_loop().time()
    for station in end_idle(site.connected, now=now, limit_seconds=limit):
        logger.info("closed the silent connection of %s", station, extra={"station": station})


async def end_abandoned_sessions(site: Site) -> None:
    """Sessions whose connector has long been free though their stop never came; remote starts that never came about."""
    now = site.wall_clock()
    patience = site.configuration.ocpp.stale_session_minutes * 60.0
    last_messages = _last_messages(site, now)

    def unit(db: Writing) -> None:
        for session, free_since in transactions.all_open(db):
            last = last_messages.get(session.station)
            if is_abandoned(session, free_since=free_since, last_message_at=last, patience_seconds=patience):
                end_reconstructed(db, site, session, why="connector_free", now=now)
        expired = seconds_later(now, -site.configuration.ocpp.connection_timeout_seconds)
        commands.drop_old_remote_starts(db, asked_before=expired)

    await site.database.write(unit)


async def forget(site: Site) -> None:
    """Delete what the retention settings allow, a bite at a time; about once an hour (`trusted_now`)."""
    now = site.wall_clock()
    trusted = await site.database.write(lambda db: judge_age_at(db, now))
    limits = limits_at(trusted, _keep(site.configuration.retention))
    await site.database.write(journal_expiry.look_again)

    def unit(db: Writing) -> int:
        station_numbers.note(db)
        claims = claims_of(db, site.configuration)
        return expiry.delete_some(db, limits, claims=claims, most=_ROWS_AT_ONCE, now=now)

    gone = 1
    while gone:
        gone = await site.database.write(unit)
        await asyncio.sleep(_PAUSE_SECONDS)
    await site.database.write(clock_states.forget)
    await tell_drops(site)
    await _forget_of_load(site, limits, limits_log_end(trusted))


async def _forget_of_load(site: Site, limits: Limits, log_before: Instant) -> None:
    """What only load limits keep: the history of circuits, the log of limits, decisions beyond their room."""
    gone = 1
    while gone:
        gone = await site.database.write(
            lambda db: (
                circuit_history.delete_before(db, limits.load, most=_ROWS_AT_ONCE)
                + limits_log.delete_before(db, log_before, most=_ROWS_AT_ONCE)
            )
        )
        await asyncio.sleep(_PAUSE_SECONDS)
    kept = site.configuration.retention.load_megabytes * 1_000_000
    gone = 1
    while gone:
        gone = await site.database.write(
            lambda db: load_decisions.delete_beyond(db, bytes_kept=kept, most=_ROWS_AT_ONCE)
        )
        await asyncio.sleep(_PAUSE_SECONDS)


def judge_age_at(db: Writing, now: Instant) -> Instant:
    """Where age is judged from now; remembered for the next look (see `trusted_now`)."""
    trusted = trusted_now(now, trusted_before=Instant(db.meta("age_judged_at")) if db.meta("age_judged_at") else None)
    db.set_meta("age_judged_at", trusted)
    return trusted


async def forget_copies(site: Site) -> None:
    """Delete the files in `backups/` that are not among the newest of their kind; files of other names stay."""
    most = site.configuration.retention.backups

    def delete() -> None:
        folder = site.configuration.data.directory / "backups"
        try:
            for name in _no_longer_kept([path.name for path in folder.iterdir()], most=most):
                _delete_copy(folder / name)
        except FileNotFoundError:
            return  # nothing was ever copied
        except OSError as error:
            logger.warning("an old copy of the database cannot be deleted: %s", error)

    await asyncio.to_thread(delete)


async def check_integrity(site: Site) -> None:
    """Look through the whole database once, beside everything else, and report what is wrong with it."""

    def look() -> str:
        connection = sqlite3.connect(f"file:{site.database.path}?mode=ro", uri=True)
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return str(verdict)
        except sqlite3.DatabaseError as error:
            return str(error)
        finally:
            connection.close()

    verdict = await asyncio.get_running_loop().run_in_executor(None, look)
    site.health.report("database", None if verdict == "ok" else f"damaged: {verdict}; restore a backup")
    if verdict != "ok":
        logger.error("the database is damaged: %s; restore a backup", verdict)


def _no_longer_kept(names: Iterable[str], *, most: int) -> Iterator[str]:
    copies = [found for found in map(_KEPT_COPY.fullmatch, names) if found is not None]
    for kind in {found[1] for found in copies}:
        by_age = sorted((found for found in copies if found[1] == kind), key=_age)
        yield from (found[0] for found in by_age[:-most])


def _age(found: re.Match[str]) -> tuple[int, str, int]:
    if found[1] == "before-migration-from":
        version, _, before = found[2].partition(".")
        return len(version), version, -len(before)
    return len(found[2]), found[2], 0


def _delete_copy(path: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal"):  # a damaged database was kept with what belonged to it
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    logger.info("deleted the old copy %s", path.name)


def _last_messages(site: Site, now: Instant) -> dict[str, Instant]:
    loop_now = asyncio.get_running_loop().time()
    return {
        station: Instant(now - round((loop_now - connection.last_message_at) * SECOND))
        for station, connection in site.connected.all().items()
    }


def _probe(db: Writing) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES ('probe', 1)")
    db.execute("UPDATE meta SET value = value + 1 WHERE name = 'probe'")


def _keep(retention: Retention) -> Keep:
    return Keep(
        transactions_days=retention.transactions_days,
        meter_days=retention.meter_days,
        operations_days=retention.operations_days,
        quarantine_days=retention.quarantine_days,
        commands_days=retention.commands_days,
        load_days=retention.load_days,
    )
