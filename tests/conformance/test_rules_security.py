"""Rules 2.9 of passwords, security profiles and TLS, and rules 2.1 of who is let in, over TLS."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from gateway.model.identities import CommandId, StationId
from gateway.operations.keep_authority import make_station_certificate, renew_authority, revoke
from gateway.store import commands, security_changes
from gateway.store.passwords import hash_password
from gateway.store.writing import Writing
from tests.conformance.secured_site import BETTER, GOOD, NEW, OLD, SUITES, boots, put, secured, suite_context
from tests.conformance.site_under_test import bench
from tests.fakes.certificate_maker import Authority, Pair, self_signed


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@pytest.mark.parametrize("profile", [1, 2])
async def test_rule_2_9_2_credentials_are_asked_for_before_the_upgrade(
    tmp_path: Path, authority: Authority, profile: int
) -> None:
    tls = {"tls": authority.client_context()} if profile == 2 else {}
    async with secured(tmp_path, authority, profile) as gateway:
        assert await gateway.refusal(**tls) == 401
        assert await gateway.refusal(credentials=("CP-2", GOOD[1]), **tls) == 401
        assert await gateway.events("station.connected") == []


async def test_rule_2_9_1_a_lower_profile_is_never_followed(tmp_path: Path, authority: Authority) -> None:
    tls = authority.client_context()
    async with secured(tmp_path, authority, 2) as gateway:
        async with gateway.station(credentials=GOOD, tls=tls) as station:
            change = {"key": "SecurityProfile", "value": "1"}
            _, outcome = await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "Accepted"})
            assert outcome.warning is not None and "does not lower it" in outcome.warning
        assert await gateway.refusal(credentials=GOOD) == 403
        async with gateway.station(credentials=GOOD, tls=tls):
            pass


@pytest.mark.parametrize(
    "answer",
    [{"status": "Rejected"}, {"status": "NotSupported"}, "CALLERROR"],
    ids=["rejected", "unsupported", "error"],
)
async def test_rule_2_9_4_a_refused_password_changes_nothing(
    tmp_path: Path, authority: Authority, answer: object
) -> None:
    async with secured(tmp_path, authority, 1) as gateway:
        async with gateway.station(credentials=GOOD) as station:
            change = {"key": "AuthorizationKey", "value": NEW}
            order = asyncio.create_task(gateway.order("ChangeConfiguration", change))
            await station.expect("ChangeConfiguration")
            if answer == "CALLERROR":
                await station.refuse("InternalError", f"not {NEW}")
            else:
                await station.answer(answer)
            await order
        assert await gateway.refusal(credentials=BETTER) == 401
        async with gateway.station(credentials=GOOD):
            pass


@pytest.mark.parametrize(("used", "other"), [(BETTER, GOOD), (GOOD, BETTER)], ids=["new", "old"])
async def test_rule_2_9_4_after_a_lost_answer_the_password_that_is_used_wins(
    tmp_path: Path, authority: Authority, used: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    async with secured(tmp_path, authority, 1) as gateway, gateway.station(credentials=GOOD) as station:
        order = asyncio.create_task(gateway.order("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW}))
        await station.expect("ChangeConfiguration")
        station.cut()
        assert (await order).status == "unanswered"
    async with secured(tmp_path, authority, 1) as gateway:
        async with gateway.station(credentials=used) as station:
            await station.boots()
        assert await gateway.refusal(credentials=other) == 401
        async with gateway.station(credentials=used):
            pass


async def test_rule_2_9_4_an_accepted_password_ends_all_that_were_sent_before(
    tmp_path: Path, authority: Authority
) -> None:
    reboot = "aa" * 16
    async with secured(tmp_path, authority, 1) as gateway:
        async with gateway.station(credentials=GOOD) as station:
            for value, status in ((reboot, "RebootRequired"), (NEW, "Accepted")):
                change = {"key": "AuthorizationKey", "value": value}
                await gateway.sends(station, "ChangeConfiguration", change, answered={"status": status})
        assert await gateway.refusal(credentials=("CP-1", bytes.fromhex(reboot))) == 401
        async with gateway.station(credentials=BETTER):
            pass


async def test_rule_2_9_4_a_change_that_the_gateway_did_not_survive_is_a_lost_answer(
    tmp_path: Path, authority: Authority
) -> None:
    hashed = await asyncio.to_thread(hash_password, bytes.fromhex(NEW))
    async with secured(tmp_path, authority, 1) as gateway:
        now, station, command = gateway.clock(), StationId("CP-1"), CommandId("c-1")

        def unit(db: Writing) -> None:
            asked = {"key": "AuthorizationKey", "value": "***"}
            commands.accept(db, command, station, action="ChangeConfiguration", request=asked, actor="test", now=now)
            security_changes.expect_password(db, station, command, hashed, now=now)

        await gateway.site.database.write(unit)
    async with secured(tmp_path, authority, 1) as gateway:
        (change,) = await security_changes.read_of_station(gateway.site.readers, "CP-1")
        assert change.answer == "lost"
        async with gateway.station(credentials=GOOD):
            pass
        assert await gateway.refusal(credentials=BETTER) == 401


async def test_rule_2_9_4_a_password_that_needs_a_reboot_counts_beside_the_old_one(
    tmp_path: Path, authority: Authority
) -> None:
    async with secured(tmp_path, authority, 1) as gateway:
        async with gateway.station(credentials=GOOD) as station:
            change = {"key": "authorizationkey", "value": NEW}
            await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "RebootRequired"})
        for _ in range(2):  # the network fails before the reboot
            async with gateway.station(credentials=GOOD) as station:
                await station.boots()
        async with gateway.station(credentials=BETTER) as station:
            await station.boots()
        assert await gateway.refusal(credentials=GOOD) == 401


@pytest.mark.parametrize("answer", ["RebootRequired", "lost"])
async def test_rule_2_9_1_both_profiles_count_until_the_new_one_was_used(
    tmp_path: Path, authority: Authority, answer: str
) -> None:
    tls = authority.client_context()
    async with secured(tmp_path, authority, 1) as gateway:
        async with gateway.station(credentials=GOOD) as station:
            order = asyncio.create_task(gateway.order("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}))
            await station.expect("ChangeConfiguration")
            if answer == "lost":
                station.cut()
            else:
                await station.answer({"status": answer})
            await order
        async with gateway.station(credentials=GOOD) as station:  # it falls back (A05.FR.08)
            await station.boots()
        async with gateway.station(credentials=GOOD, tls=tls) as station:
            await station.boots()
        assert await gateway.refusal(credentials=GOOD) == 403


async def test_rule_2_9_1_a_refused_upgrade_changes_nothing(tmp_path: Path, authority: Authority) -> None:
    async with secured(tmp_path, authority, 1) as gateway:
        async with gateway.station(credentials=GOOD) as station:
            change = {"key": "SecurityProfile", "value": "2"}
            await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "Rejected"})
        assert await gateway.refusal(credentials=GOOD, tls=authority.client_context()) == 403


async def test_rule_2_9_1_plain_and_encrypted_are_not_interchangeable(tmp_path: Path, authority: Authority) -> None:
    certificate = authority.client_context(authority.issue("CP-1"))
    for profile in (0, 1):
        directory = tmp_path / str(profile)
        directory.mkdir()
        async with secured(directory, authority, profile) as gateway:
            assert await gateway.refusal(credentials=GOOD, tls=authority.client_context()) == 403
            assert await gateway.refusal(credentials=GOOD, tls=certificate) == 403
    for profile in (2, 3):
        directory = tmp_path / str(profile)
        directory.mkdir()
        async with secured(directory, authority, profile) as gateway:
            assert await gateway.refusal(credentials=GOOD) == 403
            assert await gateway.refusal() == 403


@pytest.mark.parametrize("suite", SUITES)
async def test_rule_2_9_5_rsa_key_exchange_is_for_the_certification_only(
    tmp_path: Path, authority: Authority, suite: str
) -> None:
    async with secured(tmp_path, authority, 2, cipher_set="modern") as gateway:
        tls = suite_context(authority, suite)
        if suite.startswith("ECDHE"):
            async with gateway.station(credentials=GOOD, tls=tls):
                return
        assert await gateway.refusal(credentials=GOOD, tls=tls) == 0
        told = await gateway.eventually_event("gateway.security_event")
        assert (told["type"], told["address"]) == ("InvalidTLSCipherSuite", "127.0.0.1")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_rule_2_9_5_old_versions_of_tls_are_refused(tmp_path: Path, authority: Authority) -> None:
    tls = authority.client_context()
    tls.set_ciphers("ALL@SECLEVEL=0")
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    async with secured(tmp_path, authority, 2) as gateway:
        assert await gateway.refusal(credentials=GOOD, tls=tls) == 0
        assert (await gateway.eventually_event("gateway.security_event"))["type"] == "InvalidTLSVersion"


async def test_rule_2_9_6_what_a_certificate_must_say(tmp_path: Path, authority: Authority) -> None:
    """O contains the operator's name where that is asked for; CN is the identity or a known serial number."""
    by_serial = authority.client_context(authority.issue("SN-77", organization="Grid & Sons"))
    async with secured(tmp_path, authority, 3) as gateway:
        assert await gateway.refusal(tls=by_serial) == 403
        async with gateway.station(tls=authority.client_context(authority.issue("CP-1"))) as station:
            await station.boots(chargePointSerialNumber="SN-77")
        async with gateway.station(tls=by_serial):
            pass
        await put(gateway, "CP-1", {"certificate_organization": "Our Fleet"})
        assert await gateway.refusal(tls=by_serial) == 403
        await put(gateway, "CP-1", {"certificate_organization": "grid"})
        async with gateway.station(tls=by_serial):
            pass
        await put(gateway, "CP-1", {"certificate_organization": None, "certificate_common_name": "FACTORY"})
        async with gateway.station(tls=authority.client_context(authority.issue("FACTORY"))):
            pass
        # what names another station is that station's, also when the serial number says otherwise
        await put(gateway, "SN-77", {})
        assert await gateway.refusal(tls=by_serial) == 403


