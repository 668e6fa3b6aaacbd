"""What counts as another configuration, and what as a mistake that keeps the one in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.configuration import load_configuration
from gateway.operations.reload_configuration import Unchanged, Wrong
from gateway.reloading import InForce, in_force, look_again


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good configuration."""
    path = tmp_path / "gateway.toml"
    (tmp_path / "password").write_text("0123456789abcdef")
    path.write_text(_text(tmp_path))
    return path


def _text(folder: Path, more: str = "") -> str:
    return (
        f'[site]\nid = "one"\n[data]\ndirectory = "{folder}/data"\n[ocpp]\nport = 0\n[web]\nport = 0\n'
        '[firmware]\nport = 0\n[[station]]\nid = "CP-1"\nsecurity_profile = 1\n'
        f'password_file = "{folder}/password"\n{more}'
    )


def _look(file: Path, running: InForce) -> InForce | Wrong | Unchanged:
    return look_again(lambda: load_configuration(file), running)


def _wrong(file: Path, running: InForce) -> list[str]:
    found = _look(file, running)
    assert isinstance(found, Wrong)
    return [str(mistake) for mistake in found.mistakes]


def test_comments_and_other_lines_are_no_change(file: Path) -> None:
    running = in_force(load_configuration(file))
    file.write_text("# said again\n\n" + file.read_text())
    assert isinstance(_look(file, running), Unchanged)


def test_what_people_decided_is_not_forgotten_by_a_reload(file: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    decided = tmp_path / "data" / "site.toml"
    decided.write_text('[site]\nname = "Depot"\n')
    running = in_force(load_configuration(file))
    assert isinstance(_look(file, running), Unchanged)
    decided.write_text("[site")
    assert "expected valid TOML" in _wrong(file, running)[0]
    begun_without = in_force(load_configuration(file))
    assert isinstance(_look(file, begun_without), Unchanged)
    decided.write_text('[site]\nname = "Depot"\n')
    assert isinstance(_look(file, begun_without), InForce)


def test_another_value_is_a_change(file: Path) -> None:
    running = in_force(load_configuration(file))
    file.write_text(file.read_text().replace('"one"', '"two"'))
    found = _look(file, running)
    assert isinstance(found, InForce) and found.configuration.site.id == "two"


def test_another_password_in_the_same_file_is_a_change(file: Path) -> None:
    running = in_force(load_configuration(file))
    (file.parent / "password").write_text("fedcba9876543210")
    assert isinstance(_look(file, running), InForce)


def test_every_mistake_is_told(file: Path) -> None:
    running = in_force(load_configuration(file))
    file.write_text(file.read_text().replace("[web]\nport = 0", "[web]\nport = 70000\n[log]\nlevel = 1"))
    assert len(_wrong(file, running)) == 2


def test_what_the_new_files_ask_of_the_machine_in_vain_is_a_mistake(file: Path) -> None:
    running = in_force(load_configuration(file))
    file.write_text(_text(file.parent, _METER))
    assert any("a serial device" in mistake for mistake in _wrong(file, running))


def test_what_was_missing_before_keeps_nobody_from_changing_something_else(file: Path) -> None:
    file.write_text(_text(file.parent, _METER))
    (file.parent / "password").unlink()
    running = in_force(load_configuration(file))
    # elsewhere in the file, and so with another number: still the same meter
    file.write_text(_text(file.parent, "[log]\nlevel = 'info'\n" + _METER))
    assert isinstance(_look(file, running), InForce)
    file.write_text(_text(file.parent, _METER + _METER.replace("none", "other").replace("grid", "roof")))
    assert len(_wrong(file, running)) == 1


def test_another_data_directory_needs_a_restart(file: Path) -> None:
    running = in_force(load_configuration(file))
    file.write_text(file.read_text().replace("/data", "/elsewhere"))
    assert "another directory needs a restart" in _wrong(file, running)[0]


_METER = '[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\ntransport = { type = "rtu", device = "/dev/none-such" }\n'
