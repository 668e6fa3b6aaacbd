"""Defaults, file, run time: which value holds."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.rules.station_settings import changed_run_time_values, with_run_time_values


@dataclass(frozen=True)
class Settings:
    id: str
    amps: float = 6
    names: tuple[str, ...] = ()
    switch: bool | None = None


def test_run_time_values_beat_what_is_written() -> None:
    settings = with_run_time_values(Settings("a", amps=8), {"amps": 10, "names": ["x"], "switch": False})
    assert settings == Settings("a", amps=10, names=("x",), switch=False)


def test_null_unknown_names_and_the_id_change_nothing() -> None:
    written = Settings("a", amps=8)
    assert with_run_time_values(written, {"amps": None, "future": 1, "id": "b"}) == written


def test_a_request_sets_resets_and_leaves_the_rest() -> None:
    before = {"amps": 10, "names": ["x"]}
    assert changed_run_time_values(before, {"amps": None, "switch": True}) == {"names": ["x"], "switch": True}
    assert before == {"amps": 10, "names": ["x"]}
