"""Stations get the site's list of tags: at once when somebody asks, and by itself where something is due.

One sends to a station at a time, a list in as many requests as the station needs. Every request goes through the
corridor of commands, which follows in our memory what the station holds (`mirror_local_lists`); after each list that
memory is compared with the site's tags again. What is sent, and what after a refusal, is decided by rules.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from gateway.model.calls import Payload
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.local_lists import UpdateType
from gateway.ocpp.v16.local_lists import list_payload
from gateway.ocpp.v16.to_station import ListVersionAnswer, read_answer
from gateway.operations.ask_by_itself import LookAgain, ask
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.known_stations import is_known
from gateway.operations.mirror_local_lists import what_happened
from gateway.operations.orders import GATEWAY, Result
from gateway.operations.site import Site
from gateway.rules import local_lists as rules
from gateway.rules.local_list_memory import Checked
from gateway.store import local_lists, stations
from gateway.store.local_lists import Holdings, Standing

Ending = Literal[
    "Accepted", "Failed", "VersionMismatch", "NotSupported", "unclear", "call_error", "unanswered", "not_connected",
    "refused", "unknown_station",
]  # fmt: skip

_MOST_ROUNDS = 3  # tags may change while a list is sent, but not for ever
_NO_LISTS = "the station reported list version -1: it has no local lists, or LocalAuthListEnabled is false"
_HINT = "look at LocalAuthListEnabled and SupportedFeatureProfiles in the station's configuration"


@dataclass(frozen=True, slots=True)
class SentPart:
    """One SendLocalList that was sent, and what became of it."""

    update_type: UpdateType
    version: int
    entries: int
    status: Ending


@dataclass(slots=True)
class Sending:
    """What became of bringing a list to a station.

    `version` is that of the newest request that was sent. `fell_back`: why a Full list was sent although a
    Differential was asked for.
    """

    station: StationId
    actor: str
    status: Ending = "Accepted"
    parts: list[SentPart] = field(default_factory=list)
    fell_back: str | None = None
    code: str | None = None
    description: str | None = None
    warning: str | None = None
    left_out: int = 0

    @property
    def version(self) -> int | None:
        """The version of the newest request that was sent, None when none was."""
        return self.parts[-1].version if self.parts else None

    def end(self, status: Ending, outcome: Outcome | None = None) -> None:
        """That is how it ended."""
        self.status = status
        if outcome is not None:
            self.code, self.description = outcome.code, outcome.description


async def send_local_list(site: Site, station: str, update_type: UpdateType, actor: str) -> Sending:
    """Send the site's list to the station because somebody asks, also to one that said it has no lists."""
    sending = Sending(StationId(station), actor)
    row = await site.database.write(lambda db: stations.find(db, station))
    if not is_known(site.configuration, station, row):
        sending.end("unknown_station")
    elif not site.connected.is_connected(sending.station):
        sending.end("not_connected")
    else:
        async with _turn(site, sending.station):
            await _bring(site, sending, update_type)
    return sending


async def sync_local_list(site: Site, station: StationId) -> None:
    """Bring the station's list up to date if it is not, and may be; one look at the database when nothing is due.

    Raises LookAgain when something will be due although nobody changes anything, such as when a tag expires.
    """
    if await _is_due(site, station):
        async with _turn(site, station):
            if await _is_due(site, station):
                await _bring(site, Sending(station, GATEWAY), None)
    now, standing = site.wall_clock(), await _standing(site, station)
    again_at = rules.look_again_at(standing.memory, now=now)
    if again_at is not None:
        raise LookAgain((again_at - now) / SECOND)


async def _is_due(site: Site, station: StationId) -> bool:
    standing, now = await _standing(site, station), site.wall_clock()
    settled = rules.is_settled(standing.memory, revision=standing.revision, room=standing.told.room, now=now)
    return not settled and rules.why_left_alone(standing.memory, standing.told, now=now) is None


async def _standing(site: Site, station: StationId) -> Standing:
    return await site.database.write(lambda db: local_lists.standing(db, station))


async def _holdings(site: Site, station: StationId) -> Holdings:
    return await asyncio.to_thread(
        local_lists.holdings, await site.database.write(lambda db: local_lists.rows(db, station))
    )


def _turn(site: Site, station: StationId) -> asyncio.Lock:
    return site.list_turns.setdefault(station, asyncio.Lock())


