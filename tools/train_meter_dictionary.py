"""Trains the dictionary with which meter frames are compressed, from made-up messages of many makers' habits.

Run once per dictionary: `python tools/train_meter_dictionary.py gateway/store/meter_frames.zdict`. A dictionary that
has ever compressed a body on somebody's disk must never change: a better one becomes a second file with a new encoding
number.
"""

from __future__ import annotations

import base64
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zstandard

_UNITS = {
    "Energy.Active.Import.Register": ("Wh", "kWh"),
    "Energy.Active.Export.Register": ("Wh",),
    "Energy.Active.Import.Interval": ("Wh",),
    "Power.Active.Import": ("W", "kW"),
    "Power.Offered": ("W",),
    "Power.Factor": (None,),
    "Power.Reactive.Import": ("var",),
    "Current.Import": ("A",),
    "Current.Offered": ("A",),
    "Voltage": ("V",),
    "Frequency": ("Hertz", None),
    "Temperature": ("Celsius", "Celcius"),
    "SoC": ("Percent",),
    "RPM": (None,),
}
_PHASED = {"Current.Import", "Voltage", "Power.Active.Import", "Energy.Active.Import.Register"}


def _maker(chance: random.Random) -> dict[str, object]:
    order = ["value", "context", "format", "measurand", "phase", "location", "unit"]
    if chance.random() < 0.5:
        chance.shuffle(order)
    measurands = [name for name in _UNITS if chance.random() < 0.4] or ["Energy.Active.Import.Register"]
    return {
        "order": order,
        "said": {name for name in order if name in ("value", "measurand", "phase") or chance.random() < 0.6},
        "separators": chance.choice([(",", ":"), (",", ":"), (", ", ": ")]),
        "phases": chance.choice([(None,), ("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"), ("L1", "L2", "L3", None)]),
        "number": chance.choice(["%d", "%.1f", "%.2f", "%.3f", "%.6f"]),
        "time": chance.choice(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%S+00:00"]),
        "measurands": measurands,
        "signed": chance.random() < 0.08,
    }


def _sampled(maker: dict[str, object], chance: random.Random, measurand: str, phase: str | None) -> dict[str, str]:
    values = {
        "value": str(maker["number"]) % (chance.random() * chance.choice([16, 240, 11_000, 60_000_000])),
        "context": chance.choice(
            ["Sample.Periodic"] * 8 + ["Sample.Clock", "Transaction.Begin", "Transaction.End", "Trigger"]
        ),
        "format": "Raw",
        "measurand": measurand,
        "phase": phase,
        "location": chance.choice(["Outlet"] * 6 + ["Inlet", "EV", "Cable", "Body"]),
        "unit": _UNITS[measurand][0],
    }
    order, said = maker["order"], maker["said"]
    assert isinstance(order, list) and isinstance(said, set)
    return {name: values[name] for name in order if name in said and values[name] is not None}


def message(chance: random.Random, maker: dict[str, object]) -> bytes:
    """One MeterValues payload of this maker."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(63_000_000))
    phases, measurands = maker["phases"], maker["measurands"]
    assert isinstance(phases, tuple) and isinstance(measurands, list)
    samples = [
        _sampled(maker, chance, name, phase)
        for name in measurands
        for phase in (phases if name in _PHASED else (None,))
    ]
    if maker["signed"]:
        blob = base64.b64encode(chance.randbytes(120)).decode()
        ocmf = '{"FV":"1.0","GI":"","GS":"","PG":"T1","MV":"","MS":"","RD":[{"TM":"2026-01-01T00:00:00,000+0000 S"}]}'
        samples.append({"value": f"OCMF|{ocmf}|{blob}", "context": "Transaction.Begin", "format": "SignedData"})
    payload = {
        "connectorId": chance.choice([0, 1, 1, 1, 2, 2]),
        "transactionId": chance.randrange(1, 200_000),
        "meterValue": [{"timestamp": at.strftime(str(maker["time"])), "sampledValue": samples}],
    }
    return json.dumps(payload, separators=maker["separators"]).encode()  # type: ignore[arg-type]


def main() -> None:
    """Train on messages of many makers and write the dictionary."""
    chance = random.Random(16)
    makers = [_maker(chance) for _ in range(150)]
    messages = [message(chance, maker) for maker in makers for _ in range(20)]
    trained = zstandard.train_dictionary(8192, messages, level=1, threads=0)
    Path(sys.argv[1]).write_bytes(trained.as_bytes())
    print(f"{len(messages)} messages, {sum(map(len, messages)) // len(messages)} bytes each on average")


if __name__ == "__main__":
    main()
