"""What does a notification, an answer or a boot change of a job that a station does for us: firmware, diagnostics, log?

Stations repeat notifications, tell them late and in any order, leave some out, and forget which request they are about
(OCPP 1.6 gives plain firmware and diagnostics no number at all). So the furthest stage counts, an end is an end, and
what does not fit the job that ended begins another one. Silence ends nothing. What stations say on their own is a job
as well. This file does not know how jobs are kept nor told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.model.instants import SECOND, Instant

Kind = Literal["firmware", "signed_firmware", "diagnostics", "log"]
JobResult = Literal["succeeded", "failed", "refused", "nothing_to_upload", "superseded", "not_sent"]

# Our own words beside the station's: sent, accepted without a word, no answer but an error, not sent at all
ASKED, ACCEPTED, CALL_ERROR, NOT_SENT = "Asked", "Accepted", "CallError", "NotSent"
NOTHING_TO_UPLOAD = "NothingToUpload"
ARRIVED = "Arrived"  # a file came, and its station tells nothing

# A plain trigger may be answered with the plain notification although the signed update is what runs.
FAMILIES: Mapping[Kind, tuple[Kind, ...]] = {
    "firmware": ("firmware", "signed_firmware"),
    "signed_firmware": ("firmware", "signed_firmware"),
    "diagnostics": ("diagnostics", "log"),
    "log": ("diagnostics", "log"),
}


class Job(NamedTuple):
    """A job as it stands. `stage`: the furthest that was told; `idle`: the station said since that it does nothing."""

    job_id: int
    kind: Kind
    request_id: int | None
    status: str
    stage: int
    result: JobResult | None
    finished_at: Instant | None
    idle: bool
    version_before: str | None
    version_after: str | None


@dataclass(frozen=True, slots=True)
class Notification:
    """What a station says about a job of this kind; `status` in its own words, `request_id` if it gave a usable one."""

    kind: Kind
    status: str
    request_id: int | None = None


class Said(NamedTuple):
    """What a station was last told to have said of this kind, and when."""

    status: str
    request_id: int | None
    at: Instant


@dataclass(frozen=True, slots=True)
class Moves:
    """The job has this status now; with a `result` it has ended."""

    status: str
    stage: int
    result: JobResult | None = None


@dataclass(frozen=True, slots=True)
class Begins:
    """The station does something that we did not ask for, or tries again by itself: another job, which is there now."""

    at: Moves


@dataclass(frozen=True, slots=True)
class SaysIdle:
    """The station does nothing just now, although the job is open; that ends nothing."""


@dataclass(frozen=True, slots=True)
class ChangesNothing:
    """Told before (`repeated`), told after what it led to (`late`), or an answer to a trigger (`idle`)."""

    why: Literal["repeated", "late", "idle"]


Change = Moves | Begins | SaysIdle | ChangesNothing

_LATE = 900 * SECOND  # so long after the end, a notification without a number may still be about the job that ended
_SAID_AGAIN = 3_600 * SECOND  # so seldom the same words are told again in the journal
_BOOT_FOLLOWS = 86_400 * SECOND  # so long after Installed, a boot may still be the one that activates it

_STAGES: Mapping[str, int] = {
    "downloadscheduled": 1, "downloading": 2, "downloadpaused": 2, "downloadfailed": 3, "downloaded": 3,
    "certificateverified": 4, "invalidcertificate": 5, "revokedcertificate": 5, "signatureverified": 5,
    "invalidsignature": 5, "installscheduled": 6, "installing": 7, "installrebooting": 8,
    "installverificationfailed": 9, "installationfailed": 9, "installed": 10,
    "uploading": 1, "uploaded": 2, "uploadfailed": 2, "uploadfailure": 2, "badmessage": 2, "notsupportedoperation": 2,
    "permissiondenied": 2,
}  # fmt: skip
_INSTALLING = 7
_SUCCESSES = frozenset({"installed", "uploaded"})
_FAILURES = frozenset({
    "downloadfailed", "invalidcertificate", "revokedcertificate", "invalidsignature", "installverificationfailed",
    "installationfailed", "uploadfailed", "uploadfailure", "badmessage", "notsupportedoperation", "permissiondenied",
})  # fmt: skip
# The white paper itself writes both.
_SAME_WORD: Mapping[str, str] = {"uploadfailure": "uploadfailed"}
_IDLE = "idle"


def which_job(jobs: Sequence[Job], told: Notification, now: Instant) -> Job | None:
    """The job that a notification is about, of all of its family, newest first; None when there is none.

    The number decides, where the station gives one that we know; when that job has ended, what the station began after
    it without a number comes first. Without a known number it is the newest open job of the kind, before those that
    nobody has taken up yet; else one of its family that began after the last of the kind, unless an end is just told
    again; else the one that ended last.
    """
    still_open = sorted((job for job in jobs if job.finished_at is None), key=lambda job: job.status == ASKED)
    of_kind = [job for job in still_open if job.kind == told.kind]
    done = [job for job in jobs if job.result in ("succeeded", "failed")]
    again = [job for job in done if _folded(job.status) == _folded(told.status) and not _is_past(job, now)]
    numbered = [job for job in jobs if _has_number_of(job, told)]
    if numbered and numbered[0].finished_at is not None:
        own = [job for job in (*of_kind, *again) if job.kind == told.kind and job.request_id is None]
        return next(iter((*own, numbered[0])))
    last = next((job.job_id for job in done if job.kind == told.kind), 0)
    of_family = [job for job in still_open if job.job_id > last]
    return next(iter((*numbered, *of_kind, *again, *of_family, *done)), None)


def next_state(job: Job | None, told: Notification, now: Instant) -> Change:
    """What the notification changes of the job that it is about."""
    word = _folded(told.status)
    stage, result = _STAGES.get(word), _result_of(word)
    if word == _IDLE:
        return ChangesNothing("idle") if job is None or job.finished_at is not None or job.idle else SaysIdle()
    if job is None:
        return Begins(Moves(told.status, stage or 0, result))
    if job.finished_at is not None:
        return _after_the_end(job, told, now)
    if result is None and word == _folded(job.status) and not job.idle:
        return ChangesNothing("repeated")
    if result is None and stage is not None and stage < job.stage:
        return ChangesNothing("late")
    return Moves(told.status, max(stage or 0, job.stage), result)


def is_worth_telling(told: Notification, before: Said | None, now: Instant) -> bool:
    """True unless the station said the very same a moment ago: some say it every second."""
    if before is None or (told.status, told.request_id) != (before.status, before.request_id):
        return True
    return not 0 <= now - before.at < _SAID_AGAIN


def after_answer(job: Job, *, status: str | None, file_name: str | None) -> Moves | None:
    """What the station's answer to our request changes; None: nothing, it has told more already or says too little."""
    if job.finished_at is not None:
        return None
    if status is not None and not status.strip().casefold().startswith("accepted"):
        return Moves(status, job.stage, "refused")
    if job.status != ASKED or (status is None and job.kind in ("signed_firmware", "log")):
        return None
    if job.kind == "diagnostics" and not file_name:
        return Moves(NOTHING_TO_UPLOAD, 0, "nothing_to_upload")
    return Moves(status or ACCEPTED, 0)


