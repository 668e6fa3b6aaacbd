"""The support bundle over HTTP: everything that helps, nothing that is secret."""

from __future__ import annotations

import io
import json
import logging
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import load_configuration
from gateway.operations.manage_tokens import create_token
from gateway.store import events
from gateway.store.writing import Writing
from gateway.web.application import make_application
from tests.unit.web.conftest import NOON, Door, open_site
from tests.unit.web.test_transactions_api import start

BUNDLE = "/api/v1/support-bundle"
PLANTED = [f"SECRET-{letter}" for letter in "ABCDEFG"]


@pytest.fixture
async def written(tmp_path: Path) -> AsyncIterator[Door]:
    """A door on a site whose configuration stands in a file, with a secret in a comment."""
    file = tmp_path / "gateway.toml"
    file.write_text(f'# password = "SECRET-A"\n[site]\nid = "s"\n[data]\ndirectory = "{tmp_path}"\n')
    configuration = load_configuration(file)
    configuration = replace(configuration, web=replace(configuration.web, host="127.0.0.1", port=0))
    async with open_site(configuration) as site:
        tokens = {
            role: (await create_token(site, role=role, name=role, actor="test")).text
            for role in ("operator", "installer")
        }
        async with TestClient(TestServer(make_application(site))) as client:
            yield Door(site, client, tokens)


async def contents_of(door: Door) -> dict[str, str]:
    response = await door.ask("POST", BUNDLE)
    assert (response.status, response.content_type) == (200, "application/gzip")
    assert 'attachment; filename="ocpp-gateway-support-' in response.headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(await response.read())) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {name.partition("/")[2]: file.read().decode() for name, file in members.items() if file is not None}


async def test_everything_that_helps_and_no_secret(written: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def unit(db: Writing) -> None:
        start(db, 1, station="CP-1")
        data = {
            "request": {"key": "AuthorizationKey", "value": "SECRET-B"},
            "id_tag": "SECRET-C",
            "password": "SECRET-D",
        }
        events.append(db, "command.finished", happened_at=NOON, recorded_at=NOON, data=data)

    await written.write(unit)
    await written.document("PUT", "/api/v1/stations/CP-1", json={"password": "SECRET-E"}, expect=201)
    with written.site.log.listening():
        logging.getLogger("gateway.x").warning("login with password=SECRET-F", extra={"address": "ftp://u:SECRET-G@h/"})
        contents = await contents_of(written)
    assert contents.keys() == {
        "about.json", "status.json", "stations.json", "quirks.json", "events.json", "transactions.json",
        "meters.json", "upstreams.json", "site.json", "load_decisions.json", "jobs.json", "security_events.json",
        "log.json", "network_check.json", "metrics.txt", "configuration/gateway.toml",
    }  # fmt: skip
    for name, text in contents.items():
        assert not [secret for secret in PLANTED if secret in text], name
    assert json.loads(contents["log.json"])["items"][0]["text"] == "login with password=***"
    assert json.loads(contents["stations.json"])["items"][0]["id"] == "CP-1"
    assert {"daemon", "disk"} <= {one["check"] for one in json.loads(contents["network_check.json"])["items"]}
    assert "ocpp_gateway_stations" in contents["metrics.txt"]
    token = written.tokens["installer"]
    assert not [name for name, text in contents.items() if token in text]


async def test_only_installers_get_one(written: Door) -> None:
    await written.problem("POST", BUNDLE, role="operator", expect=403)
    await written.problem("POST", f"{BUNDLE}?x=1", expect=422)


async def test_what_cannot_be_had_is_named(written: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(site: object) -> object:
        raise OSError("the disk is gone, password=SECRET-H")

    monkeypatch.setattr("gateway.web.support_bundle_api._jobs", fails)
    contents = await contents_of(written)
    assert contents["missing.txt"] == "jobs.json: the disk is gone, password=***\n"
    assert "jobs.json" not in contents


async def test_a_sandbox_without_the_load_of_the_machine_stands_in_no_way(
    written: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unobtainable() -> tuple[float, float, float]:
        raise OSError("Load averages are unobtainable")

    monkeypatch.setattr("os.getloadavg", unobtainable)
    about = json.loads((await contents_of(written))["about.json"])
    assert "load" not in about and about["version"]
