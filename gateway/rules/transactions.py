"""Which session is this message about, and what does it change? (OCPP 1.6 3.7, 4.7, 4.8, 4.10; errata 3.18, 3.54)

1. The same start told again is the same session, with the same answer. A clock that was never set tells the same time
   after each power cut: there, what is told anew when its session is over is another session.
2. The first stop of a session counts; only a real stop overrides a reconstructed one.
3. A stop is never refused and never closes another session by guess: what cannot be attributed is an orphan, and of
   orphans too the first counts. A stop without a usable id that was told before is that stop again, unless the next
   session of the same connector has begun, because transaction messages of a connector come in order.
4. A start on a connector with an open session ends the old one; so does a connector that stays free for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.identities import ConnectorId
from gateway.model.instants import SECOND, Instant
from gateway.model.sessions import OrphanStop, Session, StartRequest, Stop, StopRequest

# transactionId is issued below 2^31 - 1 (some stations keep it in 32 bits).
GREATEST_TRANSACTION_ID = 2**31 - 2
# An unknown id this much above ours is no hint at what another life of this database has issued.
_PLAUSIBLE_LEAP = 10_000
# A station that stamps a start anew with each try does so within this time.
_RETRY_WITHIN = 15 * 60 * SECOND


@dataclass(frozen=True, slots=True)
class Recognised:
    """This start is already recorded as `session`."""

    session: Session


@dataclass(frozen=True, slots=True)
class NewSession:
    """Record a new session, the `repeat`th of its key; first end these, which are still open on the connector."""

    ends: tuple[Session, ...]
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Closes:
    """The stop ends `session`."""

    session: Session
    stop: Stop


@dataclass(frozen=True, slots=True)
class Repeats:
    """The session has already been ended by its station; `differs` says that this stop tells something else."""

    session: Session
    differs: bool


@dataclass(frozen=True, slots=True)
class RepeatsOrphan:
    """The stop is kept as an orphan already; `differs` says that this one tells something else."""

    kept: OrphanStop
    differs: bool


@dataclass(frozen=True, slots=True)
class Orphan:
    """No session can be attributed: keep the stop for itself."""

    anomalies: tuple[str, ...]


def how_to_start(
    request: StartRequest, *, same_start: Session | None, open_here: Sequence[Session]
) -> Recognised | NewSession:
    """`same_start`: the newest row with the same key (station, connector, tag, time, register).

    `open_here`: open sessions of the connector, oldest first.
    """
    if same_start is not None and not _is_over_for_a_clock_never_set(request, same_start):
        return Recognised(same_start)
    for session in open_here:
        if _is_retry(request, session):
            return Recognised(session)
    return NewSession(tuple(open_here), repeat=0 if same_start is None else same_start.start_repeat + 1)


def how_to_stop(
    request: StopRequest,
    *,
    claimed: Session | None,
    kept: Session | OrphanStop | None = None,
    unanswered: Sequence[Session],
) -> Closes | Repeats | RepeatsOrphan | Orphan:
    """`claimed`: the session with the claimed id. `kept`: what the same stop made when it was told before.

    `unanswered`: the station's open sessions whose id it has never used.
    """
    if claimed is not None and claimed.station == request.station:
        return _stop_of(request, claimed)
    fitting = [session for session in unanswered if _may_be_stop_of(request, session)]
    only = fitting[0] if len(fitting) == 1 else None
    if isinstance(kept, Session) and (only is None or only.connector != kept.connector):
        return Repeats(kept, differs=False)
    if isinstance(kept, OrphanStop):
        same_register = request.meter_stop_wh in (None, kept.meter_stop_wh)
        return RepeatsOrphan(kept, differs=not same_register or request.stop_text != kept.stop_text)
    if claimed is not None:
        return Orphan((*request.anomalies, "transaction_of_another_station"))
    if is_usable_id(request.claimed_id):
        return Orphan((*request.anomalies, "stop_without_start"))
    if only is not None:
        decision = _stop_of(request, only)
        if isinstance(decision, Closes):
            anomalies = (*decision.stop.anomalies, "stopped_without_transaction_id")
            stop = decision.stop._replace(anomalies=anomalies, claimed_id=request.claimed_id)
            return Closes(decision.session, stop)
        return decision
    return Orphan((*request.anomalies, "stop_without_start"))


def which_session(
    *, claimed: Session | None, on_connector: Sequence[Session], connector: ConnectorId, at: Instant
) -> Session | None:
    """The session that meter values belong to. `claimed` is of the same station; `on_connector` newest first."""
    if claimed is not None:
        return claimed
    if connector == 0:
        return None  # the main meter of the station
    for session in on_connector:
        if session.stop_at is None or (session.start_at <= at <= session.stop_at):
            return session
    return None


def reconstructed_stop(session: Session, *, last_register_wh: int | None, last_sign_of_life: Instant, why: str) -> Stop:
    """The end of a session whose stop never came: only energy that was measured is counted."""
    meter_stop_wh = session.meter_start_wh
    if last_register_wh is not None and (meter_stop_wh is None or last_register_wh >= meter_stop_wh):
        meter_stop_wh = last_register_wh
    return Stop(
        stop_at=max(last_sign_of_life, session.start_at),
        stop_text=None,
        meter_stop_wh=meter_stop_wh,
        reason="Other",
        stop_id_tag=None,
        source="reconstructed",
        anomalies=(*session.anomalies, "reconstructed", why),
    )


def is_abandoned(
    session: Session, *, free_since: Instant | None, last_message_at: Instant | None, patience_seconds: float
) -> bool:
    """The connector says Available since after the start, and the station had time and line to tell the stop."""
    began_at = session.start_at
    if session.start_received_at is not None:
        began_at = min(began_at, session.start_received_at)  # the station's clock may run ahead
    if free_since is None or last_message_at is None or free_since <= began_at:
        return False
    return last_message_at - free_since >= patience_seconds * SECOND


def is_usable_id(claimed_id: int) -> bool:
    """Can this be a transaction id of ours? Stations write -1 or 0 for none (errata 3.18), and any 64 bits."""
    return 0 < claimed_id <= GREATEST_TRANSACTION_ID


def delivered_wh(session: Session, stop: Stop) -> int | None:
    """The energy of an ended session in Wh; None when either register is unknown: nothing is billed from a guess."""
    if session.meter_start_wh is None or stop.meter_stop_wh is None:
        return None
    return stop.meter_stop_wh - session.meter_start_wh


def floor_after(claimed_id: int, *, last_issued: int) -> int:
    """The last issued id to go on from, having seen a station use `claimed_id`: never issue one that is in use."""
    if last_issued < claimed_id <= min(last_issued + _PLAUSIBLE_LEAP, GREATEST_TRANSACTION_ID):
        return claimed_id
    return last_issued


def _is_over_for_a_clock_never_set(request: StartRequest, same_start: Session) -> bool:
    """Only with such a clock: a queue told after an outage may repeat a start after its stop, with a new message id."""
    return (
        "clock_not_set" in request.anomalies
        and same_start.stop_source is not None
        and same_start.start_message_id != request.message_id
    )


def _is_retry(request: StartRequest, session: Session) -> bool:
    if (session.folded_tag, session.meter_start_wh) != (request.folded_tag, request.meter_start_wh):
        return False
    if "unreadable_timestamp" in request.anomalies and session.start_text == request.start_text:
        return True  # each try has its own time of receipt
    return (
        session.start_message_id == request.message_id
        # stations that count their ids from 1 after each boot say the same id again, but not within minutes
        and abs(session.start_at - request.start_at) <= _RETRY_WITHIN
    )


def _may_be_stop_of(request: StopRequest, session: Session) -> bool:
    return request.stop_at >= session.start_at and not _ran_backwards(session, request.meter_stop_wh)


def _ran_backwards(session: Session, register_wh: int | None) -> bool:
    return register_wh is not None and session.meter_start_wh is not None and register_wh < session.meter_start_wh


def _stop_of(request: StopRequest, session: Session) -> Closes | Repeats:
    if session.stop_source == "station":
        differs = request.meter_stop_wh is not None and request.meter_stop_wh != session.meter_stop_wh
        return Repeats(session, differs or request.stop_at != session.stop_at)
    anomalies = (*session.anomalies, *request.anomalies)
    meter_stop_wh = request.meter_stop_wh
    if meter_stop_wh is None:
        known = session.meter_stop_wh  # of a reconstructed end
        meter_stop_wh = session.meter_start_wh if known is None else known
    elif _ran_backwards(session, meter_stop_wh):
        anomalies += ("meter_went_backwards",)
    if request.stop_at < session.start_at:
        anomalies += ("stopped_before_start",)
    if session.stop_source == "reconstructed":
        anomalies += ("late_stop",)
    stop = Stop(request.stop_at, request.stop_text, meter_stop_wh, request.reason, request.id_tag, "station", anomalies)
    return Closes(session, stop)
