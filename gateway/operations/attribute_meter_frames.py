"""Which session do stored meter frames belong to? Found in the background, in batches, and before anybody asks.

Frames are stored raw and in a hurry; here each is looked at once. The rule is `rules.transactions.which_session`.
"""

from __future__ import annotations

import msgspec

from gateway.model.identities import ConnectorId, StationId, TransactionId
from gateway.model.instants import Instant
from gateway.model.sessions import Session
from gateway.ocpp.v16.meter_values import Sample, energy_register_wh, read_samples
from gateway.operations.site import Site
from gateway.rules.transactions import which_session
from gateway.store import meter_frames, transactions
from gateway.store.writing import Writing

_AT_ONCE = 500
# A session's newest frames may lack the energy register (power only); so many are looked at.
_FRAMES_LOOKED_AT = 20


async def attribute_all(site: Site) -> None:
    """Index every frame stored so far, in units short enough not to hold anybody up."""
    while await site.database.write(attribute_some) == _AT_ONCE:
        pass


def attribute_some(db: Writing) -> int:
    """Index the oldest frames that are not indexed yet; returns how many there were (at most a batch)."""
    frames = meter_frames.unindexed(db, _AT_ONCE)
    if not frames:
        return 0
    claims: dict[int, Session | None] = {}
    found: list[tuple[TransactionId, int]] = []
    for frame in frames:
        transaction_id = frame.transaction_id
        if transaction_id is None:
            session = _session_of(db, frame, claims)
            transaction_id = session.transaction_id if session is not None else None
        if transaction_id is not None:
            found.append((transaction_id, frame.frame_id))
    meter_frames.index(db, found, upto=frames[-1].frame_id)
    return len(frames)


def last_register_of(db: Writing, session: Session, *, scale: int) -> tuple[int | None, Instant | None]:
    """The newest total energy register (Wh) that was measured in a session, and when the newest values came."""
    while attribute_some(db):
        pass
    newest: Instant | None = None
    for frame in meter_frames.newest_of_session(db, session.transaction_id, _FRAMES_LOOKED_AT):
        samples = samples_of(frame.body)
        times = [sample.at for sample in samples if sample.at is not None]
        if newest is None:
            newest = max(times, default=frame.recorded_at)
        register = energy_register_wh(samples)
        if register is not None:
            return register * scale, newest
    return None, newest


def samples_of(body: bytes) -> tuple[Sample, ...]:
    """The samples in a stored frame: the payload of a MeterValues or of a StopTransaction."""
    try:
        payload = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ()
    if not isinstance(payload, dict):
        return ()
    return read_samples(payload.get("meterValue") or payload.get("transactionData"))


def _session_of(db: Writing, frame: meter_frames.Unindexed, claims: dict[int, Session | None]) -> Session | None:
    claimed = _claimed(db, frame.claimed_transaction_id, frame.station, claims)
    if claimed is not None:
        return claimed
    if frame.connector is None:
        return None
    connector = ConnectorId(frame.connector)
    return which_session(
        claimed=None,
        on_connector=transactions.newest_on_connector(db, frame.station, connector) if connector else (),
        connector=connector,
        at=_measured_at(db, frame),
    )


def _claimed(
    db: Writing, claimed_id: int | None, station: StationId, claims: dict[int, Session | None]
) -> Session | None:
    if claimed_id is None or claimed_id <= 0:
        return None
    if claimed_id not in claims:
        claims[claimed_id] = transactions.find(db, claimed_id)
    session = claims[claimed_id]
    return session if session is not None and session.station == station else None


def _measured_at(db: Writing, frame: meter_frames.Unindexed) -> Instant:
    samples = samples_of(meter_frames.body_of(db, frame.frame_id))
    return next((sample.at for sample in samples if sample.at is not None), frame.recorded_at)
