"""Who must wait before the next try to log in, and how long: after some failures twice as long with each.

Failures count for the pair of address and name. An address waits for all of its pairs. A name that is tried from many
addresses makes those wait that failed with it themselves: so whoever knows the password always has a first try from an
address of his own, however hard others try. The number of pairs that are remembered is bounded.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

FREE_TRIES = 5  # of an address
FREE_TRIES_OF_NAME = 10  # of all addresses together
LONGEST_WAIT_SECONDS = 900.0
FORGOTTEN_AFTER_SECONDS = 3600.0
MOST_PAIRS = 1000


@dataclass(frozen=True, slots=True)
class Failed:
    """Tries that were not (or not yet) right; `last_at` is in seconds of any clock that never jumps."""

    times: int
    last_at: float


Pair = tuple[str, str]  # of address (see `network_of`) and name
Tries = Mapping[Pair, Failed]


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64 that one customer has; a text that is no address counts as it is."""
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if peer.version == 4:
        return str(peer)
    if peer.ipv4_mapped is not None:
        return str(peer.ipv4_mapped)
    return str(ipaddress.ip_network((peer, 64), strict=False))


def seconds_to_wait(tries: Tries, pair: Pair, *, now: float) -> float:
    """How long this pair must wait; 0: it may try now."""
    address, name = pair
    of_address = _together([failed for (one, _), failed in tries.items() if one == address], now)
    wait = _rest(of_address, FREE_TRIES, now)
    if pair in tries:
        of_name = _together([failed for (_, one), failed in tries.items() if one == name], now)
        wait = max(wait, _rest(of_name, FREE_TRIES_OF_NAME, now, last_at=tries[pair].last_at))
    return wait


def after_try(tries: Tries, pair: Pair, *, now: float) -> dict[Pair, Failed]:
    """With one more try, which counts as failed until it was right: so many at once do not all count as the first."""
    kept = {one: failed for one, failed in tries.items() if _counts(failed, now)}
    before = kept.pop(pair, None)
    kept[pair] = Failed(1 if before is None else before.times + 1, now)
    while len(kept) > MOST_PAIRS:
        del kept[next(iter(kept))]
    return kept


def after_success(tries: Tries, pair: Pair) -> dict[Pair, Failed]:
    """The pair was right: its failures are forgiven, not those that its address had with other names."""
    return {one: failed for one, failed in tries.items() if one != pair}


def _counts(failed: Failed, now: float) -> bool:
    return now - failed.last_at < FORGOTTEN_AFTER_SECONDS


def _together(all_failed: list[Failed], now: float) -> Failed:
    counted = [failed for failed in all_failed if _counts(failed, now)]
    return Failed(sum(failed.times for failed in counted), max((failed.last_at for failed in counted), default=now))


def _rest(failed: Failed, free: int, now: float, *, last_at: float | None = None) -> float:
    """What is left of the wait after the newest failure (of the pair itself, where `last_at` says it)."""
    beyond = failed.times - free
    if beyond < 0:
        return 0.0
    wait = min(2.0 ** min(beyond, 20), LONGEST_WAIT_SECONDS)
    return max((failed.last_at if last_at is None else last_at) + wait - now, 0.0)