async def _bring(site: Site, sending: Sending, asked: UpdateType | None) -> None:
    """Until the station holds what it should, or has said no."""
    standing = await _standing(site, sending.station)
    if rules.should_ask(standing.memory, asked=asked):
        if not await _ask_version(site, sending, automatic=asked is None):
            return
        standing = await _standing(site, sending.station)
    if asked == "Differential":
        sending.fell_back = rules.why_full(standing.memory)
    for _ in range(_MOST_ROUNDS):
        found = await _holdings(site, sending.station)
        if sending.parts and asked is None and not found.standing.memory.certain:
            return  # somebody else's request is under way, too
        wanted, steps = await asyncio.to_thread(_plan, found, asked, site.wall_clock())
        _warn(sending, found, wanted)
        if not steps:
            await _settle(site, sending.station, found, wanted)
            return
        asked = await _send(site, sending, steps)
        if asked is None and sending.status != "Accepted":
            return


def _plan(found: Holdings, asked: UpdateType | None, now: Instant) -> tuple[rules.Wanted, tuple[rules.Step, ...]]:
    standing = found.standing
    wanted = rules.wanted_list(found.tags, room=standing.told.room, now=now)
    if asked is None and rules.is_nobodys(standing.memory, wanted):
        return wanted, ()
    steps = rules.what_to_send(standing.memory, found.held, wanted, asked=asked, per_request=standing.told.per_request)
    return wanted, steps


async def _ask_version(site: Site, sending: Sending, *, automatic: bool) -> bool:
    """Have the station tell its version; False when that is the end."""
    outcome = await _request(site, sending, "GetLocalListVersion", {})
    ending = _ending_of("GetLocalListVersion", outcome)
    standing = await _standing(site, sending.station)
    if standing.memory.supported is False:
        sending.end("NotSupported", outcome)
        sending.description = sending.description or _NO_LISTS
        sending.warning = _HINT
        return False
    if ending in ("not_connected", "refused", "unanswered") or (automatic and ending == "call_error"):
        sending.end(ending, outcome)
        return False
    return True


async def _send(site: Site, sending: Sending, steps: tuple[rules.Step, ...]) -> UpdateType | None:
    """Send these requests, one after the other, as long as they are accepted; "Full" when a Full list must follow."""
    for step in steps:
        ending = await _send_one(site, sending, step)
        if rules.falls_back(step, ending):
            sending.fell_back = f"the station answered {ending} to a Differential update"
            return "Full"
        if ending == "VersionMismatch":
            return "Full" if await _is_above_us(site, sending) else None
        if ending != "Accepted":
            return None
    return None


async def _send_one(site: Site, sending: Sending, step: rules.Step) -> Ending:
    outcome = await _request(site, sending, "SendLocalList", list_payload(step.update_type, step.changes))
    ending = _ending_of("SendLocalList", outcome)
    version = (outcome.request or {}).get("listVersion")
    if isinstance(version, int) and ending not in ("not_connected", "refused"):
        entries = len(step.changes.put) + len(step.changes.removed)
        sending.parts.append(SentPart(step.update_type, version, entries, ending))
    sending.end(ending, outcome)
    if ending == "NotSupported":
        sending.warning = _HINT
    return ending


async def _is_above_us(site: Site, sending: Sending) -> bool:
    """After VersionMismatch to a Full list: whether the station holds a version as high as the one we sent."""
    refused = sending.version
    outcome = await _request(site, sending, "GetLocalListVersion", {})
    answer = read_answer("GetLocalListVersion", outcome.response)
    return refused is not None and isinstance(answer, ListVersionAnswer) and answer.version >= refused


async def _request(site: Site, sending: Sending, action: str, payload: Payload) -> Outcome:
    """Send it as a person's order, or as one of the gateway's own, which may come to an end before its time."""
    if sending.actor != GATEWAY:
        return await carry_out(site, station=sending.station, action=action, payload=payload, actor=sending.actor)
    outcome = await ask(site, sending.station, action, payload)
    return Outcome("", "not_connected") if outcome is None else outcome


def _ending_of(action: str, outcome: Outcome) -> Ending:
    """What became of a request: the status that the station answered, or why there is none."""
    answer = None if outcome.response is None else read_answer(action, outcome.response)
    happened = what_happened(Result(outcome.status, answer=answer, code=outcome.code))
    if happened == "unclear" and outcome.status == "call_error":
        return "call_error"
    if happened == "not_sent":
        return "refused" if outcome.status == "refused" else "not_connected"
    return happened


def _warn(sending: Sending, found: Holdings, wanted: rules.Wanted) -> None:
    sending.left_out = len(wanted.left_out)
    sending.warning = rules.reason_to_warn(found.standing.told, sending.left_out)


async def _settle(site: Site, station: StationId, found: Holdings, wanted: rules.Wanted) -> None:
    """Remember that nothing is to be sent until something changes."""
    standing = found.standing
    checked = Checked(standing.revision, standing.told.room, wanted.until)
    await site.database.write(lambda db: local_lists.settle(db, station, checked, changes=standing.memory.changes))
