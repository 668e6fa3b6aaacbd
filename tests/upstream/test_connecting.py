"""How a link does not come about, and in which words; TLS and certificates. Against a real broker."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.model.links import Broker, NotLinked
from gateway.upstream.link import Connector, connect
from tests.fakes.certificate_maker import Authority, Pair, self_signed
from tests.fakes.mosquitto import Mosquitto, Tls, mosquitto
from tests.fakes.scripted_broker import Line, scripted_broker
from tests.upstream.linking import WILL, broker_at, heard, linked, open_files

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
LOOPBACK = "IP:127.0.0.1,DNS:localhost"
LONG_AGO = "20210101000000Z"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who vouches for the broker and for gateways."""
    return Authority(tmp_path / "authority")


@asynccontextmanager
async def secure_broker(tmp_path: Path, pair: Pair, client_ca: Path | None = None) -> AsyncIterator[Mosquitto]:
    """A broker that speaks TLS alone."""
    async with mosquitto(tmp_path / "broker", tls=Tls(pair.chain, pair.key, client_ca)) as broker:
        yield broker


async def refusal(broker: Broker, **terms: float) -> NotLinked:
    """Why there is no link; and nothing is left of the try."""
    files = open_files()
    with pytest.raises(NotLinked) as caught:
        await connect(broker, WILL, patience_seconds=terms.get("patience_seconds", 10))
    assert open_files() == files
    return caught.value


async def test_nobody_listens() -> None:
    told = await refusal(broker_at(1))
    assert told.reason == "cannot reach 127.0.0.1, port 1: connection refused"
    assert (told.refused, told.bad_credentials) == (False, False)


async def test_nobody_has_that_name() -> None:
    told = await refusal(broker_at(1, host="broker.invalid"))
    assert told.reason.startswith("cannot find broker.invalid: ")
    assert (await refusal(broker_at(1, host="no..name"))).reason == "no..name is not the name of a machine"


