"""Answers to what bills: Authorize, StartTransaction, MeterValues, StopTransaction (OCPP 1.6 4.1, 4.7, 4.8, 4.10).

Each function returns the unit of work that reads the facts, asks the rules, writes and appends to the journal in one
commit. The answer is what the unit returns; it is sent only after the commit.
"""

from __future__ import annotations

from gateway.model.identities import ConnectorId, fold_tag
from gateway.model.instants import text_of
from gateway.model.sessions import OrphanStop, Session, StartRequest, StopRequest
from gateway.model.tags import DecidedBy, KnownTag, Verdict
from gateway.ocpp.v16 import from_station as v16
from gateway.operations.attribute_meter_frames import attribute_newest
from gateway.operations.draw_consequences import Started, after_start
from gateway.operations.draw_on_reservations import reservations_of_start
from gateway.operations.end_sessions import end_reconstructed, record_end
from gateway.operations.fleet_settings import fleet_setting
from gateway.operations.learn_tags import is_learning, note_card
from gateway.operations.note_draws import note_draw
from gateway.operations.questions import AnswerUnit, Question, fits
from gateway.operations.site import Site
from gateway.rules import transactions as rules
from gateway.rules.authorization import decided_by, verdict_on, verdict_on_start
from gateway.store import commands, events, meter_frames, transactions
from gateway.store.known_tags import find_tag
from gateway.store.writing import Writing

_EMPTY = v16.EmptyAnswer()


def authorize(asked: Question, request: v16.Authorize) -> AnswerUnit:
    """Never ConcurrentTx: that is a verdict on a start (OCPP 1.6 7.2)."""
    learning = is_learning(asked)

    def unit(db: Writing) -> v16.AuthorizeAnswer:
        tag = find_tag(db, fold_tag(request.id_tag))
        verdict = _verdict_on(db, asked, request.id_tag, tag)
        events.append(
            db,
            "authorization.decided",
            station=asked.station,
            happened_at=asked.now,
            recorded_at=asked.now,
            data={
                "id_tag": request.id_tag,
                "status": verdict.status,
                "parent_id_tag": verdict.parent_id_tag,
                "by": decided_by(tag, verdict),
            },
        )
        if learning:
            note_card(db, asked, request.id_tag, known=tag is not None)
        return v16.AuthorizeAnswer(id_tag_info=_info(verdict))

    return unit


def start_transaction(asked: Question, request: v16.StartTransaction) -> AnswerUnit:
    """The same start told again gets the same transaction and the same verdict; a new one is recorded and judged."""
    start_at, anomalies = asked.session_time(request.timestamp)
    connector = request.connector_id
    meter_start_wh: int | None = request.meter_start * asked.treatment.energy_scale
    if not fits(connector) or connector < 0:
        connector, anomalies = 0, (*anomalies, "connector_out_of_range")
    if request.meter_start < 0:
        meter_start_wh, anomalies = None, (*anomalies, "meter_start_unknown")
    elif not fits(request.meter_start * asked.treatment.energy_scale):
        meter_start_wh, anomalies = None, (*anomalies, "meter_start_out_of_range")
    reservation, learning = request.reservation_id, is_learning(asked)
    start = StartRequest(
        station=asked.station,
        connector=ConnectorId(connector),
        id_tag=request.id_tag,
        folded_tag=fold_tag(request.id_tag),
        meter_start_wh=meter_start_wh,
        start_at=start_at,
        start_text=request.timestamp,
        message_id=asked.message_id,
        reservation_id=reservation if reservation is not None and fits(reservation) else None,
        anomalies=anomalies,
    )

    def unit(db: Writing) -> v16.StartTransactionAnswer:
        same_start, open_here = transactions.find_for_start(db, start)
        decision = rules.how_to_start(start, same_start=same_start, open_here=open_here)
        if isinstance(decision, rules.Recognised):
            return _answer_again(decision.session)
        for session in decision.ends:
            end_reconstructed(db, asked.site, session, why="next_session_began", now=asked.now)
        if learning:
            known = find_tag(db, start.folded_tag) is not None
            note_card(db, asked, start.id_tag, known=known, connector=start.connector, at=start.start_at)
        return _record_start(db, asked, start, decision.repeat)

    return unit


