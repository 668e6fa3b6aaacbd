"""Document config-keys: wishes that rank below the site's own, with what stations have made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.model.identities import StationId
from gateway.operations.known_settings import find_settings_of
from gateway.operations.provision_stations import put_station
from gateway.store import configuration_keys
from gateway.store.writing import Writing
from tests.unit.operations.test_auth_list import open_desk
from tests.unit.web.conftest import NOON


def wanted(version: int, **body: Any) -> dict[str, Any]:
    return {"doc": "config-keys", "version": version, **body}


async def test_wishes_of_kinds_and_stations_are_wanted_of_the_stations(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        for station in ("A", "B"):
            await put_station(desk.site, station, {}, actor="t")
        await put_station(desk.site, "B", {"desired_configuration": {"heartbeatinterval": "60"}}, actor="anna")

        def boots(db: Writing) -> None:
            db.execute("UPDATE stations SET vendor = 'Acme', model = 'One'")
            configuration_keys.record(db, StationId("A"), "MinimumStatusDuration", value="5", readonly=False, now=NOON)

        await desk.site.database.write(boots)
        report = await desk.send(
            "config-keys",
            wanted(
                1,
                models=[{"vendor": "acme", "keys": {"HeartbeatInterval": "300"}}, {"model": "Two", "keys": {"X": "1"}}],
                stations={"A": {"MinimumStatusDuration": "5"}},
            ),
        )
        assert report["status"] == "applied"
        desired = (await desk.site.database.write(lambda db: find_settings_of(db, desk.site, "A"))).desired
        assert desired == {"HeartbeatInterval": "300", "MinimumStatusDuration": "5"}
        assert report["per_station"] == {
            "A": {
                "status": "drift",
                "drift": [{"key": "HeartbeatInterval", "wanted": "300", "reported": None, "state": "unread"}],
            },
            "B": {"status": "applied", "drift": []},
        }
        assert report["overrides"] == [
            {
                "station": "B", "key": "HeartbeatInterval", "value": "60", "who": "site", "when": None,
                "override": True,
            }
        ]  # fmt: skip
        await desk.send("config-keys", None)
        settings = await desk.site.database.write(lambda db: find_settings_of(db, desk.site, "A"))
        assert settings.desired == {}, "nobody wants it any more; the station keeps what it has"


async def test_what_load_limits_need_beats_the_fleet(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await put_station(desk.site, "FILE-1", {}, actor="t")
        report = await desk.send("config-keys", wanted(1, stations={"FILE-1": {"MeterValueSampleInterval": "900"}}))
        (override,) = report["overrides"]
        assert (override["key"], override["value"] != "900") == ("MeterValueSampleInterval", True)


async def test_every_mistake_is_named(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        report = await desk.send(
            "config-keys",
            wanted(
                1, x=1,
                models=[{"vendor": 5, "keys": {"A": 1, "b": "1", "B": "2"}}, {}],
                stations={"A": {"AuthorizationKey": "00", "C": "x" * 501}, "B": []},
            ),
        )  # fmt: skip
        assert {error["path"] for error in report["errors"]} == {
            "x", "models[0].vendor", "models[0].keys.A", "models[0].keys.B", "models[1].keys",
            "stations.A.AuthorizationKey", "stations.A.C", "stations.B",
        }  # fmt: skip
        assert (await desk.send("config-keys", wanted(1, stations=[])))["status"] == "rejected"
