"""systemd/ocpp-gateway-start: which version is run, and what becomes of the database."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

START = Path(__file__).parents[2] / "systemd" / "ocpp-gateway-start"
TRIAL, GIVEN_UP = "OCPP_GATEWAY_TRIAL", "OCPP_GATEWAY_GIVEN_UP"
# a program in a few lines: it refuses a configuration that holds the word it does not know
PROGRAM = """
class ConfigurationMistakes(Exception):
    pass

def load_configuration(path):
    if path is not None and {unknown!r} in path.read_text():
        raise ConfigurationMistakes
"""


def start_program() -> ModuleType:
    loader = SourceFileLoader("ocpp_gateway_start", str(START))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


class Machine:
    """The folders of a controller; `start` says which version would run."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.data, self.configuration = place / "data", place / "etc"
        self.tree, self.previous, self.unpacking = place / "tree", place / "previous", place / "unpacking"
        self.state_folder = place / "state"
        for folder in (self.data / "backups", self.configuration / "conf.d", self.state_folder):
            folder.mkdir(parents=True)
        (self.configuration / "gateway.toml").write_text(f'[data]\ndirectory = "{self.data}"\n')
        self.program = start_program()
        self.environment: dict[str, str] = {}

    def install(self, tree: Path, version: str, *, schema: int = 5, unknown: str = "no such word") -> None:
        package = tree / "gateway" / "store" / "schema"
        package.mkdir(parents=True, exist_ok=True)
        for number in range(1, schema + 1):
            (package / f"{number:04}_some.sql").touch()
        (tree / "gateway" / "configuration.py").write_text(PROGRAM.format(unknown=unknown))
        (tree / "VERSION").unlink(missing_ok=True)
        (tree / "VERSION").write_text(f"{version}\n")

    def start(self) -> str:
        chosen, self.environment = self.program.chosen_tree(
            tree=self.tree,
            previous=self.previous,
            unpacking=self.unpacking,
            configuration=self.configuration,
            folder=self.state_folder,
        )
        return str((chosen / "VERSION").read_text().strip())

    def starts(self, times: int) -> list[str]:
        return [self.start() for _ in range(times)]

    def database(self, version: int, row: str, *, name: str = "gateway.db") -> None:
        with closing(sqlite3.connect(self.data / name)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(
                f"CREATE TABLE kept (row); INSERT INTO kept VALUES ('{row}'); PRAGMA user_version = {version}"
            )

    def row(self) -> str:
        with closing(sqlite3.connect(self.data / "gateway.db")) as db:
            return str(db.execute("SELECT row FROM kept").fetchone()[0])

    def state(self) -> dict[str, object]:
        return dict(json.loads((self.state_folder / "versions.json").read_text()))

    def proves(self) -> None:
        (self.state_folder / "versions.json").write_text(json.dumps({"proven": self.environment[TRIAL]}))

    def migrates(self) -> None:
        """The version on trial brought the database from 5 to 6 and died before it opened its doors."""
        self.database(5, "from before", name="backups/before-migration-from-5.db")
        self.database(6, "migrated")
        note = {"from": 5, "to": 6, "copy": "before-migration-from-5.db"}
        (self.data / "migration.json").write_text(json.dumps(note))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def upgraded(machine: Machine) -> Machine:
    """0.1.0 had proven itself, 0.2.0 was installed."""
    machine.install(machine.previous, "0.1.0")
    machine.install(machine.tree, "0.2.0", schema=6)
    (machine.state_folder / "versions.json").write_text('{"proven": "0.1.0"}')
    return machine


def test_the_first_installation_has_nothing_to_go_back_to(machine: Machine) -> None:
    machine.install(machine.tree, "0.1.0")
    assert machine.starts(9) == ["0.1.0"] * 9
    assert machine.environment[TRIAL] == "0.1.0"


def test_a_version_that_does_not_stay_well_is_given_up(upgraded: Machine) -> None:
    assert upgraded.starts(7) == ["0.2.0"] * 5 + ["0.1.0"] * 2
    assert "version 0.2.0 was given up, it was started 5 times" in upgraded.environment[GIVEN_UP]
    assert TRIAL not in upgraded.environment, "the version before is not on trial"


def test_a_version_that_has_proven_itself_is_never_given_up(upgraded: Machine) -> None:
    upgraded.starts(2)
    upgraded.proves()
    assert upgraded.starts(9) == ["0.2.0"] * 9


def test_a_version_that_says_that_it_cannot_start_is_given_up_at_once(upgraded: Machine) -> None:
    upgraded.start()
    (upgraded.state_folder / "versions.json").write_text(json.dumps(upgraded.state() | {"failed": "no room"}))
    assert upgraded.start() == "0.1.0"
    assert "no room" in upgraded.environment[GIVEN_UP]


def test_a_configuration_that_only_the_version_before_accepts(upgraded: Machine) -> None:
    upgraded.install(upgraded.tree, "0.2.0", unknown="directory")
    assert upgraded.start() == "0.1.0"
    assert "does not accept the configuration" in upgraded.environment[GIVEN_UP]


def test_a_configuration_that_no_version_accepts_is_no_reason(upgraded: Machine) -> None:
    for tree, version in ((upgraded.tree, "0.2.0"), (upgraded.previous, "0.1.0")):
        upgraded.install(tree, version, unknown="directory")
    assert upgraded.start() == "0.2.0"


def test_a_site_may_have_nothing_but_conf_d(upgraded: Machine) -> None:
    (upgraded.configuration / "gateway.toml").rename(upgraded.configuration / "conf.d" / "10.toml")
    strict = PROGRAM.replace("if path is not None and {unknown!r} in path.read_text()", "if path is not None")
    (upgraded.tree / "gateway" / "configuration.py").write_text(strict)
    assert upgraded.start() == "0.1.0", "the files were looked at"


def test_a_version_that_does_not_accept_the_configuration_is_no_way_back(
    upgraded: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    upgraded.install(upgraded.previous, "0.1.0", unknown="directory")
    assert upgraded.starts(7) == ["0.2.0"] * 7
    assert "version 0.1.0 does not accept the configuration" in capsys.readouterr().err


def test_another_installation_is_another_trial(upgraded: Machine) -> None:
    assert upgraded.starts(6)[-1] == "0.1.0"
    upgraded.install(upgraded.tree, "0.2.0", schema=6)
    assert upgraded.start() == "0.2.0"
    assert upgraded.state()["proven"] == "0.1.0"


def test_the_copy_is_put_back_while_nothing_was_answered(upgraded: Machine) -> None:
    upgraded.start()
    upgraded.migrates()
    assert upgraded.starts(5)[-1] == "0.1.0"
    assert upgraded.row() == "from before"
    assert not (upgraded.data / "migration.json").exists()


@pytest.mark.parametrize("cut_at", [1, 2, 3, 4, 5])
def test_a_cut_while_the_copy_is_put_back(upgraded: Machine, monkeypatch: pytest.MonkeyPatch, cut_at: int) -> None:
    upgraded.start()
    upgraded.migrates()
    upgraded.starts(4)
    flushed: list[Path] = []

    def flush(path: Path) -> None:
        flushed.append(path)
        if len(flushed) == cut_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(upgraded.program, "flush", flush)
    with pytest.raises(KeyboardInterrupt):
        upgraded.start()
    monkeypatch.undo()
    assert upgraded.start() == "0.1.0"
    assert upgraded.row() == "from before"


def test_a_cut_between_the_two_files_of_the_database(upgraded: Machine) -> None:
    upgraded.start()
    upgraded.migrates()
    given_up = upgraded.state() | {"given_up": "0.2.0", "reason": "it ended"}
    (upgraded.state_folder / "versions.json").write_text(json.dumps(given_up))
    for name in ("gateway.db", "gateway.db-wal", "gateway.db-shm"):
        (upgraded.data / name).unlink(missing_ok=True)
    upgraded.database(5, "what stood there before the -wal file, which is gone")
    assert upgraded.start() == "0.1.0"
    assert upgraded.row() == "from before"


def test_no_room_to_put_the_copy_back(
    upgraded: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def copyfile(_: Path, fresh: Path) -> None:
        fresh.write_text("half")
        raise OSError(28, "No space left on device")

    upgraded.start()
    upgraded.migrates()
    monkeypatch.setattr(upgraded.program.shutil, "copyfile", copyfile)
    assert upgraded.starts(5) == ["0.2.0"] * 5
    assert "No space left" in capsys.readouterr().err
    assert upgraded.row() == "migrated"
    assert not (upgraded.data / "gateway.db.back").exists()
    monkeypatch.undo()
    assert upgraded.start() == "0.1.0"
    assert upgraded.row() == "from before"


def test_what_was_answered_is_kept_although_the_version_does_not_stay_well(
    upgraded: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    upgraded.start()
    upgraded.migrates()
    (upgraded.data / "migration.json").unlink()  # its doors were open
    assert upgraded.starts(9) == ["0.2.0"] * 9
    assert upgraded.row() == "migrated"
    assert "cannot read the database" in capsys.readouterr().err


def test_a_version_of_which_a_part_is_unpacked_is_not_run(upgraded: Machine) -> None:
    upgraded.unpacking.touch()
    assert upgraded.start() == "0.1.0"
    upgraded.unpacking.unlink()
    assert upgraded.start() == "0.2.0"


def test_a_downgrade_that_cannot_read_the_database(machine: Machine) -> None:
    machine.install(machine.previous, "0.2.0", schema=6)
    machine.install(machine.tree, "0.1.0")
    machine.database(6, "of the newer one")
    assert machine.starts(6) == ["0.1.0"] * 5 + ["0.2.0"]
    assert machine.row() == "of the newer one"


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", '{"starts": "many"}', '{"trial": 1, "given_up": null}', "\x00" * 30]
)
def test_a_damaged_state_keeps_nothing_from_starting(upgraded: Machine, damaged: str) -> None:
    (upgraded.state_folder / "versions.json").write_text(damaged)
    assert upgraded.start() == "0.2.0"
    assert upgraded.starts(5)[-1] == "0.1.0", "and it is counted from now on"


@pytest.mark.parametrize("damaged", ["", "{}", '{"copy": 7}', '{"copy": "/etc/passwd"}', '{"copy": "no-such.db"}'])
def test_a_damaged_note_puts_nothing_back(upgraded: Machine, damaged: str) -> None:
    upgraded.start()
    upgraded.migrates()
    (upgraded.data / "migration.json").write_text(damaged)
    assert upgraded.starts(8) == ["0.2.0"] * 8
    assert upgraded.row() == "migrated"


def test_without_the_tree_of_the_version_before_the_installed_one_runs(upgraded: Machine) -> None:
    (upgraded.previous / "VERSION").unlink()
    assert upgraded.starts(9) == ["0.2.0"] * 9


def test_a_state_that_cannot_be_kept(upgraded: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def flush(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(upgraded.program, "flush", flush)
    assert upgraded.starts(2) == ["0.2.0"] * 2


def test_the_data_directory_is_where_the_last_file_says(machine: Machine) -> None:
    (machine.configuration / "conf.d" / "10.toml").write_text("[data]\n")
    (machine.configuration / "conf.d" / "20.toml").write_text('[data]\ndirectory = "elsewhere"\n')
    (machine.configuration / "conf.d" / "30.toml").write_text("this is not TOML")
    assert machine.program.data_directory(machine.configuration) == machine.configuration / "elsewhere"
