"""Rules 2.9.6 to 2.9.8: who gets which certificate, how it reaches the station, and what stations have installed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.operations.carry_out_commands import carry_out
from gateway.store import issued_certificates
from tests.conformance.site_under_test import CERTIFICATION, STATION, Bench, bench
from tests.fakes.openssl_workshop import Workshop, blocks
from tests.fakes.scripted_station import CallError, ScriptedStation

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}
TWO = f'{STATION}aliases = ["OLD-1"]\n[[station]]\nid = "CP-2"\naliases = ["OLD-2"]\n'


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def key(workshop: Workshop) -> Path:
    return workshop.key("ec:prime256v1")


@pytest.fixture(scope="module")
def request_for(workshop: Workshop, key: Path) -> Callable[[str], str]:
    return lambda name: workshop.request(f"/CN={name}", key)


async def certificates(gateway: Bench) -> list[dict[str, Any]]:
    return await gateway.rows("SELECT * FROM issued_certificates ORDER BY certificate_id")


async def states(gateway: Bench) -> list[str]:
    return [row["state"] for row in await certificates(gateway)]


async def settled(gateway: Bench, count: int = 1) -> list[dict[str, Any]]:
    """What became of `count` certificates, once it is known."""
    seen = 0
    async with asyncio.timeout(5):
        while len(found := await gateway.events("certificate.settled")) < count:
            seen = await gateway.site.journal_signal.newer_than(seen)
    return found


# 2.9.7: SignCertificate and CertificateSigned


async def test_rule_2_9_07_the_answer_comes_first_and_the_certificate_is_a_request_of_its_own(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str]
) -> None:
    before = len(station.texts)
    assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
    await station.expect("CertificateSigned")
    kinds = [json.loads(text)[0] for text in station.texts[before:]]
    assert kinds == [3, 2]
    await station.answer(ACCEPTED)
    assert (await settled(gateway))[0]["state"] == "accepted"


async def test_rule_2_9_07_also_when_the_station_wants_its_answers_late(
    tmp_path: Path, request_for: Callable[[str], str]
) -> None:
    async with (
        bench(tmp_path, more=f"{STATION}answer_delay_ms = 300\n") as gateway,
        gateway.station() as station,
    ):
        before = len(station.texts)
        assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
        await station.expect("CertificateSigned")
        assert [json.loads(text)[0] for text in station.texts[before:]] == [3, 2]
        await station.answer(ACCEPTED)


async def test_rule_2_9_07_nothing_is_resent(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str]
) -> None:
    for number, answered in enumerate([REJECTED, {"status": "Perhaps"}, CallError("NotSupported", "", {})], 1):
        assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
        await station.expect("CertificateSigned")
        if isinstance(answered, CallError):
            await station.refuse(answered.code)
        else:
            await station.answer(answered)
        await settled(gateway, number)
    assert await states(gateway) == ["refused", "unknown", "refused"]
    reasons = [row["reason"] for row in await certificates(gateway)]
    assert reasons[0] == "the station answered Rejected" and reasons[2].endswith("NotSupported")
    assert station.requests.empty()


async def test_rule_2_9_07_an_answer_that_never_comes_is_unknown(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str]
) -> None:
    gateway.wait_for_answers(seconds=0.05)
    assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
    await station.expect("CertificateSigned")
    assert (await settled(gateway))[0]["state"] == "unknown"


@pytest.mark.parametrize("length", [5501, 20_000])
async def test_rule_2_9_07_a_request_that_is_too_long_is_refused(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str], length: int
) -> None:
    request = request_for("SN-1")
    answer = await station.say("SignCertificate", {"csr": request + " " * (length - len(request))})
    assert answer == REJECTED or isinstance(answer, CallError)
    assert await certificates(gateway) == []


@pytest.mark.parametrize("csr", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
async def test_rule_2_9_07_what_cannot_be_processed_is_rejected_and_the_journal_says_why(
    gateway: Bench, station: ScriptedStation, csr: str
) -> None:
    assert await station.say("SignCertificate", {"csr": csr}) == REJECTED
    (told,) = await gateway.events("certificate.requested")
    assert (told["status"], bool(told["reason"])) == ("Rejected", True)
    assert await certificates(gateway) == []


async def test_rule_2_9_07_a_chain_that_is_too_long_for_the_station_goes_without_its_issuer(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str]
) -> None:
    keys = [{"key": "CertificateSignedMaxChainSize", "readonly": True, "value": "1200"}]
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})
    assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
    chain = (await station.expect("CertificateSigned"))["certificateChain"]
    assert len(chain) <= 1200 and len(blocks(chain)) == 1
    await station.answer(ACCEPTED)
    assert (await settled(gateway))[0]["state"] == "accepted"


async def test_rule_2_9_07_one_at_a_time_and_the_newest_request_counts(
    gateway: Bench, station: ScriptedStation, workshop: Workshop
) -> None:
    """A station that loses patience makes a new key pair: a certificate for the old one is of no use to it."""
    keys = [workshop.key("ec:prime256v1") for _ in range(3)]
    requests = [workshop.request("/CN=SN-1", one) for one in keys]
    assert await station.say("SignCertificate", {"csr": requests[0]}) == ACCEPTED
    await station.expect("CertificateSigned")
    for request in requests[1:]:
        assert await station.say("SignCertificate", {"csr": request}) == ACCEPTED
    assert await states(gateway) == ["sent", "pending"]
    await station.answer(ACCEPTED)
    await station.expect("CertificateSigned")
    await station.answer(ACCEPTED)
    await settled(gateway, 2)
    assert await states(gateway) == ["accepted", "accepted"]


async def test_rule_2_9_07_a_station_that_asks_again_and_again_fills_nothing(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str]
) -> None:
    request = request_for("SN-1")
    for number in range(1, 21):
        assert await station.say("SignCertificate", {"csr": request}) == ACCEPTED
        await station.expect("CertificateSigned")
        await station.answer(REJECTED)
        await settled(gateway, number)
    for _ in range(20):
        assert await station.say("SignCertificate", {"csr": request}) == REJECTED
    assert len(await certificates(gateway)) == 20
    told = await gateway.events("certificate.requested")
    assert [one["status"] for one in told] == ["Accepted"] * 20 + ["Rejected"]
    gateway.clock.forward(hours=1)
    assert await station.say("SignCertificate", {"csr": request}) == ACCEPTED
    await station.expect("CertificateSigned")
    await station.answer(ACCEPTED)


async def test_rule_2_9_07_a_station_that_was_away_gets_its_certificate_once_when_it_is_back(
    tmp_path: Path, request_for: Callable[[str], str]
) -> None:
    """Also over a restart of the gateway: the request is in the database."""
    async with bench(tmp_path) as gateway:
        async with gateway.station() as station:
            await station.boots()
        await gateway.gone()
        now = gateway.clock()

        def ask(db: Any) -> None:
            issued_certificates.ask(
                db, StationId("CP-1"), signing_request=request_for("SN-1"), common_name="SN-1", algorithm="ecdsa",
                security_profile=0, now=now,
            )  # fmt: skip

        await gateway.site.database.write(ask)
        clock = gateway.clock
    clock.forward(hours=3)
    async with bench(tmp_path, clock=clock) as gateway, gateway.station() as station:
        assert await states(gateway) == ["pending"]
        await station.boots()
        assert station.requests.empty()
        clock.forward(seconds=20)
        await station.expect("CertificateSigned")
        await station.answer(ACCEPTED)
        await settled(gateway)
        assert await states(gateway) == ["accepted"]


async def test_rule_2_9_07_what_was_on_its_way_when_the_gateway_stopped_is_unknown(
    tmp_path: Path, request_for: Callable[[str], str]
) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
        await station.expect("CertificateSigned")
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        assert await states(gateway) == ["unknown"]
        assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
        await station.expect("CertificateSigned")
        await station.answer(ACCEPTED)


async def test_an_authority_that_cannot_be_used_is_told(
    gateway: Bench, station: ScriptedStation, request_for: Callable[[str], str]
) -> None:
    directory = gateway.site.configuration.data.directory / "pki"
    directory.mkdir(mode=0o700)
    (directory / "authority-0001.pem").write_text("nonsense")
    assert await station.say("SignCertificate", {"csr": request_for("SN-1")}) == ACCEPTED
    (told,) = await settled(gateway)
    assert told["state"] == "failed" and "authority-0001.pem" in told["reason"]
    assert await station.shows(1, "Available") == {}  # all else goes on


async def test_a_certificate_sent_by_hand_is_nobodys_request(
    gateway: Bench, station: ScriptedStation, workshop: Workshop, key: Path
) -> None:
    wanted = {"certificateChain": workshop.root("/CN=By hand", key)}
    got, outcome = await gateway.sends(station, "CertificateSigned", wanted, answered=REJECTED)
    assert (got, outcome.response) == (wanted, REJECTED)
    assert await certificates(gateway) == []


# 2.9.6: whose name


@pytest.mark.parametrize("name", ["CP-2", "cp-2", "OLD-2", "SN-2"])
async def test_rule_2_9_06_nobody_gets_a_certificate_in_the_name_of_another_station(
    tmp_path: Path, request_for: Callable[[str], str], name: str
) -> None:
    async with bench(tmp_path, more=TWO) as gateway:
        async with gateway.station("CP-2") as other:
            await other.boots(chargePointSerialNumber="SN-2")
        async with gateway.station() as station:
            await station.boots(chargePointSerialNumber="SN-2")  # a serial number is easily told
            assert await station.say("SignCertificate", {"csr": request_for(name)}) == REJECTED
        (told,) = await gateway.events("certificate.requested")
        assert "another station's" in told["reason"] and told["common_name"] == name


@pytest.mark.parametrize("name", ["CP-1", "OLD-1", "SN-1", "4711"])
async def test_rule_2_9_06_its_own_names_and_what_nobody_else_is_called_are_kept(
    tmp_path: Path, request_for: Callable[[str], str], name: str
) -> None:
    async with bench(tmp_path, more=TWO) as gateway, gateway.station() as station:
        await station.boots(chargePointSerialNumber="SN-1")
        assert await station.say("SignCertificate", {"csr": request_for(name)}) == ACCEPTED
        await station.expect("CertificateSigned")
        await station.answer(ACCEPTED)
        await settled(gateway)
        assert [row["common_name"] for row in await certificates(gateway)] == [name]


async def test_rule_2_9_06_a_station_that_is_not_accepted_gets_none(
    tmp_path: Path, request_for: Callable[[str], str]
) -> None:
    policy = f'{CERTIFICATION}\nunknown_stations = "pending"'
    async with bench(tmp_path, ocpp=policy, more="") as gateway, gateway.station("STRANGER") as station:
        assert (await station.boots())["status"] == "Pending"
        assert await station.say("SignCertificate", {"csr": request_for("STRANGER")}) == REJECTED
        assert await certificates(gateway) == []


# 2.9.8: installed certificates

ROOT = "CentralSystemRootCertificate"


def named(serial: str, **changes: str) -> dict[str, str]:
    data = {"hashAlgorithm": "SHA256", "issuerNameHash": "AbCd", "issuerKeyHash": "eF01", "serialNumber": serial}
    return {**data, **changes}


async def tells(gateway: Bench, station: ScriptedStation, answered: object, *, kind: str = ROOT) -> None:
    await gateway.sends(station, "GetInstalledCertificateIds", {"certificateType": kind}, answered=answered)


async def serials(gateway: Bench) -> list[object]:
    return [one["serial_number"] for one in await gateway.installed()]


async def test_rule_2_9_08_hash_data_is_kept_in_the_stations_letters_and_compared_without(
    gateway: Bench, station: ScriptedStation
) -> None:
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [named("0aF"), named("0B")]})
    assert await serials(gateway) == ["0aF", "0B"]
    shouted = {name: text.upper() for name, text in named("AF").items()}
    await gateway.sends(station, "DeleteCertificate", {"certificateHashData": shouted}, answered=ACCEPTED)
    assert await serials(gateway) == ["0B"]


@pytest.mark.parametrize(
    ("answered", "left"),
    [
        ({"status": "Accepted"}, []),
        ({"status": "Success"}, []),
        ({"status": "NotFound"}, []),
        ({"status": "Failed"}, ["1"]),
        ({"status": "Whatever"}, ["1"]),
    ],
)
async def test_rule_2_9_08_answers_to_a_deletion(
    gateway: Bench, station: ScriptedStation, answered: object, left: list[str]
) -> None:
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [named("1")]})
    await gateway.sends(station, "DeleteCertificate", {"certificateHashData": named("1")}, answered=answered)
    assert await serials(gateway) == left


@pytest.mark.parametrize(
    "answered", [{"status": "NotFound"}, {"status": "Accepted", "certificateHashData": []}, {"status": "Accepted"}]
)
async def test_rule_2_9_08_no_list_and_an_empty_one_mean_nothing_is_installed(
    gateway: Bench, station: ScriptedStation, answered: object
) -> None:
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [named("1")]})
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [named("2")]}, kind="ManufacturerRootCertificate")
    await tells(gateway, station, answered)
    assert await serials(gateway) == ["2"]


async def test_rule_2_9_08_an_answer_that_says_nothing_changes_nothing(
    gateway: Bench, station: ScriptedStation
) -> None:
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [named("1")]})
    await tells(gateway, station, {"status": "Perhaps"})
    order = gateway.order("GetInstalledCertificateIds", {"certificateType": ROOT})
    waiting = asyncio.create_task(order)
    await station.expect("GetInstalledCertificateIds")
    await station.refuse("NotSupported")
    await waiting
    assert await serials(gateway) == ["1"]


async def test_rule_2_9_08_deleting_the_last_root_by_hand_is_done_and_warned_of(
    gateway: Bench, station: ScriptedStation
) -> None:
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [named("1"), named("2")]})
    _, first = await gateway.sends(station, "DeleteCertificate", {"certificateHashData": named("1")}, answered=ACCEPTED)
    got, last = await gateway.sends(
        station, "DeleteCertificate", {"certificateHashData": named("2")}, answered=ACCEPTED
    )
    assert first.warning is None
    assert got == {"certificateHashData": named("2")}
    assert last.warning is not None and "last CentralSystemRootCertificate" in last.warning


async def test_roots_that_were_sent_are_known_by_name_when_the_station_tells_their_hashes(
    gateway: Bench, station: ScriptedStation, workshop: Workshop, key: Path
) -> None:
    from gateway.pki.certificate_facts import certificates_in, issuer_name_hashes, serial_text

    root = workshop.root("/CN=Known root", key)
    wanted = {"certificateType": ROOT, "certificate": root}
    await gateway.sends(station, "InstallCertificate", wanted, answered=ACCEPTED)
    (certificate,) = certificates_in(root)
    hashes, serial = issuer_name_hashes(certificate), serial_text(certificate.serial_number)
    told = [
        named("00" + serial.upper(), hashAlgorithm=algorithm, issuerNameHash=hashes[algorithm].upper())
        for algorithm in ("SHA256", "SHA512")
    ]
    await tells(gateway, station, {**ACCEPTED, "certificateHashData": [*told, named("77")]})
    assert [one["subject"] for one in await gateway.installed()] == ["CN=Known root", None, "CN=Known root"]


@pytest.mark.parametrize("certificate", ["", "nonsense", 7])
async def test_what_is_no_certificate_goes_out_as_the_operator_wrote_it(gateway: Bench, certificate: object) -> None:
    async with gateway.station(free_payloads=True) as station:
        wanted = {"certificateType": ROOT, "certificate": certificate}
        got, outcome = await gateway.sends(station, "InstallCertificate", wanted, answered=REJECTED)
        assert (got, outcome.response) == (wanted, REJECTED)
    assert await gateway.rows("SELECT 1 FROM roots_sent") == []


async def test_a_station_that_is_not_connected_is_no_reason_to_lose_a_request(gateway: Bench) -> None:
    outcome = await carry_out(
        gateway.site, station="CP-1", action="DeleteCertificate", payload={"certificateHashData": 7}, actor="tester"
    )
    assert outcome.status == "not_connected"
