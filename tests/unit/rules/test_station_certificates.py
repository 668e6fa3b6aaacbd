"""Who may have a certificate for which name, and when one is renewed and its end is told."""

from __future__ import annotations

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.rules.certificate_ends import days_left, ending
from gateway.rules.registration import Admission
from gateway.rules.station_certificates import (
    MOST_REQUESTS_AN_HOUR,
    Names,
    reason_to_refuse_name,
    reason_to_refuse_signing,
    should_renew,
)

NOON = Instant(1_800_000_000 * SECOND)  # 2027-01-15
DAY = 86_400 * SECOND
OWN = Names(frozenset({"CP-1", "Old name"}), frozenset({"SN-1"}))
OTHER = Names(frozenset({"CP-2", "Alias-2"}), frozenset({"SN-2", "12345678"}))


@pytest.mark.parametrize("admission", ["pending", "removed", None])
def test_only_accepted_stations_are_listened_to(admission: Admission | None) -> None:
    assert reason_to_refuse_signing(admission=admission, times_this_hour=1) == "the station is not accepted yet"


def test_requests_are_counted() -> None:
    assert reason_to_refuse_signing(admission="accepted", times_this_hour=MOST_REQUESTS_AN_HOUR) is None
    refused = reason_to_refuse_signing(admission="accepted", times_this_hour=MOST_REQUESTS_AN_HOUR + 1)
    assert refused == "more than 20 requests within an hour"


@pytest.mark.parametrize("name", ["CP-1", "cp-1", "OLD NAME", "SN-1", "SN-0815", "whatever the maker likes"])
def test_names_that_are_nobody_elses(name: str) -> None:
    assert reason_to_refuse_name(name, OWN, [OTHER]) is None


@pytest.mark.parametrize(
    ("name", "whose"),
    [("CP-2", "identity"), ("cp-2", "identity"), ("alias-2", "identity"), ("SN-2", "serial number")],
)
def test_another_stations_name_is_refused(name: str, whose: str) -> None:
    assert reason_to_refuse_name(name, OWN, [OTHER]) == f"the common name is another station's {whose}"


def test_a_serial_number_that_two_stations_tell_is_nobodys() -> None:
    clone = Names(frozenset({"CP-1"}), frozenset({"12345678"}))
    assert reason_to_refuse_name("12345678", clone, [OTHER]) is not None


def test_the_own_identity_is_not_lost_to_a_station_that_tells_it_as_its_serial_number() -> None:
    thief = Names(frozenset({"CP-2"}), frozenset({"CP-1"}))
    assert reason_to_refuse_name("CP-1", OWN, [thief]) is None


@pytest.mark.parametrize(
    ("days", "asked_days_ago", "due"),
    [(91, None, False), (90, None, True), (-5, None, True), (30, 6, False), (30, 7, True), (91, 30, False)],
)
def test_renewal(days: int, asked_days_ago: int | None, due: bool) -> None:
    asked_at = None if asked_days_ago is None else Instant(NOON - asked_days_ago * DAY)
    assert should_renew(Instant(NOON + days * DAY), now=NOON, asked_at=asked_at) is due


@pytest.mark.parametrize(
    ("kind", "days", "told"),
    [
        ("server", 30, None),
        ("server", 29, "it ends on 2027-02-13"),
        ("station", 0, "it ends on 2027-01-15"),
        ("station", -1, "it ended on 2027-01-14"),
        ("station", -400, "it ended on 2025-12-11"),
        ("authority", 90, None),
        ("authority", 89, "it ends on 2027-04-14"),
        ("installed", 60, "it ends on 2027-03-16"),
        ("client_ca", 89, "it ends on 2027-04-14"),
    ],
)
def test_ends_are_told_in_time(kind: str, days: int, told: str | None) -> None:
    assert ending(kind, "it", Instant(NOON + days * DAY), now=NOON) == told


def test_a_former_authority_is_forgotten_some_time_after_its_end() -> None:
    assert ending("authority", "it", Instant(NOON - 30 * DAY), now=NOON, former=True) == "it ended on 2026-12-16"
    assert ending("authority", "it", Instant(NOON - 31 * DAY), now=NOON, former=True) is None


def test_days_left_are_whole_days() -> None:
    assert days_left(Instant(NOON + 2 * DAY - 1), now=NOON) == 1
    assert days_left(Instant(NOON - 1), now=NOON) == -1
