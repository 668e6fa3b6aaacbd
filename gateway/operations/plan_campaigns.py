"""Campaigns are planned, made and steered here: which stations an image is for, in which order, and what people wish.

What is wished is read strictly, with every mistake at once. A plan stores nothing: it is what would be made now, with
what each station would wait for. Carrying a campaign out is `roll_out_firmware`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.model.identities import StationId
from gateway.operations.campaign_facts import Noticed, Premises, find_image, moment_of, plate_of, premises_of
from gateway.operations.decide_rollout import course_of
from gateway.operations.site import Site
from gateway.operations.tell_campaigns import members_of, move_station, tell_campaign, turn_campaign
from gateway.rules.firmware_rollout import NOT_BEGUN, Goes
from gateway.rules.rollout_begin import reasons_to_wait, window_reason
from gateway.rules.rollout_course import Wish, after_wish, waves_of
from gateway.rules.rollout_fit import Image, Reason, why_not
from gateway.rules.rollout_policy import MOST_STATIONS, Mistake, Policy, document_of, read_policy
from gateway.store import campaigns, stations
from gateway.store.campaigns import CampaignRow
from gateway.store.writing import Writing

__all__ = ["CannotCreate", "Mistake", "Plan", "Wish", "Wishes", "create_campaign", "make_plan", "read_wishes", "wish"]

_MEMBERS = ("name", "image_id", "stations", "policy")
_LONGEST_NAME = 64
_ID_LENGTH = 16
_UNKNOWN = "unknown_station"


class CannotCreate(Exception):
    """The campaign cannot be made like this; `mistakes` says why, one by one."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.detail}" for one in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a campaign is to be. Without `stations`: every one that fits the image."""

    name: str
    image_id: str
    stations: tuple[str, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Planned:
    """One station: `misfit` says why the image is not for it; else its wave, and what it would wait for now."""

    station: str
    version: str | None
    wave: int | None = None
    misfit: Reason | None = None
    waits_for: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Those that take part come first, in the order of their turn."""

    image: Image
    policy: Policy
    stations: tuple[Planned, ...]
    remarks: tuple[str, ...] = ()


def read_wishes(
    members: Mapping[str, object], *, unnamed: bool = False, heartbeat_seconds: int | None = None
) -> Wishes | tuple[Mistake, ...]:
    """What somebody wishes, as in JSON; `unnamed`: for a plan, which needs no name. Else as `read_policy`."""
    told = {name: value for name, value in members.items() if value is not None}
    mistakes = [Mistake(n[:100], f"unknown; known are {', '.join(_MEMBERS)}") for n in told if n not in _MEMBERS]
    name, image_id, named = (
        told.get("name", "plan" if unnamed else None),
        told.get("image_id"),
        told.get("stations", []),
    )
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME or not name.isprintable():
        mistakes.append(Mistake("name", f"expected text of 1 to {_LONGEST_NAME} characters on one line"))
        name = ""
    if not isinstance(image_id, str) or not 0 < len(image_id) <= 100:
        mistakes.append(Mistake("image_id", "expected the id of an image of the store"))
        image_id = ""
    if not isinstance(named, list) or len(named) > MOST_STATIONS or not all(isinstance(s, str) and s for s in named):
        mistakes.append(Mistake("stations", "expected a list of ids of stations; none: every station that fits"))
        named = []
    policy = read_policy(told.get("policy", {}), heartbeat_seconds=heartbeat_seconds)
    if not isinstance(policy, Policy):
        return (*mistakes, *policy)
    return tuple(mistakes) or Wishes(name.strip(), image_id, tuple(dict.fromkeys(named)), policy)


def make_plan(db: Writing, site: Site, wishes: Wishes, noticed: Noticed) -> Plan:
    """What a campaign would be if it was made now; in a unit of work. Raises CannotCreate."""
    image, unusable = find_image(db, site, wishes.image_id)
    if image is None:
        raise CannotCreate([Mistake("image_id", f"no firmware image {wishes.image_id!r} is in the store")])
    if wishes.policy.force_downgrade and not image.downgrade_allowed:
        text = "the manifest of the image allows no downgrade"
        raise CannotCreate([Mistake("policy.force_downgrade", text)])
    known = {row.station for row in stations.every(db).values()} | {one.id for one in site.configuration.stations}
    asked = wishes.stations or tuple(sorted(known))
    premises = premises_of(db)
    found = [_planned(db, site, StationId(station), image, wishes, noticed, premises) for station in asked]
    taking_part = sorted((one for one in found if one.misfit is None), key=_turn_of)
    waves = waves_of([one.station for one in taking_part], wishes.policy)
    others = [one for one in found if one.misfit is not None and (wishes.stations or one.misfit.code != _UNKNOWN)]
    remarks = () if unusable is None else (f"it cannot be used: {unusable}",)
    return Plan(image, wishes.policy, (*(_in_wave(one, waves[one.station]) for one in taking_part), *others), remarks)


