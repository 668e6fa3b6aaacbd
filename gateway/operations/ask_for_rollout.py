"""What a rollout asks of stations: the update itself, their version, and taking connectors out of service and back.

Each request is agreed to once more in the unit that accepts it, by the same rules on what is known then; there is also
noted what has to be remembered should the gateway die before the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.calls import Payload
from gateway.model.instants import Instant
from gateway.ocpp.v16.to_station import StatusAnswer, read_answer
from gateway.operations.campaign_facts import Noticed, find_image, policy_in, premises_of, seen_of
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.decide_rollout import Wanted, actor_of, decide
from gateway.operations.orders import NotAgreed, Order, Outcome
from gateway.operations.site import Site
from gateway.operations.tell_campaigns import settings_of, tell_station
from gateway.rules.firmware_rollout import ENDED, NOT_BEGUN, Asks
from gateway.store import campaigns, connectors, stations, transfer_links
from gateway.store.campaigns import CampaignRow, StationRow
from gateway.store.writing import Writing

_TAKEN = ("Accepted", "Scheduled")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a station; `image`: its address is filled in."""

    action: str
    payload: Payload
    image: str | None = None


async def ask_for(site: Site, wanted: Wanted, noticed: Noticed) -> bool:
    """Ask, unless it is not wanted any more; False when the station did not do it."""
    prepared = await site.database.write(lambda db: _prepare(db, site, wanted, noticed))
    if prepared is None:
        return True
    campaign, request = prepared
    outcome = await carry_out(
        site,
        station=wanted.station,
        action=request.action,
        payload=request.payload,
        actor=actor_of(campaign),
        image=request.image,
        agreed=lambda db, order: _agree(db, site, wanted, noticed, order),
    )
    done = _is_taken(request.action, outcome)
    if done and wanted.asks.what == "restore":
        await site.database.write(lambda db: _restored(db, wanted))
    elif wanted.asks.what == "update" and outcome.status in ("refused", "unknown_image"):
        await site.database.write(lambda db: _not_sent(db, wanted, outcome))
    return done


def _prepare(db: Writing, site: Site, wanted: Wanted, noticed: Noticed) -> tuple[CampaignRow, Request] | None:
    campaign = campaigns.find(db, wanted.campaign_id)
    row = campaigns.find_station(db, wanted.campaign_id, wanted.station)
    if campaign is None or row is None:
        return None
    asks = wanted.asks
    match asks.what:
        case "update":
            request = _update(db, site, campaign, row, noticed)
            return None if request is None else (campaign, request)
        case "drain":
            return campaign, _availability(asks, "Inoperative")
        case "restore":
            return campaign, _availability(asks, "Operative")
        case "boot":
            return campaign, Request("TriggerMessage", {"requestedMessage": "BootNotification"})
        case "status":
            payload = {"requestedMessage": "StatusNotification", "connectorId": asks.connector}
            return campaign, Request("TriggerMessage", payload)


def _update(db: Writing, site: Site, campaign: CampaignRow, row: StationRow, noticed: Noticed) -> Request | None:
    image, _ = find_image(db, site, campaign.image_id)
    if image is None:
        return None
    place = premises_of(db).place_of(row.station)
    action = seen_of(db, site, campaign, row, image, noticed, place).action
    policy = policy_in(campaign.policy)
    payload: dict[str, object] = {"retries": policy.retries, "retryInterval": policy.retry_interval_seconds}
    if action == "SignedUpdateFirmware":
        payload["firmware"] = {}
    return None if action is None else Request(action, payload, image=campaign.image_id)


def _availability(asks: Asks, kind: str) -> Request:
    return Request("ChangeAvailability", {"connectorId": asks.connector, "type": kind})


def _agree(db: Writing, site: Site, wanted: Wanted, noticed: Noticed, order: Order) -> None:
    """The last word before the request leaves, and what is remembered of it. Raises NotAgreed."""
    now, asks = site.wall_clock(), wanted.asks
    campaign = campaigns.find(db, wanted.campaign_id)
    row = campaigns.find_station(db, wanted.campaign_id, wanted.station)
    if campaign is None or row is None:
        raise NotAgreed("the campaign is gone")
    if asks.what == "restore" and row.state in NOT_BEGUN | ENDED:
        if asks.connector not in row.drained_connectors or row.state == "draining":
            raise NotAgreed("it is to be left as it is")
        return
    step, _ = decide(db, site, campaign, row, noticed, premises_of(db), besides=order.command_id)
    if not isinstance(step, Asks) or (step.what, step.connector) != (asks.what, asks.connector):
        raise NotAgreed(getattr(step, "detail", None) or "it is not wanted any more")
    _REMEMBERED[asks.what](db, campaign, row, order, now)


def _begun(db: Writing, campaign: CampaignRow, row: StationRow, order: Order, now: Instant) -> None:
    """The update is asked for: from here on it may be under way, whatever becomes of us."""
    station = stations.find(db, row.station)
    link = transfer_links.of_command(db, order.command_id)
    statuses = {number: one.status for number, one in connectors.all_of_station(db, row.station).items()}
    unavailable = [number for number, status in sorted(statuses.items()) if status == "Unavailable"]
    campaigns.update_station(
        db,
        row.campaign_id,
        row.station,
        state="sent",
        since=now,
        counted_from=now,
        failure=None,
        detail=None,
        tries=row.tries + 1,
        asks=0,
        asked_at=None,
        link_id=None if link is None else link.link_id,
        command_id=order.command_id,
        version_before=None if station is None else station.firmware_version,
        booted_before=None if station is None else station.booted_at,
        out_before=json.dumps([number for number in unavailable if number not in row.drained_connectors]),
        settings=json.dumps(settings_of(db, row.station)),
    )
    tell_station(db, campaign, row.station, actor=order.actor, now=now)


def _drained(db: Writing, campaign: CampaignRow, row: StationRow, order: Order, now: Instant) -> None:
    connector = order.payload["connectorId"]
    assert isinstance(connector, int)
    campaigns.set_drained(db, row.campaign_id, row.station, {*row.drained_connectors, connector})
    _asked(db, campaign, row, order, now)


def _asked(db: Writing, campaign: CampaignRow, row: StationRow, order: Order, now: Instant) -> None:
    campaigns.update_station(db, row.campaign_id, row.station, asks=row.asks + 1, asked_at=now)


_REMEMBERED: dict[str, Callable[[Writing, CampaignRow, StationRow, Order, Instant], None]] = {
    "update": _begun,
    "drain": _drained,
    "restore": _asked,
    "boot": _asked,
    "status": _asked,
}


def _restored(db: Writing, wanted: Wanted) -> None:
    row = campaigns.find_station(db, wanted.campaign_id, wanted.station)
    if row is not None:
        left = [number for number in row.drained_connectors if number != wanted.asks.connector]
        campaigns.set_drained(db, row.campaign_id, row.station, left)


def _not_sent(db: Writing, wanted: Wanted, outcome: Outcome) -> None:
    """The request was not even accepted: why is what the station waits for."""
    row = campaigns.find_station(db, wanted.campaign_id, wanted.station)
    if row is not None and row.state in NOT_BEGUN and row.detail != outcome.description:
        campaigns.update_station(db, wanted.campaign_id, wanted.station, detail=outcome.description)


def _is_taken(action: str, outcome: Outcome) -> bool:
    if outcome.status != "answered":
        return False
    answer = read_answer(action, outcome.response)
    return action == "UpdateFirmware" or (isinstance(answer, StatusAnswer) and answer.status in _TAKEN)
