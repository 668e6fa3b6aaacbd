"""A gateway with a TLS port and one station with a password; a station's contexts; what the operator sets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.operations.provision_stations import Provisioned, put_station
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.certificate_maker import Authority, Pair
from tests.fakes.scripted_station import ScriptedStation

OLD = "00112233445566778899aabbccddeeff"  # 16 bytes
NEW = "ffeeddccbbaa99887766554433221100ffeeddcc"  # 20 bytes
GOOD = ("CP-1", bytes.fromhex(OLD))
BETTER = ("CP-1", bytes.fromhex(NEW))


@asynccontextmanager
async def secured(
    directory: Path, authority: Authority, profile: int, *, cipher_set: str = "certification"
) -> AsyncIterator[Bench]:
    """A gateway with a TLS port whose CP-1 has this profile and the password OLD."""
    (directory / "secret").write_text(OLD)
    certificates = ", ".join(pair.toml() for pair in authority.server_pairs())
    more = (
        f'[[station]]\nid = "CP-1"\nsecurity_profile = {profile}\npassword_file = "secret"\n'
        f'[ocpp.tls]\nport = 0\nclient_ca = "{authority.file}"\ncipher_set = "{cipher_set}"\n'
        f"certificates = [{certificates}]\n"
    )
    async with bench(directory, more=more) as gateway:
        yield gateway


async def boots(station: ScriptedStation) -> None:
    """The reusable state Booted."""
    assert (await station.boots())["status"] == "Accepted"
    for connector in (0, 1):
        assert await station.shows(connector, "Available") == {}


def suite_context(authority: Authority, suite: str, shown: Pair | None = None) -> ssl.SSLContext:
    """A station that speaks TLS 1.2 with one cipher suite only."""
    context = authority.client_context(shown)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    return context


SUITES = [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384",
]  # fmt: skip


async def put(gateway: Bench, station: str, fields: dict[str, object]) -> None:
    assert isinstance(await put_station(gateway.site, station, fields, actor="tester"), Provisioned)
