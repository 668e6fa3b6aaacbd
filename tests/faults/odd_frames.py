"""Messages that are nearly right: a valid request of a station or an answer to one of ours, damaged at random.

Everything comes from the `random.Random` that is handed in. What a message ought to lead to is not known here
(`what_is_due`): only how it is damaged. A sheltered station leaves the connector of its starts and the transaction of
its stops alone, so that its garbage cannot mean the sessions which the test follows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.faults.valid_messages import ANSWERS, NOTICES, Payload

Tree: TypeAlias = "Members | Literal | list[Tree] | str | int | float | bool | None"
Place = tuple["Members | list[Any]", int]


@dataclass(slots=True)
class Members:
    """A JSON object as it is written: names may occur twice."""

    pairs: list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Literal:
    """JSON text, or what somebody takes for it."""

    text: str


LITERALS = [
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1E+2", "-0", "-0.0", "1e-400", "0.30000000000000004",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "2147483646", "2147483647", "2147483648",
    "9" * 40, "9" * 400, "-" + "9" * 5000, "1." + "3" * 400, '"\\ud800"', '"x\\udc00x"', '"\\ud83d\\ude00"',
    '"\\u0000"', '"a\\u0000b"', '"\x00"', '"\x01\x1f"', '"\n\r\t"', '"\x7f\u0085"', '"\\u00e4\\u2028"',
    "[" * 60 + "]" * 60,
    '{"a":' * 60 + "1" + "}" * 60, "[" * 3000 + "]" * 3000, '{"":' * 3000 + "{}" + "}" * 3000, "tru", "'x'", "", "01",
    "+1", ".5", "1.", "0x10", "1_000", "undefined", "{}", "[]", "[[]]", '{"":""}', "{,}", '{"a"}', '{"a":1,"a":2}',
    '"\\x"', '"\\u12"', '"unended', "/* */ 1",
]  # fmt: skip
VALUES: list[Tree] = [
    None, True, False, 0, 1, -1, 2.5, 1.0, 10**9, "", " ", "0", "1", "-1", "null", "x" * 21, "x" * 51, "x" * 256,
    "x" * 501, "x" * 3000, "ä" * 20, "漢字" * 11, "😀", "\u202eabc", "\ufeff", "\u2028", "NoError", "accepted",
    " Available ",
    "2027-01-15T08:00:00Z", "1970-01-01T00:00:00Z", "2027-01-15 08:00", "99999-01-01T00:00:00Z", "0000-00-00T00:00:00Z",
    "2027-02-30T25:61:61Z", "1:1:1", "'; DROP TABLE transactions;--", "../../etc/passwd", "%s%n", "${jndi:x}",
    "<script>", "a\x00b", "\x10\x0e", "9" * 30, "1e5", "NaN", [], [[]], [None], ["a", 1, {}],
]  # fmt: skip
NAMES = [
    "extra", "", " ", "__proto__", "idTag", "IDTAG", "id_tag", "timestamp", "Timestamp ", "meterValue",
    "transactionData",
    "sampledValue", "status", "x" * 300, "ключ", "\x00", "a.b",
]  # fmt: skip
ACTIONS = [
    "Dance", "", "heartbeat", "HEARTBEAT", "Heartbeat ", "StartTransaction\x00", "Reset", "GetLog", "NotifyEvent",
    "ä" * 40,
    "x" * 3000, "StopTransaction.req", "\u202eHeartbeat",
]  # fmt: skip
_SHELTERED = {"StartTransaction": "connectorId", "StopTransaction": "transactionId"}
_FOLDED = {"connectorid", "transactionid"}


@dataclass
class OddFrames:
    """One station's supply. `secret` is planted under names that say so; it must show up nowhere."""

    chance: random.Random
    sheltered: bool
    secret: str
    number: int = 0
    _earlier: list[bytes] = field(default_factory=list)

    def frame(self) -> bytes:
        """One message, mostly damaged, mostly still a request."""
        chance = self.chance
        if self._earlier and chance.random() < 0.03:
            return chance.choice(self._earlier)
        action = chance.choice(list(NOTICES))
        payload = tree_of(NOTICES[action](chance))
        kept = _SHELTERED.get(action) if self.sheltered else None
        whole: list[Tree] = [2, self._message_id(), action, payload]
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
            self._damage(whole, 3, kept)
        if chance.random() < 0.1 and kept is None:
            self._damage_frame(whole)
        planted = chance.random() < 0.1
        if planted:
            self._plant(whole)
        text = written(whole, chance).encode("utf-8", "surrogatepass")
        if chance.random() < 0.08:
            whole_names = planted or kept is not None
            text = text[: chance.randrange(len(text) + 1)] if whole_names else self._damaged_text(text)
        self._earlier = [*self._earlier[-4:], text]
        return text

    def reply(self, message_id: str, action: str) -> bytes:
        """An answer to our request, damaged more often than not."""
        chance = self.chance
        answer = tree_of(chance.choice(ANSWERS[action]))
        whole: list[Tree] = [3, message_id, answer]
        kind = chance.random()
        if kind < 0.15:
            whole = [4, message_id, chance.choice(("NotSupported", "GenericError", "Odd", "")), "sorry", Members([])]
        if chance.random() < 0.6:
            for _ in range(chance.choice((1, 1, 2, 4))):
                self._damage(whole, 2, None)
        if chance.random() < 0.1:
            self._plant(whole)
        if chance.random() < 0.05:
            self._damage_frame(whole)
        return written(whole, chance).encode("utf-8", "surrogatepass")

    def not_utf8(self) -> bytes:
        """A request with bytes in it that are no text."""
        return (
            b'[2,"bad","DataTransfer",{"vendorId":"'
            + self.chance.choice((b"\xff", b"\xc3\x28", b"\xed\xa0\x80"))
            + b'"}]'
        )

    def _message_id(self) -> Tree:
        self.number += 1
        kind = self.chance.random()
        if kind < 0.85:
            return f"m{self.number}"
        if kind < 0.92:
            return 1000 + self.number
        if kind < 0.95:
            return self.number + 0.5
        return self.chance.choice(
            (f"{self.number}" * 20, f"ä\u2028{self.number}", f"\t{self.number}\n", Literal(f'"\x01{self.number}"'),
             None, True,
             [], Members([]), -self.number, 10**18 + self.number, Literal("1e400"), Literal('"\\ud800"'), "")
        )  # fmt: skip

    def _damage(self, whole: list[Tree], index: int, kept: str | None) -> None:
        """Something happens at one place of the payload, which stands at whole[index]."""
        chance = self.chance
        whole_payload: list[Place] = [(whole, index)] if kept is None else []
        places = list(_places(whole[index], kept))
        if not places or (whole_payload and chance.random() < 0.04):
            places = whole_payload
        if not places:
            return
        container, at = chance.choice(places)
        value = _value(container, at)
        kind = chance.random()
        if kind < 0.4:
            _put(container, at, self._odd())
        elif kind < 0.5 and container is not whole:
            del _parts(container)[at]
        elif kind < 0.6:
            _put(container, at, [value] if chance.random() < 0.5 else Members([("value", value)]))
        elif kind < 0.7 and isinstance(value, Members):
            name = chance.choice(NAMES)
            if name.strip().casefold() not in _FOLDED:
                value.pairs.insert(chance.randrange(len(value.pairs) + 1), (name, self._odd()))
        elif kind < 0.78:
            self._repeat(container, at, value)
        elif kind < 0.86 and isinstance(container, Members):
            name = container.pairs[at][0]
            container.pairs[at] = (
                chance.choice((name.upper(), f" {name}", f"{name}s", name[:-1], name.lower())),
                value,
            )
        elif isinstance(value, str):
            cut = chance.randrange(len(value) + 1)
            _put(
                container,
                at,
                value[:cut] + chance.choice(("\x00", "\x10\x0e", "x" * 300, "ä", "'", '"', "\\", "")) + value[cut:],
            )
        elif isinstance(value, int | float):
            _put(
                container,
                at,
                chance.choice(
                    (str(value), float(value) if abs(value) < 1e300 else 0, -value, value * 10**10, f"{value} W")
                ),
            )

    def _repeat(self, container: Members | list[Any], at: int, value: Tree) -> None:
        if isinstance(value, list) and value:
            _put(container, at, value * self.chance.choice((2, 5, 20)))
        elif isinstance(container, Members):
            name, _ = container.pairs[at]
            container.pairs.append((name, self._odd()))

    def _damage_frame(self, whole: list[Tree]) -> None:
        chance = self.chance
        kind = chance.randrange(6)
        if kind == 0:
            whole[0] = chance.choice((1, 5, "2", 2.0, 3, 4, True, None, -2, Literal("2.0"), Literal("2e0"), [], 10**30))
        elif kind == 1 and len(whole) > 2:
            whole[2] = chance.choice((*ACTIONS, None, 7, [], Members([]), Literal('"\\ud800"')))
        elif kind == 2:
            del whole[chance.randrange(len(whole)) :]
        elif kind == 3:
            whole.extend([self._odd()] * chance.randrange(1, 4))
        elif kind == 4:
            del whole[chance.randrange(len(whole))]
        else:
            whole.insert(chance.randrange(len(whole) + 1), self._odd())

    def _odd(self) -> Tree:
        chance = self.chance
        kind = chance.random()
        if kind < 0.45:
            return deepcopy(chance.choice(VALUES))
        if kind < 0.75:
            return Literal(chance.choice(LITERALS) if chance.random() < 0.9 else chance.choice(("7", "-7", "7.5")))
        if kind < 0.9:
            return chance.randrange(-3, 100)
        return Members([(chance.choice(NAMES), deepcopy(chance.choice(VALUES))) for _ in range(chance.randrange(4))])

    def _plant(self, whole: list[Tree]) -> None:
        """The secret, where a program can see that it is one."""
        chance, secret = self.chance, f"{self.secret}{self.chance.randrange(10**6)}"
        objects = list(_objects(whole))
        if not objects:
            return
        pairs = chance.choice(objects).pairs
        kind = chance.randrange(4)
        if kind == 0:
            pairs.append((chance.choice(("password", "AuthorizationKey", "wifiPassword", "x_api_key")), secret))
        elif kind == 1:
            pairs.append(("keys", [Members([("key", "AuthorizationKey"), ("readonly", False), ("value", secret)])]))
        else:
            name = chance.choice(
                ("info", "techInfo", "data", "vendorErrorCode", "location", "extra", "firmwareVersion")
            )
            text = f"ftp://station:{secret}@files.example/log" if kind == 2 else f"password={secret}"
            pairs[:] = [pair for pair in pairs if pair[0] != name]
            pairs.append((name, text))

    def _damaged_text(self, text: bytes) -> bytes:
        chance = self.chance
        at = chance.randrange(len(text)) if text else 0
        kind = chance.randrange(6)
        if kind == 0:
            return text[:at]
        if kind == 1:
            return text[:at] + text[at + 1 :]
        if kind == 2:
            return (
                text[:at]
                + chance.choice((b"\x00", b",", b'"', b"}", b"]", b" ", b"\n", b"\\", b"\xc3\xa4", b"{", b"["))
                + text[at:]
            )
        if kind == 3 and text[at : at + 1].isascii():
            return text[:at] + bytes((text[at] ^ (1 << chance.randrange(7)),)) + text[at + 1 :]
        if kind == 4:
            return b"\xef\xbb\xbf" + text
        return text + chance.choice((b"]", b"[]", b"\x00", b" ", b"\n\n", text[:50]))


