"""The envelope of an event: the same bytes each time, the fixed names, what its data tell, and what fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.clocks import ClockState
from gateway.model.instants import SECOND, Instant
from gateway.model.journal import JournalEvent
from gateway.rules.envelopes import METER_KIND, TYPE_OF_KIND, cut, envelope_of, type_name

AT = Instant(1_800_000_000_000_000)
CLOCK = ClockState(1, "boot", "synced", 12, int(AT) - 5_000_000)


def event(kind: str = "transaction.started", **more: Any) -> JournalEvent:
    """An event of station CP 1."""
    data = more.pop("data", {})
    facts: dict[str, Any] = {
        "stream": "tx",
        "sequence": 7,
        "station_sequence": 3,
        "kind": kind,
        "station": "CP 1",
        "connector": 2,
        "happened_at": AT,
        "recorded_at": AT,
        "data": data if isinstance(data, bytes) else json.dumps(data).encode(),
    }
    return JournalEvent(**{**facts, **more})


def told(one: JournalEvent, **more: Any) -> Any:
    return envelope_of(one, epoch="e", site="depot 1", **more)


def test_who_what_and_where() -> None:
    document = told(event())
    assert document["id"] == "e:tx:7"
    assert document["source"] == "ocpp-gateway/depot%201"
    assert document["type"] == "ocpp-gateway.transaction.started.v1"
    assert document["subject"] == "station/CP%201/connector/2"
    assert (document["epoch"], document["stream"], document["sequence"], document["stationseq"]) == ("e", "tx", 7, 3)
    assert document["time"] == document["recordedtime"]
    assert json.dumps(document) == json.dumps(told(event()))


def test_of_the_site_and_of_a_station_as_a_whole() -> None:
    assert "subject" not in told(event(station=None, connector=None))
    assert told(event(connector=None))["subject"] == "station/CP%201"
    assert "stationseq" not in told(event(station_sequence=None))


@pytest.mark.parametrize(("after", "expected"), [(None, None), (6, None), (2, 2), (0, 0)])
def test_what_precedes_it_is_told_where_it_is_not_one_less(after: int | None, expected: int | None) -> None:
    assert told(event(), after=after).get("after") == expected


def test_the_name_of_before_a_restore() -> None:
    assert told(event(previous_id="d:tx:107"))["previousid"] == "d:tx:107"
    assert "previousid" not in told(event())


def test_how_far_to_believe_the_time() -> None:
    assert "timequality" not in told(event())
    ours = told(event(clock=CLOCK))
    assert (ours["timequality"], ours["timeerrorms"], ours["bootid"], ours["monoms"]) == ("synced", 12, "boot", 5000)
    theirs = told(event(clock=CLOCK, happened_at=Instant(AT - SECOND)))
    assert theirs["timequality"] == "station"


@pytest.mark.parametrize(
    ("late_seconds", "data", "historical"),
    [(0, {}, False), (60, {}, False), (61, {}, True), (0, {"historical": 1}, True)],
)
def test_what_does_not_describe_the_present(late_seconds: int, data: object, historical: bool) -> None:
    document = told(event(data=data, happened_at=Instant(AT - late_seconds * SECOND)))
    assert document["historical"] is historical


def test_kinds_that_share_a_type_say_what_changed() -> None:
    assert type_name("reservation.made", {}) == "reservation.changed"
    assert told(event("reservation.made"))["data"]["change"] == "made"
    assert type_name("transaction.ended", {"corrects": "reconstructed"}) == "transaction.corrected"
    assert type_name("transaction.ended", {"corrects": None}) == "transaction.ended"
    assert "change" not in told(event("station.booted"))["data"]
    assert {name for name, _ in TYPE_OF_KIND.values()} >= {"profile.changed", "security.event", "station.sample"}


def test_the_data_of_sessions() -> None:
    started = told(event(data={"authorization": "Accepted", "authorized_by": "id_tags", "start_time_text": "t"}))[
        "data"
    ]
    assert started["authorization"] == {"decision": "Accepted", "by": "id_tags"}
    assert (started["station"], started["connector"], started["station_time"]) == ("CP 1", 2, "t")
    ended = told(event("transaction.ended", data={"stop_time_text": "u", "energy_wh": 5}))["data"]
    assert (ended["station"], ended["station_time"], ended["energy_wh"]) == ("CP 1", "u", 5)
    assert told(event("authorization.decided"))["data"] == {"station": "CP 1", "connector": 2}
    assert told(event("gateway.security_event"))["data"]["told_by"] == "gateway"
    assert told(event("station.security_event"))["data"]["told_by"] == "station"


def test_meter_values_as_the_station_sent_them() -> None:
    sample = told(event(METER_KIND, data=b'{"connectorId": 2}', transaction_id=9))["data"]
    assert sample == {"station": "CP 1", "connector": 2, "transaction_id": 9, "payload": {"connectorId": 2}}
    assert told(event(METER_KIND, data=b"\xff{"))["data"]["payload"] == "\ufffd{"
    deep = b"[" * 100_000
    assert told(event(METER_KIND, data=deep))["data"]["payload"] == deep.decode(), "nobody can read it, all the same"


def test_what_is_too_large_is_cut_and_says_so() -> None:
    document = told(event(data={"energy_wh": 5, "large": "x" * 5000, "reason": "Local", "middle": "y" * 250}))
    whole = len(json.dumps(document))
    short = cut(document, size_bytes=whole, most_bytes=3000)
    assert set(short["data"]) == {"energy_wh", "reason", "middle", "station", "connector", "station_time",
                                  "authorization", "left_out_bytes"}  # fmt: skip
    assert short["data"]["left_out_bytes"] == whole
    assert {**short, "data": None} == {**document, "data": None}
    least = len(json.dumps({**short, "data": {"left_out_bytes": whole}}, separators=(",", ":")))
    tight = cut(document, size_bytes=whole, most_bytes=least + 80)
    assert "energy_wh" in tight["data"] and "middle" not in tight["data"]
    assert len(json.dumps(tight, separators=(",", ":"))) <= least + 80
    small = told(event(data={"energy_wh": 5}))
    assert cut(small, size_bytes=1, most_bytes=9000)["data"] == {**small["data"], "left_out_bytes": 1}
    assert cut(document, size_bytes=whole, most_bytes=10)["data"] == {"left_out_bytes": whole}