REFUSED = {
    "another station's": "the certificate belongs to 'CP-2'",
    "expired": "certificate has expired",
    "not yet valid": "certificate is not yet valid",
    "wrong authority": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate",
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_rule_2_9_11_a_certificate_that_is_refused_is_told(
    tmp_path: Path, authority: Authority, kind: str
) -> None:
    match kind:
        case "another station's":
            shown = authority.issue("CP-2")
        case "expired":
            shown = authority.issue("CP-1", end="20210101000000Z", file="expired")
        case "not yet valid":
            shown = authority.issue("CP-1", begin="20480101000000Z", file="future")
        case "wrong authority":
            shown = Authority(tmp_path / "other", "Other Root").issue("CP-1")
        case _:
            shown = self_signed(tmp_path, "CP-1")
    async with secured(tmp_path, authority, 3) as gateway:
        status = await gateway.refusal(tls=authority.client_context(shown))
        assert status == (403 if kind == "another station's" else 0)
        told = await gateway.eventually_event("gateway.security_event")
        assert (told["type"], told["address"]) == ("InvalidChargePointCertificate", "127.0.0.1")
        assert REFUSED[kind] in told["tech_info"]
        if status:
            (row,) = await gateway.rows("SELECT station FROM events WHERE kind = 'gateway.security_event'")
            assert row["station"] == "CP-1"
        async with gateway.station(tls=authority.client_context(authority.issue("CP-1"))) as station:
            await boots(station)


async def test_rule_2_9_6_the_sites_own_authority_is_trusted_at_once_and_may_revoke(
    tmp_path: Path, authority: Authority
) -> None:
    async with secured(tmp_path, authority, 2) as gateway:
        async with gateway.station(credentials=GOOD, tls=authority.client_context()) as station:
            change = {"key": "SecurityProfile", "value": "3"}
            _, outcome = await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "Accepted"})
            assert outcome.warning is None  # client_ca may have signed one
        made = await make_station_certificate(
            gateway.site, "CP-1", common_name="CP-1", algorithm="ecdsa", actor="tester"
        )
        assert made is not None
        pair = Pair(tmp_path / "made.pem", tmp_path / "made.key")
        pair.chain.write_text(made.chain)
        pair.key.write_text(made.key)
        async with gateway.station(tls=authority.client_context(pair)):
            assert gateway.connection().proof.profile == 3
        assert await revoke(gateway.site, str(made.facts["fingerprint"]), reason="lost", actor="tester") == ["CP-1"]
        assert await gateway.refusal(tls=authority.client_context(pair)) == 403
        assert (await gateway.eventually_event("gateway.security_event"))["tech_info"] == "the certificate was revoked"
        await renew_authority(gateway.site, actor="tester")  # the next generation, while the port is open
        renewed = await make_station_certificate(
            gateway.site, "CP-1", common_name="CP-1", algorithm="rsa", actor="tester"
        )
        assert renewed is not None
        pair.chain.write_text(renewed.chain)
        pair.key.write_text(renewed.key)
        async with gateway.station(tls=authority.client_context(pair)):
            pass


