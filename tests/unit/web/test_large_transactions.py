"""A session whose meter said very much is shown without holding up the event loop that answers stations."""

from __future__ import annotations

import json
import threading
from types import ModuleType

import pytest

from gateway.model.identities import StationId
from gateway.store import meter_frames, reports_events, reports_meter_values
from gateway.store.writing import Writing
from gateway.web import transactions_api
from gateway.web.transactions_api import _with_values
from tests.unit.web.conftest import NOON, Door

_SAMPLES = 20_000
_FRAMES = 3


def large_session(db: Writing) -> None:
    db.execute(
        "INSERT INTO transactions (transaction_id, station, connector, id_tag, folded_tag, start_at, meter_start_wh)"
        " VALUES (1, 'S-1', 1, 'Tag', 'tag', ?, 1000)",
        (NOON,),
    )
    samples = ",".join(['{"value":"1"}'] * _SAMPLES)
    body = f'{{"meterValue":[{{"timestamp":"2027-01-15T08:00:00Z","sampledValue":[{samples}]}}]}}'.encode()
    for _ in range(_FRAMES):
        meter_frames.append(db, StationId("S-1"), 1, 1, 1, NOON, body)


@pytest.mark.parametrize(
    ("module", "function", "path"),
    [
        (reports_meter_values, "unpack", "/api/v1/transactions/1"),
        (reports_meter_values, "_meter_values_in", "/api/v1/transactions/1"),
        (transactions_api, "_text", "/api/v1/transactions/1"),
        (reports_events, "unpack", "/api/v1/events?stream=meter"),
        (reports_events, "_meter_data", "/api/v1/events?stream=meter"),
    ],
)
async def test_the_event_loop_goes_on_meanwhile(
    door: Door, monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str, path: str
) -> None:
    await door.write(large_session)
    threads: list[threading.Thread] = []
    work = getattr(module, function)

    def watched(*arguments: object) -> object:
        threads.append(threading.current_thread())
        return work(*arguments)

    monkeypatch.setattr(module, function, watched)
    body = await (await door.ask("GET", path)).read()
    assert len(body) > _SAMPLES * _FRAMES * 10
    assert len(threads) >= _FRAMES
    assert threading.main_thread() not in threads


def test_written_in_pieces_it_is_the_same_document() -> None:
    meter_value = {
        "sampledValue": [{"value": str(number), "t": "\u00e4\ud800"} for number in range(2500)],
        "x": [],
        "y": None,
    }
    written = json.loads(_with_values({"a": [1.5, None]}, [meter_value, {}], [{"value": "1"}]))
    expected = json.loads(json.dumps(meter_value).replace("\\ud800", "?"))
    assert written == {"a": [1.5, None], "meter_values": [expected, {}], "signed_values": [{"value": "1"}]}
