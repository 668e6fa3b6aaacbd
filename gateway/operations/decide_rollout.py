"""One look at all campaigns, in one unit of work: what changes of them, and what their stations are to be asked for.

The same questions are asked again about one station in the unit that accepts a request to it, so that nothing is sent
that is not wanted any more. Requests themselves are `ask_for_rollout`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations.campaign_facts import (
    Noticed,
    Premises,
    find_image,
    plate_of,
    policy_in,
    premises_of,
    row_of,
    seen_of,
)
from gateway.operations.orders import GATEWAY
from gateway.operations.site import Site
from gateway.operations.tell_campaigns import end_aborted, members_of, move_station, turn_campaign
from gateway.rules.firmware_rollout import (
    ENDED,
    NOT_BEGUN,
    UNDER_WAY,
    Asks,
    Goes,
    Seen,
    Stays,
    Step,
    step_before,
    step_under_way,
    told_because_asked,
)
from gateway.rules.rollout_begin import window_reason
from gateway.rules.rollout_course import Campaign, gives_up, is_over, next_turn
from gateway.rules.rollout_fit import Image
from gateway.rules.rollout_health import step_checking
from gateway.store import campaigns, commands
from gateway.store.campaigns import CampaignRow, StationRow
from gateway.store.writing import Writing

_MOST_ASKED_LOOKED_AT = 20
CAMPAIGN_ACTOR = "campaign:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A station is to be asked for something."""

    campaign_id: str
    station: StationId
    asks: Asks


@dataclass(slots=True)
class Look:
    """What one look came to; `seen` is for the loop's memory. `under_way`: it is to be soon again."""

    wanted: list[Wanted] = field(default_factory=list)
    seen: dict[StationId, Seen] = field(default_factory=dict)
    is_any: bool = False
    under_way: bool = False


def look(db: Writing, site: Site, noticed: Noticed, *, asking: frozenset[StationId], moved_micros: int) -> Look:
    """Every campaign that is not over; stations that are being asked something (`asking`) are left for the next look.

    `moved_micros`: so far the wall clock was set since the last look.
    """
    if moved_micros:
        campaigns.move_marks(db, moved_micros)
    found, followed = Look(), campaigns.followed(db)
    premises = premises_of(db) if followed else Premises(set(), {})
    for campaign in followed:
        found.is_any = True
        _look_at(db, site, campaign, noticed, premises, asking, found)
    for row in campaigns.to_restore(db):
        if row.state in NOT_BEGUN | ENDED and row.state != "draining":
            found.is_any = True
            if row.station not in asking:
                _restore(db, site, row, found)
    return found


def decide(
    db: Writing,
    site: Site,
    campaign: CampaignRow,
    row: StationRow,
    noticed: Noticed,
    premises: Premises,
    *,
    besides: str | None = None,
) -> tuple[Step, Seen | None]:
    """What is to be done with one station now, and what was seen of it."""
    image, unusable = find_image(db, site, campaign.image_id)
    if row.state == "verified":
        return Goes("checking"), None
    if row.state in NOT_BEGUN:
        step = _without_looking(campaign, row, image, now=site.wall_clock())
        if step is not None:
            return step, None
    image, policy, now = image or _gone(campaign), policy_in(campaign.policy), site.wall_clock()
    place = premises.place_of(row.station)
    seen = seen_of(db, site, campaign, row, image, noticed, place, besides=besides)
    known = row_of(row, now)
    if row.state == "checking":
        return step_checking(known, seen, image, policy), seen
    if row.state not in NOT_BEGUN:
        return step_under_way(known, seen, image, policy), seen
    window = window_reason(policy, now, ZoneInfo(site.configuration.site.timezone))
    return step_before(known, seen, image, policy, window=window, held=unusable or _other_first(db, row)), seen


def actor_of(campaign: CampaignRow) -> str:
    """On whose behalf stations are asked."""
    return f"{CAMPAIGN_ACTOR}{campaign.name}"


def left_by_others(db: Writing, row: StationRow) -> tuple[int, ...]:
    """Of the connectors that we took out of service, those of which nobody else has decided since."""
    asked = commands.newest_asked(db, row.station, "ChangeAvailability", most=_MOST_ASKED_LOOKED_AT)
    kept = []
    for connector in row.drained_connectors:
        newest = next((who for who, what in asked if what.get("connectorId") in (0, connector)), CAMPAIGN_ACTOR)
        if newest.startswith(CAMPAIGN_ACTOR):
            kept.append(connector)
    return tuple(kept)