def after_arrival(job: Job) -> Moves | None:
    """What a file that came changes of the job that asked for it; None: nothing, its station tells how it goes."""
    if job.finished_at is not None or job.stage > 0:
        return None
    return Moves(ARRIVED, _STAGES["uploaded"], "succeeded")


def takes_up(job: Job, change: Moves) -> bool:
    """True at the first sign that a station does what it was asked: older open jobs of the kind are given up then."""
    return job.status == ASKED and change.result in (None, "succeeded", "failed", "nothing_to_upload")


def proven_by_boot(jobs: Sequence[Job], *, version: str | None, now: Instant) -> Job | None:
    """The firmware job, of all of them newest first, about which a boot with this firmware version says something.

    A new version does so however far the station told it has come (Installing may be left out); the old one only when
    installing was told. The boot may come before or after Installed; later ones have other reasons.
    """
    job = next((job for job in jobs if job.result in (None, "succeeded")), None)
    if job is None or version is None or job.version_after == version:
        return None
    if job.finished_at is not None and (job.version_after is not None or now - job.finished_at > _BOOT_FOLLOWS):
        return None
    is_new = job.version_before is not None and version != job.version_before
    return job if is_new or job.stage >= _INSTALLING else None


# what to try when a station refuses a request as unknown to it
INSTEAD: Mapping[Kind, str] = {
    "firmware": "a station with signed firmware update takes SignedUpdateFirmware only",
    "signed_firmware": "a station without the security extension takes UpdateFirmware",
    "diagnostics": "a station with the security extension may take GetLog instead",
    "log": "a station without the security extension takes GetDiagnostics",
}


def _has_number_of(job: Job, told: Notification) -> bool:
    if told.request_id is None or job.result in ("refused", "not_sent"):
        return False
    return (job.kind, job.request_id) == (told.kind, told.request_id)


def _after_the_end(job: Job, told: Notification, now: Instant) -> Change:
    """An end is an end. Only what cannot be a late word about this job is the beginning of another."""
    word = _folded(told.status)
    stage, result = _STAGES.get(word), _result_of(word)
    if job.result == "superseded":
        return ChangesNothing("late")
    if word == _folded(job.status):
        return ChangesNothing("repeated")
    tried_again = job.result == "failed" != result and stage is not None and stage >= job.stage
    numbered = told.request_id is not None and told.request_id == job.request_id
    if not tried_again and (numbered or not _is_past(job, now)):
        return ChangesNothing("late")
    return Begins(Moves(told.status, stage or 0, result))


def _is_past(job: Job, now: Instant) -> bool:
    """True when the job ended so long ago that what comes without a number is about another one."""
    return job.finished_at is not None and now - job.finished_at > _LATE


def _result_of(word: str) -> JobResult | None:
    return "succeeded" if word in _SUCCESSES else "failed" if word in _FAILURES else None


def _folded(status: str) -> str:
    word = status.strip().casefold()
    return _SAME_WORD.get(word, word)
