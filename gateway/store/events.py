"""The journal: events appended in the commit that made them true. docs/events.md lists every kind.

It does not know who reads: the API, the live feed and the fleet managers each keep a cursor of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from gateway.model.clipping import clipped
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.disk_pressure import OPERATIONS_STOPPED
from gateway.rules.secrecy import without_capabilities
from gateway.store.writing import Writing

# Stream `tx` is what billing needs and is never dropped unread; `ops` is everything else that happened.
STREAM_OF_KIND: Mapping[str, Literal["tx", "ops"]] = {
    "transaction.started": "tx",
    "transaction.ended": "tx",
    "transaction.orphan_stop": "tx",
    "transaction.stop_repeated": "tx",
    "transaction.meter_values": "tx",
    "authorization.decided": "tx",
    "campaign.changed": "ops",
    "campaign.station": "ops",
    "station.booted": "ops",
    "station.connected": "ops",
    "station.disconnected": "ops",
    "station.knocked": "ops",
    "station.provisioned": "ops",
    "station.removed": "ops",
    "station.snapshot": "ops",
    "station.security_changed": "ops",
    "station.notified": "ops",
    "station.data_transfer": "ops",
    "station.security_event": "ops",
    "station.message_quarantined": "ops",
    "connector.status": "ops",
    "diagnostics.status": "ops",
    "firmware.fetched": "ops",
    "firmware.image_changed": "ops",
    "firmware.status": "ops",
    "log.status": "ops",
    "command.finished": "ops",
    "local_list.changed": "ops",
    "local_list.doubted": "ops",
    "charging_profiles.changed": "ops",
    "charging_profiles.doubted": "ops",
    "charging_profiles.uncertain": "ops",
    "load.station_mode_changed": "ops",
    "reservation.made": "ops",
    "reservation.uncertain": "ops",
    "reservation.used": "ops",
    "reservation.passed_over": "ops",
    "reservation.ended": "ops",
    "document.applied": "ops",
    "id_tag.changed": "ops",
    "id_tags.imported": "ops",
    "id_tags.learning": "ops",
    "id_tag.presented": "ops",
    "authority.changed": "ops",
    "certificate.requested": "ops",
    "certificate.issued": "ops",
    "certificate.settled": "ops",
    "certificate.revoked": "ops",
    "meter.trust_changed": "ops",
    "load.alarm_cleared": "ops",
    "load.alarm_raised": "ops",
    "load.limit_ended": "ops",
    "load.limit_removed": "ops",
    "load.limit_set": "ops",
    "load.session_stopped": "ops",
    "transaction.snapshot": "ops",
    "upload.deleted": "ops",
    "upload.forwarded": "ops",
    "upload.missing": "ops",
    "upload.received": "ops",
    "configuration.decided": "ops",
    "token.created": "ops",
    "token.revoked": "ops",
    "user.created": "ops",
    "user.changed": "ops",
    "user.removed": "ops",
    "user.logged_in": "ops",
    "user.logged_out": "ops",
    "user.login_refused": "ops",
    "code.created": "ops",
    "code.removed": "ops",
    "clock.stepped": "ops",
    "disk.pressure": "ops",
    "gateway.started": "ops",
    "gateway.restored": "ops",
    "gateway.security_event": "ops",
    "stream.dropped": "ops",
}

# Of stream `ops`, what is recorded however full the disk is: what is about security, what others rest on (a command's
# outcome, the turn of a station), and what explains that the rest is missing.
ALWAYS_RECORDED = frozenset(
    {
        "authority.changed",
        "campaign.changed",
        "campaign.station",
        "certificate.revoked",
        "charging_profiles.uncertain",
        "clock.stepped",
        "code.created",
        "code.removed",
        "command.finished",
        "configuration.decided",
        "disk.pressure",
        "document.applied",
        "firmware.image_changed",
        "gateway.restored",
        "gateway.security_event",
        "gateway.started",
        "id_tag.changed",
        "id_tags.imported",
        "local_list.changed",
        "local_list.doubted",
        "station.booted",
        "station.connected",
        "station.provisioned",
        "station.removed",
        "station.security_changed",
        "station.security_event",
        "stream.dropped",
        "token.created",
        "token.revoked",
        "user.changed",
        "user.created",
        "user.removed",
    }
)

# A station may send megabytes in one message; the journal keeps the beginning of each text, and no larger member.
_LONGEST_TEXT_BYTES = 4096
_LARGEST_MEMBER_BYTES = 65_536
# What these do by themselves nobody answers for.
_BY_ITSELF = frozenset({"gateway", "station"})
_LONGEST_ACTOR = 300


def append(
    db: Writing,
    kind: str,
    *,
    station: str | None = None,
    connector: int | None = None,
    happened_at: Instant,
    recorded_at: Instant,
    data: Mapping[str, object],
    uncut: bool = False,
) -> int:
    """Append one event of a kind in `STREAM_OF_KIND`; its site-wide id.

    `data` is JSON-able; long texts are cut unless it is `uncut`: then whoever calls bounds it. While the disk is too
    full it is only counted, unless billing or others rest on it; then the id is 0.
    """
    stream = STREAM_OF_KIND[kind]
    if stream == "ops" and kind not in ALWAYS_RECORDED and db.meta("disk_pressure") >= OPERATIONS_STOPPED:
        db.set_meta("ops_not_recorded", db.meta("ops_not_recorded") + 1)
        return 0
    text = msgspec.json.encode(data)
    if len(text) > _LONGEST_TEXT_BYTES and not uncut:
        text = msgspec.json.encode({name: _bounded(value) for name, value in data.items()})
    event_id, sequence = db.next_numbers(stream)
    told = without_capabilities(text.decode())  # stations repeat what they were sent
    row = (event_id, stream, sequence, kind, station, connector, happened_at, recorded_at, told)
    db.append_late("events", (*row, db.next_station_number(stream, station), _actor_of(data)))
    return event_id


def newest_id(db: Writing) -> int:
    """The id of the newest event that is committed; 0 when there is none."""
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
    return int(newest)


def of_kinds(
    db: Writing, kinds: Collection[str], *, after: int, most: int
) -> tuple[int, list[tuple[str, StationId | None]]]:
    """(kind, station) of the next `most` committed events of these kinds, and the id up to which was looked."""
    newest = newest_id(db)
    places = ", ".join("?" * len(kinds))
    rows = db.execute(
        f"SELECT id, kind, station FROM events WHERE id > ? AND kind IN ({places}) ORDER BY id LIMIT ?",
        (after, *kinds, most),
    ).fetchall()
    upto = rows[-1][0] if len(rows) == most else newest
    return upto, [(kind, station) for _, kind, station in rows]


def newest_of(db: Writing, kind: str) -> list[tuple[str | None, Instant, dict[str, object]]]:
    """(station, when, data) of the committed events of a kind among the newest twenty thousand, newest first."""
    rows = db.execute(
        """SELECT station, happened_at, data FROM events
           WHERE id > (SELECT max(id) FROM events) - 20000 AND kind = ? ORDER BY id DESC""",
        (kind,),
    )
    return [(station, Instant(at), msgspec.json.decode(data)) for station, at, data in rows]


def latest_time(db: Writing) -> Instant:
    """The latest of the times at which the newest thousand events were recorded; 0 when there is none."""
    (latest,) = db.execute(
        "SELECT coalesce(max(recorded_at), 0) FROM (SELECT recorded_at FROM events ORDER BY id DESC LIMIT 1000)"
    ).fetchone()
    return Instant(latest)


def _actor_of(data: Mapping[str, object]) -> str | None:
    actor = data.get("actor")
    return actor[:_LONGEST_ACTOR] if isinstance(actor, str) and actor not in _BY_ITSELF else None


def _bounded(value: object) -> object:
    """The value with its texts cut, or only its size when it is large all the same."""
    cut = clipped(value, most_bytes=_LONGEST_TEXT_BYTES)
    size_bytes = len(msgspec.json.encode(cut))
    return cut if size_bytes <= _LARGEST_MEMBER_BYTES else {"left_out_bytes": size_bytes}