async def test_a_wrong_password_is_bad_credentials_and_a_right_one_is_read_anew(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("wrong")
    async with mosquitto(tmp_path / "broker", users={"gw": "right"}) as broker:
        known = broker_at(broker.port, username="gw", password_file=password)
        told = await refusal(known)
        assert told.reason == "the broker refuses us: not authorized"
        assert (told.refused, told.bad_credentials) == (True, True)
        assert (await refusal(broker_at(broker.port))).bad_credentials
        password.write_text("right\n")
        async with linked(known) as link:
            await link.publish("up/evt", b"x")


async def test_a_password_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    told = await refusal(broker_at(1, username="gw", password_file=missing))
    assert told.reason == f"cannot read {missing}: No such file or directory"
    missing.write_bytes(b"\xff")
    told = await refusal(broker_at(1, username="gw", password_file=missing))
    assert told.reason == f"{missing} is not text in UTF-8"


async def test_tls_with_an_authority_of_our_own(tmp_path: Path, authority: Authority) -> None:
    async with secure_broker(tmp_path, authority.issue("broker", names=LOOPBACK)) as broker:
        for host in ("127.0.0.1", "localhost"):
            async with linked(broker_at(broker.port, host=host, tls=True, ca=authority.file)) as link:
                await link.subscribe(["up/#"])
                for number in range(3):
                    await link.publish("up/evt", b"%d" % number * 300_000)
                assert [message.payload[-1:] for message in await heard(link, 3)] == [b"0", b"1", b"2"]


async def test_a_broker_whom_nobody_vouches_for(tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path / "other", "Other Root")
    async with secure_broker(tmp_path, authority.issue("broker", names=LOOPBACK)) as broker:
        told = await refusal(broker_at(broker.port, tls=True, ca=other.file))
        assert told.reason == "the broker's certificate is not accepted: unable to get local issuer certificate"
        assert not told.bad_credentials
        told = await refusal(broker_at(broker.port, tls=True))
        assert "is not accepted" in told.reason


async def test_a_broker_whose_certificate_has_expired(tmp_path: Path, authority: Authority) -> None:
    async with secure_broker(tmp_path, authority.issue("broker", names=LOOPBACK, end=LONG_AGO)) as broker:
        told = await refusal(broker_at(broker.port, tls=True, ca=authority.file))
        assert told.reason == (
            "the broker's certificate is not accepted: certificate has expired (is the clock of this machine right?)"
        )


async def test_a_broker_with_another_name(tmp_path: Path, authority: Authority) -> None:
    async with secure_broker(tmp_path, authority.issue("broker", names="DNS:elsewhere")) as broker:
        told = await refusal(broker_at(broker.port, tls=True, ca=authority.file))
        assert "IP address mismatch" in told.reason
        told = await refusal(broker_at(broker.port, tls=True, ca=authority.file, host="localhost"))
        assert "Hostname mismatch" in told.reason


async def test_tls_where_none_is_spoken_and_the_other_way_round(tmp_path: Path, authority: Authority) -> None:
    async with mosquitto(tmp_path / "plain") as broker:
        told = await refusal(broker_at(broker.port, tls=True, ca=authority.file))
        assert told.reason.startswith("the TLS handshake failed: ")
    async with secure_broker(tmp_path, authority.issue("broker", names=LOOPBACK)) as broker:
        told = await refusal(broker_at(broker.port))
        assert told.reason.startswith("the broker closed the connection instead of answering")


async def test_a_certificate_rotated_on_disk_is_shown_by_the_next_connection(
    tmp_path: Path, authority: Authority
) -> None:
    chain, key = tmp_path / "client.pem", tmp_path / "client.key"
    pair = authority.issue("broker", names=LOOPBACK)
    async with secure_broker(tmp_path, pair, client_ca=authority.file) as broker:
        known = broker_at(broker.port, tls=True, ca=authority.file, chain=chain, key_file=key)
        for name in ("gw-of-last-year", "gw-of-this-year"):
            shown = authority.issue(name)
            chain.write_bytes(shown.chain.read_bytes())
            key.write_bytes(shown.key.read_bytes())
            async with linked(known):
                assert f"u'{name}'" in broker.log_text()


async def test_a_broker_that_refuses_our_certificate(tmp_path: Path, authority: Authority) -> None:
    pair = authority.issue("broker", names=LOOPBACK)
    expired = authority.issue("gw", end=LONG_AGO)
    alone = self_signed(tmp_path / "alone", "gw")
    async with secure_broker(tmp_path, pair, authority.file) as broker:
        known = {"tls": True, "ca": authority.file}
        tries = [
            await refusal(broker_at(broker.port, **known, chain=expired.chain, key_file=expired.key)),
            await refusal(broker_at(broker.port, **known, chain=alone.chain, key_file=alone.key)),
            await refusal(broker_at(broker.port, **known)),
        ]
    for word, told in zip(("expired", "unknown ca", "required"), tries, strict=True):
        assert told.reason.startswith("the broker refuses our certificate: ") and word in told.reason
        assert (told.refused, told.bad_credentials, told.own_certificate) == (True, True, True)


async def test_a_broker_that_refuses_our_certificate_in_tls_12(tmp_path: Path, authority: Authority) -> None:
    pair, expired = authority.issue("broker", names=LOOPBACK), authority.issue("gw", end=LONG_AGO)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    context.load_cert_chain(pair.chain, pair.key)

    def shake_hands_once() -> None:
        accepted, _ = listener.accept()
        with accepted, suppress(ssl.SSLError):
            context.wrap_socket(accepted, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        known = broker_at(port, tls=True, ca=authority.file, chain=expired.chain, key_file=expired.key)
        served = asyncio.create_task(asyncio.to_thread(shake_hands_once))
        with pytest.raises(NotLinked, match=r"^the broker refuses our certificate: .* expired") as caught:
            await connect(known, WILL)
        await served
    assert caught.value.bad_credentials and caught.value.own_certificate


async def test_the_certificate_of_before_is_shown_while_a_renewed_one_is_at_fault(
    tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = Pair(tmp_path / "client.pem", tmp_path / "client.key")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.file.read_bytes())
    good, expired = authority.issue("gw"), authority.issue("gw", end=LONG_AGO, file="expired")
    connector = Connector()
    async with secure_broker(tmp_path, authority.issue("broker", names=LOOPBACK), authority.file) as broker:
        known = broker_at(broker.port, tls=True, ca=ca, chain=files.chain, key_file=files.key)

        async def with_pair(chain: Path, key: Path) -> str | None:
            shutil.copy(chain, files.chain)
            shutil.copy(key, files.key)
            link = await connector(known, WILL)
            await link.close()
            return link.renewal_trouble

        assert await with_pair(good.chain, good.key) is None
        assert not caplog.messages
        refused = await with_pair(expired.chain, expired.key)
        assert refused is not None and refused.startswith("the broker refuses our certificate: ")
        half_written = await with_pair(good.chain, expired.key)
        assert half_written is not None and "not a certificate and its unencrypted key" in half_written
        assert all("the client certificate of before is shown to 127.0.0.1" in text for text in caplog.messages)
        assert await with_pair(good.chain, good.key) is None
        files.chain.unlink()
        async with linked(known, fallback=connector._shown):
            pass
        ca.write_bytes(Authority(tmp_path / "other", "Other Root").file.read_bytes())
        with pytest.raises(NotLinked, match="cannot read"):  # the authority of before is not trusted any more
            await connector(known, WILL)


async def test_files_for_tls_that_cannot_be_used(tmp_path: Path, authority: Authority) -> None:
    missing, rubbish = tmp_path / "missing.pem", tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    one, other = authority.issue("one"), authority.issue("other")
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        b"00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n"
    )

    async def told(**files: Path) -> str:
        return (await refusal(broker_at(1, tls=True, **files))).reason

    assert await told(ca=missing) == f"cannot read {missing}: No such file or directory"
    assert await told(ca=rubbish) == f"{rubbish} holds no certificate in PEM format"
    assert await told(chain=missing) == f"cannot read {missing}: No such file or directory"
    for chain, key in ((one.chain, rubbish), (rubbish, one.key), (one.chain, other.key), (one.chain, locked)):
        assert (await told(chain=chain, key_file=key)).startswith(
            f"{chain} and {key}: not a certificate and its unencrypted key: "
        )


def test_nobody_is_asked_for_the_password_of_a_key(tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:secret", "-subj", "/CN=gw",
         "-keyout", str(locked), "-out", str(tmp_path / "gw.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    program = (
        "import asyncio; from pathlib import Path; from tests.upstream.linking import WILL, broker_at, connect\n"
        f"shown = {{'chain': Path('{tmp_path}/gw.pem'), 'key_file': Path('{locked}')}}\n"
        "asyncio.run(connect(broker_at(1, tls=True, **shown), WILL))"
    )
    started = ["script", "-qec", shlex.join([sys.executable, "-c", program]), "/dev/null"]  # on a terminal
    done = subprocess.run(
        started, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
    )
    assert "NotLinked" in done.stdout and "unencrypted key" in done.stdout
    assert "pass phrase" not in done.stdout


async def test_only_a_certificate_at_fault_is_tried_a_second_time(tmp_path: Path, authority: Authority) -> None:
    password = tmp_path / "password"
    password.write_text("right")
    pair = authority.issue("broker", names=LOOPBACK)
    tls = Tls(pair.chain, pair.key)
    async with mosquitto(tmp_path / "broker", tls=tls, users={"gw": "right"}) as broker:
        known = broker_at(broker.port, tls=True, ca=authority.file, username="gw", password_file=password)
        connector = Connector()
        await (await connector(known, WILL)).close()
        before = broker.log_text().count("New connection")
        password.write_text("wrong")
        with pytest.raises(NotLinked, match="not authorized"):
            await connector(known, WILL)
        assert broker.log_text().count("New connection") == before + 1


async def test_messages_that_share_a_tls_record_all_arrive(authority: Authority) -> None:
    pair = authority.issue("broker", names=LOOPBACK)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)

    async def script(line: Line) -> None:
        await line.greet()
        await line.say_at_once(*(b"\x00\x01t\x00%d" % number for number in range(5)))
        await line.until_hung_up()

    async with (
        scripted_broker(script, context) as port,
        linked(broker_at(port, tls=True, ca=authority.file)) as link,
    ):
        assert [message.payload for message in await heard(link, 5)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_the_key_may_stand_in_the_file_of_the_chain(tmp_path: Path, authority: Authority) -> None:
    shown = authority.issue("gw")
    both = tmp_path / "both.pem"
    both.write_bytes(shown.chain.read_bytes() + shown.key.read_bytes())
    pair = authority.issue("broker", names=LOOPBACK)
    async with (
        secure_broker(tmp_path, pair, client_ca=authority.file) as broker,
        linked(broker_at(broker.port, tls=True, ca=authority.file, chain=both)),
    ):
        assert "u'gw'" in broker.log_text()


async def test_the_next_address_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with mosquitto(tmp_path / "broker") as broker:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo("127.0.0.1", broker.port)
        unreachable = await loop.getaddrinfo("127.0.0.1", 1)

        async def two_addresses(*_: object, **__: object) -> object:
            return [unreachable[0], found[0]]

        monkeypatch.setattr(loop, "getaddrinfo", two_addresses)
        async with linked(broker_at(broker.port, host="two.example")) as link:
            await link.publish("up/evt", b"x")
