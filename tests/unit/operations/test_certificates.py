"""Certificates in the background: renewal in time, ends told in the health report, nothing loaded without need."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations.keep_house import make_rounds
from gateway.operations.renew_certificates import renew_certificate
from gateway.operations.send_certificates import _is_time
from gateway.operations.site import Site
from gateway.operations.watch_certificates import COMPONENT, report_ends
from gateway.store import issued_certificates
from gateway.store.issued_certificates import IssuedRow, Signed, plain_hex
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation

pytestmark = pytest.mark.slow

CP_1 = StationId("CP-1")
DAY = 86_400 * SECOND
ACCEPTED = {"status": "Accepted"}
RENEWAL = {"requestedMessage": "SignChargePointCertificate"}


async def has_certificate(gateway: Bench, *, days: int, serial: str = "a1", state: str = "accepted") -> None:
    """CP-1 took a certificate that ends in so many days."""
    now = Instant(gateway.clock.now)
    signed = Signed("PEM", serial, serial.zfill(64), "ecdsa", Instant(0), Instant(now + days * DAY))

    def unit(db: Any) -> None:
        issued_certificates.add_handed_over(db, CP_1, signed, common_name="CP-1", security_profile=3, now=now)
        db.execute("UPDATE issued_certificates SET state = ? WHERE serial_number = ?", (state, serial))

    await gateway.site.database.write(unit)


async def renews(gateway: Bench, station: ScriptedStation, *, answered: object = ACCEPTED) -> bool:
    """Whether the station is asked to renew its certificate when its turn comes."""
    turn = asyncio.create_task(renew_certificate(gateway.site, CP_1))
    asked = asyncio.create_task(station.expect("ExtendedTriggerMessage"))
    await asyncio.wait([turn, asked], return_when=asyncio.FIRST_COMPLETED)
    if turn.done():
        asked.cancel()
        return False
    assert await asked == RENEWAL
    await station.answer(answered)
    await turn
    return True


@pytest.fixture
async def running(tmp_path: Path) -> Any:
    async with bench(tmp_path, ocpp="") as gateway, gateway.station() as station:
        await station.boots()
        yield gateway, station


async def test_a_station_is_asked_to_renew_in_time_and_again_after_a_week(running: Any) -> None:
    gateway, station = running
    assert not await renews(gateway, station)  # it has none of ours
    await has_certificate(gateway, days=100)
    assert not await renews(gateway, station)
    gateway.clock.forward(hours=11 * 24)
    assert await renews(gateway, station, answered={"status": "Rejected"})
    assert not await renews(gateway, station)
    gateway.clock.forward(hours=7 * 24)
    assert await renews(gateway, station)
    await has_certificate(gateway, days=1800, serial="b2")
    gateway.clock.forward(hours=8 * 24)
    assert not await renews(gateway, station)


@pytest.mark.parametrize("state", ["refused", "unknown", "revoked", "handed_over"])
async def test_only_a_certificate_that_the_station_asked_for_and_took_is_renewed(running: Any, state: str) -> None:
    gateway, station = running
    await has_certificate(gateway, days=5, state=state)
    assert not await renews(gateway, station)


async def test_a_quiet_station_is_left_alone(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        await has_certificate(gateway, days=5)
        assert not await renews(gateway, station)


async def test_a_station_that_is_gone_is_asked_when_it_is_back(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp="") as gateway:
        async with gateway.station() as station:
            await station.boots()
        await gateway.gone()
        await has_certificate(gateway, days=5)
        await renew_certificate(gateway.site, CP_1)
        async with gateway.station() as station:
            assert await renews(gateway, station)


async def test_ends_are_part_of_the_rounds_from_the_first_moment(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, _ = running
    await has_certificate(gateway, days=5)
    monkeypatch.setattr("gateway.operations.keep_house._ROUND_EVERY_SECONDS", 3600.0)
    told = asyncio.Event()

    async def report(site: Site) -> None:
        await report_ends(site)
        told.set()

    monkeypatch.setattr("gateway.operations.keep_house.report_ends", report)
    rounds = asyncio.create_task(make_rounds(gateway.site))
    async with asyncio.timeout(5):
        await told.wait()
    rounds.cancel()
    assert gateway.site.health.components()[COMPONENT] is None  # nothing is wrong yet
    assert gateway.site.health.notices()[COMPONENT] == "the certificate of CP-1 ends on 2027-01-20"
    assert gateway.site.health.ready()  # the site goes on


async def test_many_ends_are_one_sentence(running: Any) -> None:
    gateway, _ = running
    directory = gateway.site.configuration.data.directory / "pki"
    directory.mkdir()
    (directory / "authority-0001.pem").write_text("nonsense")
    await has_certificate(gateway, days=5)
    await report_ends(gateway.site)
    assert "site authority is not readable" in str(gateway.site.health.components()[COMPONENT])
    assert "the certificate of CP-1" in gateway.site.health.notices()[COMPONENT]


async def test_of_each_station_a_bounded_number_is_kept_and_revoked_ones_stay(running: Any) -> None:
    gateway, _ = running
    await has_certificate(gateway, days=5, serial="dead", state="revoked")
    for number in range(60):
        await has_certificate(gateway, days=5, serial=f"1{number:02}")
    rows = await gateway.rows("SELECT serial_number FROM issued_certificates ORDER BY certificate_id")
    assert len(rows) <= 22 and rows[0]["serial_number"] == "dead" and rows[-1]["serial_number"] == "159"


async def test_the_certificate_in_use_is_kept_however_many_were_refused_since(running: Any) -> None:
    gateway, _ = running
    await has_certificate(gateway, days=5, serial="beef")
    for number in range(40):
        await has_certificate(gateway, days=5, serial=f"1{number:02}", state="refused")
    rows = await gateway.rows("SELECT serial_number FROM issued_certificates ORDER BY certificate_id")
    assert rows[0]["serial_number"] == "beef" and len(rows) <= 23


async def test_a_station_that_is_removed_waits_for_nothing(tmp_path: Path) -> None:
    from gateway.operations.provision_stations import put_station, remove_station

    async with bench(tmp_path) as gateway:
        await put_station(gateway.site, "CP-9", {}, actor="tester")
        now = Instant(gateway.clock.now)

        def unit(db: Any) -> None:
            issued_certificates.ask(
                db, StationId("CP-9"), signing_request="PEM", common_name="x", algorithm="rsa", security_profile=0,
                now=now,
            )  # fmt: skip

        await gateway.site.database.write(unit)
        assert await remove_station(gateway.site, "CP-9", actor="tester") == "removed"
        assert await gateway.rows("SELECT 1 FROM issued_certificates") == []


async def test_what_was_on_its_way_when_the_power_went_is_unknown(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway:
        await has_certificate(gateway, days=5, state="sent")
    async with bench(tmp_path) as gateway:
        seen = 0
        async with asyncio.timeout(5):
            while (rows := await gateway.rows("SELECT state, reason FROM issued_certificates"))[0]["state"] == "sent":
                seen = await gateway.site.journal_signal.newer_than(seen)
        assert rows == [{"state": "unknown", "reason": "the gateway stopped meanwhile"}]


@pytest.mark.parametrize(
    ("asked", "here_for", "pending", "time"),
    [
        (1, 1, False, True),  # on this connection
        (0, 0, False, True),
        (-60, 0, False, False),  # before it: the station has other things to say first
        (-60, 14, False, False),
        (-60, 15, False, True),
        (-60, -5, False, True),  # the clock was set back meanwhile
        (1, 1, True, False),
    ],
)
async def test_when_a_certificate_is_sent(running: Any, asked: int, here_for: int, pending: bool, time: bool) -> None:
    gateway, _ = running
    connection = gateway.connection()
    connection.treatment = replace(connection.treatment, pending=pending)
    row = IssuedRow(1, CP_1, "pending", "x", "rsa", 0, "CSR", *[None] * 5, Instant(0), None, None)
    row = row._replace(asked_at=Instant(connection.since + asked * SECOND))
    gateway.clock.now = connection.since + here_for * SECOND
    assert _is_time(gateway.site, row) is time
    assert not _is_time(gateway.site, row._replace(station=StationId("CP-2")))


@pytest.mark.parametrize("asked_anew", [False, True])
async def test_what_never_left_waits_unless_the_station_has_asked_anew(tmp_path: Path, asked_anew: bool) -> None:
    async with bench(tmp_path) as gateway:
        await has_certificate(gateway, days=5, state="sent")
        chain = "PEM\n-----END CERTIFICATE-----\n"
        now = Instant(gateway.clock.now)

        def unit(db: Any) -> None:
            db.execute("UPDATE issued_certificates SET chain = ?, signing_request = 'CSR'", (chain,))
            if asked_anew:
                issued_certificates.ask(
                    db, CP_1, signing_request="CSR", common_name="x", algorithm="rsa", security_profile=0, now=now
                )

        await gateway.site.database.write(unit)
        for payload in ({"certificateChain": ""}, {"certificateChain": 7}, {"certificateChain": chain}):
            assert (await gateway.order("CertificateSigned", payload)).status == "not_connected"
            rows = await gateway.rows("SELECT state FROM issued_certificates ORDER BY certificate_id")
            if payload["certificateChain"] != chain:
                assert rows[0]["state"] == "sent"
        expected = ["failed", "pending"] if asked_anew else ["pending"]
        assert [row["state"] for row in rows] == expected


@pytest.mark.parametrize(
    ("written", "stored"),
    [("0A:1b", "a1b"), ("0x0a1b", "a1b"), ("A1B", "a1b"), ("00", ""), ("ab " * 32, "ab" * 32), ("0" * 64, "0" * 64)],
)
def test_serial_numbers_and_fingerprints_in_any_writing(written: str, stored: str) -> None:
    assert plain_hex(written) == stored


def test_the_daemon_starts_without_loading_cryptography() -> None:
    program = (
        "import sys, gateway.daemon, gateway.demo, gateway.web.application, gateway.terminal.commands_daemon\n"
        "print(sorted(name for name in sys.modules if name.startswith(('cryptography', 'gateway.pki.'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
