"""Desired-state documents of a fleet manager as they travel inside the gateway.

What follows from one is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.model.instants import Instant

DocumentStatus = Literal["pending", "applied", "partial", "rejected", "withdrawn"]
Body = Mapping[str, object]

# in this order in reports and lists
DOCUMENTS = ("auth-list", "profiles", "stations", "config-keys", "load", "firmware", "gateway")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing wrong with a document: a code for programs, where it stands (empty: all of it), and words."""

    code: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A document, or where it is to be fetched from: `body` is None then, and `sha256` is that of the file.

    `base_version`: a delta to that version. `size_bytes`: of the file, as announced.
    """

    doc: str
    version: int
    base_version: int | None = None
    body: Body | None = None
    url: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    not_before: Instant | None = None
    expires: Instant | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """Something that is not as the document says, because the site or somebody else says otherwise."""

    what: Mapping[str, object]
    who: str
    when: Instant | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of applying a document. `refused`: nothing of it was applied, `errors` say why.

    `body`: what is to be kept as applied, where that is not simply what came.
    """

    errors: tuple[Wrong, ...] = ()
    refused: bool = False
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a report tells beyond the row: how it stands at each station, and what is not as the document says."""

    per_station: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
