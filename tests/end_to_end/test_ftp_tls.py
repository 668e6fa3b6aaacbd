"""Explicit FTPS: certificates of the configuration or the gateway's own, pipelining, and plain FTP beside it."""

from __future__ import annotations

import ftplib
import io
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.running_ftpd import RunningFtpd, running_ftpd
from tests.end_to_end.running_gateway import wait_until
from tests.fakes.certificate_maker import Authority, Pair

pytestmark = pytest.mark.slow

FETCH = "fetch-k3x9q2"
GIVE = "give-7d1m0p"
NAME = "EVSE_1.2.3.bin"
_CONTENT = bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki") / "ca")


@pytest.fixture(scope="module")
def pairs(authority: Authority) -> tuple[Pair, Pair]:
    return authority.server_pairs()


@pytest.fixture
def ftpd(place: Path, pairs: tuple[Pair, Pair]) -> Iterator[RunningFtpd]:
    with running_ftpd(
        place, more=f"[ocpp.tls]\ncertificates = [{', '.join(pair.toml() for pair in pairs)}]"
    ) as running:
        give_tokens(running)
        yield running


def give_tokens(ftpd: RunningFtpd) -> None:
    blob = ftpd.directory / "blob"
    blob.write_bytes(_CONTENT)
    ftpd.desk.image(FETCH, blob)
    ftpd.desk.place(GIVE, ftpd.incoming)


def encrypted(ftpd: RunningFtpd, context: ssl.SSLContext, user: str) -> ftplib.FTP_TLS:
    client = ftplib.FTP_TLS(context=context, timeout=20)
    client.connect("127.0.0.1", ftpd.port)
    client.login(user, "x")
    client.prot_p()
    return client


def shown(ftpd: RunningFtpd, context: ssl.SSLContext) -> str:
    """The serial number of the certificate."""
    client = ftplib.FTP_TLS(context=context, timeout=20)
    client.connect("127.0.0.1", ftpd.port)
    client.auth()
    assert isinstance(client.sock, ssl.SSLSocket)
    certificate = client.sock.getpeercert()
    client.close()
    assert certificate is not None
    return str(certificate["serialNumber"])


@pytest.mark.parametrize("passive", [True, False])
def test_both_ways_are_encrypted(ftpd: RunningFtpd, authority: Authority, passive: bool) -> None:
    context = authority.client_context()
    with encrypted(ftpd, context, FETCH) as client:
        client.set_pasv(passive)
        received = io.BytesIO()
        client.retrbinary(f"RETR {NAME}", received.write)
        assert received.getvalue() == _CONTENT
        assert client.nlst() == [NAME]
    content = os.urandom(500_000)
    with encrypted(ftpd, context, GIVE) as client:
        client.set_pasv(passive)
        client.storbinary("STOR log.zip", io.BytesIO(content))
    assert [(received.scheme, kept) for received, kept in ftpd.desk.taken] == [("ftps", content)]
    with ftpd.client(FETCH) as plain:
        assert plain.size(NAME) == len(_CONTENT)


def test_commands_in_one_write_are_answered_in_turn(ftpd: RunningFtpd, authority: Authority) -> None:
    """MicroOcpp sends PBSZ, PROT P and PASV at once; others do not wait for the answer to their login either."""
    with ftpd.talk() as talk:
        assert talk.ask("AUTH TLS").startswith("234")
        talk.socket = authority.client_context().wrap_socket(talk.socket, server_hostname="127.0.0.1")
        talk.say(f"USER {GIVE}", "PASS x", "PBSZ 0", "PROT P", "PASV")
        codes = [talk.hear()[:3] for _ in range(4)]
        assert codes == ["331", "230", "200", "200"]
        numbers = talk.hear().partition("(")[2].partition(")")[0].split(",")
        assert numbers[:4] == ["127", "0", "0", "1"]
        port = int(numbers[4]) * 256 + int(numbers[5])
        data = socket.create_connection(("127.0.0.1", port), timeout=20)
        talk.say("TYPE I", "STOR a/b.log", "NOOP", "QUIT")
        stream = authority.client_context().wrap_socket(data, server_hostname="127.0.0.1")
        stream.sendall(b"piped")
        stream.unwrap().close()
        assert [talk.hear()[:3] for _ in range(5)] in (
            ["200", "125", "226", "200", "221"],
            ["200", "125", "200", "226", "221"],
            ["200", "150", "226", "200", "221"],
        )
    assert [kept for _, kept in ftpd.desk.taken] == [b"piped"]


