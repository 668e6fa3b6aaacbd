"""Firmware, diagnostics and log jobs, from the request that begins one to the boot that proves it; news is told.

What the station tells in between is in `answer_jobs`, what anything means for a job in `rules/station_jobs`. Nothing
here ends a job because time has passed: a station that is silent may still be at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.model.calls import Payload
from gateway.model.clipping import clipped
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.ocpp.errors import says_not_done
from gateway.ocpp.v16.to_station import JobAnswer
from gateway.operations.orders import Order, Result
from gateway.operations.questions import fits
from gateway.operations.site import Site
from gateway.rules import station_jobs as rules
from gateway.rules.secrecy import masked, secrets_in
from gateway.store import events, numbers_given, station_jobs, transfer_links
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted

KIND_OF_ACTION: Mapping[str, rules.Kind] = MappingProxyType(
    {
        "GetDiagnostics": "diagnostics",
        "GetLog": "log",
        "SignedUpdateFirmware": "signed_firmware",
        "UpdateFirmware": "firmware",
    }
)
_EVENT_OF_KIND: Mapping[rules.Kind, str] = {
    "diagnostics": "diagnostics.status",
    "firmware": "firmware.status",
    "log": "log.status",
    "signed_firmware": "firmware.status",
}
_LONGEST_BYTES = 2048
_UNANSWERED = "the station did not answer: nobody knows whether it does it"
_NO_STATUS = "the station's answer does not say whether it does it"


def fill_in_request_id(db: Writing, site: Site, order: Order) -> Payload:
    """A requestId when none is written; one that is written is noted, so that ours do not repeat it."""
    if "requestId" not in order.payload:
        return {**order.payload, "requestId": numbers_given.next_number(db, order.station, "request")}
    written = usable_number(order.payload["requestId"])
    if written is not None:
        numbers_given.note_used(db, order.station, "request", written)
    return order.payload


def expect_job(db: Writing, site: Site, order: Order, now: Instant) -> None:
    """A job is asked for; the station may tell of it before it answers."""
    station_jobs.begin(
        db,
        order.station,
        KIND_OF_ACTION[order.action],
        command_id=order.command_id,
        request_id=usable_number(order.payload.get("requestId")),
        location=_location(order.payload),
        status=rules.ASKED,
        now=now,
    )


def heed_job(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """What came of the request: taken up, refused, not sent, or nobody knows."""
    job = station_jobs.of_command(db, order.command_id)
    if job is None or job.finished_at is not None:
        return
    match result.status:
        case "answered":
            _heed_answer(db, site, order, result, job, now)
        case "unanswered":
            station_jobs.note_detail(db, job.job_id, _UNANSWERED)
        case "call_error":
            code = keepable(result.code or "", secrets_in(order.payload))
            instead = rules.INSTEAD[job.kind] if says_not_done(result.code) else None
            refused = rules.Moves(rules.CALL_ERROR, job.stage, "refused")
            move(db, site, order.station, job, refused, now, detail=f"{code}: {instead}" if instead else code)
        case other:
            not_sent = rules.Moves(rules.NOT_SENT, 0, "not_sent")
            link = transfer_links.of_command(db, order.command_id)
            if link is not None:
                transfer_links.end(db, link.link_id, now)
            move(db, site, order.station, job, not_sent, now, detail=other)


def note_boot(db: Writing, site: Site, booted: Booted) -> None:
    """The firmware version that a station boots with says what an update came to."""
    version = booted.plate.firmware_version
    jobs = station_jobs.newest(db, booted.station, rules.FAMILIES["firmware"])
    job = rules.proven_by_boot(jobs, version=version, now=booted.now)
    if job is not None and version is not None:
        station_jobs.note_version(db, job.job_id, version)
        _tell(db, site, booted.station, job.job_id, booted.now, ended=False)


def move(
    db: Writing,
    site: Site,
    station: StationId,
    job: rules.Job,
    change: rules.Moves,
    now: Instant,
    *,
    detail: str | None = None,
) -> None:
    """An open job has another status now; older ones of its kind end when the station has just taken this one up."""
    station_jobs.move(db, job.job_id, change, now=now, detail=detail)
    if rules.takes_up(job, change):
        for old in station_jobs.supersede_older(db, station, job.kind, job.job_id, now=now):
            _tell(db, site, station, old, now, ended=True)
    _tell(db, site, station, job.job_id, now, ended=change.result is not None)


def usable_number(value: object) -> int | None:
    """A number that can be stored, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and fits(value) else None


def keepable(text: str, secrets: Iterable[str] = ()) -> str:
    """A station's words as they may be stored: cut, and without secrets, those that it repeats included."""
    return str(masked(clipped(text, most_bytes=_LONGEST_BYTES), secrets=secrets))


def address_in(payload: Payload) -> str | None:
    """Where the station is to load from or to upload to; None when nothing is written."""
    for place, name in (
        (payload, "location"),
        (payload.get("firmware"), "location"),
        (payload.get("log"), "remoteLocation"),
    ):
        found = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(found, str):
            return found
    return None


def _heed_answer(db: Writing, site: Site, order: Order, result: Result, job: rules.Job, now: Instant) -> None:
    answer = result.answer if isinstance(result.answer, JobAnswer) else JobAnswer(None, None)
    secrets = secrets_in(order.payload)
    if answer.file_name is not None:
        station_jobs.note_file_name(db, job.job_id, keepable(answer.file_name, secrets))
    status = None if answer.status is None else keepable(answer.status, secrets)
    change = rules.after_answer(job, status=status, file_name=answer.file_name)
    if change is not None:
        move(db, site, order.station, job, change, now)
    elif job.status == rules.ASKED:
        station_jobs.note_detail(db, job.job_id, _NO_STATUS)


def _tell(db: Writing, site: Site, station: StationId, job_id: int, now: Instant, *, ended: bool) -> None:
    """Tell how a job stands, and count it when it has just ended."""
    facts = station_jobs.facts(db, job_id)
    kind, result, counters = facts.kind, facts.result, site.health.counters
    if ended:
        db.then.append(lambda: counters.increase("station_jobs_total", kind=kind, result=str(result)))
    data = facts._asdict()
    events.append(db, _EVENT_OF_KIND[kind], station=station, happened_at=now, recorded_at=now, data=data)


def _location(payload: Payload) -> str | None:
    """Where the station is to load from or to upload to, without the password in it."""
    shown = masked(payload)
    assert isinstance(shown, Mapping)
    found = address_in(shown)
    return None if found is None else str(clipped(found, most_bytes=_LONGEST_BYTES))
