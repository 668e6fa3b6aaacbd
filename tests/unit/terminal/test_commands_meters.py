"""`meters` and `meters scan`: tables, JSON, exit codes, and the words when a line cannot be scanned."""

from __future__ import annotations

import asyncio
import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.__main__ import main
from tests.fakes.modbus_meters import ServedMeter, on_tcp
from tests.unit.meters.register_dumps import named
from tests.unit.terminal.fake_api import serving

GRID = {
    "name": "grid", "model": "eastron_sdm630", "trust": "fresh", "reason": None, "age_seconds": 0.4,
    "amps": [10.5, -8.25, None], "volts": [230, 230, None], "total_watts": 770.0, "energy_import_wh": 1234567.0,
    "energy_export_wh": None,
}  # fmt: skip
BUSY = "the newest reading is 7 s old: busy"
ROW = {"name": "row", "model": "sml", "trust": "stale", "reason": BUSY, "amps": [None] * 3}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[site]\nid = "s"\n[data]\ndirectory = "{tmp_path}"\n[[meter]]\nname = "grid"\nmodel = "em24"\n'
        'transport = { type = "tcp", host = "10.0.0.5" }\n'
    )
    return file


def do(config: Path, *words: str) -> int:
    return main([*words, "--config", str(config)])


@contextmanager
def served(*meters: ServedMeter) -> Iterator[int]:
    """Meters on a port, in a loop of their own: the command has one itself."""
    begun, stop = threading.Event(), asyncio.Event()
    port: list[int] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with on_tcp(*meters) as number:
            port.append(number)
            loops.append(asyncio.get_running_loop())
            begun.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert begun.wait(20)
    try:
        yield port[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)


def test_meters_as_a_table(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as api:
        api.will_answer("GET /api/v1/meters", {"items": [GRID], "next": None})
        assert do(config, "meters") == 0
        heading, line = capsys.readouterr().out.splitlines()
        assert heading.split()[:3] == ["METER", "MODEL", "TRUST"]
        assert line.split() == ["grid", "eastron_sdm630", "fresh", "0.4", "10.5", "-8.2", "-", "0.77", "1234.57", "-"]
        api.will_answer("GET /api/v1/meters", {"items": [GRID, ROW], "next": None})
        assert do(config, "meters") == 1
        assert capsys.readouterr().out.splitlines()[-1] == f"row: {BUSY}"
        assert do(config, "meters", "--json") == 1
        assert json.loads(capsys.readouterr().out)["items"] == [GRID, ROW]


def test_a_site_without_meters_is_told_what_to_do(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as api:
        api.will_answer("GET /api/v1/meters", {"items": [], "next": None})
        assert do(config, "meters") == 0
    assert "meters scan --device" in capsys.readouterr().out


def test_a_scan_prints_the_table_to_paste(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(ServedMeter(2, dict(named("eastron_sdm630").registers))) as port:
        words = ("meters", "scan", "--host", "127.0.0.1", "--port", str(port), "--units", "2-2")
        assert do(config, *words) == 0
        shown = capsys.readouterr()
        assert "unit 2: Eastron SDM630" in shown.out and f"looking on 127.0.0.1:{port}" in shown.err
        (table,) = tomllib.loads(shown.out[shown.out.index("[[meter]]") :])["meter"]
        assert table["model"] == "eastron_sdm630" and table["transport"]["unit"] == 2
        assert do(config, *words, "--json") == 0
        assert json.loads(capsys.readouterr().out)["items"][0]["amps"] == [10.5, -8.25, 0.75]


def test_a_scan_that_finds_nobody_or_nothing_known(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(ServedMeter(1, dict.fromkeys(range(20), 3))) as port:
        words = ("meters", "scan", "--host", "127.0.0.1", "--port", str(port))
        assert do(config, *words, "--units", "1") == 0
        assert "fits no model" in capsys.readouterr().out
        assert do(config, *words, "--units", "5") == 1
        assert "nobody answers" in capsys.readouterr().out


def test_a_line_that_the_gateway_uses_is_refused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as api:
        api.will_answer("GET /livez", {"status": "alive"})
        assert do(config, "meters", "scan", "--host", "10.0.0.5") == 1
    assert "10.0.0.5:502 is in use by the running gateway (meter grid)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["meters", "scan"],
        ["meters", "scan", "--device", "/dev/x", "--host", "h"],
        ["meters", "scan", "--device", "/dev/x", "--units", "5-1"],
        ["meters", "scan", "--device", "/dev/x", "--units", "1-300"],
        ["meters", "scan", "--device", "/dev/x", "--units", "x"],
        ["meters", "scan", "--device", "/dev/x", "--parity", "odd"],
    ],
)
def test_what_makes_no_sense_ends_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_a_device_that_is_not_there(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "meters", "scan", "--device", str(tmp_path / "tty")) == 1
    assert capsys.readouterr().err.endswith(f"ocpp-gateway: {tmp_path}/tty is not there\n")
