"""Whatever the order and however often a station tells of a job: it ends in one state, and an end is an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.instants import SECOND, Instant
from gateway.rules.station_jobs import (
    ASKED,
    FAMILIES,
    Begins,
    ChangesNothing,
    Job,
    Kind,
    Moves,
    Notification,
    SaysIdle,
    next_state,
    which_job,
)

NOW = 1_800_000_000 * SECOND
PROGRESS = {
    "signed_firmware": (
        "DownloadScheduled", "Downloading", "DownloadPaused", "Downloaded", "CertificateVerified", "SignatureVerified",
        "InstallScheduled", "Installing", "InstallRebooting",
    ),
    "log": ("Uploading",),
}  # fmt: skip
PROGRESS |= {"firmware": PROGRESS["signed_firmware"], "diagnostics": PROGRESS["log"]}
# how a job may end, and how many of these may have come before
ENDS = {
    "signed_firmware": {"DownloadFailed": 3, "InvalidSignature": 5, "InstallationFailed": 9, "Installed": 9},
    "log": {"Uploaded": 1, "UploadFailure": 1, "PermissionDenied": 1},
}
ENDS |= {"firmware": ENDS["signed_firmware"], "diagnostics": ENDS["log"]}
_BLANK = (ASKED, 0, None, None, False, "1", None)
KINDS: tuple[Kind, ...] = ("firmware", "signed_firmware", "diagnostics", "log")


class Played:
    """A station's jobs as the gateway would keep them."""

    def __init__(self, *jobs: Job) -> None:
        self.jobs = list(jobs)  # newest first

    def moved(self, job: Job, change: Moves, at: Instant) -> Job:
        finished_at = None if change.result is None else at
        return job._replace(
            status=change.status, stage=change.stage, result=change.result, finished_at=finished_at, idle=False
        )

    def hear(self, told: Notification, at: Instant) -> object:
        family = [job for job in self.jobs if job.kind in FAMILIES[told.kind]]
        job = which_job(family, told, at)
        change = next_state(job, told, at)
        match change:
            case Moves():
                assert job is not None
                assert job.finished_at is None, "an end is an end"
                self.jobs[self.jobs.index(job)] = self.moved(job, change, at)
            case Begins():
                begun = self.moved(Job(len(self.jobs) + 1, told.kind, told.request_id, *_BLANK), change.at, at)
                self.jobs.insert(0, begun)
            case SaysIdle():
                assert job is not None
                self.jobs[self.jobs.index(job)] = job._replace(idle=True)
        return change


@st.composite
def stories(draw: st.DrawFn) -> tuple[Kind, list[str], str]:
    """A kind of job, what its station tells in any order, each once or more, and how it ends."""
    kind = draw(st.sampled_from(KINDS))
    end = draw(st.sampled_from(sorted(ENDS[kind])))
    before = PROGRESS[kind][: ENDS[kind][end]]
    told = draw(st.lists(st.sampled_from((*before, "Idle", end)), max_size=25))
    told.append(end)
    return kind, draw(st.permutations(told)), end


@given(story=stories(), numbers=st.lists(st.sampled_from([None, 5, 99]), min_size=30, max_size=30))
def test_one_job_ends_in_one_state_whatever_the_order(
    story: tuple[Kind, list[str], str], numbers: list[int | None]
) -> None:
    kind, told, end = story
    played = Played(Job(1, kind, 5, *_BLANK))
    for second, (status, number) in enumerate(zip(told, numbers, strict=False)):
        before = played.jobs[0]
        played.hear(Notification(kind, status, number), Instant(NOW + second * SECOND))
        if before.finished_at is not None:
            assert played.jobs[0] == before, "changed after the end"
    (job,) = played.jobs
    assert job.result == ("succeeded" if end in ("Installed", "Uploaded") else "failed")
    assert job.status == end


ANYTHING = st.builds(
    Notification,
    kind=st.sampled_from(KINDS),
    status=st.sampled_from([*PROGRESS["log"], *PROGRESS["firmware"], *ENDS["log"], *ENDS["firmware"], "Idle", "Foo"]),
    request_id=st.sampled_from([None, 5, 6, 99]),
)


@given(heard=st.lists(st.tuples(ANYTHING, st.integers(0, 2000)), max_size=40))
def test_nothing_changes_what_has_ended_and_nothing_counts_twice(heard: list[tuple[Notification, int]]) -> None:
    played = Played(
        Job(2, "log", 6, *_BLANK),
        Job(1, "signed_firmware", 5, *_BLANK),
    )
    now = NOW
    for told, seconds in heard:
        now += seconds * SECOND
        ended = [job for job in played.jobs if job.finished_at is not None]
        played.hear(told, Instant(now))
        of_kind = [job for job in played.jobs if job.kind == told.kind]
        numbered = told.request_id is not None and any(job.request_id == told.request_id for job in of_kind)
        change = played.hear(told, Instant(now))
        if numbered or not any(job.finished_at is None for job in of_kind):
            assert isinstance(change, ChangesNothing), "the same again is no news"
        # else nobody can tell a repetition from a word about the other open job
        assert [job for job in played.jobs if job in ended] == ended, "an end is an end"
        still_open = [(job.kind, job.request_id) for job in played.jobs if job.finished_at is None]
        assert len(set(still_open)) == len(still_open)