async def test_rule_2_9_11_refused_logins_are_told(tmp_path: Path, authority: Authority) -> None:
    async with secured(tmp_path, authority, 2) as gateway:
        tls = authority.client_context()
        assert await gateway.refusal(credentials=BETTER, tls=tls) == 401
        assert await gateway.refusal(credentials=GOOD) == 403
        await gateway.site.database.write(lambda db: None)  # what was told is stored
        told = {event["type"]: event["tech_info"] for event in await gateway.events("gateway.security_event")}
        assert told == {
            "FailedToAuthenticateAtCentralSystem": "wrong password",
            "WrongSecurityProfile": "this station must connect with TLS",
        }
        counted = {
            labels: value for name, labels, value in gateway.site.health.counters.snapshot() if "refused" in name
        }
        assert counted == {
            (("reason", "FailedToAuthenticateAtCentralSystem"),): 1,
            (("reason", "WrongSecurityProfile"),): 1,
        }


async def test_rule_2_1_3_the_order_of_refusals_is_the_same_over_tls(tmp_path: Path, authority: Authority) -> None:
    tls = authority.client_context()
    async with secured(tmp_path, authority, 2) as gateway:
        assert await gateway.refusal("NOBODY", tls=tls, subprotocols=()) == 404
        assert await gateway.refusal(tls=tls, subprotocols=()) == 401
        assert await gateway.refusal(tls=tls, credentials=GOOD, subprotocols=("ocpp2.0.1",)) == 400


