"""Events of the journal as CloudEvents: the fixed names, and what their data says."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from gateway.model.clocks import ClockState
from gateway.model.instants import SECOND, Instant
from gateway.model.journal import METER_KIND, SITE_KIND, JournalEvent
from gateway.rules.envelopes import envelope_of, type_name
from gateway.store.events import STREAM_OF_KIND

NOON = Instant(1_800_000_000 * SECOND)
FIXED = {
    "tx": {
        "transaction.started", "transaction.meter_values", "transaction.ended", "transaction.corrected",
        "authorization.decided",
    },
    "ops": {
        "station.connected", "station.disconnected", "station.booted", "connector.status", "reservation.changed",
        "profile.changed", "local_list.changed", "firmware.status", "diagnostics.status", "security.event",
        "command.finished", "limit.changed", "meter.trust", "clock.stepped", "stream.dropped", "document.applied",
    },
    "meter": {"site.sample", "station.sample"},
}  # fmt: skip


def event(kind: str, data: object, **more: Any) -> JournalEvent:
    stream = STREAM_OF_KIND.get(kind, "meter")
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    facts: dict[str, Any] = {
        "stream": stream, "sequence": 7, "station_sequence": 3, "kind": kind, "station": "CP 1", "connector": 2,
        "happened_at": NOON, "recorded_at": NOON, "data": body,
    }  # fmt: skip
    return JournalEvent(**(facts | more))


def envelope(one: JournalEvent, **more: Any) -> dict[str, Any]:
    return cast(dict[str, Any], envelope_of(one, epoch="e", site="site 1", **more))


@pytest.mark.parametrize("stream", FIXED)
def test_every_fixed_name_is_that_of_some_kind(stream: str) -> None:
    kinds = {**STREAM_OF_KIND, METER_KIND: "meter", SITE_KIND: "meter"}
    names = {type_name(kind, {}) for kind, of_stream in kinds.items() if of_stream == stream}
    names |= {type_name(kind, {"corrects": "station"}) for kind, of_stream in kinds.items() if of_stream == stream}
    assert FIXED[stream] - names == set()


def test_a_whole_envelope() -> None:
    clock = ClockState(1, "boot", "holdover", 12, NOON - 5_000_000)
    told = envelope(event("station.knocked", {"address": "a"}, clock=clock, previous_id="d:ops:9"), after=4)
    assert told == {
        "specversion": "1.0",
        "id": "e:ops:7",
        "source": "ocpp-gateway/site%201",
        "type": "ocpp-gateway.station.knocked.v1",
        "subject": "station/CP%201/connector/2",
        "time": "2027-01-15T08:00:00.000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:ocpp-gateway:schema:station.knocked.v1",
        "epoch": "e",
        "stream": "ops",
        "sequence": 7,
        "after": 4,
        "stationseq": 3,
        "previousid": "d:ops:9",
        "recordedtime": "2027-01-15T08:00:00.000Z",
        "timequality": "holdover",
        "timeerrorms": 12,
        "bootid": "boot",
        "monoms": 5000,
        "historical": False,
        "data": {"address": "a"},
    }


def test_what_is_not_known_is_left_out() -> None:
    told = envelope(event("gateway.started", {}, station=None, connector=None, station_sequence=None), after=6)
    assert not told.keys() & {"subject", "after", "stationseq", "previousid", "timequality", "bootid"}
    assert envelope(event("station.booted", {}, connector=None))["subject"] == "station/CP%201"


def test_a_time_that_the_station_told_is_the_stations_and_late_news_is_history() -> None:
    clock = ClockState(1, "boot", "synced", 1, Instant(0))
    late = envelope(event("connector.status", {}, happened_at=Instant(NOON - 61 * SECOND), clock=clock))
    assert (late["timequality"], late["historical"]) == ("station", True)
    assert envelope(event("connector.status", {"historical": True}))["historical"] is True


@pytest.mark.parametrize(("by", "told"), [("free_charging", "free_charging"), (None, "unknown")])
@pytest.mark.parametrize("kind", ["transaction.started", "transaction.ended"])
def test_sessions_say_where_when_by_their_station_and_who_decided(kind: str, by: str | None, told: str) -> None:
    what = kind.removeprefix("transaction.").removesuffix("ed").removesuffix("end")
    text = "start_time_text" if what == "start" else "stop_time_text"
    facts = {"transaction_id": 5, "authorization": "Accepted", "authorized_by": by, text: "12:00"}
    data = envelope(event(kind, facts))["data"]
    assert (data["station"], data["connector"], data["station_time"]) == ("CP 1", 2, "12:00")
    assert data["authorization"] == {"decision": "Accepted", "by": told} and "authorized_by" not in data


def test_an_end_that_overrides_another_is_a_correction() -> None:
    assert type_name("transaction.ended", {"corrects": "reconstructed"}) == "transaction.corrected"
    assert type_name("transaction.ended", {"corrects": None}) == "transaction.ended"


def test_kinds_that_share_a_type_say_which_they_are() -> None:
    assert envelope(event("load.limit_set", {"circuit": "main"}))["data"] == {"circuit": "main", "change": "set"}
    changed = envelope(event("charging_profiles.changed", {"change": "cleared"}))
    assert (changed["type"], changed["data"]["change"]) == ("ocpp-gateway.profile.changed.v1", "cleared")
    security = envelope(event("gateway.security_event", {"type": "x"}))["data"]
    assert security == {"type": "x", "station": "CP 1", "told_by": "gateway"}


@pytest.mark.parametrize("kind", ["authorization.decided", "transaction.meter_values", "transaction.orphan_stop"])
def test_what_bills_says_where(kind: str) -> None:
    data = envelope(event(kind, {"transaction_id": 5}))["data"]
    assert data == {"transaction_id": 5, "station": "CP 1", "connector": 2}


def test_samples() -> None:
    told = envelope(event(METER_KIND, {"meterValue": []}, transaction_id=5))
    assert told["type"] == "ocpp-gateway.station.sample.v1"
    expected = {"station": "CP 1", "connector": 2, "transaction_id": 5, "payload": {"meterValue": []}}
    assert told["data"] == expected
    assert envelope(event(METER_KIND, b"\xffnot JSON"))["data"]["payload"] == "\ufffdnot JSON"
    site = envelope(event(SITE_KIND, {"meters": []}, station=None, connector=None))
    assert (site["type"], site["data"]) == ("ocpp-gateway.site.sample.v1", {"meters": []})
