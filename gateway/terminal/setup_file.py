"""Writes answers into the site's file: what a person wrote in it, comments included, stays as it is.

A text is checked as the daemon would read it, files of conf.d included, before it takes the place of the one before.
Which answers there are to ask for is not decided here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from gateway.configuration import Circuit, Configuration, ConfigurationMistakes, load_configuration
from gateway.configuration_decided import FILE_NAME
from gateway.configuration_files import place_of
from gateway.operations.scan_meters import line_of_talker
from gateway.provisioning_check import check_provisions
from gateway.store import durable_files
from gateway.terminal.exits import CONFIGURATION, Ending, no_permission
from gateway.terminal.setup_answers import Answers, MeterPlace

_HEADING = "Written by ocpp-gateway setup; yours from now on. All keys: /usr/share/ocpp-gateway/gateway.toml"
_CIRCUIT = "main"
_METER = "grid"


def text_with(path: Path, answers: Answers, *, known: Configuration) -> str:
    """The file's text with these answers in it. `known`: what the files say now. Raises Ending 78."""
    document = _document(path)
    _put(document, "site", id=answers.site_id, name=answers.name, timezone=answers.timezone)
    if answers.web is not None:
        _put(document, "web", host="0.0.0.0" if answers.web == "network" else "127.0.0.1")
    if answers.free_charging is not None:
        _put(document, "ocpp", unknown_tags="accept" if answers.free_charging else "refuse")
    meter = _add_meter(document, answers.meter, known) if answers.meter is not None else None
    circuit = _put_fuse(document, answers.main_fuse, meter, known)
    for station, amps in answers.stations:
        _put_station(document, station, amps, circuit, known)
    return tomlkit.dumps(document)


def checked(path: Path, text: str, *, known: Configuration) -> Configuration:
    """What the daemon would make of it, on this machine. Raises Ending 78 with every mistake; the file is as it was.

    What the machine lacked before (`known`: a meter that is unplugged) keeps nobody from adding something else.
    """
    try:
        wanted = read_as(path, text)
        if mistakes := check_provisions(wanted, daemon_runs=True, besides=known):
            raise ConfigurationMistakes(mistakes)
        return wanted
    except ConfigurationMistakes as wrong:
        words = str(wrong).replace(str(_beside(path)), str(path))
        raise Ending(CONFIGURATION, f"{words}\nnothing was changed") from wrong


def read_as(path: Path, text: str) -> Configuration:
    """What the files would say if this were the text of this one. Raises ConfigurationMistakes, Ending 77."""
    beside = _beside(path)
    try:
        beside.write_text(text, "utf-8")
        return load_configuration(beside)
    except OSError as error:
        raise no_permission(f"{path.parent} cannot be written ({error.strerror}): run this as root") from error
    finally:
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.setup")


def replace_file(path: Path, text: str) -> Path | None:
    """Put the text in place; where the file before is kept, None when there was none."""
    kept = None
    if path.exists():
        kept = path.with_name(f"{path.name}.before-setup")
        shutil.copy2(path, kept)
        durable_files.flush_one(kept)
    _write(path, text)
    return kept


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, "utf-8")
    fresh.chmod(0o640)
    if os.geteuid() == 0:  # root's file, which the daemon's group reads, as its folder
        os.chown(fresh, 0, path.parent.stat().st_gid)
    durable_files.flush_one(fresh)
    fresh.replace(path)
    durable_files.flush_one(path.parent)


def put_back(path: Path, kept: Path | None) -> None:
    """What `replace_file` did is undone: the file before is in place again, or none."""
    if kept is None:
        path.unlink()
        durable_files.flush_one(path.parent)
    else:
        _write(path, kept.read_text("utf-8"))


