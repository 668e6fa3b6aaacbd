"""libocpp 1156: after a power cut a clock shows some past year, every certificate is "not yet valid", all stay offline.

Here a gateway whose clock shows less than its own journal, or a year before the program was made, does not judge when
a certificate begins; it says so in its health. What had ended even by that clock stays refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench, TestClock, bench
from tests.fakes.certificate_maker import Authority

IN_1970 = 60 * 1_000_000
DAY = 86_400 * 1_000_000
SITE = '[[station]]\nid = "CP-1"\nsecurity_profile = 3\n[[station]]\nid = "CP-2"\n'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


@asynccontextmanager
async def secured(directory: Path, authority: Authority, clock: TestClock) -> AsyncIterator[Bench]:
    pair = authority.issue("localhost", names="DNS:localhost,IP:127.0.0.1")
    tls = f'[ocpp.tls]\nport = 0\nclient_ca = "{authority.file}"\ncertificates = [{pair.toml()}]\n'
    async with bench(directory, more=SITE + tls, clock=clock) as gateway:
        yield gateway


async def test_stations_come_in_although_the_clock_was_never_set(tmp_path: Path, authority: Authority) -> None:
    young = authority.client_context(authority.issue("CP-1", begin="20480101000000Z", file="young"))
    clock = TestClock(now=IN_1970)
    async with secured(tmp_path, authority, clock) as gateway:
        async with gateway.station(tls=young) as station, gateway.station("CP-2") as plain:
            assert (await station.boots())["status"] == (await plain.boots())["status"] == "Accepted"
        ailment = gateway.site.health.components()["stations tls"]
        assert ailment is not None and "the clock shows 1970-01-01" in ailment
        clock.now = TestClock().now  # the network tells the time
        assert await gateway.refusal(tls=young) == 0  # now it can be judged
        assert gateway.site.health.components()["stations tls"] is None
        async with gateway.station(tls=authority.client_context(authority.issue("CP-1"))):
            pass


async def test_a_clock_behind_the_journal_is_not_believed(tmp_path: Path, authority: Authority) -> None:
    young = authority.client_context(authority.issue("CP-1", begin="20480101000000Z", file="young"))
    clock = TestClock()
    async with secured(tmp_path, authority, clock) as gateway:
        assert await gateway.refusal(tls=young) == 0
    clock.now -= 30 * DAY  # where the controller stood when its image was written
    async with secured(tmp_path, authority, clock) as gateway, gateway.station(tls=young) as station:
        assert (await station.boots())["status"] == "Accepted"


async def test_what_had_ended_by_then_stays_refused(tmp_path: Path, authority: Authority) -> None:
    old = authority.client_context(authority.issue("CP-1", end="20250101000000Z", file="old"))
    in_2025 = TestClock(now=1_750_000_000 * 1_000_000)
    async with secured(tmp_path, authority, in_2025) as gateway:
        assert await gateway.refusal(tls=old) == 403
        told = await gateway.eventually_event("gateway.security_event")
        assert told["tech_info"] == "the certificate has expired"
