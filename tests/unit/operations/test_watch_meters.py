"""Site meters in the unchanged daemon: read, judged, told in health, journal and documents; away and back again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.configuration import Meter, RtuTransport, SerialTransport, TcpTransport
from gateway.journal_signal import JournalSignal
from gateway.operations.plan_meters import Unreadable, plan_of
from gateway.operations.site import Site
from gateway.operations.watch_meters import meter_documents
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.modbus_meters import ServedMeter, on_serial, on_tcp
from tests.fakes.pty_bridge import PtyBridge
from tests.fakes.scripted_station import plugged_in
from tests.unit.meters.register_dumps import named

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 30.0


def sdm() -> ServedMeter:
    return ServedMeter(1, dict(named("eastron_sdm630").registers))


def on_port(port: int, more: str = "") -> str:
    return (
        '[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\n'
        f'transport = {{ type = "tcp", host = "127.0.0.1", port = {port} }}\n{more}\n'
        '[[circuit]]\nname = "main"\nlimit_amps = 16\nmeter = "grid"\n'
    )


async def until(site: Site, holds: Callable[[], bool]) -> None:
    """Wait for something that the watch or the journal brings; every reading and every try wakes."""
    signal = JournalSignal()
    site.meters.announce = signal.announce
    async with asyncio.timeout(PATIENCE_SECONDS):
        seen = -1
        while not holds():
            seen = await signal.newer_than(seen)


def told(directory: Path) -> list[tuple[str | None, str, str | None]]:
    """(before, trust, reason) of each event about a meter's trust."""
    with closing(sqlite3.connect(directory / "data" / "gateway.db")) as database:
        rows = database.execute("SELECT data FROM events WHERE kind = 'meter.trust_changed' ORDER BY id").fetchall()
    data = [json.loads(row[0]) for row in rows]
    assert all(one["meter"] == "grid" and one["model"] == "eastron_sdm630" for one in data)
    return [(one["before"], one["trust"], one["reason"]) for one in data]


async def test_a_meter_is_read_judged_and_told(tmp_path: Path) -> None:
    meter = sdm()
    async with on_tcp(meter) as port, running_gateway(tmp_path, more=on_port(port)) as running:
        site = running.site
        await until(site, lambda: site.health.components().get("meter grid", "not yet") is None)
        (document,) = meter_documents(site)
        assert document["trust"] == "fresh" and document["reason"] is None
        assert document["amps"] == [10.5, -8.25, 0.75] and document["total_watts"] == 770
        assert document["circuits"] == ["main"] and document["model"] == "eastron_sdm630"
        await until(site, lambda: told(tmp_path) == [(None, "fresh", None)])
        meter.registers.update(enumerate(struct.unpack(">HH", struct.pack(">f", 40.0)), 6))
        await until(site, lambda: "more than twice" in (site.health.components()["meter grid"] or ""))
        await until(site, lambda: len(told(tmp_path)) == 2)
    assert told(tmp_path)[1] == ("fresh", "out_of_scale", "phase 1: 40 A is more than twice the limit of 16 A")


async def test_the_daemon_starts_without_its_meter_and_reads_it_when_it_comes(tmp_path: Path) -> None:
    with PtyBridge(tmp_path) as bridge:
        bridge.pull_out()
        more = (
            '[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\n'
            f'transport = {{ type = "rtu", device = "{bridge.line}" }}\n'
        )
        async with on_serial(bridge.meter_side, sdm()):
            async with running_gateway(tmp_path, ocpp='unknown_stations = "accept"', more=more) as running:
                site = running.site
                await until(site, lambda: "is not there" in (site.health.components().get("meter grid") or ""))
                assert site.health.ready(), "stations do not wait for meters"
                async with plugged_in(running.station_url("CP-1")) as station:
                    await station.boots()
                (document,) = meter_documents(site)
                assert document["trust"] == "missing" and document["amps"] == [None, None, None]
                bridge.plug_in()
                await until(site, lambda: site.health.components()["meter grid"] is None)
            begun = [entry for entry in told(tmp_path) if entry[1] == "missing"]
            assert len(begun) <= 1


async def test_a_meter_of_an_unknown_model_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    async with on_tcp(sdm()) as port:
        more = on_port(port).replace('[[circuit]]', (
            '[[meter]]\nname = "odd"\nmodel = "eastron_sdm360"\n'
            'transport = { type = "rtu", device = "/dev/null" }\n[[circuit]]'
        ))  # fmt: skip
        async with running_gateway(tmp_path, more=more) as running:
            site = running.site
            await until(site, lambda: site.health.components().get("meter grid", "not yet") is None)
            assert site.health.components()["meter odd"] == (
                'missing: model: expected a model that the gateway knows (did you mean "eastron_sdm630"?)'
            )


async def test_a_site_without_meters_loads_no_library_for_them() -> None:
    program = (
        "import asyncio, sys, tempfile, pathlib\n"
        "from tests.fakes.gateway_in_process import running_gateway\n"
        "async def main():\n"
        "    with tempfile.TemporaryDirectory() as place:\n"
        "        async with running_gateway(pathlib.Path(place)):\n"
        "            print(sorted({name.split('.')[0] for name in sys.modules} & {'pymodbus', 'serial', 'smllib'}))\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert printed == b"[]\n"


@pytest.mark.parametrize(
    ("model", "transport", "key", "words"),
    [
        ("nothing like it", TcpTransport("h"), "model", "a model that the gateway knows (see docs/meters.md)"),
        ("dsmr_p1", RtuTransport(Path("/dev/x")), "transport", 'type = "serial", as DSMR'),
        ("eastron_sdm630", SerialTransport(Path("/dev/x")), "transport", 'type = "rtu" (or "tcp")'),
    ],
)
def test_meters_that_cannot_be_read(
    model: str, transport: RtuTransport | TcpTransport | SerialTransport, key: str, words: str
) -> None:
    with pytest.raises(Unreadable) as reason:
        plan_of(Meter("grid", model, transport))
    assert reason.value.key == key and words in str(reason.value)


def test_a_talker_may_be_behind_a_converter() -> None:
    assert str(plan_of(Meter("grid", "sml", TcpTransport("::1", port=2001))).place) == "[::1]:2001"
