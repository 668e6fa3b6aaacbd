"""What a gateway tells of itself when it has come: its state, and its birth certificate. And when it goes.

`info` says what there is at the site and where each stream of the journal begins. State and information stay in the
broker for whoever comes later; the will says `offline` with the same session number.
"""

from __future__ import annotations

import json
from collections import defaultdict

import msgspec

from gateway.model.identities import StationId
from gateway.model.instants import text_of
from gateway.operations.known_stations import is_known
from gateway.operations.site import Site
from gateway.operations.upstream_now import UpstreamNow
from gateway.rules.envelopes import MOST_BYTES, PACKET_OVERHEAD_BYTES
from gateway.store import connectors, events, outgoing_events, stations, transactions, upstreams
from gateway.store.writing import Writing
from gateway.version import version

CAPABILITIES = (
    "commands",
    "documents",
    "resync",
    "rebirth",
    "batch",
    "flow",
    "live",
)

Document = dict[str, object]


def offline(session: int, reason: str) -> bytes:
    """What the will says, and what is said before leaving."""
    return json.dumps({"state": "offline", "session": session, "reason": reason}).encode()


def online(now: UpstreamNow) -> bytes:
    """What is said after each connection."""
    at = text_of(now.site.wall_clock())
    return json.dumps({"state": "online", "session": now.session, "at": at}).encode()


async def tell_birth(now: UpstreamNow) -> None:
    """Say that we are here, and what we are."""
    now.say("state", online(now), retain=True)
    now.say("info", await information(now), retain=True)


async def information(now: UpstreamNow) -> bytes:
    """The birth certificate; of very many stations as many as fit."""
    document = await now.site.database.write(lambda db: _information(db, now))
    known, most_bytes = document.pop("stations"), MOST_BYTES
    assert isinstance(known, list)
    if now.link is not None:
        most_bytes = min(most_bytes, now.link.max_packet_bytes - PACKET_OVERHEAD_BYTES)
    told = len(known)
    while True:
        payload = msgspec.json.encode({**document, "stations": known[:told], "stations_left_out": len(known) - told})
        if len(payload) <= most_bytes or not told:
            return payload
        told //= 2


async def rebirth(now: UpstreamNow) -> Document:
    """Tell the birth again, and append what is so now to the journal: every station, every open session."""
    site = now.site
    told = await site.database.write(lambda db: append_snapshots(db, site))
    await tell_birth(now)
    return told


def append_snapshots(db: Writing, site: Site) -> Document:
    """An event for each station and each open session that says what is so now; how many."""
    at = site.wall_clock()
    known = _stations(db, site)
    for station in known:
        events.append(
            db, "station.snapshot", station=str(station["station"]), happened_at=at, recorded_at=at, data=station
        )
    sessions = [session for session, _ in transactions.all_open(db)]
    for session in sessions:
        data = {
            "transaction_id": session.transaction_id,
            "id_tag": session.id_tag,
            "parent_id_tag": session.parent_id_tag,
            "meter_start_wh": session.meter_start_wh,
            "start_time": text_of(session.start_at),
            "authorization": session.authorization,
            "authorized_by": session.authorized_by,
            "reservation_id": session.reservation_id,
        }
        events.append(
            db,
            "transaction.snapshot",
            station=session.station,
            connector=session.connector,
            happened_at=at,
            recorded_at=at,
            data=data,
        )
    return {"stations": len(known), "open_transactions": len(sessions)}


def _information(db: Writing, now: UpstreamNow) -> Document:
    site = now.site
    known = _stations(db, site)
    return {
        "gateway": site.configuration.site.id,
        "name": site.configuration.site.name,
        "version": version(),
        "session": now.session,
        "at": text_of(site.wall_clock()),
        "timezone": site.configuration.site.timezone,
        "clock": site.clock_quality().quality,
        "capabilities": CAPABILITIES,
        "epoch": outgoing_events.epoch_of(db),
        "streams": _streams(db, now),
        "stations": known,
    }


def _streams(db: Writing, now: UpstreamNow) -> Document:
    """Per stream the first sequence that this upstream can have in this epoch, the newest, and where it goes on."""
    first, acked = upstreams.first(db, now.name), upstreams.acknowledged(db, now.name)
    if outgoing_events.epoch_of(db) == now.delivery.epoch:
        acked = now.delivery.acked()  # what is on disk is some seconds old
    newest = outgoing_events.newest(db)
    return {
        stream: {
            "oldest": max(first[stream], oldest),
            "newest": newest[stream],
            "next": acked[stream] + 1,
        }
        for stream, oldest in outgoing_events.oldest(db).items()
    }


def _stations(db: Writing, site: Site) -> list[Document]:
    """Every known station as it is now."""
    rows = stations.every(db)
    names = {*rows, *(StationId(settings.id) for settings in site.configuration.stations)}
    statuses: defaultdict[StationId, Document] = defaultdict(dict)
    for (name, connector), status in sorted(connectors.all_statuses(db).items()):
        statuses[name][str(connector)] = status
    found: list[Document] = []
    for name in sorted(names):
        row = rows.get(name)
        if not is_known(site.configuration, name, row):
            continue
        found.append(
            {
                "station": name,
                "connected": site.connected.is_connected(name),
                "vendor": row.vendor if row else None,
                "model": row.model if row else None,
                "serial_number": row.serial_number if row else None,
                "firmware_version": row.firmware_version if row else None,
                "connectors": statuses.get(name, {}),
            }
        )
    return found
