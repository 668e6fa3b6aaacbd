"""The engine of local lists against a model of a station that knows only the specification.

Tags change, answers are lost, the station refuses, reboots with an empty list, is replaced by another device, somebody
sends a list by hand, the gateway dies between a request and its answer. Once all that is over the station holds the
site's list; no version was ever used twice, and none was 0 or less.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.model.calls import Answered, CallErrored, Reply, Unanswered
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations import ask_by_itself
from gateway.operations.ask_by_itself import LookAgain
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.draw_consequences import Booted, after_boot
from gateway.operations.manage_tags import put_tag, remove_tag
from gateway.operations.send_local_lists import send_local_list, sync_local_list
from gateway.operations.site import Site
from gateway.store import station_facts, stations
from gateway.store.writing import Writing
from tests.properties.examples import examples
from tests.unit.web.conftest import NOON, PlayedConnected, PlayedConnection, configuration_in, open_site

STATION = StationId("FILE-1")
TAGS = st.sampled_from(["A", "a", "B", "C", "D", "E", "F"])
PARENTS = st.sampled_from([None, "B", "c", "NOBODY"])
STATUSES = st.sampled_from(["Accepted", "Accepted", "Blocked", "Expired", "Invalid"])
FAULTS = st.sampled_from(
    ["request lost", "answer lost", "Failed", "Failed and emptied", "VersionMismatch", "GenericError", "gateway dies"]
)


class GatewayDied(Exception):
    """Nobody writes down what became of the request."""


@dataclass
class ModelStation:
    """A list by the letter of OCPP 1.6 5.10 and 5.15, with some freedoms that stations take."""

    serial: str = "1"
    version: int = 0
    entries: dict[str, tuple[str, str]] = field(default_factory=dict)  # by small letters: tag as sent, idTagInfo
    room: int | None = None
    per_request: int | None = None
    zero_when_empty: bool = False
    full_needs_higher_version: bool = False
    faults: list[str] = field(default_factory=list)
    requests: int = 0

    def hears(self, action: str, payload: Mapping[str, Any]) -> Reply:
        """A request arrives."""
        self.requests += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault == "request lost":
            raise Unanswered("lost")
        reply = self._version() if action == "GetLocalListVersion" else self._list(payload, fault)
        if fault == "answer lost":
            raise Unanswered("lost")
        if fault == "gateway dies":
            raise GatewayDied
        return CallErrored("GenericError", "", {}) if fault == "GenericError" else reply

    def _version(self) -> Reply:
        return Answered({"listVersion": 0 if self.zero_when_empty and not self.entries else self.version})

    def _list(self, payload: Mapping[str, Any], fault: str | None) -> Reply:
        version, full, listed = (
            payload["listVersion"],
            payload["updateType"] == "Full",
            payload["localAuthorizationList"],
        )
        if fault == "Failed and emptied":
            self.version, self.entries = 0, {}
        if fault in ("Failed", "Failed and emptied", "GenericError"):
            return Answered({"status": "Failed"})
        if fault == "VersionMismatch" or ((not full or self.full_needs_higher_version) and version <= self.version):
            return Answered({"status": "VersionMismatch"})
        entries = {} if full else dict(self.entries)
        folded = [entry["idTag"].lower() for entry in listed]
        assert len(set(folded)) == len(folded), "a tag is named twice"
        assert self.per_request is None or len(listed) <= self.per_request
        for entry in listed:
            if "idTagInfo" in entry:
                info = entry["idTagInfo"]
                text = f"{info['status']} {info.get('parentIdTag')} {info.get('expiryDate')}"
                entries[entry["idTag"].lower()] = (entry["idTag"], text)
            else:
                assert not full, "a Full list without idTagInfo"
                entries.pop(entry["idTag"].lower(), None)
        if self.room is not None and len(entries) > self.room:
            return Answered({"status": "Failed"})
        self.version, self.entries = version, entries
        return Answered({"status": "Accepted"})


@dataclass
class ModelConnection(PlayedConnection):
    """The wire: watches the versions that the gateway chooses."""

    device: ModelStation = field(default_factory=ModelStation)
    by_hand: bool = False
    newest: int = 0

    async def call(self, action: str, payload: Mapping[str, object], *, patience_seconds: float) -> Reply:
        if action == "SendLocalList" and not self.by_hand:
            version = cast(int, payload["listVersion"])
            assert max(0, self.newest) < version < 2**31
            self.newest = version
        return self.device.hears(action, payload)


class Lists(RuleBasedStateMachine):
    """What may happen to a site with one station."""

    def __init__(self) -> None:
        super().__init__()
        self.rest, ask_by_itself._REST_SECONDS = ask_by_itself._REST_SECONDS, 0.0
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.now = NOON
        self.tags: dict[str, tuple[str, str, str | None, int | None]] = {}
        self.devices = 1
        configuration = configuration_in(Path(self.directory))
        opened: Site = self.do(self.stack.enter_async_context(open_site(configuration)))
        self.site = replace(opened, wall_clock=lambda: Instant(self.now))
        self.connection = ModelConnection(STATION)

    def do(self, doing: Any) -> Any:
        """Run to the end; the gateway may die in it."""
        try:
            return self.loop.run_until_complete(doing)
        except LookAgain:
            return None
        except GatewayDied:
            self.site.list_turns.clear()
            return None

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.loop.close()
        ask_by_itself._REST_SECONDS = self.rest

    @property
    def device(self) -> ModelStation:
        return self.connection.device

    @initialize(
        room=st.sampled_from([None, None, 3, 5]),
        per_request=st.sampled_from([None, 1, 2, 4]),
        zero=st.booleans(),
        higher=st.booleans(),
    )
    def plug_in(self, room: int | None, per_request: int | None, zero: bool, higher: bool) -> None:
        async def start() -> None:
            cast(PlayedConnected, self.site.connected).play(self.connection)
            now = Instant(self.now)
            await self.site.database.write(
                lambda db: station_facts.admit(db, STATION, origin="file", admission="accepted", now=now)
            )

        self.device.room, self.device.per_request = room, per_request
        self.device.zero_when_empty, self.device.full_needs_higher_version = zero, higher
        self.do(start())
        self.boot()
        keys = {"LocalAuthListMaxLength": room, "SendLocalListMaxLength": per_request}
        told = [{"key": key, "value": str(value), "readonly": True} for key, value in keys.items() if value is not None]

        def report(db: Writing) -> None:
            for key in told:
                db.execute(
                    "INSERT INTO configuration_keys VALUES (?, ?, ?, ?, 1, 0, 0)",
                    (STATION, str(key["key"]).lower(), key["key"], key["value"]),
                )

        self.do(self.site.database.write(report))

    @rule(tag=TAGS, status=STATUSES, parent=PARENTS, hours=st.sampled_from([None, None, 1, 5, -1]))
    def put(self, tag: str, status: str, parent: str | None, hours: int | None) -> None:
        expiry = None if hours is None else self.now // (3600 * SECOND) * 3600 * SECOND + hours * 3600 * SECOND
        fields: dict[str, object] = {"status": status, "parent_id_tag": parent}
        if expiry is not None:
            fields["expiry_date"] = _text(expiry)
        assert not isinstance(self.do(put_tag(self.site, tag, fields, actor="test")), tuple)
        self.tags[tag.lower()] = (tag, status, parent, expiry)

    @rule(tag=TAGS)
    def remove(self, tag: str) -> None:
        self.do(remove_tag(self.site, tag, actor="test"))
        self.tags.pop(tag.lower(), None)

    @rule(minutes=st.sampled_from([1, 30, 61, 600]))
    def time_passes(self, minutes: int) -> None:
        self.now = Instant(self.now + minutes * 60 * SECOND)

    @rule(faults=st.lists(FAULTS, min_size=1, max_size=3))
    def trouble_ahead(self, faults: list[str]) -> None:
        self.device.faults = faults

    @rule(loses=st.booleans())
    def reboot(self, loses: bool) -> None:
        if loses:
            self.device.version, self.device.entries = 0, {}
        self.boot()

    @rule(version=st.integers(0, 40))
    def replaced(self, version: int) -> None:
        self.devices += 1
        foreign = {"z": ("Z", "Accepted None None")} if version else {}
        self.connection.device = replace(
            self.device, serial=str(self.devices), version=version, entries=foreign, faults=[]
        )
        self.boot()

    @rule(update_type=st.sampled_from(["Full", "Differential"]))
    def asks(self, update_type: Any) -> None:
        sending = self.do(send_local_list(self.site, STATION, update_type, "test"))
        if sending is not None and sending.status == "Accepted":
            assert self.device.entries == self.truth()

    @rule()
    def syncs(self) -> None:
        self.do(sync_local_list(self.site, STATION))

    @rule(
        full=st.booleans(),
        version=st.one_of(st.none(), st.integers(0, 30)),
        tags=st.lists(st.sampled_from(["A", "X", "Y"]), unique=True, max_size=2),
    )
    def by_hand(self, full: bool, version: int | None, tags: list[str]) -> None:
        tags = [] if version == 0 else tags[: self.device.per_request]
        full = full or version == 0
        payload: dict[str, object] = {
            "updateType": "Full" if full else "Differential",
            "localAuthorizationList": [{"idTag": tag, "idTagInfo": {"status": "Blocked"}} for tag in tags],
        }
        if version is not None:
            payload["listVersion"] = version
        self.connection.by_hand = version is not None
        self.do(carry_out(self.site, station=STATION, action="SendLocalList", payload=payload, actor="test"))
        self.connection.by_hand = False

    @precondition(lambda self: not self.device.faults)
    @rule()
    def all_is_quiet(self) -> None:
        """In the end the station holds the site's list, and then nothing is sent any more."""
        self.now = Instant(self.now + 7 * 3600 * SECOND)
        self.do(sync_local_list(self.site, STATION))
        if self.tags or self.ours_was_given():
            assert self.device.entries == self.truth()
        before = self.device.requests
        self.do(sync_local_list(self.site, STATION))
        assert self.device.requests == before

    @invariant()
    def versions_only_rise(self) -> None:
        assert self.connection.newest >= 0

    def ours_was_given(self) -> bool:
        rows = self.do(self.site.readers.rows("SELECT given_at FROM local_lists WHERE given_at IS NOT NULL"))
        return bool(rows)

    def boot(self) -> None:
        """BootNotification, as it is recorded."""
        plate = station_facts.Nameplate("V", "M", self.device.serial, None, "1", None, None, None, None)

        def unit(db: Writing) -> None:
            before = stations.find(db, STATION)
            station_facts.record_boot(db, STATION, plate, now=Instant(self.now))
            after_boot(db, self.site, Booted(STATION, before, plate, Instant(self.now)))

        self.do(self.site.database.write(unit))

    def truth(self) -> dict[str, tuple[str, str]]:
        """What the station should hold, worked out without the gateway's rules."""
        verdicts = {folded: (tag, self.verdict(folded)) for folded, (tag, *_) in self.tags.items()}
        order = ("Accepted", "Blocked", "Expired", "Invalid")
        ranked = sorted(verdicts, key=lambda folded: (order.index(verdicts[folded][1].split()[0]), folded))
        return {folded: verdicts[folded] for folded in ranked[: self.device.room]}

    def verdict(self, folded: str) -> str:
        _, status, parent, expiry = self.tags[folded]
        chain = [(status, expiry)]
        if parent is not None and parent.lower() in self.tags and parent.lower() != folded:
            chain.append((self.tags[parent.lower()][1], self.tags[parent.lower()][3]))
        ends = [end for _, end in chain if end is not None]
        for of, end in chain:
            if of != "Accepted" or (end is not None and end <= self.now):
                shown = of if of == "Blocked" else "Expired" if end is not None and end <= self.now else of
                return f"{shown} {parent} None"
        return f"Accepted {parent} {_text(min(ends)) if ends else None}"


def _text(instant: int) -> str:
    from gateway.model.instants import text_of

    return text_of(Instant(instant))


TestLists = Lists.TestCase
TestLists.settings = settings(
    derandomize=True,
    max_examples=examples(30),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
