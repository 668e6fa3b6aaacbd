"""The corridor of commands: no secret leaves it, and a remote start is expected from before the call on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from gateway.model.calls import Answered, CallErrored, NotConnected, Reply, Unanswered
from gateway.model.treatment import Treatment
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.site import Site
from tests.unit.web.conftest import PlayedConnected, PlayedConnection, configuration_in, open_site

_KEY = {"key": "AuthorizationKey", "value": "HushHush1"}


async def outcome_of(
    directory: Path, action: str, payload: Mapping[str, object], reply: Reply | Exception, **more: object
) -> tuple[Outcome, str]:
    """What became of the command, and everything that the database holds afterwards as text."""
    async with open_site(configuration_in(directory)) as site:
        connection = PlayedConnection("FILE-1", reply, **more)  # type: ignore[arg-type]
        cast(PlayedConnected, site.connected).play(connection)
        outcome = await carry_out(site, station="FILE-1", action=action, payload=payload, actor="test")
        assert [sent for _, sent in connection.asked] == [payload], "verbatim"
    with closing(sqlite3.connect(directory / "gateway.db")) as database:
        return outcome, "\n".join(database.iterdump())


@pytest.mark.parametrize(
    ("action", "payload", "reply"),
    [
        ("ChangeConfiguration", _KEY, CallErrored("FormationViolation", 'cannot parse {"value":"HushHush1"}', {})),
        ("ChangeConfiguration", _KEY, CallErrored("HushHush1", "HushHush1", {})),
        ("ChangeConfiguration", _KEY, Answered({"status": "Accepted", "was": ["HUSHHUSH1"]})),
        ("ChangeConfiguration", {"Key": "authorizationKEY", "VALUE": "HushHush1"}, Answered({"status": "Accepted"})),
        ("ChangeConfiguration", {**_KEY, "HushHush1": 1}, Answered({})),
        ("ChangeConfiguration", {"key": "Url", "value": "ws://u:HushHush1@h/"}, Answered({"status": "Accepted"})),
        ("GetDiagnostics", {"location": "ftp://u:HushHush1@host/x"}, Answered({"fileName": "u:HushHush1"})),
        (
            "UpdateFirmware",
            {"location": "ftp://u:HushHush1@h/", "retrieveDate": "x"},
            CallErrored("E", "no HushHush1", {}),
        ),
        (
            "GetLog",
            {"requestId": 3, "log": {"remoteLocation": "sftp://u:HushHush1@h"}},
            Answered({"status": "HushHush1", "filename": "HushHush1.log"}),
        ),
        (
            "SignedUpdateFirmware",
            {"requestId": 3, "firmware": {"location": "ftp://u:HushHush1@h/a/b.bin"}},
            CallErrored("HushHush1", "HushHush1", {}),
        ),
        ("DataTransfer", {"vendorId": "V", "data": '{"wifiPassword":"HushHush1"}'}, Answered({"status": "Accepted"})),
        (
            "GetConfiguration",
            {},
            Answered({"configurationKey": [{"key": "WifiPassword", "value": "HushHush1", "raw": "=HushHush1"}]}),
        ),
    ],
)
async def test_no_secret_is_stored_or_shown(
    tmp_path: Path, action: str, payload: dict[str, object], reply: Reply
) -> None:
    outcome, stored = await outcome_of(tmp_path, action, payload, reply)
    assert "hushhush1" not in stored.casefold()
    assert "hushhush1" not in repr(outcome).casefold()
    assert "***" in stored


async def test_what_the_gateway_filled_in_is_shown_without_secrets(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        connection = PlayedConnection("FILE-1", treatment=Treatment(remote_id_tag="TAG"))
        cast(PlayedConnected, site.connected).play(connection)
        payload = {"note": "ftp://u:HushHush1@h"}
        outcome = await carry_out(site, station="FILE-1", action="RemoteStartTransaction", payload=payload, actor="x")
        assert outcome.request == {"note": "ftp://u:***@h", "idTag": "TAG"}


async def expected(site: Site) -> list[tuple[object, ...]]:
    rows = await site.readers.rows("SELECT connector, folded_tag FROM remote_starts")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        (Answered({"status": "Accepted"}), True),
        (Answered({"status": "accepted"}), True),
        (Unanswered("silence"), True),
        (Answered({"status": "Rejected"}), False),
        (Answered({}), True),  # nobody knows
        (CallErrored("InternalError", "no", {}), False),
        (NotConnected("FILE-1"), False),
    ],
)
async def test_a_remote_start_is_expected_before_the_station_has_answered(
    tmp_path: Path, reply: Reply | Exception, kept: bool
) -> None:
    seen: list[object] = []

    class Asked(PlayedConnection):
        async def call(self, action: str, payload: Mapping[str, object], *, patience_seconds: float) -> Reply:
            seen.extend(await expected(site))
            return await PlayedConnection.call(self, action, payload, patience_seconds=patience_seconds)

    async with open_site(configuration_in(tmp_path)) as site:
        cast(PlayedConnected, site.connected).play(Asked("FILE-1", reply))
        payload = {"connectorId": 1, "idTag": "Tag"}
        await carry_out(site, station="FILE-1", action="RemoteStartTransaction", payload=payload, actor="test")
        assert seen == [(1, "tag")]
        assert await expected(site) == ([(1, "tag")] if kept else [])


@pytest.mark.parametrize("connector", [2**70, -1, "1", None, 0, 1.5])
async def test_a_connector_that_cannot_be_means_any(tmp_path: Path, connector: object) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        cast(PlayedConnected, site.connected).play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
        payload = {"connectorId": connector, "idTag": "Tag"}
        await carry_out(site, station="FILE-1", action="RemoteStartTransaction", payload=payload, actor="test")
        assert await expected(site) == [(None, "tag")]


async def test_a_pending_station_is_expected_to_do_nothing(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        cast(PlayedConnected, site.connected).play(PlayedConnection("FILE-1", treatment=Treatment(pending=True)))
        payload = {"connectorId": 1, "idTag": "Tag"}
        outcome = await carry_out(site, station="FILE-1", action="RemoteStartTransaction", payload=payload, actor="x")
        assert (outcome.status, await expected(site)) == ("refused", [])