def meter_values(asked: Question, request: v16.MeterValues) -> AnswerUnit:
    """Kept raw; which session the values belong to is found in the background. Never refused (OCPP 1.6 4.7)."""
    body = bytes(asked.call.payload)
    connector: int | None = request.connector_id
    if not 0 <= request.connector_id < 1 << 31:
        connector = None
    claimed = request.transaction_id
    if asked.site.load.outlets:
        note_draw(asked, request.connector_id, body)

    def unit(db: Writing) -> v16.EmptyAnswer:
        meter_frames.append(db, asked.station, connector, claimed, None, asked.now, body)
        return _EMPTY

    return unit


def stop_transaction(asked: Question, request: v16.StopTransaction) -> AnswerUnit:
    """The first stop of a session counts, what cannot be attributed is kept as an orphan, nothing is refused."""
    stop = _read_stop(asked, request)

    def unit(db: Writing) -> v16.StopTransactionAnswer:
        match _decide(db, asked, stop):
            case rules.Closes(session, end):
                _keep_transaction_data(db, asked, request, session)
                record_end(db, asked.site, session, end, now=asked.now)
            case rules.Repeats(counted, differs) | rules.RepeatsOrphan(counted, differs):
                if differs:
                    _note_repeated_stop(db, asked, counted, stop)
            case rules.Orphan(anomalies):
                _record_orphan(db, asked, stop, anomalies)
        if request.id_tag is None:
            return v16.StopTransactionAnswer()
        return v16.StopTransactionAnswer(id_tag_info=_info(_verdict(db, asked, request.id_tag)))

    return unit


def _read_stop(asked: Question, request: v16.StopTransaction) -> StopRequest:
    stop_at, anomalies = asked.session_time(request.timestamp)
    meter_stop_wh: int | None = request.meter_stop * asked.treatment.energy_scale
    if request.meter_stop < 0 or not fits(request.meter_stop * asked.treatment.energy_scale):
        meter_stop_wh, anomalies = None, (*anomalies, "meter_stop_unknown")
    return StopRequest(
        station=asked.station,
        claimed_id=request.transaction_id,
        meter_stop_wh=meter_stop_wh,
        stop_at=stop_at,
        stop_text=request.timestamp,
        reason=request.reason or "Local",
        id_tag=request.id_tag,
        folded_tag=fold_tag(request.id_tag) if request.id_tag is not None else None,
        anomalies=anomalies,
    )


def _record_start(db: Writing, asked: Question, start: StartRequest, repeat: int) -> v16.StartTransactionAnswer:
    verdict, authorized_by = _verdict_on_start(db, asked, start)
    reservation, passed_over = reservations_of_start(db, start, verdict, asked.now)
    if reservation is not None:
        start = start._replace(reservation_id=reservation.reservation_id)
    elif start.reservation_id == 0:  # some stations always send it
        start = start._replace(reservation_id=None)
    command = commands.take_remote_start(db, start.station, connector=start.connector, folded_tag=start.folded_tag)
    transaction_id = transactions.record_start(
        db, start, verdict, received_at=asked.now, remote_start_command=command, repeat=repeat,
        authorized_by=authorized_by,
    )  # fmt: skip
    events.append(
        db,
        "transaction.started",
        station=start.station,
        connector=start.connector,
        happened_at=start.start_at,
        recorded_at=asked.now,
        data={
            "transaction_id": transaction_id,
            "id_tag": start.id_tag,
            "parent_id_tag": verdict.parent_id_tag,
            "authorization": verdict.status,
            "authorized_by": authorized_by,
            "meter_start_wh": start.meter_start_wh,
            "start_time": text_of(start.start_at),
            "start_time_text": start.start_text,
            "reservation_id": start.reservation_id,
            "remote_start_command": command,
            "anomalies": start.anomalies,
        },
    )
    what = Started(start, transaction_id, verdict, command, asked.now, reservation, passed_over)
    after_start(db, asked.site, what)
    db.then.append(lambda: asked.site.health.counters.increase("transactions_total", result="started"))
    return v16.StartTransactionAnswer(transaction_id=transaction_id, id_tag_info=_info(verdict))


def _answer_again(session: Session) -> v16.StartTransactionAnswer:
    status = session.authorization
    info = v16.IdTagInfo(status=status, parent_id_tag=session.parent_id_tag)  # type: ignore[arg-type]
    return v16.StartTransactionAnswer(transaction_id=session.transaction_id, id_tag_info=info)


def _decide(
    db: Writing, asked: Question, stop: StopRequest
) -> rules.Closes | rules.Repeats | rules.RepeatsOrphan | rules.Orphan:
    is_usable = rules.is_usable_id(stop.claimed_id)
    claimed = transactions.find(db, stop.claimed_id) if is_usable else None
    if claimed is not None and claimed.station == stop.station:
        return rules.how_to_stop(stop, claimed=claimed, unanswered=())
    return rules.how_to_stop(
        stop,
        claimed=claimed,
        kept=transactions.find_kept_stop(db, stop),
        unanswered=() if is_usable else _unanswered(db, asked, stop),
    )


