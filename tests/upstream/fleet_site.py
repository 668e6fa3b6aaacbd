"""What tests of the fleet link share: the configuration of an upstream, a station that charges, a session's facts."""

from __future__ import annotations

from typing import Any

from tests.fakes.scripted_station import NOW, ScriptedStation

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
FREE = 'unknown_stations = "accept"\nunknown_tags = "accept"\nautomatic_calls = false\n'


def upstream(port: int, *, name: str = "fleet", more: str = "") -> str:
    """TOML of an upstream on loopback that is connected to at once."""
    return (
        f'[[upstream]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
        f"start_jitter_seconds = 0\nbackoff_max_seconds = 1\n{more}\n"
    )


async def charge(station: ScriptedStation, *, sessions: int = 1, first: int = 0) -> list[int]:
    """So many whole sessions on connector 1; their transaction ids. `first` makes their registers distinct."""
    found: list[int] = []
    for number in range(first, first + sessions):
        started: Any = await station.say(
            "StartTransaction",
            {"connectorId": 1, "idTag": f"tag-{number}", "meterStart": number * 1000, "timestamp": NOW},
        )
        transaction = started["transactionId"]
        await station.say(
            "StopTransaction",
            {
                "transactionId": transaction,
                "meterStop": number * 1000 + 700,
                "timestamp": NOW,
                "idTag": f"tag-{number}",
            },
        )
        found.append(transaction)
    return found