def _document(path: Path) -> tomlkit.TOMLDocument:
    if not path.exists():
        document = tomlkit.document()
        document.add(tomlkit.comment(_HEADING))
        return document
    try:
        return tomlkit.parse(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise Ending(CONFIGURATION, f"{path}: expected valid TOML, got {error}") from error


def _put(document: tomlkit.TOMLDocument, section: str, **values: object) -> None:
    given = {key: value for key, value in values.items() if value is not None}
    if given:
        table = cast(Table, document.setdefault(section, tomlkit.table()))
        for key, value in given.items():
            table[key] = value


def _tables(document: tomlkit.TOMLDocument, name: str) -> AoT:
    return cast(AoT, document.setdefault(name, tomlkit.aot()))


def _add(document: tomlkit.TOMLDocument, name: str, values: Mapping[str, object]) -> None:
    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, value)
    _tables(document, name).append(table)


def _add_meter(document: tomlkit.TOMLDocument, place: MeterPlace, known: Configuration) -> str:
    taken = {meter.name for meter in known.meters}
    name = _METER if _METER not in taken else f"{_METER}-{len(taken) + 1}"
    transport = tomlkit.inline_table()
    talker = line_of_talker(place.model)
    if place.device is not None and talker is not None:
        transport.update({"type": "serial", "device": place.device, "baudrate": talker[0], "parity": talker[1]})
        _add(document, "meter", {"name": name, "model": place.model, "transport": transport})
        return name
    if place.device is not None:
        transport.update({"type": "rtu", "device": place.device, "baudrate": place.baudrate, "parity": place.parity})
    else:
        transport.update({"type": "tcp", "host": place.host, "port": place.port})
    transport["unit"] = place.unit
    _add(document, "meter", {"name": name, "model": place.model, "transport": transport})
    return name


def _put_fuse(
    document: tomlkit.TOMLDocument, amps: Sequence[float] | None, meter: str | None, known: Configuration
) -> str | None:
    """The circuit that stations are put into: the one at the top, if there is one."""
    tops = [circuit for circuit in known.circuits if circuit.parent is None]
    if not tops:
        if not amps:
            return None
        values: dict[str, object] = {"name": _CIRCUIT, "limit_amps": [_number(one) for one in amps]}
        _add(document, "circuit", values | ({"meter": meter} if meter is not None else {}))
        return _CIRCUIT
    written = _tables(document, "circuit") if "circuit" in document else ()
    top = next((one for one in written if one.get("name") == tops[0].name), None)
    if top is None and (amps or meter is not None) and _is_of_the_page(known, tops[0]):
        # from now on this file says what it is, and site.toml no longer
        limits: list[float] = [_number(one) for one in amps or tops[0].limit_amps]
        wanted = {"name": tops[0].name, "limit_amps": limits, "meter": meter or tops[0].meter}
        _add(document, "circuit", {key: value for key, value in wanted.items() if value is not None})
        return tops[0].name
    if top is None and amps and tuple(amps) != tuple(tops[0].limit_amps):
        raise Ending(CONFIGURATION, f"circuit {tops[0].name} stands in another file: change its limit_amps there")
    if top is not None:
        if amps:
            top["limit_amps"] = [_number(one) for one in amps]
        if meter is not None and "meter" not in top:
            top["meter"] = meter
    return tops[0].name


def _is_of_the_page(known: Configuration, circuit: Circuit) -> bool:
    """Whether it was decided on the setup page: then it stands in site.toml, which this command leaves alone."""
    place = place_of(known.written, "circuit", known.circuits.index(circuit))
    return Path(place.file) == known.data.directory / FILE_NAME


def _put_station(
    document: tomlkit.TOMLDocument, station: str, amps: float | None, circuit: str | None, known: Configuration
) -> None:
    settings: dict[str, object] = {"circuit": circuit} if circuit is not None else {}
    if amps is not None:
        settings["max_amps"] = _number(amps)
    if all(one.id != station for one in known.stations):
        _add(document, "station", {"id": station} | settings)
        return
    for table in _tables(document, "station"):
        if table.get("id") == station:
            for key, value in settings.items():
                if key != "circuit" or "circuit" not in table:
                    table[key] = value


def _number(amps: float) -> int | float:
    return int(amps) if amps == int(amps) else amps
