"""Asks a person in a garage for what a site needs; each answer is checked at once and asked for again.

Enter takes what stands in brackets. What becomes of the answers is not decided here; nothing is changed while asking.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gateway.configuration import Configuration
from gateway.configuration_files import is_written
from gateway.terminal import setup_answers
from gateway.terminal.setup_answers import Answers, MeterPlace

T = TypeVar("T")

FindMeters = Callable[[MeterPlace], list[tuple[str, MeterPlace]]]  # what answers there: (in words, where and what)
Knocks = Callable[[], list[str]]  # stations that knocked and are not known


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the dialogue looks at: what is configured, where stations connect, who knocked, which meters answer."""

    known: Configuration
    station_addresses: Sequence[str]
    knocks: Knocks
    find_meters: FindMeters
    say: Callable[[str], None] = print
    read: Callable[[str], str] = input


def ask_for(answers: Answers, around: Surroundings) -> Answers:
    """Ask for everything that was not answered before. EOFError and KeyboardInterrupt: the person has left."""
    answers = _ask_for_names(answers, around)
    answers = _ask_for_meter(answers, around)
    answers = _ask_for_fuse(answers, around)
    answers = _ask_for_stations(answers, around)
    answers = _ask_for_cards(answers, around)
    return _ask_for_phone(answers, around)


def agreed(around: Surroundings, question: str) -> bool:
    """Yes unless the person says no."""
    return _yes(around, question, usual=True)


def _ask_for_names(answers: Answers, around: Surroundings) -> Answers:
    site = around.known.site
    written = is_written(around.known.written, "site")
    around.say("\n1  The site. Enter takes what stands in brackets.")
    name = answers.name
    if name is None:
        name = _ask(around, "   Name for people", site.name or socket.gethostname(), str)
    identity = answers.site_id
    if identity is None:
        usual = site.id if written else identity_of(name)
        identity = _ask(around, "   Name for machines (fleet managers know it by this)", usual, setup_answers.site_id)
    zone = answers.timezone
    if zone is None:
        usual = site.timezone if is_written(around.known.written, "site", "timezone") else machine_timezone()
        zone = _ask(around, "   Time zone", usual, setup_answers.timezone)
    return replace(answers, name=name, site_id=identity, timezone=zone)


def _ask_for_meter(answers: Answers, around: Surroundings) -> Answers:
    around.say("\n2  The meter of the site: what the building draws beside the stations.")
    if answers.meter is not None:
        return answers
    if around.known.meters:
        around.say(f"   There is one already: {', '.join(meter.name for meter in around.known.meters)}")
        return answers
    while (
        place := _ask(around, "   Serial device, host in the network, or none", _usual_place(around), str)
    ) != "none":
        looked_for = _place(place)
        if looked_for is None:
            around.say("   expected a device such as /dev/ttyUSB0, or a host such as 192.168.1.20 or 192.168.1.20:502")
            continue
        found = around.find_meters(looked_for)
        if not found:
            around.say("   Nobody answers there: check A and B, the address, the power. Another place, or none?")
            continue
        for number, (told, _) in enumerate(found, start=1):
            around.say(f"   {number}: {told}")
        chosen = _ask(around, "   Which one is the site's meter? 0: none of them", "1", _choice(len(found)))
        if chosen:
            return replace(answers, meter=found[chosen - 1][1])
    return answers


def _ask_for_fuse(answers: Answers, around: Surroundings) -> Answers:
    around.say("\n3  The main fuse: no phase of the site will draw more than this.")
    if answers.main_fuse is not None:
        return answers
    top = next((circuit for circuit in around.known.circuits if circuit.parent is None), None)
    usual = ",".join(f"{amps:g}" for amps in dict.fromkeys(top.limit_amps)) if top else "0"
    if top and len(set(top.limit_amps)) > 1:
        usual = ",".join(f"{amps:g}" for amps in top.limit_amps)
    fuse = _ask(
        around, "   Amperes for each phase, or three such as 63,63,35; 0: no limit", usual, setup_answers.main_fuse
    )
    return replace(answers, main_fuse=fuse)


