"""Decisions are written into site.toml; what a person wrote beside them stays."""

from __future__ import annotations

import tomllib

import pytest

from gateway.operations.site_file import Decisions, Unwritable, names_in, text_with

TRANSPORT = {"type": "tcp", "host": "10.0.0.5", "port": 502, "unit": 1}
GRID = {"name": "grid", "model": "eastron_sdm630", "transport": TRANSPORT}
BY_HAND = """# our depot
[site]
name = "Depot"  # as on the plan

[[meter]]
name = "grid"
model = "sdm630"  # in the cellar
interval_seconds = 2
transport = { type = "tcp", host = "10.0.0.5", port = 502, unit = 1 }

[[circuit]]
name = "house"  # the main fuse
limit_amps = [63, 63, 63]
background_worst_amps = 10

[[circuit]]
name = "row"
parent = "house"
limit_amps = 32
"""


def test_a_whole_site_from_nothing() -> None:
    text = text_with(
        "",
        Decisions(
            values={("site", "id"): "depot", ("ocpp", "unknown_stations"): "pending"},
            main={"name": "main", "limit_amps": [63, 63, 35], "meter": "grid"},
            meters=[GRID],
            circuits=[{"name": "row", "parent": "main", "limit_amps": 32}],
        ),
    )
    assert tomllib.loads(text) == {
        "site": {"id": "depot"},
        "ocpp": {"unknown_stations": "pending"},
        "meter": [GRID],
        "circuit": [
            {"name": "row", "parent": "main", "limit_amps": 32},
            {"name": "main", "limit_amps": [63, 63, 35], "meter": "grid"},
        ],
    }
    assert text.startswith("# Written by the setup page")


def test_what_a_person_wrote_stays() -> None:
    text = text_with(
        BY_HAND,
        Decisions(
            values={("site", "timezone"): "Europe/Amsterdam"},
            main={"name": "house", "limit_amps": 50},
            meters=[{"name": "grid", "model": "sdm72", "transport": TRANSPORT}],
        ),
    )
    for words in ("# our depot", "# as on the plan", "# in the cellar", "# the main fuse"):
        assert words in text
    found = tomllib.loads(text)
    assert found["site"] == {"name": "Depot", "timezone": "Europe/Amsterdam"}
    assert found["meter"][0]["interval_seconds"] == 2 and found["meter"][0]["model"] == "sdm72"
    assert found["circuit"][0] == {"name": "house", "limit_amps": 50, "background_worst_amps": 10}


def test_no_decision_and_the_same_again_change_nothing() -> None:
    assert text_with(BY_HAND, Decisions()) == BY_HAND
    same = Decisions(values={("site", "name"): "Depot"}, main={"name": "house", "limit_amps": [63, 63, 63]})
    assert text_with(BY_HAND, same) == BY_HAND


def test_null_takes_out() -> None:
    text = text_with(
        BY_HAND,
        Decisions(
            values={("site", "name"): None, ("ocpp", "unknown_tags"): None},
            main={"name": "house", "background_worst_amps": None, "meter": None},
            meters=[{"name": "grid", "transport": {**TRANSPORT, "unit": None}}],
        ),
    )
    found = tomllib.loads(text)
    assert found["site"] == {} and "ocpp" not in found
    assert "background_worst_amps" not in found["circuit"][0]
    assert "unit" not in found["meter"][0]["transport"]


def test_a_list_is_all_there_is_and_the_main_circuit_is_apart() -> None:
    found = tomllib.loads(text_with(BY_HAND, Decisions(meters=[], circuits=[])))
    assert "meter" not in found
    assert [one["name"] for one in found["circuit"]] == ["house"]
    found = tomllib.loads(text_with(BY_HAND, Decisions(without_main=True)))
    assert [one["name"] for one in found["circuit"]] == ["row"]
    assert "circuit" not in tomllib.loads(text_with("", Decisions(without_main=True)))


def test_entries_in_one_line_become_tables() -> None:
    text = 'meter = [{ name = "grid", model = "sdm630", transport = { type = "tcp", host = "a" } }]\n'
    found = tomllib.loads(text_with(text, Decisions(meters=[{"name": "grid"}, {**GRID, "name": "roof"}])))
    assert [one["name"] for one in found["meter"]] == ["grid", "roof"]
    assert found["meter"][0]["transport"] == {"type": "tcp", "host": "a"}


@pytest.mark.parametrize("text", ["[site", "site = 5\n", "meter = 5\n", "meter = [1]\n"])
def test_what_cannot_be_edited_is_for_a_person(text: str) -> None:
    with pytest.raises(Unwritable):
        text_with(text, Decisions(values={("site", "id"): "x"}, meters=[GRID]))


def test_names() -> None:
    assert names_in(BY_HAND, "circuit") == ["house", "row"]
    assert names_in("", "meter") == []
