"""One station of a campaign: what each piece of evidence proves, what time limits mean, and what is tried again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.model.instants import Instant
from gateway.rules.firmware_rollout import (
    ENDED,
    NOT_BEGUN,
    OUT,
    STATES,
    UNDER_WAY,
    Asks,
    Fetched,
    Goes,
    Row,
    Seen,
    Stays,
    Step,
    step_before,
    step_under_way,
)
from gateway.rules.rollout_begin import Moment, Use
from gateway.rules.rollout_fit import Plate, Reason, image_of
from gateway.rules.rollout_policy import Policy
from gateway.rules.station_jobs import Job

IMAGE = image_of("i", {"vendor": "Maker", "models": ["Post"], "version": "2.0"})
OLD, NEW = Plate("Maker", "Post", "1.0"), Plate("Maker", "Post", "2.0")
FREE, USED = Use({1: "Available"}), Use({1: "Charging", 2: "Available"}, busy=frozenset({1}))
HERE, AWAY = Moment(FREE, 9999.0), Moment(FREE, None)
BOOT, LATER = Instant(1), Instant(2)
POLICY = Policy()
SEEN = Seen(HERE, OLD, booted_at=BOOT, command="answered", action_sent="UpdateFirmware")


def job(status: str = "Downloading", stage: int = 2, result: Any = None, **more: Any) -> Job:
    return Job(1, "firmware", None, status, stage, result, None, more.pop("idle", False), "1.0", None)


def row(state: Any = "sent", elapsed: float = 10.0, **more: Any) -> Row:
    terms = {"tries": 1, "version_before": "1.0", "booted_before": BOOT, **more}
    return Row("CP-1", state, elapsed, **terms)


def under_way(
    state: Any = "sent", elapsed: float = 10.0, *, policy: Policy = POLICY, of: Any = None, **seen: Any
) -> Step:
    return step_under_way(row(state, elapsed, **(of or {})), replace(SEEN, **seen), IMAGE, policy)


def before(
    state: Any = "waiting",
    seen: Seen = SEEN,
    *,
    policy: Policy = POLICY,
    window: Reason | None = None,
    held: str | None = None,
    **of: Any,
) -> Step:
    known = replace(row(state, tries=0), **of)
    return step_before(known, seen, IMAGE, policy, window=window, held=held)


def test_every_state_has_its_place() -> None:
    assert set(STATES) == NOT_BEGUN | UNDER_WAY | ENDED
    assert UNDER_WAY | {"draining"} == OUT


# Before it is asked


def test_a_free_station_is_asked() -> None:
    assert before() == Asks("update")
    assert before("draining") == Asks("update")
    assert before(seen=replace(SEEN, action=None)) == Goes("failed", "it takes no firmware update", "refused")


def test_what_does_not_fit_is_skipped_and_what_is_not_told_is_waited_for() -> None:
    assert before(seen=replace(SEEN, plate=NEW)) == Goes("skipped", "it runs 2.0 already")
    assert before(seen=replace(SEEN, plate=NEW), tries=1) == Goes("verified", "it runs the new version after all")
    assert before(seen=replace(SEEN, plate=None)) == Goes("skipped", "no such station is known")
    silent = before(seen=replace(SEEN, plate=Plate(None, None, None)))
    assert silent == Stays("it has not told its vendor, model and firmware version yet")


def test_what_it_waits_for_is_said() -> None:
    closed = Reason("window", "the maintenance window is closed")
    waits = before(seen=replace(SEEN, moment=AWAY), window=closed, held="the image is gone")
    assert waits == Stays("the image is gone; the maintenance window is closed; it is not connected")
    assert before(failure="download", elapsed=599.0) == Stays("it is tried again after 10 minutes")
    assert before(failure="download", elapsed=600.0) == Asks("update")
    assert before(seen=replace(SEEN, moment=Moment(USED, 999.0))) == Stays("somebody uses it")


def test_draining() -> None:
    policy, used = Policy(drain=True), replace(SEEN, moment=Moment(USED, 999.0))
    begun = before(seen=used, policy=policy)
    assert isinstance(begun, Goes) and begun.state == "draining"
    assert before(seen=used, policy=policy, asks=1, elapsed=3599.0) == Stays("somebody uses it"), "it was in vain"
    assert isinstance(before(seen=used, policy=policy, asks=1, elapsed=3600.0), Goes)
    assert before("draining", used, policy=policy) == Asks("drain", "somebody uses it", 2)
    assert before("draining", used, policy=policy, drained=(2,), asked=10.0) == Stays("somebody uses it")
    again = before("draining", used, policy=policy, drained=(2,), asked=60.0, asks=1)
    assert again == Asks("drain", "somebody uses it", 2)
    assert before("draining", used, policy=policy, drained=(2,), asked=60.0, asks=20) == Stays("somebody uses it")
    lost = replace(SEEN, moment=Moment(USED, None))
    assert before("draining", lost, policy=policy) == Stays("it is not connected; somebody uses it")
    both = Use({1: "Charging", 2: "Unavailable"}, busy=frozenset({1}))
    assert before("draining", replace(SEEN, moment=Moment(both, 999.0)), policy=policy) == Stays("somebody uses it")


def test_draining_ends_in_vain() -> None:
    policy, used = Policy(drain=True), replace(SEEN, moment=Moment(USED, 999.0))
    closed = Reason("window", "the maintenance window is closed")
    assert before("draining", used, policy=policy, window=closed) == Goes("waiting", closed.text)
    late = before("draining", used, policy=policy, elapsed=12 * 3600.0)
    assert late == Goes("waiting", "somebody has used it for 12 hours")


# What proves how far it is


@pytest.mark.parametrize(
    ("state", "seen", "reached"),
    [
        ("sent", {"fetched": Fetched(1, 10, 0.0)}, "downloading"),
        ("sent", {"job": job()}, "downloading"),
        ("sent", {"fetched": Fetched(10, 10, 0.0)}, "downloaded"),
        ("sent", {"job": job("Downloaded", 3)}, "downloaded"),
        ("downloading", {"job": job("Installing", 7)}, "installing"),
        ("downloaded", {"job": job("Installing", 7), "booted_at": LATER}, "rebooted"),
        ("downloaded", {"fetched": Fetched(10, 10, 0.0), "booted_at": LATER}, "rebooted"),
        ("sent", {"plate": NEW, "booted_at": LATER}, "verified"),
        ("sent", {"plate": NEW}, "verified"),
        ("rebooted", {"plate": NEW, "booted_at": LATER}, "verified"),
    ],
)
def test_evidence(state: Any, seen: dict[str, Any], reached: str) -> None:
    step = under_way(state, **seen)
    assert isinstance(step, Goes) and (step.state, step.failure) == (reached, None)


@pytest.mark.parametrize(
    ("state", "seen", "detail"),
    [
        ("sent", {}, None),
        ("sent", {"job": job("Accepted", 0)}, None),
        ("downloading", {"fetched": Fetched(57, 100, 0.0, 57)}, "it has 50 % of the image"),
        ("downloading", {"job": job("Downloading"), "fetched": Fetched(5, 10, 0.0)}, "it says Downloading"),
        ("downloading", {"job": job("Downloading"), "booted_at": LATER}, "it says Downloading"),
        ("installing", {"job": job("Downloading"), "fetched": Fetched(10, 10, 0.0)}, "it says Downloading"),
        ("rebooted", {"booted_at": LATER}, "it booted with 1.0"),
        ("rebooted", {"booted_at": LATER, "plate": None}, "it booted with no version"),
    ],
)
def test_what_is_proven_stays_so(state: Any, seen: dict[str, Any], detail: str | None) -> None:
    assert under_way(state, **seen) == Stays(detail)


def test_the_same_version_again_needs_a_boot() -> None:
    again = {"version_before": "2.0"}
    assert under_way(plate=NEW, of=again) == Stays(None)
    assert under_way(plate=NEW, of=again, booted_at=LATER) == Goes("verified", "it reports 2.0")


# What it says


def test_a_request_that_did_not_leave_was_no_try() -> None:
    gone = Goes("waiting", "the request did not leave the gateway", uncounted=True)
    assert under_way(command="not_connected") == under_way(command="refused") == gone
    assert under_way(job=job("NotSent", 0, "not_sent")) == gone


def test_a_request_that_it_does_not_know_is_followed_by_the_other() -> None:
    unknown = job("CallError", 0, "refused")
    other = under_way(job=unknown, action="SignedUpdateFirmware")
    assert other == Goes("waiting", "it does not know UpdateFirmware: SignedUpdateFirmware is tried", uncounted=True)
    refused = Goes("failed", "it answered CallError", "refused")
    assert under_way(job=unknown) == under_way(job=unknown, action=None) == refused
    assert under_way(job=job("Rejected", 0, "refused"), action="x") == Goes("failed", "it answered Rejected", "refused")
    certificate = under_way(job=job("InvalidCertificate", 0, "refused"))
    assert certificate == Goes("failed", "it answered InvalidCertificate", "signature")


def test_failures_have_their_class() -> None:
    assert under_way(signature_refused=True) == Goes(
        "failed", "it refused the signature or the certificate of the image", "signature"
    )
    signature = under_way(job=job("InvalidSignature", 5, "failed"), failed_for=0.0)
    assert signature == Goes("failed", "it says InvalidSignature", "signature")
    last = {"tries": 2}
    install = under_way("installing", job=job("InstallationFailed", 9, "failed"), failed_for=120.0, of=last)
    assert install == Goes("failed", "it says InstallationFailed", "install")
    download = under_way("downloading", job=job("DownloadFailed", 3, "failed"), failed_for=None, of=last)
    assert download == Goes("failed", "it says DownloadFailed", "download")
    again = under_way("downloading", job=job("DownloadFailed", 3, "failed"), failed_for=120.0)
    assert again == Goes("waiting", "it says DownloadFailed", "download"), "one try is left"


def test_it_may_try_again_by_itself() -> None:
    failed, text = job("DownloadFailed", 3, "failed"), "it says DownloadFailed, and may try again by itself"
    assert under_way("downloading", job=failed, failed_for=119.0) == Stays(text)
    loading = {"job": failed, "failed_for": 999.0, "fetched": Fetched(5, 10, 119.0)}
    assert under_way("downloading", **loading) == Stays(text)
    endless = under_way("downloading", POLICY.download_seconds, **loading, of={"tries": 2})
    assert endless == Goes("failed", "it says DownloadFailed", "download")
    install = job("InstallationFailed", 9, "failed")
    assert isinstance(under_way("installing", job=install, failed_for=0.0), Stays)
    loaded = under_way("installing", job=install, failed_for=999.0, fetched=Fetched(5, 10, 0.0), of={"tries": 2})
    assert loaded == Goes("failed", "it says InstallationFailed", "install")


# Time limits


@pytest.mark.parametrize(
    ("state", "elapsed", "seen", "failure"),
    [
        ("sent", 600.0, {}, "timeout"),
        ("downloading", 900.0, {}, "download"),
        ("downloading", 900.0, {"fetched": Fetched(5, 10, None)}, "download"),
        ("downloading", 950.0, {"fetched": Fetched(5, 10, 900.0)}, "download"),
        ("downloading", 14_400.0, {"fetched": Fetched(5, 10, 1.0)}, "download"),
        ("downloading", 400.0, {"fetched": Fetched(5, 10, 300.0), "booted_at": LATER}, "download"),
        ("downloaded", 3600.0, {}, "timeout"),
        ("installing", 3600.0, {}, "timeout"),
        ("installing", 3600.0, {"job": job("Installed", 10, "succeeded")}, "version_mismatch"),
        ("rebooted", 600.0, {"booted_at": LATER}, "version_mismatch"),
        ("rebooted", 600.0, {"booted_at": LATER, "plate": None}, "version_mismatch"),
    ],
)
def test_limits(state: Any, elapsed: float, seen: dict[str, Any], failure: str) -> None:
    done = {"tries": 2, "asks": 3, "asked": 60.0}
    step = under_way(state, elapsed, **seen, of=done)
    assert isinstance(step, Goes) and (step.state, step.failure) == ("failed", failure), step
    just_before = under_way(state, elapsed - 101.0, **{**seen, "fetched": None}, of={**done, "asks": 9})
    assert isinstance(just_before, Stays) or (state == "downloading" and elapsed > 901)
    away = under_way(state, max(elapsed, 3600.0), **{**seen, "moment": AWAY}, of=done)
    assert isinstance(away, Goes) and away.failure == "lost"


def test_a_station_that_is_away_after_its_boot_is_waited_for_longer() -> None:
    assert under_way("rebooted", 700.0, booted_at=LATER, moment=AWAY) == Stays("it booted with 1.0")


def test_before_it_is_given_up_it_is_asked_for_its_version() -> None:
    assert under_way("sent", 600.0) == Asks("boot", "it is asked for its version")
    assert under_way("sent", 650.0, of={"asks": 1, "asked": 50.0}) == Stays("it was asked for its version")
    again = under_way("sent", 660.0, of={"asks": 1, "asked": 60.0})
    assert again == Goes("waiting", "it has not begun to load the image", "timeout"), "nothing came of it: once more"
    cannot = under_way("downloaded", 3600.0, may_trigger=False)
    assert cannot == Goes("failed", "it has not booted with the new version", "timeout")


def test_nothing_came_of_a_request_that_the_gateway_may_not_have_sent() -> None:
    asked = {"asks": 1, "asked": 60.0}
    step = under_way("sent", 660.0, interrupted=True, command=None, of=asked)
    assert step == Goes("waiting", "the gateway stopped while it asked, and nothing came of it", uncounted=True)
    begun = under_way("downloading", 900.0, interrupted=True, command=None, of={"tries": 2})
    assert begun == Goes("failed", "it has stopped loading the image", "download")


def test_a_station_that_may_run_it_already_is_asked_for_its_version() -> None:
    installed = {"job": job("Installed", 10, "succeeded")}
    ask = Asks("boot", "it is asked for its version")
    assert under_way("installing", 60.0, **installed) == ask
    assert under_way("installing", 59.0, **installed) == Stays("it says Installed")
    assert under_way("installing", 99.0, **installed, of={"asks": 1, "asked": 59.0}) == Stays("it says Installed")
    assert under_way("installing", 99.0, **installed, of={"asks": 1, "asked": 60.0}) == ask
    assert under_way("installing", 99.0, **installed, of={"asks": 3, "asked": 60.0}) == Stays("it says Installed")
    assert under_way("installing", 99.0, **installed, may_trigger=False) == Stays("it says Installed")
    assert under_way("installing", 99.0, **installed, moment=AWAY) == Stays("it says Installed")
    came_back = Moment(FREE, 70.0)
    assert under_way("downloaded", 300.0, moment=came_back) == ask
    assert under_way("downloaded", 300.0, moment=Moment(FREE, 50.0)) == Stays(None)
    assert under_way("downloaded", 300.0) == Stays(None), "it was here all the time"


def test_an_answer_to_the_question_for_its_version_proves_no_boot() -> None:
    asked = {"asks": 1, "asked": 30.0}
    here = {"booted_at": LATER, "booted": 20.0}
    assert under_way("downloaded", 300.0, **here, of=asked) == Stays(None)
    assert isinstance(under_way("downloaded", 300.0, **here), Goes), "nobody asked"
    assert isinstance(under_way("downloaded", 300.0, **{**here, "booted": 40.0}, of=asked), Goes), "it was before"
    long_after = {**here, "booted": 1.0}
    assert isinstance(under_way("downloaded", 300.0, **long_after, of={"asks": 1, "asked": 90.0}), Goes)
    new = under_way("downloaded", 300.0, **here, plate=NEW, of={**asked, "version_before": "2.0"})
    assert new == Goes("verified", "it reports 2.0")
    unknown = {"booted_at": LATER, "booted": None}
    assert isinstance(under_way("downloaded", 300.0, **unknown, of=asked), Goes)
