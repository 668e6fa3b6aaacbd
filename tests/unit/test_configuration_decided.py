"""site.toml: what people decided lies beneath the files of an administrator, and keeps no good site from starting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import configuration
from gateway.configuration import ConfigurationMistakes, Data, Meter, load_configuration, read_table
from gateway.configuration_files import is_written, place_of

Load = Callable[..., configuration.Configuration]

METER = '[[meter]]\nname = "{name}"\nmodel = "{model}"\ntransport = {{ type = "tcp", host = "{host}" }}\n'
DECIDED = (
    '[site]\nname = "Depot"\ntimezone = "Europe/Amsterdam"\n[ocpp]\nunknown_stations = "pending"\n'
    + METER.format(name="grid", model="eastron_sdm630", host="10.0.0.5")
    + '[[circuit]]\nname = "main"\nlimit_amps = 63\nmeter = "grid"\n'
)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load what an administrator wrote over what people decided."""

    def load(written: str = "", decided: str | None = DECIDED) -> configuration.Configuration:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        if decided is not None:
            (data / "site.toml").write_text(decided)
        file = tmp_path / "gateway.toml"
        file.write_text(f'data.directory = "data"\nsite.id = "one"\n{written}')
        return load_configuration(file, environment={})

    return load


def test_what_is_decided_beats_the_defaults(load: Load, tmp_path: Path) -> None:
    found = load()
    assert (found.site.id, found.site.name, found.site.timezone) == ("one", "Depot", "Europe/Amsterdam")
    assert found.ocpp.unknown_stations == "pending"
    assert [(one.name, one.limit_amps, one.meter) for one in found.circuits] == [("main", (63, 63, 63), "grid")]
    assert found.left_out == () and found.decided[:2] == ("site.name", "site.timezone")
    assert place_of(found.written, "site", "name").file == str(tmp_path / "data" / "site.toml")
    assert place_of(found.written, "site", "id").file == str(tmp_path / "gateway.toml")


def test_the_files_of_an_administrator_win_key_by_key(load: Load) -> None:
    found = load('site.name = "By hand"\nocpp.unknown_tags = "accept"')
    assert (found.site.name, found.site.timezone) == ("By hand", "Europe/Amsterdam")
    assert (found.ocpp.unknown_stations, found.ocpp.unknown_tags) == ("pending", "accept")


def test_an_entry_of_the_same_name_is_taken_whole_from_the_administrator(load: Load) -> None:
    written = METER.format(name="grid", model="sdm72", host="10.0.0.9") + METER.format(
        name="roof", model="sdm630", host="10.0.0.6"
    )
    found = load(written + '[[circuit]]\nname = "main"\nlimit_amps = 40\n')
    assert [(one.name, one.model) for one in found.meters] == [("grid", "sdm72"), ("roof", "sdm630")]
    assert [(one.limit_amps, one.meter) for one in found.circuits] == [((40, 40, 40), None)]


def test_stations_are_the_same_by_their_id(load: Load) -> None:
    decided = '[[station]]\nid = "CP-1"\nmax_amps = 16\n[[station]]\nid = "CP-2"\nmax_amps = 10\n'
    found = load('[[station]]\nid = "CP-1"\nmin_amps = 8\n', decided)
    assert [(one.id, one.min_amps, one.max_amps) for one in found.stations] == [("CP-2", 6, 10), ("CP-1", 8, 32)]


@pytest.mark.parametrize(
    ("decided", "told"),
    [
        (DECIDED[:60], "expected valid TOML"),  # torn
        ("\0" * 40, "expected valid TOML"),  # what a file system leaves after a power cut
        (DECIDED.replace("= 63", '= "much"'), "circuit[0].limit_amps: expected "),
        (DECIDED.replace("timezone", "timezoen"), "did you mean `timezone`?"),
        (DECIDED + '[[circuit]]\nname = "other"\nlimit_amps = 10\n', "the tree has one top"),
        ('[data]\ndirectory = "elsewhere"\n', "data: expected no [data]"),
        ("meter = 5\n", "meter: expected a list"),
        ("[[meter]]\nmodel = 5\n", "meter[0].name: expected"),
    ],
)
def test_with_a_mistake_it_is_left_out_whole_and_told(load: Load, tmp_path: Path, decided: str, told: str) -> None:
    found = load("", decided)
    assert (found.site.id, found.site.name, found.circuits, found.meters) == ("one", "", (), ())
    assert found.data.directory == tmp_path / "data" and found.decided == ()
    assert told in str(found.left_out[0]) and str(found.left_out[0]).startswith(str(tmp_path / "data" / "site.toml"))


def test_bytes_that_are_no_text_and_a_folder_in_its_place(load: Load, tmp_path: Path) -> None:
    load()
    file = tmp_path / "data" / "site.toml"
    file.write_bytes(b"\xff\xfe")
    assert "UTF-8" in str(load(decided=None).left_out[0])
    file.unlink()
    file.mkdir()
    assert "a readable file" in str(load(decided=None).left_out[0])


def test_nothing_was_decided(load: Load) -> None:
    found = load(decided=None)
    assert (found.site.name, found.decided, found.left_out) == ("", (), ())


def test_mistakes_of_an_administrator_are_told_as_ever_together_with_those_decided(load: Load) -> None:
    with pytest.raises(ConfigurationMistakes) as both:
        load("ocpp.port = -1", DECIDED.replace("= 63", "= -63"))
    assert [mistake.place.key for mistake in both.value.mistakes] == ["circuit[0].limit_amps", "ocpp.port"]


def test_a_file_without_an_id_may_have_it_from_the_page(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[site]\nid = "depot"\n')
    file = tmp_path / "gateway.toml"
    file.write_text('data.directory = "."\n')
    assert load_configuration(file, environment={}).site.id == "depot"


def test_a_text_that_is_tried_is_read_instead_and_its_mistakes_are_raised(load: Load) -> None:
    file = load().written.place.file
    assert load_configuration(Path(file), environment={}, decided='[site]\nname = "New"\n').site.name == "New"
    with pytest.raises(ConfigurationMistakes, match=r"site\.timezone"):
        load_configuration(Path(file), environment={}, decided='[site]\ntimezone = "Mars"\n')


def test_without_any_file_of_an_administrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "Data", lambda: Data(tmp_path))
    assert not is_written(load_configuration(None).written, "site")
    (tmp_path / "site.toml").write_text(DECIDED)
    found = load_configuration(None)
    assert (found.site.id, found.site.name) == ("site", "Depot")
    assert is_written(found.written, "site") and not is_written(found.written, "site", "id")
    (tmp_path / "site.toml").write_text('[site]\nid = "depot"\n')
    assert load_configuration(None).site.id == "depot"
    (tmp_path / "site.toml").write_text("[site")
    found = load_configuration(None)
    assert found.site.id == "site" and len(found.left_out) == 1


def test_a_table_that_stands_in_no_file() -> None:
    good = {"name": "m", "model": "sdm630", "transport": {"type": "tcp", "host": "10.0.0.5"}}
    assert read_table(Meter, good).transport.type == "tcp"
    with pytest.raises(ConfigurationMistakes, match=r"transport\.unit"):
        read_table(Meter, {**good, "transport": {"type": "tcp", "host": "10.0.0.5", "unit": 999}})
