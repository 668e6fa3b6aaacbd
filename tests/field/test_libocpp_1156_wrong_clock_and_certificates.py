"""libocpp PR#1156: a charger's clock was wrong, so a certificate that had just been issued was not valid yet.

Everything issued here is valid since 1970, where a clock without battery begins. A gateway whose own clock was never
set issues no certificate that is over before its time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model.instants import SECOND
from gateway.pki.server_certificates import ensure_server_certificates
from tests.conformance.site_under_test import TestClock, bench
from tests.fakes.openssl_workshop import Workshop, blocks

TRUE_NOW = int(datetime(2027, 6, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("gateways_clock", [60, 946_684_800, TRUE_NOW])
async def test_certificates_count_whatever_the_clocks_say(tmp_path: Path, gateways_clock: int) -> None:
    folder = tmp_path / "workshop"
    folder.mkdir()
    workshop = Workshop(folder)
    request = workshop.request("/CN=CP-1", workshop.key("ec:prime256v1"))
    clock = TestClock(gateways_clock * SECOND)
    async with bench(tmp_path, clock=clock) as gateway, gateway.station() as station:
        assert (await station.boots())["status"] == "Accepted"
        assert await station.say("SignCertificate", {"csr": request}) == {"status": "Accepted"}
        chain = (await station.expect("CertificateSigned"))["certificateChain"]
        await station.answer({"status": "Accepted"})
        directory = gateway.site.configuration.data.directory / "pki"
        root = blocks((directory / "authority-0001.pem").read_text())[0]
        now = datetime.fromtimestamp(gateways_clock, UTC)
        shown = [file.read_text() for file, _ in ensure_server_certificates(directory, ["gateway.example"], now)]
        for stations_clock in (30, 946_684_800, TRUE_NOW, TRUE_NOW + 3 * 365 * 86_400):
            for one in (chain, *shown):
                assert workshop.verifies(one, trusting=root, at=stations_clock)
