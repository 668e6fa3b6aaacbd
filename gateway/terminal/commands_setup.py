"""`setup`: the first steps of a site, by questions on a terminal or by options and a file for many sites.

What belongs into the site's file is written there and put to work by the running gateway; cards and tokens go into its
database. Before the last question is answered nothing is changed. What is good for a site is the configuration's
question.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.configuration import Configuration, ConfigurationMistakes, load_configuration
from gateway.configuration_files import is_written
from gateway.terminal import setup_dialogue, setup_file
from gateway.terminal.client import API, Gateway, ask, expect, is_there, problem_text
from gateway.terminal.commands_reload import take_configuration
from gateway.terminal.exits import (
    CONFIGURATION,
    INTERRUPTED,
    NEGATIVE,
    OK,
    UNREACHABLE,
    Ending,
    negative,
    no_permission,
    usage,
)
from gateway.terminal.json_output import list_of, part_of, text_member
from gateway.terminal.reaching import USUAL_FILE, page_addresses, socket_path_of, station_addresses
from gateway.terminal.setup_answers import Answers, MeterPlace, answers_of

if TYPE_CHECKING:
    from gateway.terminal.json_output import Document


def setup(options: argparse.Namespace) -> int:
    """0: done; 130: the person left, nothing was changed; 78: the answers make no good configuration."""
    path: Path = options.config or USUAL_FILE
    _expect_permission(path, options)
    known = _known(path)
    answers = answers_of(options)
    gateway = Gateway(socket_path=socket_path_of(known))
    dialogue = not options.yes and sys.stdin.isatty()
    if not dialogue and answers == Answers():
        raise usage("expected answers: options or --answers FILE; without them, a terminal and no --yes")
    around = setup_dialogue.Surroundings(
        known=known,
        station_addresses=station_addresses(known),
        knocks=lambda: _knocks(gateway),
        find_meters=lambda place: _find_meters(place, known if is_there(gateway) else None),
    )
    try:
        if dialogue:
            answers = setup_dialogue.ask_for(answers, around)
        answers = _completed(answers, around)
        text = setup_file.text_with(path, answers, known=known)
        wanted = setup_file.checked(path, text, known=known)
        if options.dry_run:
            print(text, end="")
            return OK
        if dialogue:
            print(f"\n{path} will say:\n\n{text}")
            if not setup_dialogue.agreed(around, "Put it to work?"):
                raise KeyboardInterrupt
    except (KeyboardInterrupt, EOFError):
        print("\nnothing was changed", file=sys.stderr)
        return INTERRUPTED
    _put_to_work(path, text, wanted)
    return _let_in(Gateway(socket_path=socket_path_of(wanted)), wanted, answers)


def _known(path: Path) -> Configuration:
    try:
        if path.exists():
            return load_configuration(path)
        if not any((path.parent / "conf.d").glob("*.toml")):
            return load_configuration(None)
        try:
            return load_configuration(path)
        except ConfigurationMistakes:  # what all sites share, and not yet the name of this one
            return setup_file.read_as(path, '[site]\nid = "site"\n')
    except ConfigurationMistakes as mistakes:
        raise Ending(CONFIGURATION, f"{mistakes}\nmend this first: setup keeps what is there") from mistakes


def _expect_permission(path: Path, options: argparse.Namespace) -> None:
    wanted = os.R_OK | os.X_OK if options.dry_run else os.W_OK | os.X_OK
    nearest = next(folder for folder in path.parents if os.path.exists(folder))
    if not os.access(nearest, wanted) or not os.access(path if os.path.exists(path) else nearest, os.R_OK):
        raise no_permission(f"no permission for {path}: run this as root (sudo ocpp-gateway setup)")


def _completed(answers: Answers, around: setup_dialogue.Surroundings) -> Answers:
    """What the answers leave open and the site itself can tell: its name, which meter answers, who knocked."""
    if answers.site_id is None and not is_written(around.known.written, "site", "id"):
        answers = replace(answers, site_id=setup_dialogue.identity_of(answers.name or socket.gethostname()))
    if answers.all_that_knocked:
        there = {station for station, _ in answers.stations}
        new = tuple((station, None) for station in around.knocks() if station not in there)
        answers = replace(answers, stations=answers.stations + new)
    if answers.meter is not None and answers.meter.model == "scan":
        found = around.find_meters(answers.meter)
        if len(found) != 1:
            told = "".join(f"\n  {words}" for words, _ in found)
            raise negative(f"--meter-model scan: expected one meter there, {len(found)} answer{told}")
        answers = replace(answers, meter=found[0][1])
    return answers


def _knocks(gateway: Gateway) -> list[str]:
    try:
        answer = part_of({"stations": expect(ask(gateway, "GET", f"{API}/stations?limit=1"))}, "stations")
    except Ending as ending:
        if ending.code != UNREACHABLE:
            raise
        return []
    return [str(knock.get("station")) for knock in list_of(answer, "knocked")]


def _find_meters(place: MeterPlace, in_use_by: Configuration | None) -> list[tuple[str, MeterPlace]]:
    from gateway.operations.scan_meters import CannotScan, Wishes, find_meters

    wishes = Wishes(units=range(1, 11), device=place.device, host=place.host, port=place.port)
    try:
        found = asyncio.run(
            find_meters(wishes, in_use_by=in_use_by, progress=lambda words: print(f"   {words}", file=sys.stderr))
        )
    except CannotScan as reason:
        print(f"   {reason}", file=sys.stderr)
        return []
    return [_found(one, place) for one in found if one["models"]]


def _found(found: Document, place: MeterPlace) -> tuple[str, MeterPlace]:
    import tomllib

    table = tomllib.loads(text_member(found, "toml"))["meter"][0]
    transport = table["transport"]
    titles = "; or ".join(str(model.get("title")) for model in list_of(found, "models"))
    amps = found.get("amps")
    shown = ", ".join(f"{one:.1f} A" for one in amps if one is not None) if isinstance(amps, list) else ""
    return f"{titles}, address {found['unit']}{f', now {shown}' if shown else ''}", replace(
        place,
        model=str(table["model"]),
        unit=int(transport["unit"]),
        baudrate=int(transport.get("baudrate", place.baudrate)),
        parity=str(transport.get("parity", place.parity)),
    )


def _put_to_work(path: Path, text: str, wanted: Configuration) -> None:
    before = path.read_text("utf-8-sig") if path.exists() else None
    kept = setup_file.replace_file(path, text) if text != before else None
    if text != before:
        print(f"{path} is written" + (f"; what it said before is in {kept}" if kept is not None else ""))
    try:
        take_configuration(Gateway(socket_path=socket_path_of(wanted)))
        print("the gateway works with it")
    except Ending as ending:
        if ending.code in (CONFIGURATION, NEGATIVE) and text != before:
            setup_file.put_back(path, kept)
            words = f"{ending.sentence}\nthe gateway did not take it, and {path} is as it was before"
            raise Ending(ending.code, words) from ending
        if ending.code != UNREACHABLE:
            raise
        print(f"the gateway does not run ({ending.sentence}): systemctl start ocpp-gateway", file=sys.stderr)


def _let_in(gateway: Gateway, wanted: Configuration, answers: Answers) -> int:
    refused = [words for card in answers.cards if (words := _why_no_card(gateway, card)) is not None]
    for station, _ in answers.stations:
        print(f"station {station} is let in")
    if answers.phone is not None:
        from gateway.terminal.commands_daemon import make_token

        token = text_member(make_token(gateway, wanted, "installer", answers.phone), "token")
        print(f"token for {answers.phone}, shown only now: {token}")
    for number, address in enumerate(station_addresses(wanted)):
        print("\nStations connect to " if number == 0 else "or, in another network,", address)
    for number, address in enumerate(page_addresses(wanted)):
        print("People open" if number == 0 else "or, in another network,", address)
    print("Next step: ocpp-gateway status")
    for words in refused:
        print(f"ocpp-gateway: {words}", file=sys.stderr)
    return NEGATIVE if refused else OK


def _why_no_card(gateway: Gateway, card: str) -> str | None:
    """Let the card charge; None when that is done."""
    try:
        response = ask(gateway, "PUT", f"{API}/id-tags/{quote(card, safe='')}", body={"status": "Accepted"})
    except Ending as ending:
        if ending.code != UNREACHABLE:
            raise
        return f"card {card} is not let in yet: when the gateway runs, ocpp-gateway setup --yes --card '{card}'"
    if response.status >= 300:
        return f"card {card}: {problem_text(response)}"
    print(f"card {card} may charge")
    return None
