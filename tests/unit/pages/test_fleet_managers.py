"""The screen of fleet managers: connected or not, what waits, what is wanted, tried and left; and without any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import Upstream
from gateway.model.links import LinkLike
from gateway.operations.manage_tokens import create_token
from gateway.operations.upstream_now import UpstreamNow
from gateway.pages.application import add_pages
from gateway.pages.fleet_words import help_for
from gateway.rules.delivery import Delivery
from gateway.rules.fleet_topics import Topics
from gateway.store import events, fleet_commands, outgoing_events
from gateway.store.fleet_commands import NewRow
from gateway.store.writing import Writing
from gateway.web.application import make_application
from tests.fakes.documents_desk import Desk
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.pages.test_overview import first_message
from tests.unit.web.conftest import NOON, configuration_in, open_site

ODD = "a/b <i>\"{x}' é"


@dataclass
class PlayedLink:
    """A link that works; there is nothing to clear."""

    protocol: str = "5"
    closed: list[bool] = field(default_factory=list)

    async def close(self) -> None:
        self.closed.append(True)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Reader]:
    """Two fleet managers: `fleet` is connected and has asked for things, the oddly named one cannot be reached."""
    settings = Upstream("fleet", "broker.example", port=8883, ca=tmp_path / "missing.pem")
    away = Upstream(ODD, "127.0.0.1", port=1, tls=False)
    configuration = replace(configuration_in(tmp_path), upstreams=(settings, away))
    async with open_site(configuration) as site:
        epoch = await site.database.write(_fill)
        for one in (settings, away):
            site.fleet.upstreams[one.name] = UpstreamNow(
                site, one, Topics("ocpp-gateway", "site-1"), Delivery.of(epoch, {})
            )
        now = site.fleet.upstreams["fleet"]
        now.link, now.trouble, now.connected_since = cast(LinkLike, PlayedLink()), None, NOON
        now.alarms["x"] = "something <b> is odd"
        now.hosts["billing"] = {"state": "online", "timestamp": "2027-01-15T07:00:00Z"}
        site.fleet.upstreams[ODD].trouble = "cannot reach 127.0.0.1, port 1: Connection refused"
        tokens = {
            role: (await create_token(site, role=role, name=role, actor="test")).text
            for role in ("viewer", "operator", "installer")
        }
        application = make_application(site)
        add_pages(application)
        async with TestClient(TestServer(application)) as client:
            yield Reader(site, client, tokens)


def _fill(db: Writing) -> str:
    for _ in range(3):
        events.append(db, "gateway.started", happened_at=NOON, recorded_at=NOON, data={})
    error = {"code": "no_such_station", "description": "no station is named <X>"}
    for name, status, told in (("1", "rejected", {"error": error}), ("2", "accepted", {})):
        new = NewRow("fleet", name, "station.reset", "CP/1", "user:jane", "0", 10)
        fleet_commands.insert(db, new, status=status, result={"id": name, **told}, now=NOON)  # type: ignore[arg-type]
    return outgoing_events.epoch_of(db)


async def test_without_a_fleet_manager_it_tells_how_to_connect_one(reader: Reader) -> None:
    sight = await reader.see("/upstream", role="viewer")
    assert "No fleet manager is connected, and none is needed" in sight.text and "[[upstream]]" in sight.text


async def test_each_has_a_card_with_what_waits_and_what_helps(fleet: Reader) -> None:
    sight = await fleet.see("/upstream", role="viewer")
    assert "Connected since 08:00:00" in sight.text and "events wait, the oldest from 08:00:00" in sight.text
    assert "something <b> is odd" in sight.text and "billing online" in sight.text
    assert ODD in sight.text and "Check host and port, this site's internet" in sight.text
    assert "Trusted by the gateway" in sight.text and "not readable" in sight.text
    assert "station.reset" in sight.text and "no station is named <X>" in sight.text and "Waits" in sight.text
    assert sight.links["CP/1"] == "/stations/CP%2F1"
    assert not [form for form in sight.forms if form.action.startswith("/upstream")]
    for path in ("/upstream/fleet/test", "/upstream/fleet/forget"):
        assert (await fleet.ask("POST", path, role="viewer")).status == 403


async def test_its_documents_are_shown_with_their_state(fleet: Reader) -> None:
    desk = Desk(fleet.site)
    await desk.send("auth-list", {"doc": "auth-list", "version": 4, "entries": []})
    await desk.send("load", {"version": 1, "limits": [{"circuit": "<roof>", "limit_amps": 5}]})
    sight = await fleet.see("/upstream")
    assert "List of tags version 4 Applied in force since" in sight.text
    assert "Load limits version 1 Refused" in sight.text and "limits[0].circuit: expected the name" in sight.text


async def test_the_stream_brings_each_card(fleet: Reader) -> None:
    message = await first_message(fleet, "/upstream")
    assert '#manager-0"' in message and '#manager-1"' in message and "<i>" not in message


async def test_the_way_to_a_broker_is_tried(fleet: Reader) -> None:
    card = (await fleet.see("/upstream", role="operator")).forms
    path = next(form.action for form in card if "test" in form.action and "fleet" not in form.action)
    response = await fleet.ask("POST", path, role="operator", headers={"HX-Request": "true"})
    text = await response.text()
    assert response.status == 200 and "<html" not in text
    assert "The way to the broker does not work. Clock: good." in read(text).text
    whole = await fleet.ask("POST", path, role="operator")
    assert ODD in read(await whole.text()).text
    assert (await fleet.ask("POST", "/upstream/none/test")).status == 404


async def test_a_fleet_is_left_by_an_installer_after_a_question(fleet: Reader) -> None:
    assert "Leave this fleet" not in (await fleet.see("/upstream", role="operator")).text
    question = next(each for _, each in (await fleet.see("/upstream")).elements if "data-question" in each)
    assert question["action"] == "/upstream/fleet/forget"
    assert (await fleet.send("/upstream/fleet/forget", {})).headers["Location"] == "/upstream"
    assert fleet.site.fleet.upstreams["fleet"].forgotten
    away = next(name for name in fleet.site.fleet.upstreams if name != "fleet")
    assert away == ODD
    assert (await fleet.ask("POST", "/upstream/none/forget")).status == 404


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("no answer by x, port 1, within 10 s", "Check host and port"),
        ("the broker's certificate is not accepted: expired", "Check the certificates"),
        ("x is not the name of a machine", "Check the host"),
        ("something new", "Test the connection"),
    ],
)
def test_what_helps(trouble: str, told: str) -> None:
    assert help_for(trouble).startswith(told)