def _ask_for_stations(answers: Answers, around: Surroundings) -> Answers:
    around.say("\n4  The stations.")
    if answers.stations:
        return answers
    taken: list[tuple[str, float | None]] = []
    refused: set[str] = set()
    while True:
        for station in around.knocks():
            if station in refused or any(station == one for one, _ in taken):
                continue
            if not _yes(around, f"   {station} knocked. Let it in?", usual=True):
                refused.add(station)
                continue
            amps = _ask(around, "   The most that it can draw on one phase, in amperes", "32", _amps)
            taken.append((station, amps))
        around.say("   Enter this address into a station, the one of its network:")
        for address in around.station_addresses:
            around.say(f"      {address}")
        again = _ask(around, "   Enter looks whether another one knocks; n goes on", "look", str)
        if again.lower() in ("n", "no"):
            return replace(answers, stations=tuple(taken))


def _ask_for_cards(answers: Answers, around: Surroundings) -> Answers:
    around.say("\n5  Who may charge.")
    if answers.cards or answers.free_charging is not None:
        return answers
    if around.known.ocpp.unknown_tags == "accept":
        around.say("   Every card may charge, as the configuration says.")
        return answers
    if _yes(around, "   May everybody charge, with any card?", usual=False):
        return replace(answers, free_charging=True)
    cards: list[str] = []
    while card := _ask(around, "   Number of a card that may charge (Enter: no more)", "", _card):
        cards.append(card)
    return replace(answers, cards=tuple(cards))


def _ask_for_phone(answers: Answers, around: Surroundings) -> Answers:
    around.say("\n6  People.")
    web = answers.web
    if web is None:
        usual = around.known.web.host not in ("127.0.0.1", "::1", "localhost")
        question = "   May phones and computers in this network reach the gateway's page (over plain HTTP)?"
        web = "network" if _yes(around, question, usual=usual) else "local"
    phone = answers.phone
    if phone is None and _yes(around, "   Make a token for your phone or computer?", usual=True):
        phone = _ask(around, "   Whose is it", "phone", str)
    return replace(answers, web=web, phone=phone)


def _ask(around: Surroundings, question: str, usual: str, check: Callable[[str], T]) -> T:
    while True:
        shown = f" [{usual}]" if usual else ""
        text = around.read(f"{question}{shown}: ").strip() or usual
        try:
            return check(text)
        except ValueError as error:
            around.say(f"   expected {error}")


def _yes(around: Surroundings, question: str, *, usual: bool) -> bool:
    def answer(text: str) -> bool:
        if text.lower() in ("y", "yes", "n", "no"):
            return text.lower().startswith("y")
        raise ValueError("y or n")

    return _ask(around, question, "y" if usual else "n", answer)


def _choice(most: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not text.isdecimal() or int(text) > most:
            raise ValueError(f"a number from 0 to {most}")
        return int(text)

    return check


def _amps(text: str) -> float:
    amps = setup_answers.station(f"x={text}")[1]
    if amps is None:
        raise ValueError("amperes, such as 16")
    return amps


def _card(text: str) -> str:
    return setup_answers.card(text) if text else ""


def _place(text: str) -> MeterPlace | None:
    if text.startswith("/"):
        return MeterPlace("scan", device=text)
    match = re.fullmatch(r"([A-Za-z0-9.-]+)(?::(\d{1,5}))?", text)
    return MeterPlace("scan", host=match[1], port=int(match[2] or 502)) if match else None


def _usual_place(around: Surroundings) -> str:
    devices = serial_devices()
    for device in devices:
        around.say(f"   {device}")
    return devices[0] if devices else "none"


def serial_devices() -> Sequence[str]:
    """Serial lines of this machine, by the names that stay with an adapter."""
    by_id = sorted(str(device) for device in Path("/dev/serial/by-id").glob("*"))
    return by_id or sorted(str(device) for kind in ("USB", "ACM", "AMA") for device in Path("/dev").glob(f"tty{kind}*"))


def machine_timezone() -> str:
    """The zone that this machine is set to; UTC when it does not say."""
    try:
        named = Path("/etc/timezone").read_text("utf-8").strip()
    except OSError:
        named = os.path.realpath("/etc/localtime").rpartition("/zoneinfo/")[2]
    try:
        return setup_answers.timezone(named)
    except ValueError:
        return "UTC"


def identity_of(name: str) -> str:
    """What machines may call a site that people call this."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64]
    return slug or "site"
