"""Which settings hold for a station: the built-in defaults, then its table in the file, then what changed at run time.

Pure: the written settings arrive as one dataclass (defaults are already in it), the run-time values as a mapping.
Values that the dataclass does not know (written by another version of the program) are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)
else:
    Settings = TypeVar("Settings")


def with_run_time_values(written: Settings, run_time: Mapping[str, object]) -> Settings:
    """The settings in force: `run_time` beats `written`; a run-time null means: as written."""
    known = {field.name for field in fields(written)} - {"id"}
    return replace(
        written, **{name: _settled(run_time[name]) for name in known & run_time.keys() if run_time[name] is not None}
    )


def changed_run_time_values(before: Mapping[str, object], asked: Mapping[str, object]) -> dict[str, object]:
    """The run-time values after a request: what it names is set, null takes the run-time value away, the rest stays."""
    return {name: value for name, value in {**before, **asked}.items() if value is not None}


def _settled(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
