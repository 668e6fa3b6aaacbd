"""What a file `apply_<doc>` is made of: how a document is read, applied, taken back and told of; and one's turn.

Nouns only. Which documents there are is in `document_kinds`, when one has its turn in `settle_documents`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.model.fleet_documents import Applied, Body, Told, Wrong
from gateway.model.instants import Instant
from gateway.operations.site import Site
from gateway.store.writing import Writing

BY_FLEET = "fleet:"


@dataclass(frozen=True, slots=True)
class Applying:
    """One document that is applied now, inside a unit of work. `delta`: it changes what is applied already.

    `body`: what is kept as applied, without secrets; `before`: the same of the document before, None when none was.
    """

    site: Site
    upstream: str
    version: int
    delta: bool
    body: Body
    before: Body | None
    now: Instant

    @property
    def actor(self) -> str:
        """Who does it, in events and rows."""
        return actor_of(self.upstream)


def actor_of(upstream: str) -> str:
    """An upstream as the one who did something."""
    return BY_FLEET + upstream


def tells_nothing(db: Writing, site: Site, upstream: str) -> Told:
    """Of a document of which there is nothing to tell but how it was applied."""
    return Told()


def leaves_all(db: Writing, site: Site, upstream: str, now: Instant) -> None:
    """When the fleet takes the document away: what was applied stays, and nothing else is to be done."""


async def as_it_is(site: Site, body: Body) -> Body:
    """A document without secrets is kept as it is."""
    return body


@dataclass(frozen=True, slots=True)
class Kind:
    """One document. `read` runs in a thread; its result, unless it is a tuple of mistakes, is given to `apply`.

    `prepare` makes of a body what may be kept on disk (no secrets). `deltas`: a part of it may be sent. `shared`:
    every upstream may have its own. `keeps_body`: what is applied is looked up in the body later. `secrets`: names
    of members that are not on disk, and do not tell two contents apart.
    """

    read: Callable[..., Any]  # (site, body, *, delta) -> what is wanted, or tuple[Wrong, ...]
    apply: Callable[[Writing, Applying, Any], Applied]
    withdraw: Callable[[Writing, Site, str, Instant], None] = leaves_all
    tell: Callable[[Writing, Site, str], Told] = tells_nothing
    prepare: Callable[[Site, Body], Awaitable[Body]] = as_it_is
    deltas: bool = False
    shared: bool = False
    keeps_body: bool = True
    secrets: frozenset[str] = field(default_factory=frozenset)


def mistakes_in(read: object) -> tuple[Wrong, ...]:
    """The mistakes, when what was read is nothing else."""
    return read if isinstance(read, tuple) and all(isinstance(one, Wrong) for one in read) else ()
