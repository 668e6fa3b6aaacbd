"""What a door says when it is asked to read the configuration's files again, and how it went the last time.

Who holds the files and begins the gateway anew (`gateway.daemon_process`) puts itself in here; a gateway that nobody
can begin anew (a demo) has nobody. What is a mistake in a configuration is not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.configuration import Mistake


@dataclass(frozen=True, slots=True)
class Wrong:
    """The files hold mistakes: the configuration before stays in force."""

    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The files say what is in force already."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The gateway begins anew now; `Reloads.taken` grows when it serves again."""


Outcome = Wrong | Unchanged | Taken


@dataclass(slots=True)
class Reloads:
    """`taken`: how often the gateway began anew since the process started; `failed`: why the last time was in vain.

    `rehearse` says what a reload would say if site.toml held this text, and changes nothing.
    """

    reload: Callable[[], Awaitable[Outcome]] | None = None
    rehearse: Callable[[str], Awaitable[Outcome]] | None = None
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)  # site.toml is changed by one at a time
    taken: int = 0
    failed: str | None = None
