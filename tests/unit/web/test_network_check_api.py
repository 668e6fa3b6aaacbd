"""The network check over HTTP: its shape, and who may see it."""

from __future__ import annotations

from tests.unit.web.conftest import Door
from tests.unit.web.test_frames_api import expect_shape

CHECK = "/api/v1/network-check"


async def test_the_findings(door: Door) -> None:
    page = await door.document("GET", CHECK, role="operator")
    expect_shape(page, "FindingCollection")
    states = {one["check"]: one["state"] for one in page["items"]}
    assert (states["daemon"], states["clock"], states["certificate"]) == ("good", "good", "good")
    assert {"stations_port", "firmware_port", "default_route", "disk"} <= states.keys()
    await door.problem("GET", f"{CHECK}?x=1", expect=422)
    await door.problem("GET", CHECK, role="viewer", expect=403)
