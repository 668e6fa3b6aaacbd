"""What could not be safe without the gateway is refused with the whole sum; what is safe is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.configuration import Configuration, ConfigurationMistakes, ScheduledLimit, load_configuration
from gateway.configuration_outlets import limit_of
from gateway.configuration_safety import load_notes, worst_case

MAIN = '[[circuit]]\nname = "main"\nlimit_amps = 63\nbackground_worst_amps = 20\n'
ROW = '[[circuit]]\nname = "row"\nparent = "main"\nlimit_amps = 40\n'
METER = '[[meter]]\nname = "grid"\nmodel = "m"\ntransport = { type = "tcp", host = "h" }\n'
METERED = METER + '[[circuit]]\nname = "main"\nlimit_amps = 63\nmeter = "grid"\n'
ZERO = "[load]\nfallbacks_may_become_zero = true\n"


def stations(*names: str, on: str = "main", more: str = "") -> str:
    return "".join(f'[[station]]\nid = "{name}"\ncircuit = "{on}"\n{more}\n' for name in names)


def load(folder: Path, text: str) -> Configuration:
    path = folder / "gateway.toml"
    path.write_text(f'site.id = "depot"\n{text}')
    return load_configuration(path, environment={})


def refusals(folder: Path, text: str) -> list[str]:
    """The mistakes as printed, without the file's name; none when the file is taken."""
    try:
        load(folder, text)
    except ConfigurationMistakes as error:
        return [str(mistake).removeprefix(f"{folder}/gateway.toml: ") for mistake in error.mistakes]
    return []


def test_what_fits_to_the_last_ampere_is_taken(tmp_path: Path) -> None:
    seven = stations("A", "B", "C", "D", "E", "F", "G")
    assert refusals(tmp_path, MAIN.replace("20", "21") + seven) == []
    (refusal,) = refusals(tmp_path, MAIN.replace("20", "21.1") + seven)
    assert "main, each phase: 7 x 6 A + background 21.1 A = 63.1 A, limit 63 A" in refusal


def test_the_lowest_class_is_named_with_the_whole_sum(tmp_path: Path) -> None:
    text = MAIN + stations("A", "B", more="connectors = 3") + stations("LOW-1", "LOW-2", more="priority = -1")
    assert refusals(tmp_path, text) == [
        "station[3].fallback_amps: expected fallback_amps = 0 for LOW-2, or a smaller worst case: without"
        " the gateway the fuse would not hold (main, each phase: 8 x 6 A + background 20 A = 68 A, limit 63 A; see also"
        " fallbacks_may_become_zero in [load]), got 6 (line 18)"
    ]


@pytest.mark.parametrize(
    ("text", "sums"),
    [
        pytest.param(
            MAIN + ROW + stations(*"ABCDEFG", on="row"),
            ["row, each phase: 7 x 6 A = 42 A, limit 40 A"],
            id="a sub-circuit",
        ),
        pytest.param(
            MAIN
            + ROW
            + stations(*"ABCD", on="row", more="fallback_amps = 8")
            + stations("E", more="fallback_amps = 32"),
            ["main, each phase: 4 x 8 A + 1 x 32 A + background 20 A = 84 A, limit 63 A"],
            id="sub-circuits count above",
        ),
        pytest.param(
            MAIN + stations(*"ABCD", more='phase_rotation = "2"\nfallback_amps = 16'),
            ["main, phase 2: 4 x 16 A + background 20 A = 84 A, limit 63 A"],
            id="a phase of its own",
        ),
        pytest.param(
            MAIN.replace("63", "[63, 30, 30]") + stations("A", more="fallback_amps = 16"),
            ["main, phases 2 and 3: 1 x 16 A + background 20 A = 36 A, limit 30 A"],
            id="limits differ",
        ),
        pytest.param(
            METERED + stations(*"ABCDEF"),
            [
                "main, each phase: 6 x 6 A + background 31.5 A (half the limit, as background_worst_amps is not"
                " written) = 67.5 A, limit 63 A"
            ],
            id="the background was not written",
        ),
        pytest.param(
            MAIN + ROW + "background_worst_amps = 40\n" + stations(*"ABCD"),
            ["main, each phase: 4 x 6 A + background 40 A (of the circuits below) = 64 A, limit 63 A"],
            id="the background of a sub-circuit",
        ),
        pytest.param(
            MAIN.replace("= 63\n", "= 63\nlimit_watts = 20700\n") + stations("A", "B"),
            ["main, each phase: 2 x 6 A + background 20 A = 32 A, limit 30 A"],
            id="a limit in watts",
        ),
    ],
)
def test_the_sum_is_shown(tmp_path: Path, text: str, sums: list[str]) -> None:
    (refusal,) = refusals(tmp_path, text)
    assert ".fallback_amps: expected fallback_amps = 0 for " in refusal
    for each in sums:
        assert f"({each};" in refusal


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("quiet = true", "it is quiet"),
        ('load_mode = "D"', "load_mode is D"),
    ],
)
def test_what_cannot_be_limited_counts_with_all_it_can_draw(tmp_path: Path, more: str, reason: str) -> None:
    (refusal,) = refusals(tmp_path, MAIN + stations("A", "B", more=more))
    assert refusal == (
        "circuit[0].limit_amps: expected a limit of at least 84 for main, as so much cannot be limited"
        f" (main, each phase: 2 x 32 A (A cannot be limited: {reason}, B cannot be limited: {reason})"
        " + background 20 A = 84 A, limit 63 A), got 63 (line 4)"
    )
    assert refusals(tmp_path, MAIN + stations("A", more=more)) == []
    assert refusals(tmp_path, MAIN + ZERO + stations("A", "B", more=more)) == [refusal]


