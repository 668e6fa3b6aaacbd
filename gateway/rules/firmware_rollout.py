"""How far is the update of one station, by what can be seen of it, and what is to be done next?

States are proven, not believed: bytes that our own server sent, the station's own words where it says any, its boots,
and in the end the version that it reports. Words may be repeated, late, missing or wrong; a station that says nothing
at all is judged by bytes and boots. Silence ends a state only when its time limit is over. When a station may be asked
is `rollout_begin`, whether it is well afterwards `rollout_health`, the course of a whole campaign `rollout_course`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.model.instants import Instant
from gateway.rules.rollout_begin import Moment, may_drain, reasons_to_wait, to_drain
from gateway.rules.rollout_fit import Image, Plate, Reason, runs_it, why_not
from gateway.rules.rollout_policy import Policy
from gateway.rules.station_jobs import CALL_ERROR, Job

State = Literal[
    "waiting", "draining", "sent", "downloading", "downloaded", "installing", "rebooted", "verified", "checking",
    "done", "failed", "skipped", "aborted",
]  # fmt: skip
Failure = Literal["download", "signature", "install", "version_mismatch", "lost", "refused", "health", "timeout"]
STATES: tuple[State, ...] = (
    "waiting", "draining", "sent", "downloading", "downloaded", "installing", "rebooted", "verified", "checking",
    "done", "failed", "skipped", "aborted",
)  # fmt: skip
NOT_BEGUN: frozenset[State] = frozenset({"waiting", "draining"})
UNDER_WAY: frozenset[State] = frozenset(STATES[2:9])
ENDED: frozenset[State] = frozenset({"done", "failed", "skipped", "aborted"})
OUT: frozenset[State] = UNDER_WAY | {"draining"}  # it may be out of service because of us

# a try that failed like this left the station as it was: it may be asked again
_TRIED_AGAIN: frozenset[Failure] = frozenset({"download", "install"})
_ORDER: Mapping[str, int] = {state: place for place, state in enumerate(STATES)}
_DOWNLOADING, _DOWNLOADED, _INSTALLING = 2, 3, 7  # stages of rules/station_jobs
_SIGNATURE = frozenset({"invalidsignature", "invalidcertificate", "revokedcertificate"})
_INSTALL = frozenset({"installationfailed", "installverificationfailed"})
_BOOTED_WHILE_LOADING_SECONDS = 300
_ASK_EVERY_SECONDS = 60
_MOST_BOOTS_ASKED = 3
_MOST_DRAINS = 20
_DRAIN_PAUSE_SECONDS = 3600

What = Literal["update", "drain", "restore", "boot", "status"]


@dataclass(frozen=True, slots=True)
class Row:
    """A station of a campaign as it is remembered; times are seconds ago.

    `drained`: connectors that we took out of service; `out_before`: those that were so by somebody else's wish.
    """

    station: str
    state: State
    elapsed: float
    wave: int = 0
    failure: Failure | None = None
    tries: int = 0
    asks: int = 0
    asked: float | None = None
    healthy: float | None = None
    version_before: str | None = None
    booted_before: Instant | None = None
    drained: tuple[int, ...] = ()
    out_before: tuple[int, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What our own server sent of the image; `quiet`: seconds since the newest byte, None: there was none.

    `served`: all bytes together, repetitions included.
    """

    upto: int
    size: int
    quiet: float | None
    served: int = 0

    @property
    def is_complete(self) -> bool:
        """All of it went out."""
        return self.upto >= self.size


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the station now. `booted`: seconds since it told `booted_at`.

    `command`: what became of our request (None: nothing is known), `interrupted`: the gateway died before that. `job`:
    what the station says of it, or of what it began by itself since; `failed_for`: seconds since it said that it
    failed. `action`: the request that it would be sent now, None: it takes none. `stale`: connectors that told no
    status since the boot. `settings_read`: by the new firmware; None: they cannot be.
    """

    moment: Moment
    plate: Plate | None
    booted_at: Instant | None = None
    booted: float | None = None
    command: str | None = None
    interrupted: bool = False
    action_sent: str | None = None
    action: str | None = "UpdateFirmware"
    job: Job | None = None
    failed_for: float | None = None
    link_id: int | None = None
    fetched: Fetched | None = None
    signature_refused: bool = False
    may_trigger: bool = True
    stale: tuple[int, ...] = ()
    settings_read: bool | None = None

    @property
    def version(self) -> str | None:
        """What it reported last."""
        return None if self.plate is None else self.plate.firmware_version

    @property
    def is_connected(self) -> bool:
        """It is here now."""
        return self.moment.connected_seconds is not None


@dataclass(frozen=True, slots=True)
class Stays:
    """Nothing is to be done; `detail` says why, for people. `well`: what the check of its health says, if it runs."""

    detail: str | None
    well: bool | None = None


@dataclass(frozen=True, slots=True)
class Goes:
    """Its state is another one. `uncounted`: the try was none, for the station never got the request."""

    state: State
    detail: str | None = None
    failure: Failure | None = None
    uncounted: bool = False


@dataclass(frozen=True, slots=True)
class Asks:
    """The station is to be asked for something; `connector` where it is about one."""

    what: What
    detail: str | None = None
    connector: int | None = None
    well: bool | None = None


Step = Stays | Goes | Asks


def step_before(row: Row, seen: Seen, image: Image, policy: Policy, *, window: Reason | None, held: str | None) -> Step:
    """What to do with a station that was not asked yet. `held`: why the campaign lets none begin now."""
    misfit = why_not(image, seen.plate, named=row.named, force_downgrade=policy.force_downgrade)
    if misfit is not None and misfit.code == "up_to_date" and row.tries:
        return Goes("verified", "it runs the new version after all")
    if misfit is not None and misfit.code != "not_told":
        return Goes("skipped", misfit.text)
    reasons = [] if misfit is None else [misfit]
    if held is not None:
        reasons.append(Reason("held", held))
    if row.state == "waiting" and row.failure is not None and row.elapsed < policy.try_again_minutes * 60:
        reasons.append(Reason("try_again", f"it is tried again after {policy.try_again_minutes} minutes"))
    if window is not None:
        reasons.append(window)
    reasons += reasons_to_wait(row.station, seen.moment, policy)
    if row.state == "draining":
        return _draining(row, seen, reasons, policy)
    if not reasons:
        return _update(seen)
    pausing = row.asks > 0 and row.elapsed < _DRAIN_PAUSE_SECONDS  # it was drained in vain
    if may_drain(reasons, policy) and not pausing:
        return Goes("draining", "its free connectors are taken out of service until nobody uses it")
    return Stays("; ".join(one.text for one in reasons))


def _draining(row: Row, seen: Seen, reasons: Collection[Reason], policy: Policy) -> Step:
    if not reasons:
        return _update(seen)
    others = [one for one in reasons if one.code not in ("charging", "offline", "just_connected")]
    if others:
        return Goes("waiting", "; ".join(one.text for one in others))
    if row.elapsed >= policy.drain_hours * 3600:
        return Goes("waiting", f"somebody has used it for {policy.drain_hours} hours")
    free = to_drain(seen.moment.use) if seen.is_connected else ()
    first = [number for number in free if number not in row.drained]
    text = "; ".join(one.text for one in reasons)
    if first:
        return Asks("drain", text, first[0])
    # asked before, and still free: the request may have been lost
    again = row.asks < _MOST_DRAINS and (row.asked is None or row.asked >= _ASK_EVERY_SECONDS)
    return Asks("drain", text, free[row.asks % len(free)]) if free and again else Stays(text)


def _update(seen: Seen) -> Step:
    if seen.action is None:
        return Goes("failed", "it takes no firmware update", "refused")
    return Asks("update")


def step_under_way(row: Row, seen: Seen, image: Image, policy: Policy) -> Step:
    """What the evidence says of a station that was asked."""
    booted = seen.booted_at != row.booted_before and not told_because_asked(row, seen)
    if runs_it(image, seen.version) and (seen.booted_at != row.booted_before or not runs_it(image, row.version_before)):
        return Goes("verified", f"it reports {seen.version}")
    step = _refused(seen) or _told_failure(row, seen, policy)
    if step is not None:
        return _failed(row, step, policy) if isinstance(step, Goes) and step.failure else step
    reached = _reached(row, seen, booted=booted)
    if reached != row.state:
        return Goes(reached, _progress(seen, reached))
    step = _time_is_up(row, seen, policy, booted=booted)
    if step is None:
        return _boot_to_ask_for(row, seen) or Stays(_progress(seen, row.state))
    return _failed(row, step, policy) if isinstance(step, Goes) else step


def told_because_asked(row: Row, seen: Seen) -> bool:
    """Its newest BootNotification is the answer to our question for its version: it proves no boot."""
    if row.asks == 0 or row.asked is None or seen.booted is None or seen.booted_at == row.booted_before:
        return False
    return 0 <= row.asked - seen.booted <= _ASK_EVERY_SECONDS


def _refused(seen: Seen) -> Step | None:
    """The request was not sent, or the station said no."""
    job = seen.job
    if seen.command in ("not_connected", "refused") or (job is not None and job.result == "not_sent"):
        return Goes("waiting", "the request did not leave the gateway", uncounted=True)
    if job is None or job.result != "refused":
        return None
    if job.status == CALL_ERROR and seen.action is not None and seen.action != seen.action_sent:
        return Goes("waiting", f"it does not know {seen.action_sent}: {seen.action} is tried", uncounted=True)
    failure: Failure = "signature" if _folded(job.status) in _SIGNATURE else "refused"
    return Goes("failed", f"it answered {job.status}", failure)


def _told_failure(row: Row, seen: Seen, policy: Policy) -> Step | None:
    """The station said that it failed; it may try again by itself for a while."""
    if seen.signature_refused:
        return Goes("failed", "it refused the signature or the certificate of the image", "signature")
    if seen.job is None or seen.job.result != "failed":
        return None
    word = _folded(seen.job.status)
    if word in _SIGNATURE:
        return Goes("failed", f"it says {seen.job.status}", "signature")
    patience = policy.retry_interval_seconds + 60
    loading = seen.fetched is not None and seen.fetched.quiet is not None and seen.fetched.quiet < patience
    lately = seen.failed_for is not None and seen.failed_for < patience
    if row.elapsed < policy.download_seconds and (lately or (loading and word not in _INSTALL)):
        return Stays(f"it says {seen.job.status}, and may try again by itself")
    return Goes("failed", f"it says {seen.job.status}", "install" if word in _INSTALL else "download")


def _reached(row: Row, seen: Seen, *, booted: bool) -> State:
    """The furthest state that anything proves; what was proven before stays so."""
    found: list[State] = [row.state]
    stage = 0 if seen.job is None else seen.job.stage
    if stage >= _DOWNLOADING or (seen.fetched is not None and seen.fetched.upto > 0):
        found.append("downloading")
    if stage >= _DOWNLOADED or (seen.fetched is not None and seen.fetched.is_complete):
        found.append("downloaded")
    if stage >= _INSTALLING:
        found.append("installing")
    furthest = max(found, key=_ORDER.__getitem__)
    if booted and furthest in ("downloaded", "installing"):
        return "rebooted"
    return furthest


def _time_is_up(row: Row, seen: Seen, policy: Policy, *, booted: bool) -> Step | None:
    """The limit of the state is over; a station that is here is asked for its version before it is given up."""
    over, failure, text = _limit(row, seen, policy, booted=booted)
    if not over:
        return None
    if not seen.is_connected:
        return Goes("failed", "it has not come back", "lost")
    if failure == "timeout" and row.asks == 0 and seen.may_trigger:
        return Asks("boot", "it is asked for its version")
    if failure == "timeout" and row.asked is not None and row.asked < _ASK_EVERY_SECONDS:
        return Stays("it was asked for its version")
    if row.state == "sent" and seen.interrupted:
        return Goes("waiting", "the gateway stopped while it asked, and nothing came of it", uncounted=True)
    return Goes("failed", text, failure)


def _limit(row: Row, seen: Seen, policy: Policy, *, booted: bool) -> tuple[bool, Failure, str]:
    """(over, what the failure is called when it is here, in words)."""
    match row.state:
        case "sent":
            return row.elapsed >= policy.start_seconds, "timeout", "it has not begun to load the image"
        case "downloading":
            quiet = row.elapsed if seen.fetched is None or seen.fetched.quiet is None else seen.fetched.quiet
            if booted and quiet >= _BOOTED_WHILE_LOADING_SECONDS <= row.elapsed:
                return True, "download", "it booted while it loaded the image"
            if quiet >= policy.stall_seconds <= row.elapsed:
                return True, "download", "it has stopped loading the image"
            return row.elapsed >= policy.download_seconds, "download", "loading the image took too long"
        case "rebooted":
            limit = policy.version_seconds if seen.is_connected else policy.install_seconds
            return row.elapsed >= limit, "version_mismatch", f"it booted with {seen.version or 'no version'}"
        case _:
            over = row.elapsed >= policy.install_seconds
            if seen.job is not None and seen.job.result == "succeeded":
                return over, "version_mismatch", f"it said Installed and reports {seen.version or 'no version'}"
            return over, "timeout", "it has not booted with the new version"


def _boot_to_ask_for(row: Row, seen: Seen) -> Asks | None:
    """It may have the new version and have told nobody: it said Installed, or came back without a BootNotification."""
    if row.state not in ("downloaded", "installing") or not seen.may_trigger or row.asks >= _MOST_BOOTS_ASKED:
        return None
    here = seen.moment.connected_seconds
    installed = seen.job is not None and seen.job.result == "succeeded"
    came_back = here is not None and here < row.elapsed
    since = min(row.elapsed, row.elapsed if row.asked is None else row.asked, row.elapsed if here is None else here)
    if here is None or not (installed or came_back) or since < _ASK_EVERY_SECONDS:
        return None
    return Asks("boot", "it is asked for its version")


def _failed(row: Row, step: Goes, policy: Policy) -> Step:
    """A failure is the end, unless the station may be asked again: its address is void, so the try before is over."""
    again = step.failure in _TRIED_AGAIN or (step.failure == "timeout" and row.state == "sent")
    if again and row.tries < policy.tries:
        return Goes("waiting", step.detail, step.failure)
    return step


def _progress(seen: Seen, state: State) -> str | None:
    if state == "rebooted":
        return f"it booted with {seen.version or 'no version'}"
    fetched, job = seen.fetched, seen.job
    told = None if job is None or job.status in ("Asked", "Accepted") else f"it says {job.status}"
    if fetched is None or fetched.upto == 0 or fetched.is_complete:
        return told
    return told or f"it has {fetched.upto * 10 // fetched.size * 10} % of the image"


def _folded(status: str) -> str:
    return status.strip().casefold()