async def test_rule_2_9_3_the_password_is_bytes_over_tls_too(tmp_path: Path, authority: Authority) -> None:
    """Its hexadecimal text is accepted where a switch allows it, and is shown as a quirk."""
    tls = authority.client_context()
    async with secured(tmp_path, authority, 2) as gateway:
        async with gateway.station(tls=tls, credentials=("CP-1", OLD.encode())):
            assert "hex_password" in gateway.quirks()
        await put(gateway, "CP-1", {"accept_hex_password": False})
        assert await gateway.refusal(tls=tls, credentials=("CP-1", OLD.encode())) == 401


async def test_rule_2_1_1_another_identity_of_the_same_station_over_tls(tmp_path: Path, authority: Authority) -> None:
    async with secured(tmp_path, authority, 3) as gateway:
        await put(gateway, "CP-1", {"aliases": ["OLD-NAME"]})
        for common_name in ("CP-1", "OLD-NAME"):
            tls = authority.client_context(authority.issue(common_name))
            async with gateway.station("OLD-NAME", tls=tls):
                assert gateway.is_connected("CP-1")


@pytest.mark.parametrize("policy", ["accept", "pending"])
async def test_rule_2_1_2_a_newcomer_over_tls_needs_a_certificate_of_its_name(
    tmp_path: Path, authority: Authority, policy: str
) -> None:
    more = f'[ocpp.tls]\nport = 0\nclient_ca = "{authority.file}"\ncertificates = [{authority.issue("x").toml()}]\n'
    own = authority.client_context(authority.issue("NEW"))
    own.check_hostname = False
    nameless = authority.client_context()
    nameless.check_hostname = False
    async with bench(tmp_path, ocpp=f'unknown_stations = "{policy}"', more=more) as gateway:
        assert await gateway.refusal("NEW", tls=nameless) == 404
        assert await gateway.refusal("OTHER", tls=own) == 404
        assert {row["station"] for row in await gateway.rows("SELECT station FROM knocks")} == {"NEW", "OTHER"}
        async with gateway.station("NEW", tls=own) as station:
            assert (await station.boots())["status"] == ("Accepted" if policy == "accept" else "Pending")
        assert await gateway.refusal("NEW") == 403
