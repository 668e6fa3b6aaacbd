"""The tree of topics: encoded ids, and what a topic is about."""

from __future__ import annotations

import pytest

from gateway.rules.fleet_topics import Topics, encoded

TOPICS = Topics("root", "Depot/Nord 1")
BASE = "root/v1/Depot~2FNord~201"


@pytest.mark.parametrize(
    ("identity", "level"),
    [
        ("CP-1_a", "CP-1_a"),
        ("NL*ABC.1:2/3", "NL~2AABC~2E1~3A2~2F3"),
        ("+", "~2B"),
        ("#", "~23"),
        ("~", "~7E"),
        ("é", "~C3~A9"),
        ("_site", "~5Fsite"),
        ("\udcff", "~3F"),
    ],
)
def test_ids_are_encoded(identity: str, level: str) -> None:
    assert encoded(identity) == level


def test_different_ids_are_different_levels() -> None:
    ids = ["a.b", "a:b", "a~2Eb", "a b", "A.B", "_site", "~5Fsite"]
    assert len({encoded(one) for one in ids}) == len(ids)


def test_where_things_go() -> None:
    assert TOPICS.up("state") == f"{BASE}/up/state"
    assert TOPICS.event("tx", "CP 1") == f"{BASE}/up/evt/tx/CP~201"
    assert TOPICS.event("ops", None) == f"{BASE}/up/evt/ops/_site"
    assert TOPICS.live("CP1") == f"{BASE}/up/live/CP1"
    assert TOPICS.live(None) == f"{BASE}/up/live/_site"
    assert TOPICS.hosts() == "root/v1/_host/+"


def test_what_a_topic_is_about() -> None:
    assert TOPICS.suffix_of(f"{BASE}/dn/des/load") == "des/load"
    assert TOPICS.suffix_of(f"{BASE}/up/state") is None
    assert TOPICS.host_of("root/v1/_host/billing") == "billing"
    assert TOPICS.host_of(f"{BASE}/dn/ack") is None
    assert TOPICS.channel_of(TOPICS.event("tx", "CP1")) == "evt"
    assert TOPICS.channel_of(TOPICS.up("state")) == "state"
