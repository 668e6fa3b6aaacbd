"""Guessing tokens is made slow: an address that names unknown ones waits longer and longer for its answers.

Only refusals are delayed. Stations behind the same address whose tokens are good do not notice.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass

_FREE = 3  # a station may try an expired link a few times
_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 8.0
_FORGOTTEN_AFTER_SECONDS = 600.0
_MOST_WAITING = 4
_MOST_ADDRESSES = 1000


@dataclass(slots=True)
class _Guesser:
    misses: int = 0
    waiting: int = 0
    newest: float = 0.0


class Guesses:
    """For one event loop."""

    def __init__(self) -> None:
        self._guessers: dict[str, _Guesser] = {}

    async def missed(self, address: str) -> bool:
        """Wait as long as the address must for its refusal. False: it asks too much at once, give no answer."""
        now = asyncio.get_running_loop().time()
        guesser = self._guesser(network_of(address), now)
        guesser.misses += 1
        guesser.newest = now
        if guesser.misses <= _FREE:
            return True
        if guesser.waiting >= _MOST_WAITING:
            return False
        doublings = min(guesser.misses - _FREE - 1, 10)
        guesser.waiting += 1
        try:
            await asyncio.sleep(min(_FIRST_DELAY_SECONDS * 2**doublings, _LONGEST_DELAY_SECONDS))
        finally:
            guesser.waiting -= 1
        return True

    def _guesser(self, network: str, now: float) -> _Guesser:
        found = self._guessers.pop(network, None)
        if found is None or (now - found.newest > _FORGOTTEN_AFTER_SECONDS and not found.waiting):
            found = _Guesser()
        self._guessers[network] = found  # the newest is last
        while len(self._guessers) > _MOST_ADDRESSES:
            del self._guessers[next(iter(self._guessers))]
        return found


def network_of(address: str) -> str:
    """What one host is known by: an IPv4 address, or the /64 of an IPv6 one, within which a host may take any."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