def test_what_was_sent_in_clear_behind_auth_does_not_count(ftpd: RunningFtpd, authority: Authority) -> None:
    with ftpd.talk() as talk:
        talk.say("AUTH TLS", f"USER {GIVE}", "PASS x")
        assert talk.hear().startswith("234")
        talk.socket = authority.client_context().wrap_socket(talk.socket, server_hostname="127.0.0.1")
        assert talk.ask("PASV").startswith("530")
        assert talk.ask("PASS x").startswith("503")
    assert ftpd.desk.asked == []


def test_old_versions_of_tls_are_refused(ftpd: RunningFtpd) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(ftpd, context)


def test_curl_and_lftp_require_encryption(ftpd: RunningFtpd, authority: Authority, place: Path) -> None:
    fetched, mine = place / "fetched", place / "mine"
    curl = ("curl", "--silent", "--show-error", "--max-time", "30", "--ssl-reqd", "--cacert", str(authority.file))
    run(*curl, "-o", str(fetched), ftpd.url(FETCH, NAME))
    run(*curl, "-T", str(fetched), ftpd.url(GIVE, "in/"))
    settings = f"set net:max-retries 1; set net:timeout 10; set ftp:ssl-force yes; set ssl:ca-file {authority.file}"
    run("lftp", "-c", f"{settings}; open -p {ftpd.port} -u {FETCH},x 127.0.0.1; get {NAME} -o {mine}")
    assert fetched.read_bytes() == mine.read_bytes() == _CONTENT
    assert [(received.scheme, kept) for received, kept in ftpd.desk.taken] == [("ftps", _CONTENT)]


def test_a_renewed_file_counts_for_the_next_login(place: Path, authority: Authority) -> None:
    first = authority.issue("localhost", names="DNS:localhost,IP:127.0.0.1", file="renewed")
    pair = Pair(place / "server.pem", place / "server.key")
    shutil.copy(first.chain, pair.chain)
    shutil.copy(first.key, pair.key)
    context = authority.client_context()
    with running_ftpd(place, more=f"[ocpp.tls]\ncertificates = [{pair.toml()}]") as ftpd:
        before = shown(ftpd, context)
        second = authority.issue("localhost", names="DNS:localhost,IP:127.0.0.1", file="renewed-2")
        shutil.copy(second.chain, pair.chain)  # half renewed: the old pair goes on
        assert shown(ftpd, context) == before
        shutil.copy(second.key, pair.key)
        assert shown(ftpd, context) != before


def test_a_key_that_cannot_be_used_leaves_plain_ftp(place: Path, pairs: tuple[Pair, Pair]) -> None:
    pair = Pair(pairs[0].chain, place / "missing.key")
    with running_ftpd(place, more=f"[ocpp.tls]\ncertificates = [{pair.toml()}]") as ftpd:
        give_tokens(ftpd)
        with ftpd.talk() as talk:
            assert talk.ask("AUTH TLS").startswith("534")
            talk.log_in(FETCH)
            assert talk.ask(f"SIZE {NAME}") == f"213 {len(_CONTENT)}"
        assert f"explicit FTPS: {pair.key}: No such file or directory: only plain FTP is spoken" in ftpd.log_text()


def test_the_gateways_own_certificates_serve_when_they_are_there(place: Path, authority: Authority) -> None:
    pair = authority.issue("localhost", names="DNS:localhost,IP:127.0.0.1", file="own")
    with running_ftpd(place, more="[ocpp.tls]\n") as ftpd:
        give_tokens(ftpd)
        with ftpd.talk() as talk:
            assert talk.ask("AUTH TLS").startswith("534")
        pki = ftpd.data / "pki"
        pki.mkdir()
        shutil.copy(pair.key, pki / "server-ecdsa.key")
        shutil.copy(pair.chain, pki / "server-ecdsa.pem")
        with encrypted(ftpd, authority.client_context(), FETCH) as client:
            assert client.size(NAME) == len(_CONTENT)


def test_a_silent_handshake_keeps_nobody_out(ftpd: RunningFtpd, authority: Authority) -> None:
    with ftpd.talk() as silent:
        silent.ask("AUTH TLS")
        with encrypted(ftpd, authority.client_context(), GIVE) as client:
            client.storbinary("STOR log.zip", io.BytesIO(b"log"))
    wait_until(lambda: len(ftpd.desk.taken) == 1, "the upload")


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout
