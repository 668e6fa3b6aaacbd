"""A site in which every text that somebody else may choose is an attack on the page, and people with cookies."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import Circuit, Meter, StationSettings, TcpTransport, Upstream
from gateway.model.calls import Answered
from gateway.model.identities import StationId
from gateway.operations.learn_tags_now import SeenTag
from gateway.operations.manage_tokens import Role, create_token
from gateway.pages.application import add_pages
from gateway.store import events, security_events, station_facts
from gateway.store.writing import Writing
from gateway.web.application import make_application
from gateway.web.login import COOKIE
from tests.unit.pages.conftest import Reader
from tests.unit.pages.played_firmware import add_image, add_station
from tests.unit.web.conftest import NOON, PlayedConnection, configuration_in, open_site

ROLES: tuple[Role, ...] = ("viewer", "operator", "installer")
EVIL = '"><script>alert(1)</script>{{7*7}}'
PASSWORD = "four cars and a kettle"


@dataclass
class Hostile(Reader):
    """`cookies`: of a user of each role, whose name is told by `names`."""

    cookies: dict[str, str]
    names: dict[str, str]

    async def as_user(self, method: str, path: object, role: str, **more: object) -> ClientResponse:
        """A request of a browser that is logged in."""
        headers = {**dict(more.pop("headers", {})), "Cookie": f"{COOKIE}={self.cookies[role]}"}  # type: ignore[call-overload]
        return await self.ask(method, path, role=None, headers=headers, **more)  # type: ignore[arg-type]

    async def journal(self) -> list[tuple[object, ...]]:
        """Every event by now, what the gateway does by itself included."""
        await self.site.database.write(lambda db: None)
        return [
            tuple(row) for row in await self.site.readers.rows("SELECT id, kind, actor, data FROM events ORDER BY id")
        ]


async def log_in(reader: Reader, name: str, password: str = PASSWORD, cookie: str = "") -> str:
    """The cookie's value after the page's own form; `cookie`: the one that the browser had before."""
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    fields = {"name": name, "password": password}
    response = await reader.ask("POST", "/login", role=None, data=fields, headers=headers)
    assert response.status == 303, await response.text()
    return SimpleCookie(response.headers["Set-Cookie"])[COOKIE].value


async def make_user(reader: Reader, name: str, role: str) -> int:
    """By the API, as an installer's token."""
    fields = {"name": name, "role": role, "password": PASSWORD}
    response = await reader.ask("POST", "/api/v1/users", json=fields)
    assert response.status == 201, await response.text()
    return int((await response.json())["user_id"])


@asynccontextmanager
async def hostile_site(directory: Path) -> AsyncIterator[Hostile]:
    """The site with its door open."""
    usual = configuration_in(directory)
    meter = Meter(name=EVIL, model="sdm630", transport=TcpTransport(host="192.0.2.1", port=502, unit=1))
    configuration = replace(
        usual,
        site=replace(usual.site, id=EVIL, name=EVIL),
        meters=(meter,),
        circuits=(Circuit(name=EVIL, limit_amps=(63, 63, 63), meter=EVIL),),
        stations=(StationSettings(id=StationId(EVIL), circuit=EVIL, max_amps=16),),
        upstreams=(Upstream(name=EVIL, host="127.0.0.1", port=1, tls=False),),
    )
    async with open_site(configuration) as site:
        tokens = {role: (await create_token(site, role=role, name=EVIL, actor=EVIL)).text for role in ROLES}
        application = make_application(site)
        add_pages(application)
        async with TestClient(TestServer(application), cookie_jar=DummyCookieJar()) as client:
            hostile = Hostile(site, client, tokens, {}, {})
            await _fill(hostile)
            yield hostile


