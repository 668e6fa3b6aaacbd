"""/site: before the first decision what is configured, then what was decided."""

from __future__ import annotations

from gateway.model.instants import Instant
from gateway.model.load_memory import Memory
from gateway.operations.load_now import Tick
from gateway.rules.balance import decide
from tests.unit.rules.load_pictures import charging, picture
from tests.unit.web.conftest import Door


async def test_the_site_before_and_after_the_first_decision(door: Door) -> None:
    before = await door.document("GET", "/api/v1/site", role="viewer")
    assert before["stations"] == [] and before["circuits"][0]["measured_amps"] is None
    seen = picture(charging())
    after, decision = decide(seen, Memory())
    door.site.load.tick = Tick(Instant(0), seen, Memory(), after, decision)
    document = await door.document("GET", "/api/v1/site", role="viewer")
    assert [each["limit_amps"] for each in document["stations"]] == [decision.connectors[0].cap_amps]
    assert document["circuits"][0].keys() == before["circuits"][0].keys()
    await door.problem("GET", "/api/v1/site?x=1", expect=422)
