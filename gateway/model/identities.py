"""Names of things, each a type of its own so that a connector number is never taken for a transaction id."""

from __future__ import annotations

from typing import NewType

StationId = NewType("StationId", str)
ConnectorId = NewType("ConnectorId", int)
TransactionId = NewType("TransactionId", int)
CommandId = NewType("CommandId", str)
IdTag = NewType("IdTag", str)
FoldedTag = NewType("FoldedTag", str)


def fold_tag(id_tag: str) -> FoldedTag:
    """The form in which idTags are compared: case-insensitive (OCPP 1.6 7.28), without what readers pad them with."""
    if not id_tag.isprintable():
        id_tag = id_tag.translate(_CONTROL)
    return FoldedTag(id_tag.strip().casefold())


_CONTROL = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
