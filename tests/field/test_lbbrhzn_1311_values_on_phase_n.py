"""lbbrhzn/ocpp 1311: a charger tells its current on phase "N" alone, and the backend shows 0 A.

Here such values are kept and shown as they came. Load limits leave them out, because current in N is no current of a
line: what the lines carry follows from what else the charger tells.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import NOW
from tests.field.stage import Operator, site

Samples = list[dict[str, str]]

ENERGY = {"measurand": "Energy.Active.Import.Register", "unit": "Wh", "value": "254780"}
TOTAL = {"measurand": "Power.Active.Import", "unit": "kW", "value": "3.45"}
NEUTRAL = {"measurand": "Current.Import", "unit": "A", "phase": "N", "value": "24.7"}
LINES = [
    {"measurand": "Current.Import", "unit": "A", "phase": phase, "value": value}
    for phase, value in (("L1", "13.5"), ("L2", "0.2"), ("L3", "0.1"))
]


def on_a_circuit(rotation: str) -> str:
    """A station below a fuse that is measured, but sent no limits."""
    return (
        '[[circuit]]\nname = "main"\nlimit_amps = 63\n'
        f'[[station]]\nid = "CP-1"\ncircuit = "main"\nphase_rotation = "{rotation}"\nquiet = true\n'
    )


def drawn(gateway: Bench) -> tuple[float, ...] | None:
    """What load limits take the car at connector 1 to draw on each line."""
    draw = gateway.site.load.draws.get((StationId("CP-1"), 1))
    return None if draw is None else draw.amps


async def story(directory: Path, rotation: str, messages: list[tuple[Samples, tuple[float, ...] | None]]) -> None:
    """Each message with what is drawn after it; at the end everything is there as it was told."""
    async with AsyncExitStack() as stack:
        gateway, operator = await stack.enter_async_context(site(directory, more=on_a_circuit(rotation)))
        station = await stack.enter_async_context(gateway.station())
        await station.boots()
        transaction = (await station.starts(1, "VALID", meter=254_000))["transactionId"]
        for samples, amps in messages:
            value = {"timestamp": NOW, "sampledValue": samples}
            told = {"connectorId": 1, "transactionId": transaction, "meterValue": [value]}
            assert await station.say("MeterValues", told) == {}
            assert drawn(gateway) == (None if amps is None else pytest.approx(amps))
        assert gateway.quirks() == set(), "N is a phase of OCPP 1.6: there was nothing to repair"
        await everything_is_shown(operator, transaction, [samples for samples, _ in messages])


async def everything_is_shown(operator: Operator, transaction: int, messages: list[Samples]) -> None:
    session = await operator.get(f"/transactions/{transaction}")
    assert [value["sampledValue"] for value in session["meter_values"]] == messages
    async with operator.session.get(f"/sessions/{transaction}", headers={"Accept-Language": "en"}) as page:
        text = await page.text()
    assert page.status == 200 and text.count("Current.Import · N: 24.7 A") == len(messages)


async def test_the_current_of_a_one_phase_charger_stands_under_n(tmp_path: Path) -> None:
    """As in the thread: what its line carries is what its total power says."""
    messages: list[tuple[Samples, tuple[float, ...] | None]] = [([NEUTRAL], None), ([ENERGY, TOTAL, NEUTRAL], (15.0,))]
    await story(tmp_path, "1", messages)


async def test_n_beside_the_lines_is_no_line(tmp_path: Path) -> None:
    """Before them, behind them, and alone: it neither counts as one nor overwrites what is known of them."""
    lines = (13.5, 0.2, 0.1)
    await story(tmp_path, "123", [([NEUTRAL, *LINES], lines), ([*LINES, NEUTRAL], lines), ([NEUTRAL], lines)])