async def _fill(hostile: Hostile) -> None:
    site = hostile.site
    for role in ROLES:
        hostile.names[role] = f"{role} {EVIL}"
        await make_user(hostile, hostile.names[role], role)
        hostile.cookies[role] = await log_in(hostile, hostile.names[role])
    await site.database.write(_tell)
    await add_image(hostile, "img-1", vendor=EVIL, version=EVIL, release_notes=EVIL, file_name=EVIL)
    await add_image(hostile, "img-2")
    await add_station(hostile, f"2 {EVIL}")
    hostile.connected.play(PlayedConnection(EVIL, reply=Answered({"status": EVIL, "x": EVIL})))
    for direction in ("from_station", "to_station"):
        frame = json.dumps([2, EVIL, "DataTransfer", {"vendorId": EVIL, "data": EVIL}])
        site.frames.note(StationId(EVIL), direction, frame.encode(), NOON)
        for odd in (EVIL, "[" * 20_000, "[2,1," + "9" * 5000, "\x00", f'[3,"a",{"[" * 5000}{"]" * 5000}]'):
            site.frames.note(StationId(EVIL), direction, odd.encode(), NOON)
    site.health.report("store", EVIL, notice=EVIL)
    site.health.report(EVIL, EVIL)
    site.learning.note(SeenTag(EVIL, StationId(EVIL), 1, NOON, False))
    site.reloads.failed = EVIL
    with site.log.listening():
        logging.getLogger("gateway.x").warning("%s", EVIL, extra={"station": EVIL})
    for path, body in (
        ("/id-tags/A", {"note": EVIL, "parent_id_tag": "G"}),
        (f"/site/limits/{quote(EVIL, safe='')}", {"limit_amps": 10}),
    ):
        response = await hostile.ask("PUT", f"/api/v1{path}", json=body)
        assert response.status < 300, await response.text()
    codes = await hostile.ask("POST", "/api/v1/users/codes", json={"role": "viewer"})
    assert codes.status == 201


def _tell(db: Writing) -> None:
    station_facts.admit(db, StationId(EVIL), origin="file", admission="accepted", now=NOON)
    station_facts.record_knock(db, f"3 {EVIL}", EVIL, now=NOON, most=100)
    db.execute(
        "UPDATE stations SET vendor = ?1, model = ?1, serial_number = ?1, firmware_version = ?1, booted_at = ?2"
        " WHERE station = ?1",
        (EVIL, NOON),
    )
    for connector, word in ((1, "Faulted"), (2, EVIL)):
        db.execute(
            "INSERT INTO connectors (station, connector, status, error_code, status_at, received_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (EVIL, connector, word, EVIL, NOON, NOON),
        )
    for number in (1, 2):
        db.execute(
            "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, start_at,"
            " meter_start_wh) VALUES (?, ?, ?, ?, ?, ?, 0)",
            (number, EVIL, number, EVIL, EVIL.casefold(), NOON),
        )
    db.execute(
        "UPDATE transactions SET stop_at = start_at + 3600000000, meter_stop_wh = 3500, reason = ?1, stop_id_tag = ?1,"
        " stop_source = 'station', anomalies = json_array(?1) WHERE transaction_id = 2",
        (EVIL,),
    )
    db.execute(
        "INSERT INTO reservations (command_id, reservation_id, station, connector, id_tag, folded_tag, expiry_at,"
        " standing, asked_at) VALUES ('c', 3, ?1, 2, ?1, ?1, ?2, 'in_force', ?3)",
        (EVIL, NOON + 3_600_000_000, NOON),
    )
    for kind in ("connector.status", "gateway.restored", "id_tag.changed", "user.logged_in"):
        data = {"status": EVIL, "error_code": EVIL, "info": EVIL, EVIL: {EVIL: [EVIL]}, "actor": EVIL, "name": EVIL}
        events.append(db, kind, station=EVIL, connector=1, happened_at=NOON, recorded_at=NOON, data=data)
    security_events.record(
        db, station=StationId(EVIL), source="station", type=EVIL, tech_info=EVIL, happened_at=NOON, now=NOON
    )
