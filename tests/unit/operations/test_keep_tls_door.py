"""The TLS port's certificates: the gateway's own or the site's, renewed on the disk, broken, old; the clock behind."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Certificate, Ocpp, Tls
from gateway.model.instants import SECOND, Instant, datetime_of
from gateway.operations.keep_tls_door import COMPONENT, TlsCertificates
from gateway.operations.machine_names import names_of_this_machine
from gateway.pki.server_certificates import ensure_server_certificates, server_names
from tests.fakes.certificate_maker import Authority, Pair
from tests.unit.web.conftest import NOON, configuration_in, open_site

pytestmark = pytest.mark.slow

NO_CHECK_TIME = 0x200000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@asynccontextmanager
async def certificates(
    directory: Path, *pairs: Pair, client_ca: Path | None = None, now: Instant = NOON
) -> AsyncIterator[TlsCertificates]:
    tls = Tls(
        names=("gateway.example", "192.0.2.1"),
        certificates=tuple(Certificate(pair.chain, pair.key) for pair in pairs),
        client_ca=client_ca,
    )
    configuration = replace(configuration_in(directory), ocpp=Ocpp(tls=tls))
    async with open_site(configuration) as site:
        yield TlsCertificates(replace(site, wall_clock=lambda: now), tls)


def ailment(kept: TlsCertificates) -> str:
    return kept.site.health.components()[COMPONENT] or ""


def shown_by(kept: TlsCertificates, trusted: Path) -> str:
    """The common name that a station sees, after a real handshake that trusts `trusted`."""
    assert kept.context is not None
    client_context = ssl.create_default_context(cafile=str(trusted))
    client_context.check_hostname = False
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="gateway.example")
    server = kept.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    subject = client.getpeercert()["subject"]  # type: ignore[index, typeddict-item]
    return str(next(value for part in subject for name, value in part if name == "commonName"))  # type: ignore[misc, union-attr]


async def test_without_certificates_the_gateway_shows_its_own(tmp_path: Path) -> None:
    async with certificates(tmp_path) as kept:
        await kept.look()
        assert ailment(kept) == ""
        (root,) = {*(tmp_path / "pki").glob("authority-*.pem")} - {*(tmp_path / "pki").glob("*.above.pem")}
        assert shown_by(kept, root) == "gateway.example"
        first = kept.context
        await kept.look()
        assert kept.context is first  # nothing changed, nothing is made anew


async def test_what_is_renewed_on_the_disk_counts_without_a_restart(tmp_path: Path, authority: Authority) -> None:
    chain, key = tmp_path / "server.pem", tmp_path / "server.key"
    pair, renewed = authority.issue("first"), authority.issue("second")
    shutil.copy(pair.chain, chain)
    shutil.copy(pair.key, key)
    async with certificates(tmp_path, Pair(chain, key)) as kept:
        await kept.look()
        assert shown_by(kept, authority.file) == "first"
        shutil.copy(renewed.chain, chain)  # the key is not there yet
        await kept.current()
        assert "cannot be used with its key" in ailment(kept)
        assert shown_by(kept, authority.file) == "first"
        shutil.copy(renewed.key, key)
        await kept.current()
        assert ailment(kept) == ""
        assert shown_by(kept, authority.file) == "second"


async def test_while_one_of_two_is_half_written_both_go_on_as_before(tmp_path: Path, authority: Authority) -> None:
    rsa, chain = authority.issue("rsa", kind="rsa"), tmp_path / "ec.pem"
    ec = authority.issue("ec")
    shutil.copy(ec.chain, chain)
    async with certificates(tmp_path, rsa, Pair(chain, ec.key)) as kept:
        await kept.look()
        assert shown_by(kept, authority.file) == "ec"
        chain.write_text("")
        await kept.look()
        assert "ec.pem" in ailment(kept)
        assert shown_by(kept, authority.file) == "ec"


async def test_what_cannot_be_read_is_told_and_the_rest_is_shown(tmp_path: Path, authority: Authority) -> None:
    missing = Pair(tmp_path / "missing.pem", tmp_path / "missing.key")
    async with certificates(tmp_path, missing) as kept:
        await kept.look()
        assert kept.context is None
        assert "missing.pem" in ailment(kept) and "No such file" in ailment(kept)
    async with certificates(tmp_path, missing, authority.issue("good")) as kept:
        await kept.look()
        assert "missing.pem" in ailment(kept)
        assert shown_by(kept, authority.file) == "good"


async def test_names_that_were_given_by_hand_stay_and_new_ones_are_added(tmp_path: Path) -> None:
    given = ["by-hand.example", "192.0.2.9"]
    ensure_server_certificates(tmp_path / "pki", given, datetime_of(NOON))
    async with certificates(tmp_path) as kept:
        kept.tls = replace(kept.tls, names=())
        await kept.look()
    names = server_names(tmp_path / "pki")
    assert names[:2] == given and len(names) > 2


async def test_an_expired_certificate_is_shown_all_the_same(tmp_path: Path, authority: Authority) -> None:
    async with certificates(tmp_path, authority.issue("old", end="20210101000000Z", file="old")) as kept:
        await kept.look()
        assert kept.context is not None and ailment(kept) == ""


async def test_an_unreadable_client_ca_leaves_stations_with_passwords_alone(
    tmp_path: Path, authority: Authority
) -> None:
    client_ca = tmp_path / "ca.pem"
    client_ca.write_text("nothing of the kind")
    async with certificates(tmp_path, authority.issue("good"), client_ca=client_ca) as kept:
        await kept.look()
        assert kept.context is not None and "Test Root" not in str(kept.context.get_ca_certs())
        assert "client_ca" in ailment(kept)
        shutil.copy(authority.file, client_ca)
        await kept.look()
        assert ailment(kept) == ""
        assert "Test Root" in str(kept.context.get_ca_certs())


async def test_time_is_not_checked_while_the_clock_is_behind(tmp_path: Path, authority: Authority) -> None:
    in_1970 = Instant(60 * SECOND)
    async with certificates(tmp_path, authority.issue("good"), now=in_1970) as kept:
        await kept.look()
        assert kept.context is not None and kept.context.verify_flags & NO_CHECK_TIME
        assert "the clock shows 1970-01-01" in ailment(kept)
        kept.site = replace(kept.site, wall_clock=lambda: NOON)
        await kept.current()
        assert kept.context is not None and not kept.context.verify_flags & NO_CHECK_TIME
        assert ailment(kept) == ""


def test_names_of_this_machine_are_names_and_addresses() -> None:
    name, *_ = names_of_this_machine("0.0.0.0")
    assert name
    assert names_of_this_machine("192.0.2.7") == [name, "192.0.2.7"]
