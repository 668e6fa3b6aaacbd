"""/site/limits: who may, what is refused and why, which source's limit is replaced or taken away; and the metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from gateway.configuration_keys import Circuit, ScheduledLimit
from gateway.model.circuits import TemporaryLimit
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.model.load_decision import Alarm, AlarmKind, CircuitDecision, Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.operations.limits_for_a_time import MOST_SOURCES, set_limit
from gateway.operations.load_now import Tick
from gateway.store import temporary_limits
from tests.unit.web.conftest import NOON, Door

LIST = "/api/v1/site/limits"
MAIN = f"{LIST}/main"
SOON, SOON_TEXT = seconds_later(NOON, 3600), "2027-01-15T09:00:00.000Z"


async def limit(door: Door, *, expect: int = 200, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = await door.document("PUT", MAIN, role="operator", expect=expect, json=fields)
    return document


async def limits(door: Door) -> dict[str, Any]:
    page = await door.document("GET", LIST, role="viewer")
    assert page["next"] is None
    return {one["source"]: one for one in page["items"]}


async def refusals(door: Door, fields: Any) -> list[tuple[str, str]]:
    problem = await door.problem("PUT", MAIN, expect=422, role="operator", json=fields)
    assert await limits(door) == {}
    return [(error["field"], error["detail"]) for error in problem["errors"]]


async def kinds(door: Door) -> list[tuple[str, dict[str, Any]]]:
    page = await door.document("GET", "/api/v1/events", params={"after": "0", "limit": "1000"})
    return [(one["kind"], one["data"]) for one in page["items"] if one["kind"].startswith("load.")]


async def test_set_replaced_listed_and_taken_away(door: Door) -> None:
    told = await limit(door, limit_amps=20)
    assert told == {
        "circuit": "main",
        "source": "api",
        "limit_amps": [20, 20, 20],
        "until": None,
        "set_by": "token 2 (operator)",
        "set_time": "2027-01-15T08:00:00.000Z",
    }
    await limit(door, limit_amps=[10, 0, 63], until="2027-01-15T10:00:00+01:00", source="dso")
    await limit(door, limit_amps=25.5)
    found = await limits(door)
    assert {source: one["limit_amps"] for source, one in found.items()} == {
        "api": [25.5, 25.5, 25.5],
        "dso": [10, 0, 63],
    }
    assert found["dso"]["until"] == SOON_TEXT
    assert (await door.ask("DELETE", MAIN, role="operator")).status == 204
    assert list(await limits(door)) == ["dso"], "without a source it is the API's own that goes"
    assert (await door.ask("DELETE", MAIN, role="operator", params={"source": "dso"})).status == 204
    assert await limits(door) == {}
    said = [(kind, data["source"], data["limit_amps"][0], bool(data["actor"])) for kind, data in await kinds(door)]
    assert said == [
        ("load.limit_set", "api", 20, True),
        ("load.limit_set", "dso", 10, True),
        ("load.limit_set", "api", 25.5, True),
        ("load.limit_removed", "api", 25.5, True),
        ("load.limit_removed", "dso", 10, True),
    ]


async def test_watts_are_of_all_phases_together(door: Door) -> None:
    assert (await limit(door, limit_watts=6900))["limit_amps"] == [10, 10, 10]
    problem = await door.problem("PUT", MAIN, expect=422, json={"limit_watts": 43471})
    assert problem["errors"][0]["detail"] == "expected no more than the installer's limit of 43470 W"


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "limit_amps", "expected a number of 0 or more, or three of them"),
        ({"limit_amps": -1}, "limit_amps", "0 or more"),
        ({"limit_amps": True}, "limit_amps", "0 or more"),
        ({"limit_amps": "16"}, "limit_amps", "0 or more"),
        ({"limit_amps": 1e300}, "limit_amps", "0 or more"),
        ({"limit_amps": [16, 16]}, "limit_amps", "three of them"),
        ({"limit_amps": [16, 16, 16, 16]}, "limit_amps", "three of them"),
        ({"limit_amps": [16, None, 16]}, "limit_amps", "three of them"),
        ({"limit_amps": 63.1}, "limit_amps", "no more than the installer's limit of 63 A"),
        ({"limit_amps": [1, 1, 64]}, "limit_amps", "no more than the installer's limit of 63 A"),
        ({"limit_watts": [1, 1, 1]}, "limit_watts", "expected a number of 0 or more"),
        ({"limit_watts": 1, "limit_amps": 1}, "limit_watts", "either limit_amps or limit_watts"),
        ({"limit_amps": 1, "until": "soon"}, "until", "a time such as"),
        ({"limit_amps": 1, "until": 5}, "until", "a time such as"),
        ({"limit_amps": 1, "until": "2027-01-15T08:00:00Z"}, "until", "a time after 2027-01-15T08:00:00"),
        ({"limit_amps": 1, "source": ""}, "source", "1 to 40 printable"),
        ({"limit_amps": 1, "source": "x" * 41}, "source", "1 to 40 printable"),
        ({"limit_amps": 1, "source": "a\nb"}, "source", "1 to 40 printable"),
        ({"limit_amps": 1, "source": None}, "source", "1 to 40 printable"),
        ({"limit_amps": 1, "source": "schedule"}, "source", "the configuration's own"),
        ({"limit_amps": 1, "source": "installer"}, "source", "the configuration's own"),
        ({"limit_amps": 1, "amps": 1}, "amps", "known are limit_amps"),
    ],
)
async def test_what_cannot_be_a_limit(door: Door, fields: Any, field: str, words: str) -> None:
    ((told_field, detail),) = await refusals(door, fields)
    assert told_field == field
    assert words in detail


async def test_all_mistakes_at_once(door: Door) -> None:
    told = await refusals(door, {"limit_amps": 99, "until": "no", "source": "", "x": 1})
    assert [field for field, _ in told] == ["x", "limit_amps", "until", "source"]


async def test_an_until_that_only_a_clock_behind_calls_future(door: Door) -> None:
    """An end that was reckoned by a clock in 1970 would be over as soon as the clock is set."""
    behind = replace(door.site, wall_clock=lambda: Instant(1000 * SECOND))
    fields = {"limit_amps": 1, "until": "1970-01-01T02:00:00Z"}
    outcome = await set_limit(behind, "main", fields, actor="test")
    assert isinstance(outcome, tuple)
    assert "expected a time after 20" in str(outcome)
    assert await limits(door) == {}


async def test_unknown_circuits_and_limits_that_are_not_there(door: Door) -> None:
    for method in ("PUT", "DELETE"):
        problem = await door.problem(method, f"{LIST}/nowhere", expect=404, json={"limit_amps": 1})
        assert "there is no circuit 'nowhere'" in problem["detail"]
    assert "the API has set no limit" in (await door.problem("DELETE", MAIN, expect=404))["detail"]
    problem = await door.problem("DELETE", MAIN, expect=404, params={"source": "schedule"})
    assert "changed in the configuration" in problem["detail"]
    await door.problem("DELETE", MAIN, expect=422, params={"sauce": "dso"})


async def test_who_may(door: Door) -> None:
    for role, status in ((None, 401), ("viewer", 403)):
        for method in ("PUT", "DELETE"):
            response = await door.ask(method, MAIN, role=role, json={"limit_amps": 1})  # type: ignore[arg-type]
            assert response.status == status
    assert (await door.ask("GET", LIST, role=None)).status == 401
    assert await limits(door) == {}


async def test_a_bounded_number_of_sources(door: Door) -> None:
    for number in range(MOST_SOURCES):
        await limit(door, limit_amps=number, source=f"s{number}")
    problem = await door.problem("PUT", MAIN, expect=422, json={"limit_amps": 1})
    assert problem["errors"][0]["field"] == "source"
    await limit(door, limit_amps=9, source="s3")
    assert len(await limits(door)) == MOST_SOURCES


async def test_schedules_of_the_file_are_listed_while_they_hold(door: Door) -> None:
    entries = (
        ScheduledLimit(start="07:00", to="09:00", limit_amps=(20, 20, 30)),
        ScheduledLimit(start="12:00", to="13:00", limit_amps=(1, 1, 1)),
    )
    circuits = (Circuit(name="main", limit_amps=(63, 63, 63), schedule=entries),)
    site = door.site
    object.__setattr__(site, "configuration", replace(site.configuration, circuits=circuits))
    told = await limits(door)
    assert list(told) == ["schedule"]
    assert told["schedule"] == {
        "circuit": "main",
        "source": "schedule",
        "limit_amps": [20, 20, 30],
        "until": SOON_TEXT,
        "set_by": "configuration",
        "set_time": None,
    }


async def test_what_is_over_or_belongs_to_no_circuit_is_not_listed(door: Door) -> None:
    def unit(db: Any) -> None:
        for circuit, source, until in (("main", "over", NOON), ("gone", "x", None), ("main", "holds", SOON)):
            one = TemporaryLimit(circuit, (1.0, 2.0, 3.0), source, until)
            temporary_limits.keep(db, one, set_by="test", now=Instant(0))

    await door.write(unit)
    assert list(await limits(door)) == ["holds"]


async def test_load_limits_in_the_metrics(door: Door) -> None:
    before = await (await door.ask("GET", "/metrics", role=None)).text()
    assert "ocpp_gateway_load_limit_amps" not in before, "nothing has been decided yet"
    main = CircuitDecision(
        "main", None, (63.0,) * 3, (40.0,) * 3, "dso", (5.0, None, 7.5), (1.0,) * 3, (10.0, 20.0, 30.0),
        (29.0, 19.0, -2.5), "bound", False,
    )  # fmt: skip
    decision = Decision((), (main,), (), (), (Alarm("limit_at_risk", "main", "words"),))
    picture = SitePicture(0.0, NOON, (), ())
    door.site.load.tick = Tick(NOON, picture, Memory(), Memory(), decision)
    lines = (await (await door.ask("GET", "/metrics", role=None)).text()).splitlines()
    assert {line.removeprefix("ocpp_gateway_load_") for line in lines if line.startswith("ocpp_gateway_load_")} == {
        *(f'limit_amps{{circuit="main",phase="{phase}"}} 40' for phase in (1, 2, 3)),
        'measured_amps{circuit="main",phase="1"} 5',
        'measured_amps{circuit="main",phase="3"} 7.5',
        *(f'allotted_amps{{circuit="main",phase="{phase}"}} {phase}0' for phase in (1, 2, 3)),
        'headroom_amps{circuit="main",phase="1"} 29',
        'headroom_amps{circuit="main",phase="2"} 19',
        'headroom_amps{circuit="main",phase="3"} -2.5',
        'degraded{circuit="main"} 1',
        'alarms{kind="limit_at_risk"} 1',
        *(f'alarms{{kind="{kind}"}} 0' for kind in get_args(AlarmKind) if kind != "limit_at_risk"),
    }
