"""Answers to what stations tell of their jobs and their security: always empty, whatever was said.

Told in the journal as it came (`station.notified`), unless the very same was told a moment ago; what is news of a job
is told of the job. Security events go into a table of their own, bounded per station.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, Instant
from gateway.ocpp.v16 import from_station as v16
from gateway.operations.follow_jobs import keepable, move, usable_number
from gateway.operations.match_uploads import doubt_about
from gateway.operations.note_security_events import note_security_event
from gateway.operations.questions import AnswerUnit, Question
from gateway.rules import station_jobs as rules
from gateway.store import events, station_jobs
from gateway.store.writing import Writing

JobNotification = (
    v16.DiagnosticsStatusNotification
    | v16.FirmwareStatusNotification
    | v16.LogStatusNotification
    | v16.SignedFirmwareStatusNotification
    | v16.OtherStatus
)

_EMPTY = v16.EmptyAnswer()
_KIND_OF_NOTIFICATION: Mapping[str, rules.Kind] = MappingProxyType(
    {
        "DiagnosticsStatusNotification": "diagnostics",
        "FirmwareStatusNotification": "firmware",
        "LogStatusNotification": "log",
        "SignedFirmwareStatusNotification": "signed_firmware",
    }
)


def job_status(asked: Question, request: JobNotification) -> AnswerUnit:
    """A notification about firmware, diagnostics or a log; it is never refused, and counts as `next_state` says."""
    told = rules.Notification(
        _KIND_OF_NOTIFICATION[asked.call.action],
        keepable(request.status),
        usable_number(getattr(request, "request_id", None)),
    )
    notification = {**msgspec.to_builtins(request), "status": told.status}

    def unit(db: Writing) -> v16.EmptyAnswer:
        job = rules.which_job(station_jobs.newest(db, asked.station, rules.FAMILIES[told.kind]), told, asked.now)
        change = rules.next_state(job, told, asked.now)
        _tell_as_it_came(db, asked, told, notification)
        _follow(db, asked, job, told, change)
        return _EMPTY

    return unit


def security_event(asked: Question, request: v16.SecurityEventNotification) -> AnswerUnit:
    """Kept with the time that the station gives, however late it is told, unless its clock was never set."""
    told = asked.told_time(request.timestamp)
    happened_at = asked.now if told is None or told < CLOCK_NEVER_SET_BEFORE else Instant(told)

    def unit(db: Writing) -> v16.EmptyAnswer:
        note_security_event(
            db,
            asked.site,
            station=asked.station,
            source="station",
            type=request.type,
            tech_info=request.tech_info,
            happened_at=happened_at,
            now=asked.now,
        )
        return _EMPTY

    return unit


def _tell_as_it_came(
    db: Writing, asked: Question, told: rules.Notification, notification: Mapping[str, object]
) -> None:
    if rules.is_worth_telling(told, station_jobs.last_said(db, asked.station, told.kind), asked.now):
        station_jobs.note_said(db, asked.station, told, now=asked.now)
        data = {"action": asked.call.action, "notification": notification}
        events.append(
            db, "station.notified", station=asked.station, happened_at=asked.now, recorded_at=asked.now, data=data
        )


def _follow(
    db: Writing, asked: Question, job: rules.Job | None, told: rules.Notification, change: rules.Change
) -> None:
    match change:
        case rules.Moves():
            assert job is not None
            doubt = doubt_about(db, job.job_id, change)
            move(db, asked.site, asked.station, job, change, asked.now, detail=doubt)
        case rules.Begins():
            status, number = change.at.status, told.request_id
            own = station_jobs.begin(db, asked.station, told.kind, request_id=number, status=status, now=asked.now)
            move(db, asked.site, asked.station, own, change.at, asked.now)
        case rules.SaysIdle():
            assert job is not None
            station_jobs.note_idle(db, job.job_id, now=asked.now)
        case rules.ChangesNothing():
            pass
