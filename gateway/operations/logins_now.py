"""Who tried to log in lately, in this life of the gateway, and how many passwords are looked at now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.rules.login_throttle import Failed, Pair

# Each takes 19 MiB and a processor for a while; stations are to be answered meanwhile.
_MOST_AT_ONCE = 2


@dataclass(slots=True)
class LoginsNow:
    """`tries` that were not right; `told`: how many refusals of the hour `told_hour` are in the journal."""

    tries: dict[Pair, Failed] = field(default_factory=dict)
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))
    told_hour: int = 0
    told: int = 0
