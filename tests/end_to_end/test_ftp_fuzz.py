"""Odd sequences of FTP commands against the real process: it never fails, and the next station is served."""

from __future__ import annotations

import os
import random
import socket
import ssl
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.end_to_end.running_ftpd import RunningFtpd, running_ftpd
from tests.fakes.certificate_maker import Authority

pytestmark = pytest.mark.slow

FETCH = "fetch-k3x9q2"
GIVE = "give-7d1m0p"
NAME = "EVSE_1.2.3.bin"
_SEED = int(os.environ.get("FUZZ_SEED", "20261125"))
_WORDS = (
    "ABOR", "ALLO", "APPE", "CDUP", "CWD", "DELE", "EPRT", "EPSV", "FEAT", "HELP", "LIST", "MDTM", "MLSD", "MLST",
    "MODE", "MKD", "NLST", "NOOP", "OPTS", "PASS", "PASV", "PORT", "PWD", "REIN", "REST", "RETR", "RMD", "RNFR",
    "RNTO", "SITE", "SIZE", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE", "USER", "XMKD", "PBSZ", "PROT", "QUIT",
    "XYZZY",
)  # fmt: skip
_ARGUMENTS = (
    "", NAME, f"/{FETCH}/{NAME}", f"/{GIVE}/x", "x", "..", "/", "A", "I", "0", "99999999999999999999", "-la", "P", "C",
    "|1|127.0.0.1|9|", "127,0,0,1,0,9", "ALL", "1", "\u00fc\u20ac", "\udcff", "%s%n", "a" * 300,
    FETCH, GIVE, "anonymous",
)  # fmt: skip


def play(ftpd: RunningFtpd, chance: random.Random, encrypting: ssl.SSLContext) -> None:
    """One connection that says odd things, now and then connects for data, and leaves without a word."""
    with ExitStack() as stack:
        talk = stack.enter_context(socket.create_connection(("127.0.0.1", ftpd.port), timeout=0.05))
        if chance.random() < 0.3:
            with suppress(OSError):
                talk.settimeout(1)
                talk.recv(100)
                talk.sendall(b"AUTH TLS\r\n")
                talk.recv(100)
                talk = stack.enter_context(encrypting.wrap_socket(talk, server_hostname="localhost"))
                talk.sendall(b"PBSZ 0\r\nPROT P\r\n")
            talk.settimeout(0.05)
        heard = b""
        user = chance.choice((FETCH, GIVE, GIVE, "anonymous"))
        lines = [f"USER {user}", "PASS x"] if chance.random() < 0.9 else []
        for _ in range(chance.randrange(1, 20)):
            lines.append(
                f"{chance.choice(_WORDS)} {chance.choice(_ARGUMENTS)}".rstrip(" " if chance.random() < 0.8 else "")
            )
        while lines:
            count = chance.randrange(1, 6)
            with suppress(OSError):
                talk.sendall("".join(f"{line}\r\n" for line in lines[:count]).encode("utf-8", "surrogateescape"))
                heard = talk.recv(65536)
            lines = lines[count:]
            if b"|||" in heard and chance.random() < 0.7:
                _exchange(int(heard.split(b"|||")[-1].split(b"|")[0]), chance, encrypting)


def _exchange(port: int, chance: random.Random, encrypting: ssl.SSLContext) -> None:
    with suppress(OSError), ExitStack() as stack:
        data = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.05))
        if chance.random() < 0.2:
            data = stack.enter_context(encrypting.wrap_socket(data, server_hostname="localhost"))
        if chance.random() < 0.5:
            data.sendall(chance.randbytes(chance.randrange(100_000)))
        if chance.random() < 0.5:
            data.recv(65536)


def test_nothing_that_is_said_ends_it(place: Path) -> None:
    authority = Authority(place / "ca")
    context, pair = authority.client_context(), authority.issue("localhost", names="DNS:localhost")
    with running_ftpd(place, more=f"[ocpp.tls]\ncertificates = [{pair.toml()}]") as ftpd:
        blob = place / "blob"
        blob.write_bytes(bytes(range(256)) * 2000)
        ftpd.desk.image(FETCH, blob)
        ftpd.desk.place(GIVE, ftpd.incoming)
        chance = random.Random(_SEED)
        print("FUZZ_SEED", _SEED)
        for _ in range(int(os.environ.get("FUZZ_ROUNDS", "60"))):
            play(ftpd, chance, context)
        with ftpd.client(FETCH) as client:
            assert client.size(NAME) == 512_000
        assert "error" not in ftpd.log_text(), ftpd.log_text()
    assert blob.stat().st_size == 512_000
