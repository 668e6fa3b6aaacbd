"""The site in one line, for `systemctl status`: who is connected, how many charge, what ails, what to do first.

It words what health and store know, and measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.operations.site import Site
from gateway.store import stations, transactions
from gateway.store.writing import Writing


@dataclass(frozen=True, slots=True)
class Counts:
    """What the store counts."""

    stations: int
    sessions: int


def counted(db: Writing, site: Site) -> Counts:
    """A unit that only reads; that it comes back proves the writer."""
    in_files = (station.id for station in site.configuration.stations)
    return Counts(stations.how_many(db, in_files=in_files), transactions.how_many_open(db))


def status_words(site: Site, counts: Counts | None) -> str:
    """`counts`: None when the store did not tell."""
    connected = len(site.connected)
    if counts is None:
        words = [_number(connected, "station") + " connected"]
    else:
        words = [
            f"{connected} of {_number(counts.stations, 'station')} connected, {_number(counts.sessions, 'session')}"
        ]
    words += [f"{name}: {ailment}" for name, ailment in sorted(site.health.components().items()) if ailment]
    words += [f"attention, {name}: {notice}" for name, notice in sorted(site.health.notices().items())]
    return "; ".join(words)


def _number(how_many: int, what: str) -> str:
    return f"{how_many} {what}" if how_many == 1 else f"{how_many} {what}s"
