"""A hundred thousand odd frames from many stations at once, among them honest sessions and requests of an operator.

The unchanged gateway in virtual time, its own database on disk, whole WebSockets in memory. Everything follows from the
seed: FUZZ_SEED and FUZZ_FRAMES in the environment play another one, or fewer.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import logging
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.operations.carry_out_commands import carry_out
from gateway.operations.manage_tags import put_tag
from gateway.store.meter_frames import unpack
from gateway.terminal.logging_setup import JsonFormat, mask_secrets
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.virtual_time import World, run_virtual
from tests.faults.odd_frames import OddFrames
from tests.faults.odd_station import CODES, LONGEST_FRAME, OddStation
from tests.faults.persistent_station import assert_without_gaps
from tests.faults.valid_messages import ORDERS
from tests.simulation.played_day import MORNING, surroundings

SEED = int(os.environ.get("FUZZ_SEED", "20270115"))
FRAMES = int(os.environ.get("FUZZ_FRAMES", "100000"))
ASKED_BY_ITSELF = {"CertificateSigned"}  # the gateway sends it as well, even in certification mode
STATIONS, GUESTS = 60, 4
SECRET = "velvet"  # with a number behind; nothing else has this word in it
OCPP = f"""
unknown_stations = "pending"
automatic_calls = false
call_timeout_seconds = 2
max_frame_bytes = {LONGEST_FRAME}
"""


@dataclass
class Played:
    """What came of it."""

    stations: list[OddStation]
    complaints: list[str] = field(default_factory=list)
    orders: Counter[str] = field(default_factory=Counter)
    failed: int = 0


def test_garbage_is_answered_as_it_must_be_and_loses_nothing(tmp_path: Path) -> None:
    log = play_and_check(tmp_path, FRAMES, frames_logged=False)
    assert not [line for line in log if json.loads(line)["level"] in ("error", "critical")][:3]


def test_no_secret_of_a_frame_is_in_the_log_of_frames(tmp_path: Path) -> None:
    log = play_and_check(tmp_path, FRAMES // 20, frames_logged=True)
    assert len(log) > FRAMES // 20


def play_and_check(directory: Path, frames: int, *, frames_logged: bool) -> list[str]:
    """Play, hold everything against what must be, and return the log."""
    print(f"reproduce: FUZZ_SEED={SEED} FUZZ_FRAMES={FRAMES} pytest tests/faults/test_fuzzed_frames.py")
    with logged() as log:
        played = run_virtual(lambda world: _play(world, directory, frames, frames_logged), start=MORNING, seed=SEED)
    complaints = [text for station in played.stations for text in station.complaints] + played.complaints
    assert complaints == []
    lines = log.getvalue().strip("\n").split("\n")
    assert not [line for line in lines if SECRET in line][:3]
    assert played.failed == 0
    assert sum(station.frames for station in played.stations) >= frames
    with closing(sqlite3.connect(directory / "data" / "gateway.db")) as db:
        assert_without_gaps(db)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert [problem for station in played.stations for problem in not_recorded(db, station)] == []
        assert list(itertools.islice(secrets_stored(db), 3)) == []
        assert list(itertools.islice(unreadable_bodies(db), 3)) == []
    stored = b"".join(file.read_bytes() for file in (directory / "data").iterdir() if file.is_file())
    assert SECRET.encode() not in stored
    if frames >= 50_000:
        assert_worth_it(played)
    return lines


def assert_worth_it(played: Played) -> None:
    """The dice gave something of everything."""
    answered = sum((station.answered for station in played.stations), Counter[str]())
    print(answered, played.orders, sum(len(station.sessions) for station in played.stations), "sessions")
    assert CODES - set(answered) <= {"InternalError", "GenericError"}
    assert set(played.orders) >= {"answered", "call_error", "unanswered", "refused"}
    assert sum((station.lines_ended for station in played.stations), Counter[int]()).keys() == {1007, 1009}


async def _play(world: World, directory: Path, frames: int, frames_logged: bool) -> Played:
    names = [f"ODD-{number}" for number in range(STATIONS)]
    guests = [f"GUEST-{number}" for number in range(4, GUESTS * 5, 5)]  # told Pending
    more = "".join(f'[[station]]\nid = "{name}"\n{_treatment(index)}\n' for index, name in enumerate(names))
    more += f'[log]\nlevel = "info"\nframes = {str(frames_logged).lower()}\n'
    async with running_gateway(directory, ocpp=OCPP, more=more, surroundings=surroundings(world)) as running:
        stations = [_station(name, running) for name in (*names, *guests)]
        played = Played(stations)
        for station in stations:
            await put_tag(running.site, station.card, {}, actor="test")
        async with asyncio.TaskGroup() as group:
            for station in stations:
                group.create_task(_one(running, station, frames // len(stations) + 1, played))
        await asyncio.sleep(5)  # what is told in the background is stored
        for station in stations:
            await station.hang_up()
        messages = running.site.health.counters.messages
        played.failed = sum(times for (_, _, result), times in messages.items() if result == "failed")
    return played


def _treatment(index: int) -> str:
    """Every fourth is strict, one answers late, one writes no zone."""
    return {0: "strict = true", 1: "", 2: "utc_offset_minutes = 120", 3: "answer_delay_ms = 30"}[index % 4]


def _station(name: str, running: Running) -> OddStation:
    index = int(name.split("-")[1])
    chance = random.Random(f"{SEED}/{name}")
    supply = OddFrames(chance, sheltered=index % 5 != 4, secret=SECRET)
    return OddStation(
        name,
        running.addresses.stations_port,
        supply,
        chance,
        f"CARD-{index}",
        charges=index % 5 != 4,
        breaks_lines=index >= 8,
    )


async def _one(running: Running, station: OddStation, frames: int, played: Played) -> None:
    talking = asyncio.create_task(station.talk(frames))
    chance = random.Random(f"{SEED}/{station.identity}/operator")
    while not talking.done():
        await asyncio.sleep(chance.uniform(0.0, 0.1))
        action = chance.choice(list(ORDERS))
        payload = ORDERS[action]
        if action == "ChangeConfiguration" and chance.random() < 0.7:
            payload = {"key": "WifiPassword", "value": f"{SECRET}-of-ours-{chance.randrange(10**6)}"}
        station.replies_due.pop(action, None)
        outcome = await carry_out(running.site, station=station.identity, action=action, payload=payload, actor="test")
        if outcome.status == "not_connected":
            continue
        played.orders[outcome.status] += 1
        lost = outcome.status == "unanswered" and not (outcome.description or "").startswith("no answer within")
        due = station.replies_due.get(action)
        if due is not None and not lost and outcome.status != due and action not in ASKED_BY_ITSELF:
            played.complaints.append(f"{station.identity} {action}: {outcome}, {due} is due")
        if SECRET in repr(outcome.response) + repr(outcome.description) + repr(outcome.code) + repr(outcome.warning):
            played.complaints.append(f"{station.identity} {action}: a secret is shown: {outcome}"[:1000])
    await talking


def not_recorded(db: sqlite3.Connection, station: OddStation) -> Iterator[str]:
    """What is wrong with the record of the station's honest sessions."""
    frames = Counter(
        unpack(encoding, body).decode()
        for encoding, body in db.execute(
            "SELECT encoding, body FROM meter_frames WHERE station = ?", (station.identity,)
        )
    )
    for session in station.sessions:
        rows = db.execute(
            "SELECT transaction_id, start_text, stop_text, meter_stop_wh, authorization, anomalies, stop_source"
            " FROM transactions WHERE station = ? AND connector = 1 AND id_tag = ? AND meter_start_wh = ?",
            (station.identity, station.card, session.meter_start),
        ).fetchall()
        end = (session.stop_at, session.meter_stop) if session.told else (None, None)
        source = "station" if session.told else None
        if session.transaction_id and rows != [
            (session.transaction_id, session.start_at, *end, "Accepted", "[]", source)
        ]:
            yield f"{station.identity}: {session} is recorded as {rows}"
        if any(frames[values] != 1 for values in session.values):
            yield f"{station.identity}: the values of {session} are not stored once each"


def secrets_stored(db: sqlite3.Connection) -> Iterator[tuple[str, Any]]:
    """Every row of any table that shows a secret, packed meter data included."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        cursor = db.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        for row in cursor:
            shown = dict(zip(names, row, strict=True))
            if table == "meter_frames":
                shown["body"] = unpack(shown["encoding"], shown["body"])
            if SECRET in repr(shown):
                yield table, shown


def unreadable_bodies(db: sqlite3.Connection) -> Iterator[str]:
    """Meter data of messages that were JSON, kept as something else."""
    for encoding, body in db.execute("SELECT encoding, body FROM meter_frames"):
        text = unpack(encoding, body).decode()
        try:
            json.loads(text, strict=False, parse_int=float)
        except ValueError as error:
            yield f"{error}: {text}"[:1000]


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that the daemon would log at level info, as it would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormat())  # type: ignore[arg-type]
    handler.addFilter(mask_secrets)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
