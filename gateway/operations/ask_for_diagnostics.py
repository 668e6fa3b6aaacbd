"""Asks a station for its diagnostics or its security log, by the request that it knows.

Which request that is, is decided by `rules.log_requests`; when the station does not know it after all, the other one is
tried once. The address to upload to is filled in like that of any such request.
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.model.instants import Instant, text_of
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.heed_settings import cannot_do
from gateway.operations.known_settings import find_capabilities
from gateway.operations.site import Site
from gateway.rules.log_requests import LOG_TYPES, LogType, Request, payload_of, requests_to_try
from gateway.store.writing import Writing

__all__ = ["LOG_TYPES", "CannotAsk", "LogType", "ask_for_diagnostics"]


class CannotAsk(Exception):
    """The station has no such log; the text is for people."""


async def ask_for_diagnostics(
    site: Site,
    station: StationId,
    *,
    log_type: LogType,
    since: Instant | None,
    until: Instant | None,
    reason: str | None,
    actor: str,
) -> Outcome:
    """What became of the last request that was sent. Raises CannotAsk."""

    def unit(db: Writing) -> tuple[Request, ...]:
        known = find_capabilities(db, station)
        return requests_to_try(
            log_type, security_extension=known.security_extension, unsupported=frozenset(known.unsupported)
        )

    outcome: Outcome | None = None
    for request in await site.database.write(unit):
        payload = payload_of(request, log_type, since=_text(since), until=_text(until))
        outcome = await carry_out(site, station=station, action=request, payload=payload, actor=actor, reason=reason)
        if not cannot_do(outcome.status, outcome.code):
            break
    if outcome is None:
        raise CannotAsk(f"{station} has no security log: that needs GetLog, which it does not know")
    return outcome


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
