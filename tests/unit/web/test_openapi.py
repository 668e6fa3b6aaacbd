"""The OpenAPI document: valid, complete, and true."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import jsonschema
import pytest
from openapi_spec_validator import validate

from gateway.model.calls import Answered
from gateway.model.identities import StationId
from gateway.operations.provision_stations import SETTABLE
from gateway.rules.station_jobs import Moves
from gateway.store import meter_frames, security_events, station_jobs
from gateway.store.id_tags import STATUSES
from gateway.web.application import ROUTES
from gateway.web.documents import SCHEMAS
from gateway.web.metrics import HELP
from gateway.web.openapi import PATH
from tests.unit.web.conftest import NOON, Door, PlayedConnection
from tests.unit.web.test_stations_api import knock
from tests.unit.web.test_transactions_api import orphan, start, stop


async def test_the_document_is_valid_and_public(door: Door) -> None:
    document = await door.document("GET", PATH, role=None)
    assert document["openapi"].startswith("3.1")
    await asyncio.to_thread(validate, document)


async def test_every_route_of_the_application_is_documented_and_every_documented_one_exists(door: Door) -> None:
    document = await door.document("GET", PATH, role=None)
    documented = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert door.client.app is not None
    routed = {
        (route.method, cast(str, route.resource.canonical))
        for route in door.client.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert documented == routed


def test_every_operation_has_its_own_name_and_words() -> None:
    assert len({(route.handler.__module__, route.handler.__name__) for route in ROUTES}) == len(ROUTES)  # type: ignore[attr-defined]
    assert all(route.summary and route.answers for route in ROUTES)


def test_schemas_name_what_can_be_set() -> None:
    settings = cast(dict[str, object], SCHEMAS["StationSettings"]["properties"])
    assert settings.keys() == SETTABLE | {"id", "password"}
    assert STATUSES == ("Accepted", "Blocked", "Expired", "Invalid")


@pytest.fixture
async def busy(door: Door) -> Door:
    """A door behind which there is something of everything."""
    await door.document("PUT", "/api/v1/stations/CP-1", json={"password": "secret"}, expect=201)
    await door.document("PUT", "/api/v1/id-tags/A", json={"expiry_date": "2027-02-01"})
    door.connected.play(PlayedConnection("CP-1", Answered({"status": "Accepted"})))
    door.site.quirks_seen[StationId("CP-1"), "null_payload"] = 1
    body = b'{"meterValue":[{"timestamp":"t","sampledValue":[{"value":"x","format":"SignedData"}]}]}'

    def unit(db: object) -> None:
        from gateway.store.writing import Writing

        assert isinstance(db, Writing)
        start(db, 1, station="CP-1")
        stop(db, 1)
        start(db, 2, station="CP-1", connector=2)
        orphan(db, 3)
        meter_frames.append(db, StationId("CP-1"), 1, 1, None, NOON, body)
        knock(db)
        job = station_jobs.begin(db, StationId("CP-1"), "log", status="Uploading", now=NOON)
        station_jobs.move(db, job.job_id, Moves("Uploaded", 2, "succeeded"), now=NOON)
        station_jobs.begin(db, StationId("CP-1"), "firmware", request_id=5, status="Asked", now=NOON)
        security_events.record(
            db, station=StationId("CP-1"), source="station", type="ResetOrReboot", happened_at=NOON, now=NOON
        )
        db.execute("INSERT INTO connectors VALUES ('CP-1', 1, 'Available', 'NoError', NULL, NULL, NULL, 1, 2)")
        db.execute(
            "INSERT INTO charging_profiles (station, connector, profile_id, profile, certain, wanted, command_id,"
            " noted_at) VALUES ('CP-1', 1, 4, ?, 1, 1, '', 1), ('CP-1', 1, 5, ?, 0, 1, '', 1)",
            ('{"chargingProfileId": 4}', '{"chargingProfileId": 5}'),
        )
        db.execute("INSERT INTO composite_schedules VALUES ('CP-1', 1, 5, '{}', '{}')")
        db.execute("INSERT INTO configuration_keys VALUES ('CP-1', 'a', 'A', '1', NULL, 0, 5)")

    await door.write(unit)
    return door


@pytest.mark.parametrize(
    ("method", "path", "schema", "body"),
    [
        ("GET", "/api/v1/stations", "StationCollection", None),
        ("GET", "/api/v1/stations?knocked=true", "StationCollection", None),
        ("GET", "/api/v1/stations/CP-1", "Station", None),
        ("PUT", "/api/v1/stations/CP-1", "Station", {"priority": 1}),
        ("POST", "/api/v1/stations/CP-1/commands/Reset", "CommandOutcome", {"type": "Soft"}),
        ("GET", "/api/v1/stations/CP-1/local-list", "LocalList", None),
        ("POST", "/api/v1/stations/CP-1/local-list", "LocalListOutcome", {"update_type": "Differential"}),
        ("GET", "/api/v1/stations/CP-1/security", "StationSecurity", None),
        ("POST", "/api/v1/stations/CP-1/security", "SecurityOutcome", {"new_password": True, "reset": True}),
        ("GET", "/api/v1/id-tags", "IdTagCollection", None),
        ("PUT", "/api/v1/id-tags/B", "IdTag", {}),
        ("POST", "/api/v1/id-tags/import", "ImportResult", [{"id_tag": "C"}]),
        ("GET", "/api/v1/transactions", "TransactionCollection", None),
        ("GET", "/api/v1/transactions/1", "TransactionWithValues", None),
        ("GET", "/api/v1/transactions/2", "TransactionWithValues", None),
        ("GET", "/api/v1/transactions/3", "TransactionWithValues", None),
        ("GET", "/api/v1/events?stream=all", "EventCollection", None),
        ("GET", "/api/v1/jobs", "JobCollection", None),
        ("GET", "/api/v1/stations/CP-1/jobs", "JobCollection", None),
        ("GET", "/api/v1/security-events", "SecurityEventCollection", None),
        ("GET", "/api/v1/tokens", "TokenCollection", None),
        ("POST", "/api/v1/tokens", "NewToken", {"role": "viewer"}),
        ("GET", "/api/v1/charging-profiles", "ChargingProfileCollection", None),
        ("GET", "/api/v1/stations/CP-1/composite-schedule?connector=1&unit=W", "CompositeSchedule", None),
        ("GET", "/api/v1/stations/CP-1/composite-schedule", "CompositeSchedule", None),
        ("GET", "/healthz", "Health", None),
        ("GET", "/api/v1/stations/NOBODY", "Problem", None),
        ("PUT", "/api/v1/stations/CP-1", "Problem", {"wrong": 1}),
    ],
)
async def test_real_answers_are_as_documented(busy: Door, method: str, path: str, schema: str, body: object) -> None:
    response = await busy.ask(method, path, json=body)
    document = await response.json(content_type=None)
    assert document
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)
    items = document.get("items")
    assert items is None or items


def test_people_can_read_about_every_route_and_every_metric() -> None:
    pages = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    for route in ROUTES:
        names = [part for part in route.path.removeprefix("/api/v1").split("/") if part and not part.startswith("{")]
        assert all(f"/{name}" in pages for name in names), route.path
    for name in HELP:
        assert f"`ocpp_gateway_{name}" in pages, name