def document_of_plan(plan: Plan) -> dict[str, object]:
    """A plan for people, as JSON."""
    return {
        "image_id": plan.image.image_id,
        "version": plan.image.version,
        "policy": document_of(plan.policy),
        "remarks": list(plan.remarks),
        "stations": [
            {
                "station": one.station,
                "version": one.version,
                "takes_part": one.misfit is None,
                "wave": one.wave,
                "reasons": [
                    {"code": reason.code, "text": reason.text}
                    for reason in (one.waits_for if one.misfit is None else (one.misfit,))
                ],
            }
            for one in plan.stations
        ],
    }


def create_campaign(
    db: Writing, site: Site, wishes: Wishes, *, actor: str, source: str, noticed: Noticed | None = None
) -> str:
    """Make it; the loop carries it out. Its id; in a unit of work. Raises CannotCreate."""
    plan = make_plan(db, site, wishes, noticed or Noticed())
    mistakes = [Mistake("image_id", text) for text in plan.remarks]
    if wishes.stations:
        mistakes += [
            Mistake("stations", f"{one.station}: {one.misfit.text}")
            for one in plan.stations
            if one.misfit is not None and one.misfit.code not in ("up_to_date", "not_told")
        ]
    elif all(one.wave is None for one in plan.stations):
        mistakes.append(Mistake("stations", "the image fits no station, or all of them run it already"))
    if mistakes:
        raise CannotCreate(mistakes)
    campaign_id = site.new_id()[-_ID_LENGTH:]
    _store(db, site, campaign_id, wishes, plan, actor=actor, source=source)
    db.then.append(site.rollout.changed.announce)
    return campaign_id


def wish(db: Writing, site: Site, campaign_id: str, what: Wish, *, actor: str) -> str | None:
    """Pause, resume, abort, retry or approve; None when done, else why it cannot be. LookupError: no such campaign."""
    campaign = campaigns.find(db, campaign_id)
    if campaign is None:
        raise LookupError(campaign_id)
    now, rows = site.wall_clock(), campaigns.stations_of(db, campaign_id)
    _, unusable = find_image(db, site, campaign.image_id)
    turn = after_wish(what, course_of(campaign, unusable, now), members_of(rows))
    if isinstance(turn, str):
        return turn
    if what in ("resume", "approve", "retry"):
        failed = 0 if what == "retry" else sum(row.state == "failed" for row in rows)
        campaigns.update(
            db, campaign_id, accepted_failures=failed, approved_by=actor, approved_at=now, finished_at=None
        )
    turn_campaign(db, site, campaign, turn, actor=actor, now=now)
    for row in rows:
        if what == "retry" and row.state == "failed":
            # its last try may be under way still: it counts as any other update of the station from here on
            campaigns.update_station(db, campaign_id, row.station, tries=0, command_id=None)
            move_station(db, site, campaign, row, Goes("waiting", "it is tried again"), actor=actor, now=now)
        if what == "abort" and row.state in NOT_BEGUN:
            move_station(db, site, campaign, row, Goes("aborted", "the campaign was aborted"), actor=actor, now=now)
    db.then.append(site.rollout.changed.announce)
    return None


def _store(db: Writing, site: Site, campaign_id: str, wishes: Wishes, plan: Plan, *, actor: str, source: str) -> None:
    now = site.wall_clock()
    waves = [one.wave for one in plan.stations if one.wave is not None]
    campaigns.add(
        db,
        CampaignRow(
            campaign_id, wishes.name, wishes.image_id, json.dumps(document_of(wishes.policy)), "running", None,
            min(waves, default=0), now, 0, source, actor, now, None, None, None,
        ),
    )  # fmt: skip
    for one in plan.stations:
        skipped = one.misfit is not None and one.misfit.code == "up_to_date"
        if one.misfit is not None and not (wishes.stations and one.misfit.code in ("up_to_date", "not_told")):
            continue
        campaigns.add_station(
            db,
            campaign_id,
            one.station,
            wave=one.wave if one.wave is not None else max(waves, default=0),
            named=bool(wishes.stations),
            state="skipped" if skipped else "waiting",
            detail=one.misfit.text if one.misfit is not None else None,
            version=one.version,
            now=now,
        )
    tell_campaign(db, campaign_id, actor=actor, now=now)


def _planned(
    db: Writing, site: Site, station: StationId, image: Image, wishes: Wishes, noticed: Noticed, premises: Premises
) -> Planned:
    plate = plate_of(db, site, station)
    version = None if plate is None else plate.firmware_version
    policy = wishes.policy
    misfit = why_not(image, plate, named=bool(wishes.stations), force_downgrade=policy.force_downgrade)
    if misfit is not None:
        return Planned(station, version, misfit=misfit)
    moment = moment_of(db, site, station, noticed, premises.place_of(station))
    window = window_reason(policy, site.wall_clock(), ZoneInfo(site.configuration.site.timezone))
    waits = reasons_to_wait(station, moment, policy)
    return Planned(station, version, waits_for=waits if window is None else (window, *waits))


def _turn_of(planned: Planned) -> tuple[int, str]:
    """Those that can be asked now go first, those that are not here last."""
    codes = {one.code for one in planned.waits_for} - {"window", "at_once", "apart", "share_of_connectors"}
    return (2 if "offline" in codes else 1 if codes else 0), planned.station


def _in_wave(planned: Planned, wave: int) -> Planned:
    return Planned(planned.station, planned.version, wave, waits_for=planned.waits_for)
