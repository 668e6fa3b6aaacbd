"""Is a station well after its update? It reports the new version, is here, and offers what it offered before.

Connectors that somebody else had taken out of service are left so. What was stuck is put back into service; what
stays so, a fault, or silence is a failure of the update once the time for the check is over.
"""

from __future__ import annotations

from gateway.rules.firmware_rollout import Asks, Goes, Row, Seen, Stays, Step
from gateway.rules.rollout_fit import Image, runs_it
from gateway.rules.rollout_policy import Policy

_ASK_EVERY_SECONDS = 60
_MOST_ASKS = 6


def step_checking(row: Row, seen: Seen, image: Image, policy: Policy) -> Step:
    """What to do with a station that reported the new version."""
    if not runs_it(image, seen.version):
        return Goes("failed", f"it went back to {seen.version or 'no version'}", "version_mismatch")
    trouble = _trouble(row, seen)
    over = row.elapsed >= policy.check_seconds
    if trouble is None:
        return _well(row, seen, policy, over=over)
    if over:
        return Goes("failed", trouble, "health" if seen.is_connected else "lost")
    return _repair(row, seen, trouble) or Stays(trouble, well=False)


def stuck(row: Row, seen: Seen) -> tuple[int, ...]:
    """Connectors out of service that should not be: those we took out, and those that the update left so."""
    statuses = seen.moment.use.statuses
    unavailable = {number for number, status in statuses.items() if status == "Unavailable"} - set(row.out_before)
    if 0 in row.out_before:
        unavailable = set()
    return tuple(sorted(unavailable | set(row.drained)))


def settings_text(changed: int | None, *, may_repair: bool) -> str | None:
    """What there is to say of the settings after an update; `changed` None: they could not be read."""
    if changed is None:
        return "its settings were not read" if may_repair else "its settings were not read: automatic_calls is off"
    if not changed:
        return None
    text = "one setting is" if changed == 1 else f"{changed} settings are"
    return f"{text} not as before" + ("" if may_repair else "; automatic_calls is off: nothing is put right")


def _trouble(row: Row, seen: Seen) -> str | None:
    if not seen.is_connected:
        return "it is not connected"
    faulted = [number for number, status in seen.moment.use.statuses.items() if status == "Faulted"]
    if faulted:
        return f"connector {faulted[0]} reports a fault" if faulted[0] else "it reports a fault"
    out = stuck(row, seen)
    if out:
        return f"connector {out[0]} is out of service" if out[0] else "it is out of service"
    if seen.stale and seen.may_trigger and row.asks < _MOST_ASKS:
        return f"connector {seen.stale[0]} has not told its status since the boot"
    return None


def _repair(row: Row, seen: Seen, trouble: str) -> Asks | None:
    """One request a minute, and not many: each may be what the station cannot do."""
    if not seen.is_connected or row.asks >= _MOST_ASKS or (row.asked is not None and row.asked < _ASK_EVERY_SECONDS):
        return None
    out = stuck(row, seen)
    if out:
        return Asks("restore", trouble, out[row.asks % len(out)], well=False)
    if seen.stale and seen.may_trigger:
        return Asks("status", trouble, seen.stale[row.asks % len(seen.stale)], well=False)
    return None


def _well(row: Row, seen: Seen, policy: Policy, *, over: bool) -> Step:
    healthy = 0.0 if row.healthy is None else row.healthy
    if healthy < policy.health_seconds and not (over and row.healthy is not None):
        return Stays("it is watched for a while", well=True)
    if seen.settings_read is False and not over:
        return Stays("its settings are read again", well=True)
    return Goes("done")
