"""What becomes of a campaign as a whole: waves, approval, the stop at too many failures, its end.

The canary is wave 0; the rest goes in waves of a share each. A wave begins when those before it have ended, or when
their missing stations were waited for long enough. How one station fares is `firmware_rollout`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.rules.firmware_rollout import ENDED, NOT_BEGUN, UNDER_WAY, State
from gateway.rules.rollout_policy import Policy

CampaignState = Literal["running", "waiting", "paused", "halted", "aborted", "finished"]
CAMPAIGN_STATES: tuple[CampaignState, ...] = ("running", "waiting", "paused", "halted", "aborted", "finished")
Wish = Literal["pause", "resume", "abort", "retry", "approve"]


class Member(NamedTuple):
    """A station in the tally."""

    wave: int
    state: State


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands; `wave_seconds`: since its newest wave may begin. `image_reason`: it cannot be used."""

    state: CampaignState
    wave: int
    wave_seconds: float
    accepted_failures: int = 0
    image_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The campaign's state is another, or its wave."""

    state: CampaignState
    wave: int
    why: str | None = None


def waves_of(stations: Sequence[str], policy: Policy) -> dict[str, int]:
    """The wave of each station; they come in the order in which they should go."""
    canaries, rest = stations[: policy.canary], stations[policy.canary :]
    size = max(1, math.ceil(policy.wave_share * len(rest)))
    return dict.fromkeys(canaries, 0) | {station: 1 + place // size for place, station in enumerate(rest)}


def next_turn(campaign: Campaign, members: Collection[Member], policy: Policy) -> Turn | None:
    """What changes of the campaign now; None: nothing. One that was aborted, or finished, never changes here."""
    if campaign.state in ("aborted", "finished"):
        return None
    if all(one.state in ENDED for one in members):
        return Turn("finished", campaign.wave, in_words(members))
    if campaign.state != "running":
        return None
    why = _why_halt(campaign, members, policy)
    if why is not None:
        return Turn("halted", campaign.wave, why)
    if not _has_passed(campaign, members, policy):
        return None
    later = [one.wave for one in members if one.wave > campaign.wave and one.state not in ENDED]
    if not later:
        return None
    if campaign.wave == 0 and policy.pause_after_canary:
        return Turn("waiting", campaign.wave, "the canary has ended: somebody has to approve the rest")
    return Turn("running", min(later))


def is_over(campaign: Campaign, members: Collection[Member]) -> bool:
    """Nothing of it is left to be followed."""
    return all(one.state in ENDED for one in members) and campaign.state in ("aborted", "finished")


def gives_up(campaign: Campaign, policy: Policy) -> bool:
    """Stations that could not be asked until now are left as they are."""
    return campaign.state == "running" and campaign.wave_seconds >= policy.give_up_days * 86_400


def after_wish(wish: Wish, campaign: Campaign, members: Collection[Member]) -> Turn | str:
    """What a person's wish makes of the campaign; a text says why it cannot be."""
    state, failed = campaign.state, sum(one.state == "failed" for one in members)
    match wish:
        case "pause":
            return Turn("paused", campaign.wave) if state in ("running", "waiting") else _cannot(wish, state)
        case "resume":
            if state not in ("paused", "halted"):
                return _cannot(wish, state)
            return _goes_on(campaign)
        case "approve":
            later = [one.wave for one in members if one.wave > campaign.wave and one.state not in ENDED]
            if state != "waiting":
                return _cannot(wish, state)
            return Turn("running", min(later, default=campaign.wave))
        case "abort":
            return _cannot(wish, state) if state in ("aborted", "finished") else Turn("aborted", campaign.wave)
        case _:  # retry
            if not failed:
                return "none of its stations has failed"
            if state == "aborted" and any(one.state in UNDER_WAY for one in members):
                return "it was aborted, and stations are still under way"
            return _goes_on(campaign)


def in_words(members: Collection[Member]) -> str:
    """How many stations are in which state, the usual end first."""
    order: tuple[State, ...] = ("done", "skipped", "failed", "aborted")
    counted = [(sum(one.state == state for one in members), state) for state in order]
    return ", ".join(f"{count} {state}" for count, state in counted if count) or "no stations"


def _goes_on(campaign: Campaign) -> Turn | str:
    if campaign.image_reason is not None:
        return f"its image cannot be used: {campaign.image_reason}"
    return Turn("running", campaign.wave)


def _cannot(wish: Wish, state: CampaignState) -> str:
    words = {"pause": "paused", "resume": "resumed", "abort": "aborted", "approve": "approved", "retry": "retried"}
    return f"a campaign that is {state} cannot be {words[wish]}"


def _why_halt(campaign: Campaign, members: Collection[Member], policy: Policy) -> str | None:
    if campaign.image_reason is not None and any(one.state in NOT_BEGUN for one in members):
        return f"its image cannot be used: {campaign.image_reason}"
    failed = sum(one.state == "failed" for one in members)
    if failed <= campaign.accepted_failures:
        return None
    if campaign.wave == 0 and any(one.state == "failed" and one.wave == 0 for one in members):
        return "a canary has failed"
    most = policy.max_failures
    if policy.max_failures_percent is not None:
        most = max(1, math.ceil(policy.max_failures_percent * len(members) / 100))
    new = failed - campaign.accepted_failures
    if new < most:
        return None
    return "one station has failed" if new == 1 else f"{new} stations have failed"


def _has_passed(campaign: Campaign, members: Collection[Member], policy: Policy) -> bool:
    here = [one for one in members if one.wave <= campaign.wave]
    if all(one.state in ENDED for one in here):
        return True
    if campaign.wave_seconds < policy.wave_patience_hours * 3600 or any(one.state in UNDER_WAY for one in here):
        return False
    return campaign.wave > 0 or any(one.state == "done" for one in here)
