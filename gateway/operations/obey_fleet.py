"""A fleet manager's command arrives: onto the disk, acknowledged, answered. `carry_out_fleet_commands` does it.

Each id of an upstream is taken once. Who sends it again is told what is known of it, and nothing is done twice.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.fleet_commands import Command, Complaint, Ended, Moment, Term, Unclear
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.links import Message
from gateway.ocpp.v16.actions import sent_to_station
from gateway.operations.end_fleet_commands import end, tell
from gateway.operations.known_stations import is_known
from gateway.operations.limits_for_a_time import circuit_named
from gateway.operations.site import Site
from gateway.rules import fleet_commands as rules
from gateway.rules import fleet_orders, fleet_results, fleet_terms
from gateway.store import fleet_commands, stations
from gateway.store.fleet_commands import NewRow, Result
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.upstream_now import UpstreamNow

logger = logging.getLogger(__name__)

RESULTS = "res"
_LONGEST_CORRELATION_BYTES = 256


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A command with an id, and what counts for it at this moment."""

    upstream: str
    asked: Command | Unclear
    digest: str
    actor: str
    size_bytes: int
    correlation: bytes | None
    term: Term | Complaint
    over: bool
    connected: bool
    retained: bool
    storable: bool
    now: Instant


async def obey(upstream: UpstreamNow, message: Message) -> None:
    """Take a command in, once, and say what is known of it. Raises StoreUnavailable; then it is not acknowledged."""
    site = upstream.site
    document = rules.object_in(message.payload)
    asked = None if document is None else rules.read(document, size_bytes=len(message.payload))
    if document is None or asked is None:
        site.health.counters.increase("fleet_commands_total", status="unreadable")
        logger.warning("%s sent a command without an id that can be answered", upstream.name)
        message.ack()
        return
    arrived = _arrived(upstream, message, asked, document)
    key, secret = (arrived.upstream, asked.id), site.fleet_commands.secret
    hidden = asked if isinstance(asked, Command) and not arrived.storable and key not in secret else None
    if hidden is not None:
        secret[key] = hidden  # before it can begin
    accepted = False
    try:
        fresh, accepted, said = await site.database.write(lambda db: _take_in(db, site, arrived))
    finally:
        if hidden is not None and not accepted:
            secret.pop(key, None)
    message.ack()
    for result, correlation in said:
        if result["status"] == "superseded":
            secret.pop((arrived.upstream, str(result["id"])), None)
        say(site, arrived.upstream, result, correlation)
        site.health.counters.increase("fleet_commands_total", status=str(result["status"]) if fresh else "repeated")
    if accepted:
        site.fleet_commands.wake.announce()


def say(site: Site, upstream: str, result: Result, correlation: bytes | None) -> None:
    """Tell a fleet manager what is known of a command, if it can be reached; later it learns it from the journal."""
    payload = json.dumps(result, ensure_ascii=False).encode()
    site.fleet.say(upstream, RESULTS, payload, correlation=correlation)


def actor_named(upstream: str, actor: str | None) -> str:
    """In whose name a command is carried out."""
    return f"fleet:{upstream}" if actor is None else f"fleet:{upstream} {actor}"


def moment_of(site: Site) -> Moment:
    """Now, by the clocks there are."""
    clock = site.clock_quality()
    return Moment(site.wall_clock(), clock.quality != "unsynced", clock.boot_id, clock.monotonic_ms)


def _arrived(
    upstream: UpstreamNow, message: Message, asked: Command | Unclear, document: Mapping[str, object]
) -> _Arrived:
    site, moment = upstream.site, moment_of(upstream.site)
    term: Term | Complaint = Term()
    over, connected, actor = False, False, None
    if isinstance(asked, Command):
        actor = asked.actor
        term = fleet_terms.term_of(asked, interval_seconds=message.expiry_seconds, moment=moment)
        over = isinstance(term, Term) and bool(fleet_terms.is_over(term, moment))
        connected = asked.station is not None and site.connected.is_connected(StationId(asked.station))
    return _Arrived(
        upstream=upstream.name,
        asked=asked,
        digest=rules.digest_of(document),
        actor=actor_named(upstream.name, actor),
        size_bytes=len(message.payload),
        correlation=_kept(message.correlation),
        term=term,
        over=over,
        connected=connected,
        retained=message.retain,
        storable=isinstance(asked, Unclear) or rules.may_be_stored(asked.args),
        now=moment.now,
    )


