"""A station that talks mostly nonsense, charges honestly in between, and notes what it is owed for every text."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from tests.fakes.scripted_station import schema_validator
from tests.faults.odd_frames import OddFrames
from tests.faults.raw_line import RawLine
from tests.faults.what_is_due import Answer, Key, Nothing, Perhaps, Refusal, due, key_of

CODES = {
    "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "FormationViolation",
    "PropertyConstraintViolation", "OccurenceConstraintViolation", "TypeConstraintViolation", "GenericError",
}  # fmt: skip
PATIENCE_SECONDS = 600.0
FIRST_START = datetime(2026, 3, 27, 6, 0)
LONGEST_FRAME = 65_536


@dataclass
class Session:
    """A session that is told rightly, whatever is said around it."""

    start_at: str
    stop_at: str
    meter_start: int
    meter_stop: int
    transaction_id: int = 0
    values: list[str] = field(default_factory=list)  # texts of its MeterValues payloads
    told: bool = False  # its stop is answered


@dataclass
class OddStation:
    """`complaints` stays empty when the gateway does what it owes."""

    identity: str
    port: int
    supply: OddFrames
    chance: random.Random
    card: str
    charges: bool = True
    breaks_lines: bool = True
    sessions: list[Session] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    frames: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    lines_ended: Counter[int] = field(default_factory=Counter)
    replies_due: dict[str, str] = field(default_factory=dict)  # what our newest answer must come to, by action
    _line: RawLine | None = None
    _owed: Counter[Key] = field(default_factory=Counter)
    _refusals_owed: Counter[Key] = field(default_factory=Counter)  # of these
    _perhaps: int = 0
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _valid: dict[Key, str] = field(default_factory=dict)  # requests that must be answered with a CALLRESULT
    _answers: dict[Key, Any] = field(default_factory=dict)
    _number: int = 0

    async def talk(self, frames: int) -> None:
        """Say so many messages."""
        while self.frames < frames and not self.complaints:
            await self._connect()
            burst = [self.supply.frame() for _ in range(self.chance.choice((1, 3, 10, 20, 20, 100)))]
            right = self._next_right_message() if self.charges else None
            if right is not None:
                burst.insert(self.chance.randrange(len(burst) + 1), right[1])
                if b"MeterValues" not in right[1] and self.chance.random() < 0.1:
                    burst.append(right[1])  # told twice, as after a lost answer
            burst.append(json.dumps([2, f"end-{self.frames}", "Heartbeat", {}]).encode())
            await self._say(burst)
            if right is not None:
                self._heed(*right)
            if self._line is not None and self._line.ping_overdue():
                self._complain("a ping was not answered")
            if self.breaks_lines and self.chance.random() < 0.05:
                await self._break_the_line()

    async def hang_up(self) -> None:
        """Leave."""
        if self._line is not None:
            self._line.end()

    async def _connect(self) -> None:
        if self._line is not None and not self._line.lost.done():
            return
        loop = asyncio.get_running_loop()
        _, self._line = await loop.create_connection(lambda: RawLine(self._heard, self.chance), "127.0.0.1", self.port)
        self._line.upgrade(self.identity)
        await self._line.upgraded

    async def _say(self, burst: list[bytes]) -> None:
        assert self._line is not None
        burst = [text for text in burst if len(text) <= LONGEST_FRAME and _is_utf8(text)]
        for text in burst:
            self._expect(text)
        self.frames += len(burst)
        self._settled.clear()
        self._line.say(burst)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.wait([self._line.lost, waiting := asyncio.ensure_future(self._settled.wait())],
                                   return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
                waiting.cancel()
        except TimeoutError:
            self._complain(f"not answered: {list(self._owed.elements())[:5]} of {burst!r}")
        if self._line.lost.done():
            self._complain(f"hung up on with {self._line.closed_with} after {burst!r}")

    def _expect(self, text: bytes) -> None:
        match due(text):
            case Answer(key):
                self._owed[key] += 1
            case Refusal(key):
                self._owed[key] += 1
                self._refusals_owed[key] += 1
            case Perhaps():
                self._perhaps += 1
            case Nothing():
                pass

    def _heard(self, text: bytes) -> None:
        message = json.loads(text)
        if message[0] == 2:
            self._reply(*message[1:])
            return
        key = key_of(message[1])
        assert key is not None, message
        self._judge(key, message)
        if self._owed[key]:
            self._owed[key] -= 1
            if message[0] == 4:
                self._refusals_owed[key] = max(0, self._refusals_owed[key] - 1)
            elif self._owed[key] < self._refusals_owed[key]:
                self._complain(f"an answer to a request without action: {text!r}")
        else:
            self._perhaps -= 1
            if self._perhaps < 0:
                self._complain(f"an answer that nobody asked for: {text!r}")
        self._owed = +self._owed
        if not self._owed:
            self._settled.set()

    def _judge(self, key: Key, message: list[Any]) -> None:
        kind, _, *rest = message
        if kind == 4:
            code, description, details = rest
            self.answered[code] += 1
            if code not in CODES or code == "InternalError" or details != {} or len(description) > 255:
                self._complain(f"a wrong refusal: {message}")
            if key in self._valid:
                self._complain(f"a right {self._valid[key]} was refused: {message}")
            return
        (payload,) = rest
        self.answered["answer"] += 1
        if not isinstance(payload, dict):
            self._complain(f"a wrong answer: {message}")
        action = self._valid.pop(key, None)
        if action is not None:
            self._answers[key] = payload
            if next(_validator(action).iter_errors(payload), None) is not None:
                self._complain(f"an answer to {action} that breaks the schema: {message}")

    def _reply(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        """The gateway asks something."""
        assert self._line is not None
        if self.chance.random() < 0.1:
            self.replies_due[action] = "unanswered"
            return
        text = self.supply.reply(message_id, action)
        if self.chance.random() < 0.1:  # it quotes what it was sent
            text = json.dumps([4, message_id, "GenericError", json.dumps(payload), payload]).encode()
        found = due(text) if len(text) <= LONGEST_FRAME and _is_utf8(text) else None
        if found is None:
            text, found = b"[]", Nothing()
        mine = isinstance(found, Nothing) and found.reply_to == message_id
        self.replies_due[action] = {3: "answered", 4: "call_error"}[found.kind] if mine else "unanswered"  # type: ignore[union-attr]
        self._expect(text)
        self._line.say([b'[3,"nobody asked",{}]', text] if self.chance.random() < 0.2 else [text])

    # What is right

    def _next_right_message(self) -> tuple[Session, bytes, Key]:
        session = self.sessions[-1] if self.sessions else None
        if session is None or session.told:
            session = self._new_session()
            self.sessions.append(session)
        if not session.transaction_id:
            action, payload = "StartTransaction", {
                "connectorId": 1, "idTag": self.card, "meterStart": session.meter_start, "timestamp": session.start_at,
            }  # fmt: skip
        elif len(session.values) < 2:
            sample = {"value": str(session.meter_start + len(session.values)), "unit": "Wh"}
            reading = {"timestamp": session.start_at, "sampledValue": [sample]}
            payload = {"connectorId": 1, "transactionId": session.transaction_id, "meterValue": [reading]}
            action = "MeterValues"
        else:
            action, payload = "StopTransaction", {
                "transactionId": session.transaction_id, "meterStop": session.meter_stop, "timestamp": session.stop_at,
            }  # fmt: skip
        self._number += 1
        key: Key = ("text", f"right-{self._number}")
        self._valid[key] = action
        return session, json.dumps([2, key[1], action, payload]).encode(), key

    def _new_session(self) -> Session:
        number = len(self.sessions)
        start = FIRST_START + timedelta(minutes=3 * number)
        meter = 1000 + 100 * number
        return Session(_text(start), _text(start + timedelta(minutes=2)), meter, meter + 50)

    def _heed(self, session: Session, text: bytes, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is None:
            self._complain(f"no answer to {text!r}")
        elif "transactionId" in answer:
            session.transaction_id = answer["transactionId"]
            if answer["idTagInfo"] != {"status": "Accepted"} or session.transaction_id <= 0:
                self._complain(f"{text!r} was answered {answer}")
        elif b'"MeterValues"' in text:
            session.values.append(json.dumps(json.loads(text)[3]))
        else:
            session.told = True

    async def _break_the_line(self) -> None:
        """Something that must end the connection, and nothing else must."""
        assert self._line is not None
        await asyncio.sleep(1)
        if self.chance.random() < 0.5:
            text, code = self.supply.not_utf8(), 1007
        else:
            text, code = b'[2,"big","DataTransfer",{"vendorId":"' + b"x" * LONGEST_FRAME + b'"}]', 1009
        self._line.say([text])
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._line.lost
        except TimeoutError:
            self._complain(f"not hung up on, {code} is due")
        self.lines_ended[self._line.closed_with] += 1
        if self._line.closed_with != code:
            self._complain(f"hung up on with {self._line.closed_with}, {code} is due")

    def _complain(self, what: str) -> None:
        self.complaints.append(f"{self.identity}: {what}"[:4000])
        self._settled.set()


@cache
def _validator(action: str) -> Draft4Validator:
    return schema_validator(f"{action}Response")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
