"""Which firmware a station should have, and when it is asked for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.rules.fleet_firmware import (
    MOST_TRIES,
    Standing,
    Tried,
    WantedFirmware,
    entry_id,
    standing_in_campaign,
    standing_of,
    wanted_of,
)

NOW = Instant(1_800_000_000_000_000)
TWO = WantedFirmware("2", "ftp://x/2")


def test_the_entry_that_names_a_station_goes_first_and_a_later_one_beats_an_earlier_one() -> None:
    kind = WantedFirmware("1", "u", vendor="acme", model="o*")
    later = WantedFirmware("3", "u", vendor="ACME")
    named = WantedFirmware("9", "u", stations=("A",))

    def wanted(*entries: WantedFirmware, station: str = "A", vendor: str | None = "Acme") -> WantedFirmware | None:
        return wanted_of(entries, station=station, vendor=vendor, model="One")

    assert wanted(kind, later) == later
    assert wanted(named, kind) == named
    assert wanted(named, kind, station="B") == kind
    assert wanted(kind, vendor=None) is None
    assert wanted(named, station="B") is None


def test_how_far_a_station_is() -> None:
    def standing(
        version: str | None = "1", *, wanted: WantedFirmware = TWO, job: bool = False, tried: Tried | None = None
    ) -> Standing:
        return standing_of(wanted, version=version, job_open=job, tried=tried, now=NOW)

    later = WantedFirmware("2", "u", not_before=Instant(NOW + 1))
    past = WantedFirmware("2", "u", not_before=NOW)
    assert standing("2", job=True) == "up_to_date"
    assert standing(job=True) == "under_way"
    assert standing(None) == "not_yet"
    assert standing(wanted=later) == "not_yet"
    assert standing(wanted=past) == "due"
    assert standing(tried=Tried("2", 1, NOW)) == "waiting"
    assert standing(tried=Tried("2", 1, Instant(NOW - 3600 * SECOND))) == "due"
    assert standing(tried=Tried("2", 2, Instant(NOW - 3600 * SECOND))) == "waiting"
    assert standing(tried=Tried("2", MOST_TRIES, Instant(0))) == "failed"
    assert standing(tried=Tried("1.5", MOST_TRIES, NOW)) == "due", "that was for another version"


def test_an_entry_is_known_again_whatever_document_it_is_in() -> None:
    entry = WantedFirmware("9.1", "http://h/x.bin", sha256="ab" * 32, policy={"canary": 1, "drain": True})
    same = WantedFirmware("9.1", "http://h/x.bin", sha256="ab" * 32, policy={"drain": True, "canary": 1})
    assert entry_id(entry) == entry_id(same)
    assert entry_id(entry) != entry_id(replace(entry, policy={"canary": 2}))


@pytest.mark.parametrize(
    ("state", "standing"),
    [("waiting", "waiting"), ("downloading", "under_way"), ("done", "up_to_date"), ("failed", "failed")],
)
def test_states_of_a_campaign_in_the_words_of_the_document(state: str, standing: str) -> None:
    assert standing_in_campaign(state) == standing