def _unanswered(db: Writing, asked: Question, stop: StopRequest) -> list[Session]:
    attribute_newest(db, asked.site.configuration, stop.station)  # while the session is open, its values find it
    named_lately = meter_frames.ids_named_lately(db, stop.station)
    return [
        session
        for session in transactions.open_of_station(db, stop.station)
        if session.transaction_id not in named_lately and not meter_frames.names_its_id(db, session.transaction_id)
    ]


def _keep_transaction_data(db: Writing, asked: Question, request: v16.StopTransaction, session: Session) -> None:
    if request.transaction_data:
        meter_frames.append(
            db,
            asked.station,
            session.connector,
            request.transaction_id,
            session.transaction_id,
            asked.now,
            bytes(asked.call.payload),
        )


def _note_repeated_stop(db: Writing, asked: Question, counted: Session | OrphanStop, stop: StopRequest) -> None:
    events.append(
        db,
        "transaction.stop_repeated",
        station=asked.station,
        connector=counted.connector if isinstance(counted, Session) else None,
        happened_at=stop.stop_at,
        recorded_at=asked.now,
        data={
            "transaction_id": counted.transaction_id,
            "meter_stop_wh": stop.meter_stop_wh,
            "stop_time": text_of(stop.stop_at),
            "counted_meter_stop_wh": counted.meter_stop_wh,
        },
    )


def _record_orphan(db: Writing, asked: Question, stop: StopRequest, anomalies: tuple[str, ...]) -> None:
    transaction_id = transactions.record_orphan(db, stop, anomalies, received_at=asked.now)
    last = transactions.last_issued(db)
    floor = rules.floor_after(stop.claimed_id, last_issued=last)
    if floor != last:
        transactions.set_last_issued(db, floor)
    if asked.call.payload:
        meter_frames.append(
            db, asked.station, None, stop.claimed_id, transaction_id, asked.now, bytes(asked.call.payload)
        )
    events.append(
        db,
        "transaction.orphan_stop",
        station=asked.station,
        happened_at=stop.stop_at,
        recorded_at=asked.now,
        data={
            "transaction_id": transaction_id,
            "claimed_transaction_id": str(stop.claimed_id),
            "meter_stop_wh": stop.meter_stop_wh,
            "stop_time": text_of(stop.stop_at),
            "reason": stop.reason,
            "stop_id_tag": stop.id_tag,
            "anomalies": anomalies,
        },
    )
    db.then.append(lambda: asked.site.health.counters.increase("transactions_total", result="orphan"))


def _verdict_on_start(db: Writing, asked: Question, start: StartRequest) -> tuple[Verdict, DecidedBy]:
    tag = find_tag(db, start.folded_tag)
    others = transactions.open_of_tag(db, start.folded_tag) if tag is not None else []
    # a look into a dictionary of the loop's thread is safe
    others = [other._replace(connected=asked.site.connected.is_connected(other.station)) for other in others]
    verdict = verdict_on_start(
        _verdict_on(db, asked, start.id_tag, tag),
        others,
        station=start.station,
        connector=start.connector,
        start_at=start.start_at,
        now=asked.now,
        patience_seconds=asked.site.configuration.ocpp.stale_session_minutes * 60.0,
    )
    return verdict, decided_by(tag, verdict)


def _verdict(db: Writing, asked: Question, id_tag: str) -> Verdict:
    return _verdict_on(db, asked, id_tag, find_tag(db, fold_tag(id_tag)))


def _verdict_on(db: Writing, asked: Question, id_tag: str, tag: KnownTag | None) -> Verdict:
    accepted = tag is None and bool(id_tag.strip()) and _unknown_tags(db, asked.site) == "accept"
    return verdict_on(tag, unknown_accepted=accepted, now=asked.now)


def _unknown_tags(db: Writing, site: Site) -> str:
    return fleet_setting(db, site, "unknown_tags", str(site.configuration.ocpp.unknown_tags))


def _info(verdict: Verdict) -> v16.IdTagInfo:
    return v16.IdTagInfo(
        status=verdict.status,
        parent_id_tag=verdict.parent_id_tag,
        expiry_date=text_of(verdict.expiry_at) if verdict.expiry_at is not None else None,
    )
