"""/firmware/campaigns: made, planned, shown, steered; every mistake of a wish at once; who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.identities import StationId
from gateway.operations.tell_campaigns import tell_station
from gateway.rules.firmware_rollout import STATES
from gateway.store import campaigns
from gateway.store.writing import Writing
from tests.simulation.rollout_stage import store_image
from tests.unit.web.conftest import NOON, Door

LIST = "/api/v1/firmware/campaigns"
IMAGE = "img-2"


async def add_image(door: Door, image_id: str = IMAGE, **manifest: Any) -> None:
    told = {"vendor": "Maker", "models": ["Post*"], "version": "2.0", **manifest}
    await door.site.database.write(lambda db: store_image(db, image_id, told))


async def add_station(
    door: Door, name: str, *, version: str | None = "1.0", vendor: str = "Maker", **more: Any
) -> None:
    model, booted = more.get("model", "Post 7"), None if version is None else NOON

    def unit(db: Writing) -> None:
        db.execute(
            "INSERT INTO stations (station, origin, admission, vendor, model, firmware_version, booted_at, created_at)"
            " VALUES (?, 'api', 'accepted', ?, ?, ?, ?, ?)",
            (name, None if version is None else vendor, model, version, booted, NOON),
        )

    await door.site.database.write(unit)


async def made(door: Door, *, expect: int = 201, **wishes: Any) -> dict[str, Any]:
    found: dict[str, Any] = await door.document(
        "POST", LIST, role="operator", expect=expect, json={"name": "spring", "image_id": IMAGE, **wishes}
    )
    return found


async def test_a_campaign_is_made_listed_shown_and_steered(door: Door) -> None:
    await add_image(door)
    for number in range(1, 6):
        await add_station(door, f"CP-{number}")
    await add_station(door, "CP-9", version="2.0")
    campaign = await made(door, policy={"canary": 1, "wave_share": 0.5, "max_failures": "20%"})
    assert (campaign["state"], campaign["wave"], campaign["counts"]) == ("running", 0, {"waiting": 5})
    assert [(one["station"], one["wave"]) for one in campaign["stations"]] == [
        ("CP-1", 0), ("CP-2", 1), ("CP-3", 1), ("CP-4", 2), ("CP-5", 2),
    ]  # fmt: skip
    assert (campaign["policy"]["max_failures"], campaign["policy"]["at_once"]) == ("20%", 2)
    assert (campaign["version"], campaign["created_by"]) == ("2.0", "token 2 (operator)")
    page = await door.document("GET", LIST, params={"open": "true"})
    assert [one["campaign_id"] for one in page["items"]] == [campaign["campaign_id"]]
    assert (await door.document("GET", LIST, params={"open": "false"}))["items"] == []
    path = f"{LIST}/{campaign['campaign_id']}"
    assert (await door.document("POST", f"{path}/pause", role="operator"))["state"] == "paused"
    problem = await door.problem("POST", f"{path}/approve", expect=409, role="operator")
    assert problem["detail"] == "a campaign that is paused cannot be approved"
    resumed = await door.document("POST", f"{path}/resume", role="operator")
    assert (resumed["state"], resumed["approved_by"]) == ("running", "token 2 (operator)")
    aborted = await door.document("POST", f"{path}/abort", role="operator")
    assert (aborted["state"], aborted["counts"]) == ("aborted", {"aborted": 5})
    assert (await door.problem("POST", f"{path}/retry", expect=409, role="operator"))["detail"] == (
        "none of its stations has failed"
    )
    events = await door.document("GET", "/api/v1/events", params={"after": "0", "limit": "1000"})
    told = [one["data"]["state"] for one in events["items"] if one["kind"] == "campaign.changed"]
    assert told == ["running", "paused", "running", "aborted"]
    first = await door.document("GET", f"{path}/history?limit=3")
    rest = await door.document("GET", f"{path}/history?limit=100&after={first['next']}")
    told = [one["state"] for one in [*first["items"], *rest["items"]] if one["station"] is None]
    assert (told, rest["next"]) == (["aborted", "running", "paused", "running"], None)
    await door.problem("GET", f"{LIST}/none/history", expect=404)
    assert {one["actor"] for one in first["items"]} == {"token 2 (operator)"}
    metrics = await (await door.client.get("/metrics")).text()
    assert all(f'ocpp_gateway_campaign_stations{{state="{state}"}}' in metrics for state in STATES)


async def test_a_plan_tells_reasons_and_stores_nothing(door: Door) -> None:
    await add_image(door, min_from="1.0", hw_revisions=[])
    await add_station(door, "CP-1")
    await add_station(door, "CP-2", vendor="Other")
    await add_station(door, "CP-3", model="Wall")
    await add_station(door, "CP-4", version="0.9")
    await add_station(door, "CP-5", version="3.0")
    await add_station(door, "CP-6", version="2.0")
    await add_station(door, "CP-7", version=None)
    plan = await door.document("POST", f"{LIST}/plan", role="operator", json={"image_id": IMAGE})
    found = {one["station"]: [reason["code"] for reason in one["reasons"]] for one in plan["stations"]}
    assert found["CP-1"] == ["offline", "status_unknown"]
    assert {name: codes[0] for name, codes in found.items() if name[:2] == "CP" and name != "CP-1"} == {
        "CP-2": "vendor", "CP-3": "model", "CP-4": "min_from", "CP-5": "downgrade", "CP-6": "up_to_date",
        "CP-7": "not_told",
    }  # fmt: skip
    assert [one["station"] for one in plan["stations"] if one["takes_part"]] == ["CP-1"]
    assert (await door.document("GET", LIST))["items"] == []


@pytest.mark.parametrize(
    ("wishes", "fields"),
    [
        ({"name": "", "image_id": 7, "stations": "CP-1", "x": 1}, ["x", "name", "image_id", "stations"]),
        ({"policy": {"canary": -1, "at_once": 0, "y": 2}}, ["policy.y", "policy.canary", "policy.at_once"]),
        ({"image_id": "nothing"}, ["image_id"]),
        ({"stations": ["CP-1", "CP-2", "CP-3"]}, ["stations", "stations"]),
        ({"policy": {"force_downgrade": True}}, ["policy.force_downgrade"]),
        ({"policy": []}, ["policy"]),
    ],
)
async def test_every_mistake_is_told(door: Door, wishes: dict[str, Any], fields: list[str]) -> None:
    await add_image(door)
    await add_station(door, "CP-1")
    await add_station(door, "CP-2", vendor="Other")
    body = {"name": "spring", "image_id": IMAGE, **wishes}
    problem = await door.problem("POST", LIST, expect=422, role="operator", json=body)
    assert [error["field"] for error in problem["errors"]] == fields
    assert (await door.document("GET", LIST))["items"] == []


async def test_an_image_that_fits_nothing_makes_no_campaign(door: Door) -> None:
    await add_image(door)
    await add_station(door, "CP-6", version="2.0")
    problem = await door.problem("POST", LIST, expect=422, role="operator", json={"name": "s", "image_id": IMAGE})
    assert problem["errors"][0]["detail"] == "the image fits no station, or all of them run it already"


async def test_named_stations_that_run_it_are_skipped_and_versions_before_have_a_way_back(door: Door) -> None:
    await add_image(door)
    await add_image(door, "img-1", version="1.0", downgrade_allowed=True)
    await add_station(door, "CP-1")
    await add_station(door, "CP-6", version="2.0")
    campaign = await made(door, stations=["CP-1", "CP-6"])
    states = {one["station"]: (one["state"], one["detail"]) for one in campaign["stations"]}
    assert states == {"CP-1": ("waiting", None), "CP-6": ("skipped", "it runs 2.0 already")}
    assert campaign["rollback_images"] == [{"image_id": "img-1", "version": "1.0", "downgrade_allowed": True}]


async def test_who_may(door: Door) -> None:
    await door.problem("POST", LIST, expect=403, role="viewer", json={})
    await door.problem("GET", f"{LIST}/none", expect=404)
    await door.problem("POST", f"{LIST}/none/pause", expect=404, role="operator")


async def test_what_the_gateway_did_by_itself_is_in_the_history(door: Door) -> None:
    await add_image(door)
    await add_station(door, "CP-1")
    others = await made(door, name="other", stations=["CP-1"])
    await door.document("POST", f"{LIST}/{others['campaign_id']}/abort", role="operator")
    campaign = (await made(door))["campaign_id"]

    def unit(db: Writing) -> None:
        row, station = campaigns.find(db, campaign), StationId("CP-1")
        assert row is not None
        campaigns.update_station(db, campaign, station, state="done")
        tell_station(db, row, station, actor="gateway", now=NOON)
        campaigns.update(db, campaign, state="finished", finished_at=NOON)

    await door.site.database.write(unit)
    told = (await door.document("GET", f"{LIST}/{campaign}/history"))["items"]
    assert [(one["station"], one["state"], one["actor"]) for one in told] == [
        ("CP-1", "done", None), (None, "running", "token 2 (operator)"),
    ]  # fmt: skip