def test_in_certification_mode_nobody_is_limited_and_nothing_is_refused(tmp_path: Path) -> None:
    assert refusals(tmp_path, "ocpp.automatic_calls = false\n" + MAIN + stations(*"ABCDE")) == []
    (refusal,) = refusals(tmp_path, MAIN + stations(*"ABCDE", more="quiet = true"))
    assert "C cannot be limited: it is quiet and 2 more)" in refusal


def test_a_limit_in_watts_that_is_too_low_is_told_in_watts(tmp_path: Path) -> None:
    (refusal,) = refusals(tmp_path, MAIN.replace("= 63\n", "= 63\nlimit_watts = 6900\n"))
    assert refusal.startswith(
        "circuit[0].limit_watts: expected a limit of at least 13800 for main, as so much cannot be limited (main,"
    )
    assert refusal.endswith("background 20 A = 20 A, limit 10 A), got 6900 (line 5)")


def test_each_circuit_that_is_too_small_is_told(tmp_path: Path) -> None:
    found = refusals(tmp_path, MAIN + ROW + stations("A", "B", on="row", more="quiet = true"))
    assert [each.partition(":")[0] for each in found] == ["circuit[0].limit_amps", "circuit[1].limit_amps"]


def test_fallbacks_may_be_allowed_to_become_zero(tmp_path: Path) -> None:
    text = MAIN + stations(*"ABCDEFGH") + stations("X", more="priority = -1")
    assert len(refusals(tmp_path, text)) == 1
    configuration = load(tmp_path, text + ZERO)
    assert list(load_notes(configuration)) == [
        (("load", "fallbacks_may_become_zero"), "the fallback of X/1, H/1 counts as 0")
    ]


def test_a_site_is_only_added_up_when_its_keys_agree(tmp_path: Path) -> None:
    (mistake,) = refusals(tmp_path, MAIN + stations(*"ABCDEFGH") + stations("X", more="min_amps = 40"))
    assert mistake.startswith("station[8].min_amps")


def test_without_circuits_and_without_stations_on_them_nothing_is_added_up(tmp_path: Path) -> None:
    loose = "".join(f'[[station]]\nid = "{name}"\n' for name in "ABCDEFGHIJKLM")
    assert refusals(tmp_path, loose) == []
    assert list(load_notes(load(tmp_path, loose))) == []
    configuration = load(tmp_path, MAIN + loose + stations("X", more="quiet = true"))
    notes = list(load_notes(configuration))
    assert notes[0] == (("station", 0), "no circuit: nothing limits it, and what it draws counts as background")
    assert notes[-1] == (("station", 13), "it cannot be limited (it is quiet): it counts with max_amps")
    assert len(notes) == 14


def test_a_fuse_about_whose_other_loads_nothing_is_said_is_noted(tmp_path: Path) -> None:
    bare = '[[circuit]]\nname = "main"\nlimit_amps = 63\n'
    note = (("circuit", 0), "no meter and no background_worst_amps: what else hangs on it counts as 0 A")
    assert list(load_notes(load(tmp_path, bare + ROW))) == [note]
    for said in (bare + "background_worst_amps = 0\n" + ROW, METERED + ROW):
        assert list(load_notes(load(tmp_path, said))) == []


def test_the_fullest_phase_of_each_circuit_is_told(tmp_path: Path) -> None:
    text = MAIN.replace("63", "[63, 50, 63]") + ROW + stations("A", "B", on="row")
    text += stations("C", on="row", more='phase_rotation = "3"\nconnectors = 2')
    assert worst_case(load(tmp_path, text)) == "main 32 of 50 A, row 24 of 40 A"


def test_what_is_written_of_circuits_and_stations_is_read(tmp_path: Path) -> None:
    circuit = (
        "limit_watts = 20000\nunbalance_limit_amps = 20\n"
        'schedule = [{ days = ["sat", "sun"], from = "22:00", to = "06:00",'
        " limit_amps = [10, 20, 25], limit_watts = 9000 }]\n"
    )
    station = 'weight = 2\neco = true\nno_resume = true\nload_mode = "B"'
    read = load(tmp_path, MAIN + circuit + stations("A", more=station))
    assert (read.circuits[0].limit_watts, read.circuits[0].unbalance_limit_amps) == (20_000, 20)
    (entry,) = read.circuits[0].schedule
    assert entry == ScheduledLimit("22:00", "06:00", ("sat", "sun"), (10, 20, 25), 9000)
    assert limit_of(entry) == pytest.approx((10, 13.043, 13.043), abs=0.001)
    (own,) = read.stations
    assert (own.weight, own.eco, own.no_resume, own.load_mode, own.connectors) == (2, True, True, "B", 1)


def test_half_of_what_a_metered_circuit_may_carry_is_background_unless_written(tmp_path: Path) -> None:
    read = load(tmp_path, METERED + "limit_watts = 20700\n" + ROW)
    assert [each.background_worst_amps for each in read.circuits] == [(15, 15, 15), (0, 0, 0)]
