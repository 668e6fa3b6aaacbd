"""Commands of a fleet manager about its own link: the journal again, the birth again, live telemetry.

They are done by the upstream that asked, and only while it is connected; nothing of them outlives the link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.fleet_commands import Complaint, Ended
from gateway.model.instant_text import instant_from_text
from gateway.operations.live_telemetry import begin_live, end_live
from gateway.operations.tell_birth import rebirth, tell_birth
from gateway.store import outgoing_events
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.do_fleet_commands import Errand
    from gateway.operations.upstream_now import UpstreamNow

_AWAY = Ended("failed", error=Complaint("not_connected", "the upstream is not connected any more"))


async def resync(errand: Errand) -> Ended:
    """Send a stream again from a sequence or an instant on; from the oldest that is kept, with what is so now."""
    now, args = _upstream(errand), errand.command.args
    if now is None:
        return _AWAY
    stream = str(args["stream"])
    asked = await _asked_from(errand)

    def unit(db: Writing) -> tuple[int, int]:
        return outgoing_events.oldest(db)[stream], outgoing_events.newest(db)[stream]

    oldest, newest = await errand.site.database.write(unit)
    start = newest + 1 if asked is None else asked
    flow = now.delivery.flows[stream]
    start = min(start, newest + 1, flow.acked + 1)  # what was never acknowledged is not passed over
    flow.begin_at(max(start, oldest))
    now.wake.set()
    response: dict[str, object] = {"stream": stream, "from": max(start, oldest), "oldest": oldest, "newest": newest}
    if start < oldest:
        response["snapshot"] = await rebirth(now)
    else:
        await tell_birth(now)
    return Ended("succeeded", response)


async def _asked_from(errand: Errand) -> int | None:
    """The sequence from which the stream is wanted; None: nothing is as new as was asked for."""
    args = errand.command.args
    if args.get("since") is None:
        return int(str(args["from"]))
    instant = instant_from_text(str(args["since"]))
    assert instant is not None
    return await outgoing_events.sequence_since(errand.site.readers, str(args["stream"]), instant)


async def be_reborn(errand: Errand) -> Ended:
    """Tell the birth again, and an event for every station and every open session."""
    now = _upstream(errand)
    return _AWAY if now is None else Ended("succeeded", await rebirth(now))


async def start_live(errand: Errand) -> Ended:
    """Live telemetry for some time: of one station if the command has a target, else of everything."""
    now, args = _upstream(errand), errand.command.args
    if now is None:
        return _AWAY
    seconds = args.get("seconds")
    stations = None if errand.command.station is None else [errand.command.station]
    granted = begin_live(now, seconds=float(str(seconds)) if seconds is not None else None, stations=stations)
    return Ended("succeeded", granted)


async def stop_live(errand: Errand) -> Ended:
    """No more live telemetry."""
    now = _upstream(errand)
    if now is None:
        return _AWAY
    end_live(now)
    return Ended("succeeded", {})


def _upstream(errand: Errand) -> UpstreamNow | None:
    now = errand.site.fleet.upstreams.get(errand.row.upstream)
    return now if now is not None and now.link is not None else None
