"""docs/gateway.toml and docs/configuration.md name every key of the dataclasses, with the default that is in force."""

from __future__ import annotations

import re
import tomllib
import typing
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from gateway import configuration as keys
from gateway.configuration import Configuration, load_configuration
from gateway.configuration_reading import key_of

DOCS = Path(__file__).parents[2] / "docs"

SHAPES: dict[str, type[object]] = {
    "[site]": keys.Site,
    "[data]": keys.Data,
    "[ocpp]": keys.Ocpp,
    "[ocpp.tls]": keys.Tls,
    "certificates": keys.Certificate,
    "[web]": keys.Web,
    "[firmware]": keys.Firmware,
    "[retention]": keys.Retention,
    "[log]": keys.Log,
    "[[upstream]]": keys.Upstream,
    "[[meter]]": keys.Meter,
    'type = "rtu"': keys.RtuTransport,
    'type = "tcp"': keys.TcpTransport,
    'type = "serial"': keys.SerialTransport,
    "[[circuit]]": keys.Circuit,
    "schedule": keys.ScheduledLimit,
    "[load]": keys.Load,
    "[[station]]": keys.StationSettings,
    "[[station_model]]": keys.StationModel,
}


def test_the_reference_file_holds_exactly_the_defaults() -> None:
    assert load_configuration(DOCS / "gateway.toml") == load_configuration(None)


def reference_with_examples() -> str:
    return re.sub(r"(?m)^#(?=[a-z\[])", "", (DOCS / "gateway.toml").read_text())


def test_the_examples_of_the_reference_file_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(reference_with_examples())
    configuration = load_configuration(path)
    assert len(configuration.meters) == 3
    assert configuration.circuits[0].background_worst_amps == (31.5, 31.5, 31.5)


def written_keys(value: object, found: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if isinstance(value, list):
        for item in value:
            written_keys(item, found, path)
    if isinstance(value, dict):
        for key, child in value.items():
            found.add((*path, key))
            written_keys(child, found, (*path, key))
    return found


ENTRIES = {"certificates": "ocpp.tls.certificates", "schedule": "circuit.schedule"}
TOML_TABLES = {**ENTRIES, **dict.fromkeys(list(SHAPES)[11:14], "meter.transport")}


@pytest.mark.parametrize("section", SHAPES)
def test_every_key_stands_in_the_reference_file(section: str) -> None:
    written = written_keys(tomllib.loads(reference_with_examples()), set())
    table = tuple(TOML_TABLES.get(section, section.strip("[]")).split("."))
    for field in fields(SHAPES[section]):  # type: ignore[arg-type]
        assert (*table, key_of(field)) in written, f"docs/gateway.toml lacks {field.name} of {section}"


def documented_rows(section: str) -> dict[str, str]:
    """key -> default, of the first table after the line that names the section."""
    lines = (DOCS / "configuration.md").read_text().splitlines()
    heading = f"`{section}`" if section in ENTRIES else section
    starts = ("## ", "Each entry", "`transport")
    start = next(i for i, line in enumerate(lines) if heading in line and line.startswith(starts))
    rows: dict[str, str] = {}
    for line in lines[start + 1 :]:
        if row := re.match(r"\| `(\w+)` \| (.+?) \|", line):
            rows[row[1]] = row[2]
        elif rows and not line.startswith("|"):
            break
    return rows


def documented_default(default: object) -> str:
    match default:
        case _ if default is MISSING:
            return "required"
        case None:
            return "absent"
        case bool():
            return f"`{str(default).lower()}`"
        case str() | Path():
            return f'`"{default}"`'
        case ():
            return "`[]`"
        case {}:
            return "`{}`"
        case _:
            return f"`{default}`"


@pytest.mark.parametrize("section", SHAPES)
def test_every_key_stands_in_the_manual_with_its_default(section: str) -> None:
    expected = {
        key_of(field): documented_default(field.default_factory() if field.default_factory is dict else field.default)
        for field in fields(SHAPES[section])  # type: ignore[arg-type]
        if field.name != "tls" or section != "[ocpp]"  # a table of its own
    }
    assert documented_rows(section) == expected


def test_the_manual_covers_every_section() -> None:
    named = {re.sub(r"[\[\]]", "", section) for section in SHAPES}
    assert {key_of(field) for field in fields(Configuration)} - {""} <= named
    transports = typing.get_args(typing.get_type_hints(keys.Meter)["transport"])
    assert set(transports) <= set(SHAPES.values())
