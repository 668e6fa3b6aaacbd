"""TC_074 and TC_083 against a real daemon: its TLS port, its API and its command line, killed in between."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.end_to_end.running_gateway import RunningGateway, free_ports, running_gateway
from tests.fakes.certificate_maker import Authority, Pair
from tests.fakes.openssl_workshop import Workshop
from tests.fakes.scripted_station import ScriptedStation, plugged_in

ACCEPTED = {"status": "Accepted"}
PASSWORD = "00112233445566778899aabbccddeeff"
GOOD = ("CP-1", bytes.fromhex(PASSWORD))
QUIET = {"automatic_calls": False, "call_timeout_seconds": 20}

How = dict[str, Any]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "root")


class Field:
    """The daemon, and where a station dials."""

    def __init__(self, gateway: RunningGateway, tls_port: int) -> None:
        self.gateway = gateway
        self._tls_port = tls_port

    def dial(self, how: How) -> Any:
        url = f"wss://localhost:{self._tls_port}/ocpp" if "tls" in how else self.gateway.ocpp_url
        return plugged_in(f"{url}/CP-1", **how)

    async def is_refused(self, how: How) -> bool:
        try:
            async with self.dial(how):
                return False
        except InvalidStatus as refused:
            return refused.response.status_code in (401, 403)
        except (ssl.SSLError, ConnectionError):
            return True

    async def comes_back(self, how: How) -> None:
        async with self.dial(how) as station:
            assert (await station.boots())["status"] == "Accepted"
            assert await station.shows(1, "Available") == {}

    async def is_killed_and_started(self) -> None:
        await asyncio.to_thread(self.gateway.kill)
        await asyncio.to_thread(self.gateway.start)

    async def sends(self, station: ScriptedStation, action: str, payload: dict[str, object]) -> None:
        """The operator sends it by the API; the station gets exactly that, and accepts."""
        order = asyncio.create_task(asyncio.to_thread(self.gateway.call, "CP-1", action, payload))
        assert await station.expect(action) == payload
        await station.answer(ACCEPTED)
        told = await order
        assert (told["status"], told["response"]) == ("answered", ACCEPTED)


def on_site(place: Path, authority: Authority, profile: int, act: Callable[[Field], Any]) -> None:
    """A daemon whose CP-1 has this security profile and PASSWORD in the file; `act` plays the case."""
    place.mkdir(exist_ok=True)
    (place / "secret").write_text(PASSWORD)
    (port,) = free_ports(1)
    certificates = ", ".join(pair.toml() for pair in authority.server_pairs())
    more = (
        f'[[station]]\nid = "CP-1"\nsecurity_profile = {profile}\npassword_file = "secret"\n'
        f'[ocpp.tls]\nport = {port}\ncipher_set = "certification"\nclient_ca = "{authority.file}"\n'
        f"certificates = [{certificates}]\n"
    )
    with running_gateway(place, ocpp=QUIET, more=more) as gateway:
        asyncio.run(act(Field(gateway, port)))


@pytest.mark.case("TC_074_CSMS")
@pytest.mark.parametrize("kind", ["rsa:2048", "ec:prime256v1"])
def test_tc_074_csms_renewed_certificate_opens_the_door(place: Path, authority: Authority, kind: str) -> None:
    first = {"tls": authority.client_context(authority.issue("CP-1"))}
    workshop = Workshop(place)

    async def case(field: Field) -> None:
        async with field.dial(first) as station:
            assert (await station.boots())["status"] == "Accepted"
            await field.sends(station, "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
            key = workshop.key(kind)
            request = workshop.request("/O=Operator/CN=SERIAL-0001", key)
            assert await station.say("SignCertificate", {"csr": request}) == ACCEPTED
            sent = await station.expect("CertificateSigned")
            await station.answer(ACCEPTED)
        pair = Pair(workshop.file(sent["certificateChain"]), key)
        renewed = {"tls": authority.client_context(pair)}
        await field.comes_back(renewed)
        await field.is_killed_and_started()
        await field.comes_back(renewed)
        shown = await asyncio.to_thread(field.gateway.command, "pki", "list")
        assert "SERIAL-0001" in shown and "accepted" in shown
        old = authority.client_context(pair)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        await field.comes_back({"tls": old})

    on_site(place, authority, 3, case)


@pytest.mark.case("TC_083_CSMS")
@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("by", ["api", "command line"])
def test_tc_083_csms_the_old_profile_is_refused_for_good(
    place: Path, authority: Authority, before: int, by: str
) -> None:
    ways: dict[int, How] = {
        1: {"credentials": GOOD},
        2: {"credentials": GOOD, "tls": authority.client_context()},
        3: {"tls": authority.client_context(authority.issue("CP-1"))},
    }
    old, new, after = ways[before], ways[before + 1], str(before + 1)

    async def case(field: Field) -> None:
        async with field.dial(old) as station:
            assert (await station.boots())["status"] == "Accepted"
            if by == "api":
                await field.sends(station, "ChangeConfiguration", {"key": "SecurityProfile", "value": after})
                await field.sends(station, "Reset", {"type": "Hard"})
            else:
                words = ("station", "security", "CP-1", "--profile", after, "--reset")
                order = asyncio.create_task(asyncio.to_thread(field.gateway.command, *words))
                assert await station.expect("ChangeConfiguration") == {"key": "SecurityProfile", "value": after}
                await station.answer(ACCEPTED)
                assert await station.expect("Reset") == {"type": "Hard"}
                await station.answer(ACCEPTED)
                await order
        await field.comes_back(old)  # it may fall back until it was once up there
        await field.is_killed_and_started()
        await field.comes_back(new)
        assert await field.is_refused(old)
        await field.is_killed_and_started()
        assert await field.is_refused(old)
        await field.comes_back(new)

    on_site(place, authority, before, case)
