"""Everything that ends one day: authorities, server and station certificates, roots in stations; and what ends soon.

A root that ends unnoticed takes every station off line at once, so the end is told long before. What files hold is read
in `certificate_files`; the rest is what the database knows.
"""

from __future__ import annotations

import asyncio

from gateway.model.instant_text import instant_from_text
from gateway.model.instants import SECOND, Instant
from gateway.operations.certificate_files import Document, date_document, dates_in_files, end_members
from gateway.operations.known_stations import is_known
from gateway.operations.site import Site
from gateway.rules.certificate_ends import ending
from gateway.store import installed_certificates, issued_certificates, stations
from gateway.store.installed_certificates import Root
from gateway.store.issued_certificates import IssuedRow
from gateway.store.writing import Writing

COMPONENT = "certificates ending"

_MOST_NAMED = 3
_NEVER = Instant(253_370_764_800 * SECOND)  # 9999-01-01: certificates without end are written with this year


async def certificate_dates(site: Site) -> list[Document]:
    """Every certificate with its end, those that end first first."""
    now = site.wall_clock()
    in_files = await asyncio.to_thread(dates_in_files, site.configuration, now)
    of_stations = await site.database.write(lambda db: _dates_of_stations(db, site, now))
    return sorted([*in_files, *of_stations], key=lambda document: str(document["not_after"] or ""))


async def report_ends(site: Site) -> None:
    """Tell the health report which certificates have ended, and which end soon: nothing is wrong with these yet."""
    warned = [one for one in await certificate_dates(site) if one["warning"] is not None]
    soon = [one for one in warned if isinstance(one["days_left"], int) and one["days_left"] >= 0]
    site.health.report(COMPONENT, _sentence([one for one in warned if one not in soon]), notice=_sentence(soon))


async def expiry_seconds(site: Site) -> list[tuple[dict[str, str], float]]:
    """For measuring programs: labels of each certificate, and its end in seconds since 1970."""
    ends = {}
    names = ("kind", "name", "station", "serial_number")  # the last tells those of one name apart
    for one in await certificate_dates(site):
        if one["not_after"] is not None:
            end = instant_from_text(str(one["not_after"]))
            ends[tuple((name, str(one[name] or "")) for name in names)] = (_NEVER if end is None else end) / SECOND
    return [(dict(labels), end) for labels, end in ends.items()]


def _sentence(warned: list[Document]) -> str | None:
    more = f"; and {len(warned) - _MOST_NAMED} more" if len(warned) > _MOST_NAMED else ""
    return "; ".join(str(one["warning"]) for one in warned[:_MOST_NAMED]) + more if warned else None


def _dates_of_stations(db: Writing, site: Site, now: Instant) -> list[Document]:
    found = [(row.station, _of_station(row, now)) for row in issued_certificates.in_use(db)]
    found += [(station, _of_root(station, kind, root, now)) for station, kind, root in installed_certificates.roots(db)]
    names = {station for station, _ in found}
    known = {station for station in names if is_known(site.configuration, station, stations.find(db, station))}
    return [document for station, document in found if station in known]


def _of_station(row: IssuedRow, now: Instant) -> Document:
    end = row.not_after or Instant(0)
    warning = ending("station", f"the certificate of {row.station}", end, now=now)
    return {
        **date_document("station", row.common_name, station=row.station, warning=warning),
        "serial_number": row.serial_number,
        "fingerprint": row.fingerprint,
        **end_members(end, now),
    }


def _of_root(station: str, certificate_type: str, root: Root, now: Instant) -> Document:
    warning = ending("installed", f"the root {root.subject} in {station}", root.not_after, now=now)
    return {
        **date_document("installed", certificate_type, station=station, warning=warning),
        "subject": root.subject,
        "serial_number": root.serial_number,
        "fingerprint": root.fingerprint,
        **end_members(root.not_after, now),
    }
