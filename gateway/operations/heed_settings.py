"""What answers and boots teach about a station's configuration keys, and about requests that it does not do.

Functions for the tables of `heed_results` and `draw_consequences`; they run inside the unit of work of the occasion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.model.instants import Instant, seconds_later
from gateway.ocpp.errors import says_not_done
from gateway.ocpp.v16.to_station import ConfigurationAnswer, StatusAnswer
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.rules.desired_settings import REBOOTS_TO_BLAME
from gateway.rules.secrecy import masked
from gateway.store import commands, configuration_keys, setting_trials, unsupported_requests
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted

# A boot this soon after a change may come of it.
BLAME_WITHIN_SECONDS = 300.0

# characters; whatever an operator writes as requestedMessage
_LONGEST_REQUEST = 80
_REBOOTS_BY_ITSELF = ("Reset", "UpdateFirmware", "SignedUpdateFirmware")


def heed_configuration(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """GetConfiguration: the settings as the station tells them, and the keys that it does not know."""
    if not isinstance(result.answer, ConfigurationAnswer):
        return
    for entry in result.answer.configuration_key:
        value = masked({entry.key: entry.value})
        assert isinstance(value, Mapping)
        configuration_keys.record(
            db, order.station, entry.key, value=value[entry.key], readonly=entry.readonly, now=now
        )
    told = {entry.key.casefold() for entry in result.answer.configuration_key}
    for key in result.answer.unknown_key:
        if key.casefold() not in told:
            configuration_keys.record_unknown(db, order.station, key, now=now)


def heed_change(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """ChangeConfiguration: the value is stored in the station, perhaps in effect only after a reboot."""
    match result.answer:
        case StatusAnswer("Accepted" | "RebootRequired" as status):
            shown = masked(order.payload)
            assert isinstance(shown, Mapping)
            key, value = shown.get("key"), shown.get("value")
            if isinstance(key, str):
                rebooting = status == "RebootRequired"
                configuration_keys.record_change(
                    db, order.station, key, value=str(value), reboot_required=rebooting, now=now
                )


def cannot_do(status: str, code: str | None) -> bool:
    """True when the station's answer is that it has no such request."""
    return status == "call_error" and says_not_done(code)


def heed_support(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """Any request: whether the station does it at all."""
    request = order.action
    if order.action in ("TriggerMessage", "ExtendedTriggerMessage") and result.status == "answered":
        request = f"{order.action} {order.payload.get('requestedMessage')}"[:_LONGEST_REQUEST]
        if result.answer == StatusAnswer("NotImplemented"):
            unsupported_requests.record(db, order.station, request, now=now)
            return
    if result.status == "answered":
        unsupported_requests.withdraw(db, order.station, request)
        unsupported_requests.withdraw(db, order.station, order.action)
    elif cannot_do(result.status, result.code):
        unsupported_requests.record(db, order.station, request, now=now)


def learn_from_boot(db: Writing, site: Site, what: Booted) -> None:
    """Changes right before it may have made the station boot; other firmware may do what the older one did not."""
    if setting_trials.has_any(db, what.station):
        _blame_for_boot(db, what)
    if what.is_another_device:
        setting_trials.forget(db, what.station)
        configuration_keys.read_again(db, what.station)  # until then they are the best that is known
    if what.is_another_device or what.has_other_firmware:
        unsupported_requests.forget(db, what.station)
        configuration_keys.forget(db, what.station, values_too=what.is_another_model)


def _blame_for_boot(db: Writing, what: Booted) -> None:
    since = seconds_later(what.now, -BLAME_WITHIN_SECONDS)
    if what.before is not None and what.before.booted_at is not None:
        since = max(since, what.before.booted_at)  # what came before that boot was counted with it
    if not commands.asked_since(db, what.station, actions=_REBOOTS_BY_ITSELF, since=since):
        setting_trials.count_boot(db, what.station, tried_after=since, most=REBOOTS_TO_BLAME)
