"""What notifications, answers and boots change of a job: an end is an end, the furthest counts, nothing is guessed."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.rules.station_jobs import (
    ACCEPTED,
    ARRIVED,
    ASKED,
    CALL_ERROR,
    FAMILIES,
    NOTHING_TO_UPLOAD,
    Begins,
    Change,
    ChangesNothing,
    Job,
    JobResult,
    Kind,
    Moves,
    Notification,
    Said,
    SaysIdle,
    after_answer,
    after_arrival,
    is_worth_telling,
    next_state,
    proven_by_boot,
    takes_up,
    which_job,
)

NOW = Instant(1_800_000_000 * SECOND)
SOON, LATER = Instant(NOW + 60 * SECOND), Instant(NOW + 3600 * SECOND)
REPEATED, LATE, IDLE = ChangesNothing("repeated"), ChangesNothing("late"), ChangesNothing("idle")


def job(kind: Kind = "firmware", status: str = ASKED, stage: int = 0, number: int = 1, **more: Any) -> Job:
    blank = Job(number, kind, None, status, stage, None, None, False, None, None)
    return blank._replace(**more)


def ended(result: JobResult, kind: Kind = "firmware", status: str = "Installed", stage: int = 10, **more: Any) -> Job:
    return job(kind, status, stage, result=result, finished_at=NOW, **more)


def told(status: str, kind: Kind = "firmware", request_id: int | None = None) -> Notification:
    return Notification(kind, status, request_id)


# Which job


def test_without_any_job_there_is_none() -> None:
    assert which_job([], told("Downloading"), SOON) is None
    assert which_job([ended("refused"), ended("not_sent"), ended("superseded")], told("Downloading"), SOON) is None


def test_a_known_number_decides() -> None:
    old = ended("failed", "log", request_id=4, number=1)
    new = job("log", request_id=5, number=2)
    assert which_job([new, old], told("Uploading", "log", 4), SOON) is old
    assert which_job([new, old], told("Uploading", "log", 5), SOON) is new
    again = ended("refused", "log", request_id=4, number=3)
    assert which_job([again, new, old], told("Uploading", "log", 4), SOON) is old
    own = job("log", status="Uploading", number=3)
    assert which_job([own, new, old], told("Uploading", "log", 4), SOON) is own
    assert which_job([own, new, old], told("Uploading", "log", 5), SOON) is new


def test_what_the_station_began_without_a_number_after_a_failure_ends_once() -> None:
    old = ended("failed", "log", "UploadFailure", 2, request_id=4, number=1)
    own = ended("succeeded", "log", "Uploaded", 2, number=2)
    assert which_job([own, old], told("Uploaded", "log", 4), SOON) is own
    assert which_job([own, old], told("Uploaded", "log", 4), LATER) is old


@pytest.mark.parametrize("number", [None, 99])
def test_without_a_known_number_it_is_the_newest_open_one(number: int | None) -> None:
    jobs = [job("log", number=4), job("log", number=3), ended("failed", "log", number=2)]
    assert which_job(jobs, told("Uploading", "log", number), SOON) is jobs[0]
    taken_up = jobs[1]._replace(status="Accepted")
    assert which_job([jobs[0], taken_up], told("Uploading", "log", number), SOON) is taken_up
    assert which_job(jobs[2:], told("Uploading", "log", number), SOON) is jobs[2]


def test_the_very_kind_goes_before_its_family() -> None:
    signed, plain = job("signed_firmware", number=2), job("firmware", number=1)
    assert which_job([signed, plain], told("Downloading"), SOON) is plain
    assert which_job([signed], told("Downloading"), SOON) is signed
    before = ended("succeeded", "firmware", number=0)
    assert which_job([signed, before], told("Downloading"), SOON) is signed
    assert which_job([signed, before], told("Installed"), SOON) is before, "told again"
    assert which_job([signed, before], told("Installed"), LATER) is signed
    assert which_job([ended("failed", number=3), signed], told("Downloading"), SOON).job_id == 3  # type: ignore[union-attr]
    assert all(kind in FAMILIES[kind] for kind in get_args(Kind))


# Notifications


@pytest.mark.parametrize(
    ("status", "stage", "result"),
    [
        ("DownloadScheduled", 1, None),
        ("Downloading", 2, None),
        ("DownloadPaused", 2, None),
        ("Downloaded", 3, None),
        ("DownloadFailed", 3, "failed"),
        ("CertificateVerified", 4, None),
        ("SignatureVerified", 5, None),
        ("InvalidSignature", 5, "failed"),
        ("RevokedCertificate", 5, "failed"),
        ("InvalidCertificate", 5, "failed"),
        ("InstallScheduled", 6, None),
        ("Installing", 7, None),
        ("InstallRebooting", 8, None),
        ("InstallVerificationFailed", 9, "failed"),
        ("InstallationFailed", 9, "failed"),
        ("Installed", 10, "succeeded"),
        ("Uploading", 1, None),
        ("Uploaded", 2, "succeeded"),
        ("UploadFailed", 2, "failed"),
        ("UploadFailure", 2, "failed"),
        ("BadMessage", 2, "failed"),
        ("NotSupportedOperation", 2, "failed"),
        ("PermissionDenied", 2, "failed"),
        ("Polishing", 0, None),
    ],
)
def test_every_status_moves_a_job_or_begins_one(status: str, stage: int, result: JobResult | None) -> None:
    assert next_state(job(), told(status), NOW) == Moves(status, stage, result)
    assert next_state(None, told(status), NOW) == Begins(Moves(status, stage, result))


def test_what_is_told_again_changes_nothing() -> None:
    assert next_state(job(status="Downloading", stage=2), told("downloading"), NOW) == REPEATED
    assert next_state(ended("succeeded"), told("Installed"), LATER) == REPEATED
    failed = ended("failed", "log", "UploadFailure", 2)
    assert next_state(failed, told("UploadFailed", "log"), SOON) == REPEATED


def test_the_furthest_counts() -> None:
    assert next_state(job(status="Downloaded", stage=3), told("Downloading"), NOW) == LATE
    assert next_state(job(status="Installing", stage=7), told("InstallScheduled"), NOW) == LATE
    assert next_state(job(status="Polishing", stage=3), told("Downloading"), NOW) == LATE
    assert next_state(job(status="Downloaded", stage=3), told("Polishing"), NOW) == Moves("Polishing", 3)
    assert next_state(job(status="Installing", stage=7), told("DownloadFailed"), NOW) == Moves(
        "DownloadFailed", 7, "failed"
    )


def test_idle_ends_nothing() -> None:
    assert next_state(None, told("Idle"), NOW) == IDLE
    for result in get_args(JobResult):
        assert next_state(ended(result), told("Idle"), LATER) == IDLE
    running = job(status="Downloading", stage=2)
    assert next_state(running, told("Idle"), NOW) == SaysIdle()
    idle = running._replace(idle=True)
    assert next_state(idle, told("idle"), NOW) == IDLE
    assert next_state(idle, told("Downloading"), NOW) == Moves("Downloading", 2)


@pytest.mark.parametrize(
    ("before", "status", "at", "change"),
    [
        (ended("succeeded"), "Installing", SOON, LATE),
        (ended("succeeded"), "InstallationFailed", SOON, LATE),
        (ended("succeeded"), "Downloading", LATER, Begins(Moves("Downloading", 2))),
        (ended("succeeded"), "Polishing", SOON, LATE),
        (ended("failed", status="InstallationFailed", stage=9), "InstallRebooting", SOON, LATE),
        (ended("failed", status="InstallationFailed", stage=9), "InstallVerificationFailed", SOON, LATE),
        (ended("failed", status="InstallationFailed", stage=9), "Installed", SOON,
         Begins(Moves("Installed", 10, "succeeded"))),
        (ended("failed", status="DownloadFailed", stage=3), "Downloading", SOON, LATE),
        (ended("failed", status="DownloadFailed", stage=3), "Downloaded", SOON, Begins(Moves("Downloaded", 3))),
        (ended("failed", status="DownloadFailed", stage=3), "Polishing", SOON, LATE),
        (ended("failed", status="DownloadFailed", stage=3), "Downloading", LATER, Begins(Moves("Downloading", 2))),
        (ended("failed", status="DownloadFailed", stage=3), "InstallationFailed", LATER,
         Begins(Moves("InstallationFailed", 9, "failed"))),
        (ended("superseded", status="Downloading", stage=2), "Installed", LATER, LATE),
    ],
)  # fmt: skip
def test_after_the_end(before: Job, status: str, at: Instant, change: Change) -> None:
    assert next_state(before, told(status), at) == change


def test_a_late_word_with_the_number_of_the_job_is_late_for_ever() -> None:
    done = ended("succeeded", "log", "Uploaded", 2, request_id=7)
    assert next_state(done, told("Uploading", "log", 7), LATER) == LATE
    assert next_state(done, told("Uploading", "log", 8), LATER) == Begins(Moves("Uploading", 1))
    failed = ended("failed", "log", "UploadFailure", 2, request_id=7)
    assert next_state(failed, told("Uploaded", "log", 7), LATER) == Begins(Moves("Uploaded", 2, "succeeded"))


def test_a_clock_that_was_set_back_begins_no_job() -> None:
    assert next_state(ended("succeeded"), told("Installing"), Instant(NOW - 10**12)) == LATE


@pytest.mark.parametrize(
    ("before", "at", "worth"),
    [
        (None, NOW, True),
        (Said("Idle", None, NOW), SOON, False),
        (Said("Idle", 4, NOW), SOON, True),
        (Said("Uploading", None, NOW), SOON, True),
        (Said("Idle", None, NOW), LATER, True),
        (Said("Idle", None, SOON), NOW, True),
    ],
)
def test_the_same_words_are_told_once_an_hour(before: Said | None, at: Instant, worth: bool) -> None:
    assert is_worth_telling(told("Idle"), before, at) is worth


# Answers


@pytest.mark.parametrize(
    ("kind", "status", "file_name", "change"),
    [
        ("firmware", None, None, Moves(ACCEPTED, 0)),
        ("firmware", "Rejected", None, Moves("Rejected", 0, "refused")),
        ("signed_firmware", "Accepted", None, Moves("Accepted", 0)),
        ("signed_firmware", "AcceptedCanceled", None, Moves("AcceptedCanceled", 0)),
        ("signed_firmware", "InvalidCertificate", None, Moves("InvalidCertificate", 0, "refused")),
        ("signed_firmware", None, None, None),
        ("log", "Accepted", None, Moves("Accepted", 0)),
        ("log", None, "a.log", None),
        ("diagnostics", None, "a.zip", Moves(ACCEPTED, 0)),
        ("diagnostics", None, None, Moves(NOTHING_TO_UPLOAD, 0, "nothing_to_upload")),
    ],
)
def test_an_answer(kind: Kind, status: str | None, file_name: str | None, change: Moves | None) -> None:
    assert after_answer(job(kind), status=status, file_name=file_name) == change
    assert after_answer(ended("failed", kind), status=status, file_name=file_name) is None


def test_an_answer_that_comes_after_the_first_word_takes_nothing_back() -> None:
    running = job("diagnostics", "Uploading", 1)
    assert after_answer(running, status=None, file_name=None) is None
    assert after_answer(running, status="Rejected", file_name=None) == Moves("Rejected", 1, "refused")


def test_what_the_station_has_taken_up() -> None:
    assert takes_up(job(), Moves("Accepted", 0))
    assert takes_up(job(), Moves("Downloading", 2))
    assert takes_up(job(), Moves(NOTHING_TO_UPLOAD, 0, "nothing_to_upload"))
    assert not takes_up(job(), Moves(CALL_ERROR, 0, "refused"))
    assert not takes_up(job(status="Accepted"), Moves("Downloading", 2))


# Boots


@pytest.mark.parametrize(
    ("before", "version", "at", "proven"),
    [
        (job(version_before="1"), "2", SOON, True),
        (job(version_before="1"), "1", SOON, False),
        (job(), "2", SOON, False),
        (job(status="Installing", stage=7, version_before="1"), "1", SOON, True),
        (job(status="Installing", stage=7), "2", SOON, True),
        (job(status="Installing", stage=7, version_after="2"), "2", SOON, False),
        (job(status="Installing", stage=7, version_before="1", version_after="1"), "2", SOON, True),
        (job(version_before="1"), None, SOON, False),
        (ended("succeeded", version_before="1"), "2", LATER, True),
        (ended("succeeded", version_before="1", version_after="1"), "2", LATER, False),
        (ended("succeeded", version_before="1"), "2", Instant(NOW + 90_000 * SECOND), False),
        (ended("failed", version_before="1"), "2", SOON, False),
        (ended("refused", version_before="1"), "2", SOON, False),
    ],
)
def test_a_boot_is_evidence(before: Job, version: str | None, at: Instant, proven: bool) -> None:
    assert proven_by_boot([before], version=version, now=at) == (before if proven else None)


def test_a_boot_is_about_the_newest_job_that_was_not_refused() -> None:
    refused, running, old = ended("refused"), job(version_before="1"), ended("succeeded", version_before="0")
    assert proven_by_boot([refused, running, old], version="2", now=SOON) is running
    assert proven_by_boot([], version="2", now=SOON) is None


# Files that came


@pytest.mark.parametrize("status", [ASKED, ACCEPTED])
def test_a_file_is_the_end_where_the_station_tells_nothing(status: str) -> None:
    assert after_arrival(job("log", status)) == Moves(ARRIVED, 2, "succeeded")


def test_a_file_changes_nothing_where_the_station_tells_how_it_goes_or_has_ended() -> None:
    assert after_arrival(job("log", "Uploading", 1)) is None
    assert after_arrival(ended("failed", "log", "UploadFailure", 2)) is None


def test_what_a_station_tells_after_its_file_is_late() -> None:
    arrived = ended("succeeded", "log", ARRIVED, 2)
    for status in ("Uploading", "Uploaded", "UploadFailure"):
        assert next_state(arrived, told(status, "log"), SOON) == LATE