def _kept(correlation: bytes | None) -> bytes | None:
    """What is given back with each answer, unless it is longer than anybody needs."""
    return correlation if correlation is not None and len(correlation) <= _LONGEST_CORRELATION_BYTES else None


def _take_in(db: Writing, site: Site, arrived: _Arrived) -> tuple[bool, bool, list[tuple[Result, bytes | None]]]:
    """Is it new, is it accepted, and what is to be said, each with the correlation of its own command."""
    asked, now, correlation = arrived.asked, arrived.now, arrived.correlation
    first = fleet_results.under_way(asked.id, asked.type, "accepted", received_at=now, started_at=None)
    row = fleet_commands.find(db, arrived.upstream, asked.id)
    if row is not None:
        if row.digest == arrived.digest:
            return False, False, [(row.result, correlation)]
        complaint = Complaint("id_reused", "this id belongs to another command, which stands as it is")
        return False, False, [(fleet_results.over(first, Ended("rejected", error=complaint), now), correlation)]
    known, at_once = _ended_at_once(db, site, arrived)
    new = _new_row(arrived, known=known)
    if at_once is not None:
        result = fleet_results.over(first, at_once, now)
        fleet_commands.insert(db, new, status=at_once.status, result=result, now=now)
        tell(db, result, upstream=new.upstream, actor=new.actor, station=new.station, now=now)
        return True, False, [(result, correlation)]
    assert isinstance(asked, Command)
    older = [] if new.superseding is None else fleet_commands.waiting_with(db, new.upstream, new.superseding)
    complaint = Complaint("superseded", f"{asked.id} takes its place")
    superseded = [(end(db, row, Ended("superseded", error=complaint), now), row.correlation) for row in older]
    body = fleet_commands.body_of(asked) if arrived.storable else None
    fleet_commands.insert(db, new, status="accepted", result=first, now=now, body=body)
    return True, True, [*superseded, (first, correlation)]


def _new_row(arrived: _Arrived, *, known: bool) -> NewRow:
    asked = arrived.asked
    row = NewRow(arrived.upstream, asked.id, asked.type, None, arrived.actor, arrived.digest, arrived.size_bytes)
    if isinstance(asked, Unclear):
        return row
    return row._replace(
        correlation=arrived.correlation,
        station=asked.station if known else None,
        if_offline=asked.if_offline,
        superseding=fleet_orders.superseding_key(asked),
        term=arrived.term if isinstance(arrived.term, Term) else Term(),
    )


def _ended_at_once(db: Writing, site: Site, arrived: _Arrived) -> tuple[bool, Ended | None]:
    """Is its station known, and how a new command ends as it comes; None when it is to be carried out."""
    asked = arrived.asked
    named = asked.station if isinstance(asked, Command) else None
    known = named is not None and is_known(site.configuration, named, stations.find(db, StationId(named)))
    waiting, waiting_bytes = fleet_commands.size_of_unfinished(db, arrived.upstream)
    around = rules.Surroundings(
        unknown=_unknown(site, asked, known=known),
        connected=arrived.connected,
        waiting=waiting,
        waiting_bytes=waiting_bytes,
        retained=arrived.retained,
    )
    return known, rules.ended_at_once(asked, around, arrived.term, over=arrived.over)


def _unknown(site: Site, asked: Command | Unclear, *, known: bool) -> Complaint | None:
    """What the command names and this site has not."""
    if isinstance(asked, Unclear):
        return None
    if asked.station is not None and not known:
        return Complaint("unknown_station", f"there is no station {asked.station}")
    action, circuit = asked.args.get("action"), asked.args.get("circuit")
    if asked.type == "ocpp.call" and not sent_to_station(str(action)):
        return Complaint("unknown_action", f"OCPP 1.6 has no request {action} to stations")
    if asked.type.startswith("site.limit.") and circuit_named(site.configuration, str(circuit)) is None:
        return Complaint("unknown_circuit", f"there is no circuit {circuit}")
    return None
