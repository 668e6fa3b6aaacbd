"""SendLocalList written and read, whoever wrote it; GetLocalListVersion read as stations answer it."""

from __future__ import annotations

import pytest

from gateway.model.identities import FoldedTag
from gateway.model.instants import SECOND, Instant
from gateway.model.local_lists import Changes, Entry
from gateway.model.tags import Verdict
from gateway.ocpp.v16.local_lists import list_payload, read_list_request
from gateway.ocpp.v16.schemas import violations
from gateway.ocpp.v16.to_station import ListVersionAnswer, read_answer

AT = Instant(1_800_000_000 * SECOND)
CHANGES = Changes(
    {
        FoldedTag("a"): Entry("A", Verdict("Accepted")),
        FoldedTag("b"): Entry("B", Verdict("Blocked", "P")),
        FoldedTag("c"): Entry("C", Verdict("Accepted", None, AT)),
    },
    {FoldedTag("gone"): "Gone"},
)


def test_what_is_written_is_valid_and_reads_the_same() -> None:
    payload = {"listVersion": 3, **list_payload("Differential", CHANGES)}
    assert violations("SendLocalList", "request", payload) is None
    assert payload["localAuthorizationList"] == [
        {"idTag": "A", "idTagInfo": {"status": "Accepted"}},
        {"idTag": "B", "idTagInfo": {"status": "Blocked", "parentIdTag": "P"}},
        {"idTag": "C", "idTagInfo": {"status": "Accepted", "expiryDate": "2027-01-15T08:00:00.000Z"}},
        {"idTag": "Gone"},
    ]
    read = read_list_request(payload)
    assert (read.update_type, read.version, read.changes) == ("Differential", 3, CHANGES)


def test_no_list_is_an_empty_one() -> None:
    for payload in ({}, {"localAuthorizationList": None}, {"localAuthorizationList": []}):
        assert read_list_request(payload).changes == Changes({}, {})


@pytest.mark.parametrize("version", ["3", None, True, 3.0, 2**31, -(2**31)])
def test_a_version_that_is_no_integer_of_the_specification_is_none(version: object) -> None:
    assert read_list_request({"listVersion": version}).version is None


@pytest.mark.parametrize("version", [0, -1, 1, 2**31 - 1])
def test_any_other_version_is_read_as_it_is(version: int) -> None:
    assert read_list_request({"listVersion": version}).version == version


@pytest.mark.parametrize("update_type", ["full", None, 1, "Partial"])
def test_another_update_type_is_none(update_type: object) -> None:
    assert read_list_request({"updateType": update_type}).update_type is None


@pytest.mark.parametrize(
    "entries",
    [
        "x",
        {},
        [None],
        ["x"],
        [{}],
        [{"idTag": 7}],
        [{"idTag": "A"}, {"idTag": "a"}],
        [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}, {"idTag": "a "}],
    ],
)
def test_a_list_that_cannot_be_followed_has_no_changes(entries: object) -> None:
    assert read_list_request({"updateType": "Differential", "localAuthorizationList": entries}).changes is None


def test_a_full_list_with_a_removal_cannot_be_followed() -> None:
    assert read_list_request({"updateType": "Full", "localAuthorizationList": [{"idTag": "A"}]}).changes is None


@pytest.mark.parametrize(
    "info",
    [
        7,
        {},
        {"status": "accepted"},
        {"status": "Accepted", "parentIdTag": 7},
        {"status": "Accepted", "expiryDate": "soon"},
        {"status": "Accepted", "expiryDate": 7},
    ],
)
def test_an_id_tag_info_that_is_not_understood_has_no_verdict(info: object) -> None:
    changes = read_list_request({"localAuthorizationList": [{"idTag": "A", "idTagInfo": info}]}).changes
    assert changes is not None
    assert changes.put == {FoldedTag("a"): Entry("A", None)}


@pytest.mark.parametrize(("told", "version"), [(0, 0), (-1, -1), (7, 7), ("12", 12), (" -1 ", -1), (3.0, 3), ("+4", 4)])
def test_a_version_is_read_as_stations_write_it(told: object, version: int) -> None:
    assert read_answer("GetLocalListVersion", {"listVersion": told}) == ListVersionAnswer(version)


@pytest.mark.parametrize("told", [None, True, "", "one", 1.5, [1], 10**20])
def test_what_is_no_version_is_no_answer(told: object) -> None:
    assert read_answer("GetLocalListVersion", {"listVersion": told}) is None
    assert read_answer("GetLocalListVersion", {}) is None
