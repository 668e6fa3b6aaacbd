"""Who may charge: the precedence of reasons, and when a tag already charges elsewhere."""

from __future__ import annotations

import pytest

from gateway.model.identities import ConnectorId, StationId
from gateway.model.instants import SECOND, Instant
from gateway.model.tags import AuthorizationStatus, KnownTag, Verdict
from gateway.rules.authorization import OpenSession, decided_by, verdict_on, verdict_on_start

NOW = Instant(1_800_000_000 * SECOND)
PAST, FUTURE, LATER = Instant(NOW - 1), Instant(NOW + SECOND), Instant(NOW + 2 * SECOND)
TAG = KnownTag("TAG", "Accepted", parent_id_tag="FAMILY")


@pytest.mark.parametrize(
    ("tag", "verdict"),
    [
        (TAG, Verdict("Accepted", "FAMILY")),
        (TAG._replace(expiry_at=FUTURE), Verdict("Accepted", "FAMILY", FUTURE)),
        (TAG._replace(parent_expiry_at=FUTURE, expiry_at=LATER), Verdict("Accepted", "FAMILY", FUTURE)),
        (TAG._replace(expiry_at=NOW), Verdict("Expired", "FAMILY")),
        (TAG._replace(expiry_at=PAST), Verdict("Expired", "FAMILY")),
        (TAG._replace(status="Expired"), Verdict("Expired", "FAMILY")),
        (TAG._replace(status="Invalid"), Verdict("Invalid", "FAMILY")),
        (TAG._replace(status="Invalid", expiry_at=PAST), Verdict("Expired", "FAMILY")),
        (TAG._replace(status="Blocked", expiry_at=PAST), Verdict("Blocked", "FAMILY")),
        (TAG._replace(status="Expired", parent_status="Blocked"), Verdict("Expired", "FAMILY")),
        (TAG._replace(parent_status="Blocked"), Verdict("Blocked", "FAMILY")),
        (TAG._replace(parent_status="Expired"), Verdict("Expired", "FAMILY")),
        (TAG._replace(parent_status="Accepted", parent_expiry_at=PAST), Verdict("Expired", "FAMILY")),
        (TAG._replace(parent_status="Invalid"), Verdict("Invalid", "FAMILY")),
        (TAG._replace(parent_status="Accepted"), Verdict("Accepted", "FAMILY")),
    ],
)
def test_the_worst_reason_wins(tag: KnownTag, verdict: Verdict) -> None:
    assert verdict_on(tag, unknown_accepted=True, now=NOW) == verdict


@pytest.mark.parametrize(("accepted", "status"), [(True, "Accepted"), (False, "Invalid")])
def test_an_unknown_tag_is_a_question_of_the_configuration(accepted: bool, status: str) -> None:
    assert verdict_on(None, unknown_accepted=accepted, now=NOW).status == status


HERE, THERE = StationId("CP1"), StationId("CP2")
ELSEWHERE = OpenSession(THERE, ConnectorId(1), start_at=PAST, charged_at=PAST, heard_at=PAST)
HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("others", "status"),
    [
        ([], "Accepted"),
        ([ELSEWHERE], "ConcurrentTx"),
        ([ELSEWHERE._replace(station=HERE, connector=ConnectorId(2))], "ConcurrentTx"),
        ([ELSEWHERE._replace(station=HERE)], "Accepted"),
        ([ELSEWHERE._replace(seen_free_at=NOW)], "Accepted"),
        ([ELSEWHERE._replace(seen_free_at=PAST)], "ConcurrentTx"),
        ([ELSEWHERE._replace(seen_free_at=NOW), ELSEWHERE], "ConcurrentTx"),
        ([ELSEWHERE._replace(known=False)], "Accepted"),
        ([ELSEWHERE._replace(booted_at=Instant(PAST - 1))], "ConcurrentTx"),
        ([ELSEWHERE._replace(booted_at=PAST)], "ConcurrentTx"),  # and went on after the boot, as far as one can tell
        ([ELSEWHERE._replace(booted_at=NOW)], "Accepted"),
        ([ELSEWHERE._replace(booted_at=NOW, charged_at=NOW)], "ConcurrentTx"),
        ([ELSEWHERE._replace(connected=False, heard_at=Instant(NOW - HOUR))], "ConcurrentTx"),
        ([ELSEWHERE._replace(connected=False, heard_at=Instant(NOW - HOUR - 1))], "Accepted"),
        ([ELSEWHERE._replace(connected=True, heard_at=Instant(NOW - HOUR - 1))], "ConcurrentTx"),
    ],
)
def test_one_tag_charges_at_one_place(others: list[OpenSession], status: str) -> None:
    verdict = verdict_on_start(
        Verdict("Accepted", "FAMILY", FUTURE),
        others,
        station=HERE,
        connector=ConnectorId(1),
        start_at=NOW,
        now=NOW,
        patience_seconds=3600,
    )
    assert verdict.status == status
    assert verdict.parent_id_tag == "FAMILY"
    assert (verdict.expiry_at is None) == (status == "ConcurrentTx")


def test_a_start_told_late_is_history_and_not_concurrent() -> None:
    late = Instant(NOW - 601 * SECOND)
    accepted = Verdict("Accepted")
    assert (
        verdict_on_start(
            accepted, [ELSEWHERE], station=HERE, connector=ConnectorId(1), start_at=late, now=NOW, patience_seconds=3600
        )
        == accepted
    )


def test_a_refusal_keeps_its_reason() -> None:
    blocked = Verdict("Blocked")
    assert (
        verdict_on_start(
            blocked, [ELSEWHERE], station=HERE, connector=ConnectorId(1), start_at=NOW, now=NOW, patience_seconds=3600
        )
        == blocked
    )


@pytest.mark.parametrize(
    ("tag", "status", "by"),
    [
        (TAG, "Accepted", "id_tags"),
        (TAG, "Blocked", "id_tags"),
        (None, "Invalid", "id_tags"),
        (None, "Accepted", "free_charging"),
        (TAG, "ConcurrentTx", "other_session"),
    ],
)
def test_who_decided(tag: KnownTag | None, status: AuthorizationStatus, by: str) -> None:
    assert decided_by(tag, Verdict(status)) == by
