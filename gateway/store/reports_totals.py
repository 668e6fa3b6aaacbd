"""Numbers for monitoring that only the store knows: knocks, running transactions, the newest journal numbers."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store.readers import Readers

_SEQUENCES = """SELECT coalesce((SELECT max(sequence) FROM events WHERE stream = 'tx'), 0),
                       coalesce((SELECT max(sequence) FROM events WHERE stream = 'ops'), 0),
                       coalesce((SELECT sequence FROM meter_frames ORDER BY id DESC LIMIT 1), 0),
                       (SELECT count(*) FROM knocks),
                       (SELECT count(*) FROM transactions WHERE stop_source IS NULL)"""


@dataclass(frozen=True, slots=True)
class Totals:
    """`sequences` by stream: the newest number given out."""

    sequences: dict[str, int]
    knocks: int
    open_transactions: int


async def totals(readers: Readers) -> Totals:
    """Read all of them."""
    row = await readers.row(_SEQUENCES)
    assert row is not None
    return Totals(
        sequences={"tx": row[0], "ops": row[1], "meter": row[2]},
        knocks=row[3],
        open_transactions=row[4],
    )
