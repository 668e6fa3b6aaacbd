"""The settings of all stations side by side, as the stations last told them; secrets are masked.

Whether values differ is counted before they are masked: two different secrets differ.
"""

from __future__ import annotations

from gateway.rules.secrecy import MASK, is_secret_name
from gateway.store.readers import Readers

Document = dict[str, object]


async def page(readers: Readers, *, station: str | None, words: str | None, after: str, limit: int) -> list[Document]:
    """Keys in order, each with the value of every station that told it. `words`: in the key, any case.

    `after`: a key, folded; `station`: only keys that this station told, and only its values.
    """
    conditions = "folded_key > ? AND (? IS NULL OR instr(folded_key, ?) > 0) AND (? IS NULL OR station = ?)"
    folded = None if words is None else words.casefold()
    filters = (after, folded, folded, station, station)
    rows = await readers.rows(
        f"""SELECT station, folded_key, key, value, readonly, reboot_required FROM configuration_keys
            WHERE {conditions} AND folded_key IN (
                SELECT DISTINCT folded_key FROM configuration_keys WHERE {conditions} ORDER BY folded_key LIMIT ?
            ) AND station NOT IN (SELECT station FROM stations WHERE admission = 'removed')
            ORDER BY folded_key, station""",
        (*filters, *filters, limit),
    )
    found: dict[str, list[tuple[str, str, str | None, int | None, int]]] = {}
    for one, folded_key, key, value, readonly, reboot in rows:
        found.setdefault(folded_key, []).append((one, key, value, readonly, reboot))
    return [
        {
            "key": values[0][1],
            "differs": len({value for _, _, value, _, _ in values}) > 1,
            "values": [
                {
                    "station": one,
                    "value": MASK if value and is_secret_name(folded_key) else value,
                    "readonly": None if readonly is None else bool(readonly),
                    "reboot_required": bool(reboot),
                }
                for one, _, value, readonly, reboot in values
            ],
        }
        for folded_key, values in found.items()
    ]
