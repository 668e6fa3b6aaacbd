"""The list in a station as people see it: its version, whether it is the site's list, what was left out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.model.instants import Instant, text_of
from gateway.operations.describe_stations import is_known_station
from gateway.operations.site import Site
from gateway.rules import local_lists as rules
from gateway.store import local_lists, reports_stations
from gateway.store.local_lists import Holdings, Rows

Document = dict[str, object]

MOST_LEFT_OUT_SHOWN = 1000

# what decides in the station whether and how its list is used, as far as it has reported it
_SETTINGS = (
    "SupportedFeatureProfiles", "LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength",
    "LocalPreAuthorize", "LocalAuthorizeOffline", "AllowOfflineTxForUnknownId",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Compared:
    up_to_date: bool
    wanted: rules.Wanted


async def describe_local_list(site: Site, station: str) -> Document | None:
    """Everything about the station's list; None when the station is unknown."""
    if not await is_known_station(site, station):
        return None
    now = site.wall_clock()
    found, compared = await asyncio.to_thread(_compare, await local_lists.read_rows(site.readers, station), now)
    memory, told, left_out = found.standing.memory, found.standing.told, compared.wanted.left_out
    return {
        "station": station,
        **_in_short(found, compared),
        "highest_version": memory.highest,
        "wanted_entries": len(compared.wanted.entries),
        "left_out": list(left_out[:MOST_LEFT_OUT_SHOWN]),
        "left_out_count": len(left_out),
        "left_alone": rules.why_left_alone(memory, told, now=now),
        "given_time": _text(memory.given_at),
        "retry_time": _text(memory.retry_at),
        "settings": await _settings(site, station),
    }


async def local_list_in_short(site: Site, station: str) -> Document:
    """The beginning of it, for the document of a station."""
    rows = await local_lists.read_rows(site.readers, station)
    return _in_short(*await asyncio.to_thread(_compare, rows, site.wall_clock()))


def _compare(rows: Rows, now: Instant) -> tuple[Holdings, _Compared]:
    found = local_lists.holdings(rows)
    standing = found.standing
    wanted = rules.wanted_list(found.tags, room=standing.told.room, now=now)
    steps = rules.what_to_send(standing.memory, found.held, wanted, asked=None, per_request=None)
    return found, _Compared(not steps or rules.is_nobodys(standing.memory, wanted), wanted)


def _in_short(found: Holdings, compared: _Compared) -> Document:
    memory = found.standing.memory
    return {
        "version": memory.version,
        "entries": len(found.held) if memory.contents_known else None,
        "up_to_date": compared.up_to_date,
        "supported": memory.supported,
        "last_status": memory.last_status,
    }


async def _settings(site: Site, station: str) -> Document:
    reported = await reports_stations.configuration_keys(site.readers, station)
    known = {str(key["key"]).casefold(): key["value"] for key in reported}
    return {name: known.get(name.casefold()) for name in _SETTINGS}


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