def _look_at(
    db: Writing,
    site: Site,
    campaign: CampaignRow,
    noticed: Noticed,
    premises: Premises,
    asking: frozenset[StationId],
    found: Look,
) -> None:
    now = site.wall_clock()
    for row in campaigns.stations_of(db, campaign.campaign_id):
        if row.state in ENDED:
            continue
        found.under_way = found.under_way or row.state != "waiting"
        if row.station in asking:
            continue
        step, seen = decide(db, site, campaign, row, noticed, premises)
        if seen is not None:
            found.seen[row.station] = seen
            if row.state in UNDER_WAY and told_because_asked(row_of(row, now), seen):
                campaigns.update_station(db, row.campaign_id, row.station, booted_before=seen.booted_at)
        _do(db, site, campaign, row, step, premises, found)
    rows = campaigns.stations_of(db, campaign.campaign_id)
    _, unusable = find_image(db, site, campaign.image_id)
    course = course_of(campaign, unusable, now)
    turn = next_turn(course, members_of(rows), policy_in(campaign.policy))
    if turn is not None:
        turn_campaign(db, site, campaign, turn, actor=GATEWAY, now=now)
    elif is_over(course, members_of(rows)):
        end_aborted(db, campaign, rows, actor=GATEWAY, now=now)


def course_of(campaign: CampaignRow, unusable: str | None, now: Instant) -> Campaign:
    """A campaign for the rules of its course."""
    age = max(0, now - campaign.wave_at) / SECOND
    return Campaign(campaign.state, campaign.wave, age, campaign.accepted_failures, unusable)


def _do(
    db: Writing, site: Site, campaign: CampaignRow, row: StationRow, step: Step, premises: Premises, found: Look
) -> None:
    now = site.wall_clock()
    match step:
        case Goes():
            move_station(db, site, campaign, row, step, actor=GATEWAY, now=now)
            found.under_way = found.under_way or step.state != "waiting"
            if step.state == "draining":
                premises.out.add(row.station)
            elif step.state in NOT_BEGUN | ENDED:
                premises.out.discard(row.station)
        case Asks() | Stays():
            _note(db, row, step, now)
            if isinstance(step, Asks):
                found.wanted.append(Wanted(row.campaign_id, row.station, step))
                premises.out.add(row.station)


def _note(db: Writing, row: StationRow, step: Asks | Stays, now: Instant) -> None:
    """Why it stands where it stands, and since when it is well; nothing is written when that is as before."""
    changes: dict[str, object] = {}
    if step.detail != row.detail and not (isinstance(step, Asks) and step.detail is None):
        changes["detail"] = step.detail
    if step.well and row.healthy_from is None:
        changes["healthy_from"] = now
    if step.well is False and row.healthy_from is not None:
        changes["healthy_from"] = None
    if changes:
        campaigns.update_station(db, row.campaign_id, row.station, **changes)


def _without_looking(campaign: CampaignRow, row: StationRow, image: Image | None, *, now: Instant) -> Step | None:
    """What the campaign says of a station that was not asked yet; None: the station itself is to be looked at."""
    if campaign.state == "aborted":
        return Goes("aborted", "the campaign was aborted")
    if campaign.state != "running" or image is None:
        text = "the campaign waits" if campaign.state == "waiting" else f"the campaign is {campaign.state}"
        text = text if image is not None else "its image is not in the store any more"
        return Goes("waiting", text) if row.state == "draining" else Stays(text)
    if row.wave > campaign.wave:
        return Stays(f"its turn comes with wave {row.wave}")
    if gives_up(course_of(campaign, None, now), policy_in(campaign.policy)):
        return Goes("skipped", f"it could not be asked in time: {row.detail or 'nothing is known'}")
    return None


def _other_first(db: Writing, row: StationRow) -> str | None:
    """An older campaign of the station goes first, so that two never wait for each other."""
    first = campaigns.goes_first(db, row.station)
    return None if first is None or first[0] == row.campaign_id else f"the campaign {first[1]} goes first"


def _gone(campaign: CampaignRow) -> Image:
    """The image was removed while the station installs it: what the station reports then is not known."""
    return Image(campaign.image_id, "", (), "", expected="")


def _restore(db: Writing, site: Site, row: StationRow, found: Look) -> None:
    """The update is over, or does not take place now: connectors go back into service."""
    known = plate_of(db, site, row.station) is not None  # a removed station is nobody's any more
    left = left_by_others(db, row) if known else ()
    if left != row.drained_connectors:
        campaigns.set_drained(db, row.campaign_id, row.station, left)
    if left and site.connected.is_connected(row.station):
        found.wanted.append(Wanted(row.campaign_id, row.station, Asks("restore", None, left[0])))
