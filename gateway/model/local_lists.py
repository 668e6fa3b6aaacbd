"""Local authorization lists (OCPP 1.6 3.5.2): an entry, and a request that changes the list in a station."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.model.identities import FoldedTag
from gateway.model.tags import Verdict

UpdateType = Literal["Full", "Differential"]


class Entry(NamedTuple):
    """A tag with what the station answers for it; `verdict` None: an idTagInfo that is not understood."""

    id_tag: str
    verdict: Verdict | None


List = Mapping[FoldedTag, Entry]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one SendLocalList does to a list: entries that are put, tags that are removed."""

    put: List
    removed: Mapping[FoldedTag, str]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A SendLocalList as the station sees it; None where an operator wrote something that cannot be read.

    `changes` None: nobody knows what the list holds once the station has accepted this.
    """

    update_type: UpdateType | None
    version: int | None
    changes: Changes | None