def tree_of(payload: Payload) -> Tree:
    """Plain data as a tree that can be damaged."""
    if isinstance(payload, dict):
        return Members([(name, tree_of(value)) for name, value in payload.items()])
    if isinstance(payload, list):
        return [tree_of(value) for value in payload]
    return payload  # type: ignore[return-value]


def written(tree: Tree, chance: random.Random) -> str:
    """The JSON text, with or without blanks, in ASCII or not."""
    ascii_only, blank = chance.random() < 0.5, chance.choice(("", "", " ", "\n\t"))

    def text(part: Tree) -> str:
        match part:
            case Literal(raw):
                return raw
            case Members(pairs):
                return "{" + f",{blank}".join(f"{text(name)}:{blank}{text(value)}" for name, value in pairs) + "}"
            case list():
                return "[" + f",{blank}".join(map(text, part)) + "]"
        return json.dumps(part, ensure_ascii=ascii_only)

    return text(tree)


def _objects(tree: Tree) -> Iterator[Members]:
    if isinstance(tree, Members):
        yield tree
        for _, value in tree.pairs:
            yield from _objects(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _objects(value)


def _places(tree: Tree, kept: str | None) -> Iterator[Place]:
    """Every place below `tree` that may change."""
    if isinstance(tree, Members):
        for index, (name, value) in enumerate(tree.pairs):
            if name != kept:
                yield tree, index
                yield from _places(value, kept)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield tree, index
            yield from _places(value, kept)


def _parts(container: Members | list[Any]) -> list[Any]:
    return container.pairs if isinstance(container, Members) else container


def _value(container: Members | list[Any], at: int) -> Tree:
    part = _parts(container)[at]
    value: Tree = part[1] if isinstance(container, Members) else part
    return value


def _put(container: Members | list[Any], at: int, value: Tree) -> None:
    _parts(container)[at] = (container.pairs[at][0], value) if isinstance(container, Members) else value
