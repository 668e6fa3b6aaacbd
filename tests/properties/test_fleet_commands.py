"""Whatever fleet managers send, in whatever order, over stations that come and go, and over kills: each id once.

The rules alone with any JSON; then the whole gateway in virtual time, played twice with the power cut in between.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.fleet_commands import Command, Ended, Moment, Term
from gateway.rules import fleet_commands as rules
from gateway.rules import fleet_orders, fleet_results, fleet_terms
from tests.fakes.fleet_on_paper import FleetOnPaper
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.virtual_site import START, VirtualSite
from tests.fakes.virtual_time import World, run_virtual
from tests.properties.examples import examples
from tests.simulation.played_day import surroundings
from tests.unit.store.opened_database import NOW

FINAL = {"succeeded", "failed", "rejected", "expired", "superseded"}
TYPES = [
    "ocpp.call", "station.remote_start", "station.remote_stop", "station.reset", "station.unlock", "site.limit.set",
    "site.limit.clear", "ping", "resync", "rebirth", "live.start", "live.stop", "nonsense", "", 7, None,
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    "id", "type", "target", "args", "issued_at", "expires_at", "ttl_s", "actor", "reply_to", "if_offline",
    "station", "connector", "action", "payload", "id_tag", "circuit", "source", "stream", "from", "since",
    "transaction_id", "csChargingProfiles", "connectorId", "limit_amps", "until", "seconds",
]  # fmt: skip
VALUES = JSON | st.sampled_from(
    ["CP-1", "1", "queue", "reject", "2027-01-15T08:00:00Z", "ChangeAvailability", "SetChargingProfile", "tx", 1, 0, -1]
)
LIKELY = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
ENVELOPES = st.fixed_dictionaries(
    {"id": st.just("1") | VALUES, "type": st.sampled_from(TYPES)},
    optional={"target": LIKELY | VALUES, "args": LIKELY | VALUES, "expires_at": VALUES, "ttl_s": VALUES,
              "issued_at": VALUES, "actor": VALUES, "if_offline": VALUES},
)  # fmt: skip


@given(document=ENVELOPES | LIKELY | JSON, interval=st.none() | st.integers(0, 2**32 - 1), usable=st.booleans())
@settings(max_examples=examples(400), derandomize=True)
def test_any_json_gets_a_clear_answer_or_none(document: Any, interval: int | None, usable: bool) -> None:
    payload = json.dumps(document).encode()
    found = rules.object_in(payload)
    assert found == document if isinstance(document, dict) else found is None
    asked = None if found is None else rules.read(found, size_bytes=len(payload))
    if found is None or asked is None:
        return
    assert len(rules.digest_of(found)) == 64
    term: Any = Term()
    if isinstance(asked, Command):
        term = fleet_terms.term_of(asked, interval_seconds=interval, moment=Moment(NOW, usable, "0123abcd", 5))
        fleet_orders.superseding_key(asked)
        if rules.needs_station(asked.type):
            assert asked.station is not None
            fleet_orders.request_of(asked, open_transactions=[(1, 5)])
    here = rules.Surroundings(None, connected=True, waiting=0, waiting_bytes=0)
    ended = rules.ended_at_once(asked, here, term, over=False)
    assert isinstance(asked, Command) or ended is not None
    first = fleet_results.under_way(asked.id, asked.type, "accepted", received_at=NOW, started_at=None)
    json.dumps(fleet_results.over(first, ended or Ended("succeeded"), NOW), ensure_ascii=False).encode()


@given(payload=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()[:-1]))
@settings(max_examples=examples(200), derandomize=True)
def test_any_bytes_are_read(payload: bytes) -> None:
    rules.object_in(payload)


@given(documents=st.lists(ENVELOPES, min_size=20, max_size=60), boots=st.booleans())
@settings(max_examples=examples(10, least=2), derandomize=True, deadline=None)
def test_any_command_ends_once_in_the_daemon(documents: list[dict[str, Any]], boots: bool) -> None:
    sent: set[str] = set()

    async def main(world: World, place: Path) -> list[str]:
        more = '[[circuit]]\nname = "main"\nlimit_amps = 63\n[[station]]\nid = "CP-1"\n'
        around = surroundings(world)
        async with running_gateway(place, ocpp="automatic_calls = false", more=more, surroundings=around) as running:
            stage = VirtualSite(world, running, place)
            fleet, station = FleetOnPaper(stage.site), stage.station()
            if boots:
                await station.boot()
            for number, document in enumerate(documents):
                if document["id"] == "1":
                    document["id"] = f"c{number}"
                    sent.add(f"c{number}")
                await fleet.send_bytes(json.dumps(document).encode(), interval=number if number % 3 else None)
            await station.boot()
            await asyncio.sleep(60)
            await station.close()
            rows = await stage.rows("SELECT data FROM events WHERE kind = 'command.finished' ORDER BY id")
            found = [json.loads(row["data"]) for row in rows]
            assert not [data for data in found if data.get("error", {}).get("code") == "internal_error"]
            return [data["command_id"] for data in found if "upstream" in data]

    with tempfile.TemporaryDirectory() as directory:
        ends = run_virtual(lambda world: main(world, Path(directory)), start=START)
    assert not [command for command, times in Counter(ends).items() if times > 1]
    assert sent <= set(ends)


# Each id once

NUMBERS = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), NUMBERS, st.sampled_from(["reject", "queue"]), st.sampled_from([3, 40, 400])),
        st.tuples(st.just("send"), NUMBERS, st.just("reject"), st.none()),
        st.tuples(st.just("passes"), st.sampled_from([0.01, 0.5, 3.0, 70.0])),
        st.tuples(st.just("connects")),
        st.tuples(st.just("leaves")),
        st.tuples(st.just("silent"), st.booleans()),
    ),
    max_size=14,
)  # fmt: skip


class Life:
    """What one life of the gateway was told, and what stations were asked in it."""

    def __init__(self, stage: VirtualSite) -> None:
        self.fleet = FleetOnPaper(stage.site)
        self.station = stage.station()
        self.sent: set[str] = set()

    def calls(self) -> Counter[str]:
        """How often the station was asked for each command."""
        return Counter(payload["messageId"] for payload in self.station.requests("DataTransfer"))

    async def play(self, steps: list[tuple[Any, ...]]) -> None:
        for what, *how in steps:
            match what:
                case "send":
                    number, if_offline, interval = how
                    args = {"action": "DataTransfer", "payload": {"vendorId": "V", "messageId": f"c{number}"}}
                    await self.fleet.send(
                        "ocpp.call", id=f"c{number}", target={"station": "CP-1"}, args=args, if_offline=if_offline,
                        interval=interval,
                    )  # fmt: skip
                    self.sent.add(f"c{number}")
                case "passes":
                    await asyncio.sleep(how[0])
                case "connects":
                    await self.station.boot()
                case "leaves":
                    await self.station.disconnect()
                case "silent":
                    self.station.never_answered = frozenset({"DataTransfer"} if how[0] else ())


@given(first=STEPS, second=STEPS, later=st.sampled_from([0.0, 0.01, 0.02, 0.05, 1.0]), away_hours=st.integers(0, 1))
@settings(max_examples=examples(40, least=4), derandomize=True, deadline=None)
def test_each_id_ends_once_and_is_done_once_at_most(
    first: list[tuple[Any, ...]], second: list[tuple[Any, ...]], later: float, away_hours: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        one, two = Path(directory) / "one", Path(directory) / "two"
        one.mkdir(), two.mkdir()
        sent: set[str] = set()
        calls: Counter[str] = Counter()

        async def live(world: World, place: Path, steps: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
            around = surroundings(world)
            world.clock.boot_id = place.name * 3
            more = '[[station]]\nid = "CP-1"\n'
            async with running_gateway(
                place, ocpp="automatic_calls = false", more=more, surroundings=around
            ) as running:
                stage = VirtualSite(world, running, place)
                life = Life(stage)
                await life.play(steps)
                if place == one:
                    await asyncio.sleep(later)
                    shutil.copytree(one / "data", two / "data")  # the power goes
                else:
                    await life.play([("silent", False), ("connects",), ("passes", 900.0)])
                calls.update(life.calls())
                sent.update(life.sent)
                await life.station.close()
                rows = await stage.rows("SELECT data FROM events WHERE kind = 'command.finished' ORDER BY id")
                found = [json.loads(row["data"]) for row in rows]
                return [data for data in found if "upstream" in data]

        run_virtual(lambda world: live(world, one, first), start=START)
        ends = run_virtual(lambda world: live(world, two, second), start=START + timedelta(hours=away_hours))
        assert Counter(end["command_id"] for end in ends) == Counter(sent), "each ends once"
        assert not [command for command, times in calls.items() if times > 1], "none is done twice"
        for end in ends:
            assert end["status"] in FINAL
            if end["status"] == "succeeded":
                assert calls[end["command_id"]] == 1
            elif end["status"] != "failed":
                assert calls[end["command_id"]] == 0
