"""What a fleet manager's command asks, and whether it is accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.fleet_commands import Command, Complaint, Ended, Term, Unclear
from gateway.model.instants import Instant
from gateway.rules import fleet_commands as rules
from gateway.rules.fleet_commands import Surroundings, ended_at_once, object_in, read
from tests.unit.store.opened_database import NOW

HERE = Surroundings(unknown=None, connected=True, waiting=0, waiting_bytes=0)
AWAY = Surroundings(unknown=None, connected=False, waiting=0, waiting_bytes=0)
RESET = Command("1", "station.reset", "CP")
SOON = Term(Instant(NOW + 60))
SECRET = {"action": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": "Hush"}}


def command(**members: Any) -> Command:
    found = read({"id": "1", "type": "ping", **members}, size_bytes=1)
    assert isinstance(found, Command), found
    return found


def why(**members: Any) -> str:
    """The words in which a command is refused."""
    found = read({"id": "1", "type": "ping", **members}, size_bytes=1)
    assert isinstance(found, Unclear), found
    assert (found.id, found.why.code) == ("1", "bad_request")
    return found.why.description


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"5", b"null", b"\xff{}", b'{"a":NaN}', b'{"a":1e999}', b'{"a":-1e999}', b'"\\ud800"', b"{}x",
     b'{"a":"\\udfff"}', b"[" * 100_000, b"\xef\xbb\xbf{}"],
)  # fmt: skip
def test_what_is_no_json_object(payload: bytes) -> None:
    assert object_in(payload) is None


def test_a_json_object_is_taken_as_it_is() -> None:
    payload = '{"a": [1, 1.50, "\\u00e4", null, true], "b": {"c": "ü"}}'
    assert object_in(payload.encode()) == {"a": [1, 1.5, "ä", None, True], "b": {"c": "ü"}}


@pytest.mark.parametrize("command_id", [None, "", 5, True, ["1"], "a\nb", "x" * 129])
def test_without_a_usable_id_nobody_can_be_told(command_id: object) -> None:
    assert read({"id": command_id, "type": "ping"}, size_bytes=1) is None
    assert read({"type": "ping"}, size_bytes=1) is None


def test_a_whole_envelope() -> None:
    found = command(
        type="ocpp.call", target={"station": "CP/1", "connector": 2, "more": 1}, args={"action": "Reset", "more": 1},
        issued_at="2027-01-15T08:00:00Z", expires_at="2027-01-15T09:00:00+01:00", ttl_s=30, actor="user:jane@fleet",
        if_offline="queue", reply_to={"anything": 1}, surprise=[],
    )  # fmt: skip
    args = {"action": "Reset", "more": 1}
    assert found == Command("1", "ocpp.call", "CP/1", 2, args, "user:jane@fleet", NOW, NOW, 30, "queue")


def test_what_is_left_out_or_null_has_its_usual_meaning() -> None:
    nothing = dict.fromkeys(("target", "args", "issued_at", "expires_at", "ttl_s", "actor", "if_offline"))
    assert command(**nothing) == command() == Command("1", "ping")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"type": None}, "type: expected"),
        ({"type": "x" * 129}, "type: expected"),
        ({"target": []}, "target: expected an object"),
        ({"args": "x"}, "args: expected an object"),
        ({"target": {"station": 5}}, "target.station: expected"),
        ({"target": {"connector": True}}, "target.connector: expected a whole number"),
        ({"target": {"connector": -1}}, "target.connector: expected a whole number"),
        ({"target": {"connector": 2**31}}, "target.connector: expected a whole number"),
        ({"actor": ""}, "actor: expected"),
        ({"issued_at": 5}, "issued_at: expected a time"),
        ({"expires_at": "tomorrow"}, "expires_at: expected a time"),
        ({"ttl_s": "30"}, "ttl_s: expected seconds"),
        ({"ttl_s": -1}, "ttl_s: expected seconds"),
        ({"ttl_s": True}, "ttl_s: expected seconds"),
        ({"ttl_s": 30}, "ttl_s: expected issued_at beside it"),
        ({"if_offline": "later"}, "if_offline: expected reject or queue"),
        ({"type": "ocpp.call", "target": {"station": "CP"}}, "args.action: expected"),
        ({"type": "ocpp.call", "target": {"station": "CP"}, "args": {"action": "A", "payload": 5}}, "args.payload"),
        ({"type": "ocpp.call", "target": {"station": "CP"}, "args": {"action": "A", "image": 5}}, "args.image"),
        ({"type": "station.reset"}, "target.station: expected"),
        ({"type": "station.reset", "target": {"station": "CP"}, "args": {"type": "medium"}}, "Soft or Hard"),
        ({"type": "station.remote_start", "args": {"id_tag": 5}}, "args.id_tag"),
        ({"type": "station.remote_start", "args": {"charging_profile": 5}}, "args.charging_profile"),
        ({"type": "station.remote_stop", "args": {"transaction_id": "5"}}, "args.transaction_id"),
        ({"type": "station.remote_stop", "args": {"transaction_id": True}}, "args.transaction_id"),
        ({"type": "station.remote_stop", "args": {"transaction_id": 2**31}}, "args.transaction_id"),
        ({"type": "station.unlock", "target": {"station": "CP"}}, "target.connector: expected"),
        ({"type": "station.unlock", "target": {"station": "CP", "connector": 0}}, "target.connector: expected"),
        ({"type": "site.limit.set", "args": {"limit_amps": 5}}, "args.circuit: expected"),
        ({"type": "site.limit.set", "args": {"circuit": "main", "source": "api"}}, "the site's own"),
        ({"type": "site.limit.clear", "args": {"circuit": "main", "source": 5}}, "args.source: expected"),
        ({"type": "resync", "args": {"stream": "all", "from": 1}}, "args.stream: expected"),
        ({"type": "resync", "args": {"stream": "tx"}}, "either from or since"),
        ({"type": "resync", "args": {"stream": "tx", "from": 1, "since": "2027-01-15"}}, "either from or since"),
        ({"type": "resync", "args": {"stream": "tx", "from": 0}}, "args.from: expected"),
        ({"type": "resync", "args": {"stream": "tx", "from": True}}, "args.from: expected"),
        ({"type": "resync", "args": {"stream": "tx", "since": 5}}, "args.since: expected"),
        ({"type": "resync", "args": {"stream": "tx", "since": "then"}}, "args.since: expected"),
        ({"type": "live.start", "args": {"seconds": "x"}}, "args.seconds: expected"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_words(members: dict[str, Any], words: str) -> None:
    assert words in why(**members)


def test_every_mistake_is_told_at_once() -> None:
    words = why(type="ocpp.call", target={"station": 1, "connector": "x"}, actor=5, ttl_s="x", if_offline=1)
    assert len(words.split("; ")) == 5


@pytest.mark.parametrize(
    "members",
    [
        {"type": "station.remote_stop", "target": {"station": "CP"}},
        {"type": "station.unlock", "target": {"station": "CP", "connector": 1}},
        {"type": "station.remote_stop", "target": {"station": "CP"}, "args": {"transaction_id": -5}},
        {"type": "station.remote_start", "target": {"station": "CP"}, "args": {"id_tag": "T", "charging_profile": {}}},
        {"type": "site.limit.clear", "args": {"circuit": "main"}},
        {"type": "resync", "args": {"stream": "tx", "from": 1}},
        {"type": "resync", "args": {"stream": "tx", "since": "2027-01-15"}},
        {"type": "rebirth"},
        {"type": "live.start", "args": {"seconds": 60.5}},
        {"type": "live.stop"},
    ],
)
def test_what_is_right_is_taken(members: dict[str, Any]) -> None:
    assert command(**members).type == members["type"]


def test_an_unknown_type_is_told_the_known_ones() -> None:
    found = read({"id": "1", "type": "station.explode"}, size_bytes=1)
    assert isinstance(found, Unclear)
    assert found.why.code == "unknown_type" and "site.limit.set" in found.why.description


def test_sizes_are_bounded() -> None:
    large = read({"id": "1", "type": "ping"}, size_bytes=rules.LARGEST_BYTES + 1)
    assert isinstance(large, Unclear) and large.why.code == "too_large"
    deep: object = {"a": 1}
    for _ in range(30):
        deep = [deep]
    assert "inside each other" in why(args={"deep": deep})
    assert "inside each other" in why(surprise=deep)
    assert isinstance(read({"id": "1", "type": 5}, size_bytes=10**9), Unclear)


def test_the_body_tells_one_command_from_another_and_times_do_not() -> None:
    first = {"type": "ping", "target": {}, "args": {"a": 1, "b": 2}, "expires_at": "x", "actor": "y"}
    assert rules.digest_of(first) == rules.digest_of({"args": {"b": 2, "a": 1}, "type": "ping", "target": None})
    for other in ({"type": "pong"}, {"args": {"a": 1}}, {"target": {"station": "CP"}}):
        assert rules.digest_of({**first, **other}) != rules.digest_of(first)
    assert rules.digest_of({"args": SECRET}) == rules.digest_of(
        {"args": {**SECRET, "payload": {"key": "AuthorizationKey", "value": "Other"}}}
    ), "a digest of a password would help to guess it"
    json.dumps(rules.digest_of({"type": 5, "args": 1e10, "target": [10**400]}))


def test_secrets_are_not_for_the_disk() -> None:
    assert rules.may_be_stored({"action": "Reset", "payload": {"type": "Hard", "n": 1.5}})
    assert not rules.may_be_stored(SECRET)
    assert not rules.may_be_stored({"payload": {"location": "ftp://u:Hush@host/"}})


@pytest.mark.parametrize(
    ("asked", "around", "term", "over", "code"),
    [
        (RESET, HERE, Term(), False, None),
        (RESET, HERE, SOON, False, None),
        (RESET, AWAY, SOON, False, "station_offline"),
        (Command("1", "ping"), AWAY, Term(), False, None),
        (Command("1", "station.reset", "CP", if_offline="queue"), AWAY, SOON, False, None),
        (Command("1", "station.reset", "CP", if_offline="queue"), HERE, Term(), False, "expiry_needed"),
        (Command("1", "ocpp.call", "CP", args=SECRET, if_offline="queue"), HERE, SOON, False, "not_queueable"),
        (Command("1", "ocpp.call", "CP", args=SECRET), HERE, SOON, False, None),
        (Command("1", "ping", if_offline="queue"), HERE, Term(), False, None),
        (RESET, HERE, Complaint("clock_unsynced", ""), False, "clock_unsynced"),
        (RESET, AWAY, SOON, True, "expired"),
        (RESET, Surroundings(Complaint("unknown_station", ""), False, 0, 0), SOON, True, "unknown_station"),
        (RESET, Surroundings(None, True, rules.MOST_WAITING, 0), SOON, False, "too_many_waiting"),
        (RESET, Surroundings(None, True, 1, rules.MOST_WAITING_BYTES), SOON, False, "too_many_waiting"),
        (RESET, Surroundings(None, True, 0, 0, retained=True), SOON, False, "retained"),
        (Unclear("1", "", Complaint("bad_request", "")), HERE, Term(), False, "bad_request"),
    ],
)  # fmt: skip
def test_whether_it_is_accepted(
    asked: Command | Unclear, around: Surroundings, term: Term | Complaint, over: bool, code: str | None
) -> None:
    ended = ended_at_once(asked, around, term, over=over)
    if code is None:
        assert ended is None
    else:
        assert isinstance(ended, Ended) and ended.error is not None
        assert (ended.status, ended.error.code) == ("expired" if code == "expired" else "rejected", code)
