"""`setup`: answers from options and files, what becomes of the site's file, and the dialogue."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import SerialTransport, load_configuration
from gateway.terminal import commands_setup, own_addresses, reaching, setup_dialogue, setup_file
from gateway.terminal.arguments import parse
from gateway.terminal.client import Gateway
from gateway.terminal.exits import CONFIGURATION, NEGATIVE, USAGE, Ending
from gateway.terminal.json_output import Document
from gateway.terminal.own_addresses import OwnAddress, addresses_told
from gateway.terminal.reaching import lan_address, station_addresses
from gateway.terminal.setup_answers import Answers, MeterPlace, answers_of
from gateway.terminal.setup_dialogue import Surroundings, ask_for

BY_HAND = """# our depot
[site]
id = "depot"          # as on the plan

[[circuit]]
name = "house"        # the main fuse
limit_amps = [63, 63, 63]

[[station]]
id = "CP-1"
circuit = "house"     # row A
"""
METER = MeterPlace("eastron_sdm630", host="192.168.1.20", unit=3)


def answers(*words: str) -> Answers:
    return answers_of(parse(["setup", *words], ""))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def written(path: Path, given: Answers) -> str:
    known = load_configuration(path if path.exists() else None)
    text = setup_file.text_with(path, given, known=known)
    setup_file.checked(path, text, known=known)
    setup_file.replace_file(path, text)
    return text


class TestAnswers:
    def test_every_option(self) -> None:
        given = answers(
            "--site-id=depot", "--name=Depot North", "--timezone=Europe/Berlin", "--web=network",
            "--main-fuse=63,63,35",
            "--meter-model=eastron_sdm630", "--meter-host=10.0.0.5:5020", "--meter-unit=7", "--station=CP-1=16",
            "--station=CP-2", "--card=04A2", "--free-charging", "--phone=Ann", "--all-that-knocked",
        )  # fmt: skip
        assert given == Answers(
            "depot", "Depot North", "Europe/Berlin", "network", (63, 63, 35),
            MeterPlace("eastron_sdm630", host="10.0.0.5", port=5020, unit=7), (("CP-1", 16), ("CP-2", None)),
            True, ("04A2",), True, "Ann",
        )  # fmt: skip

    def test_nothing_given_is_nothing_answered(self) -> None:
        assert answers() == Answers()

    def test_a_file_whose_answers_options_beat(self, tmp_path: Path) -> None:
        file = tmp_path / "answers.toml"
        file.write_text('site-id = "depot"\nmain_fuse = [63, 63, 35]\nstation = ["CP-1=16"]\nname = "North"\n')
        given = answers("--answers", str(file), "--name", "South")
        assert given == Answers(site_id="depot", name="South", main_fuse=(63, 63, 35), stations=(("CP-1", 16),))

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--site-id", "de pot"], "--site-id: expected 1 to 64 letters"),
            (["--timezone", "Mars/North"], "--timezone: expected a time zone"),
            (["--main-fuse", "63,63"], "--main-fuse: expected amperes"),
            (["--main-fuse", "lots"], "--main-fuse: expected amperes"),
            (["--station", "CP-1=0"], "--station: expected the identity"),
            (["--card", "123456789012345678901"], "--card: expected the number of a card"),
            (["--meter-model", "eastron_sdm630"], "expected --meter-device or --meter-host"),
            (["--meter-device", "/dev/ttyUSB0", "--meter-host", "h"], "and not both"),
            (["--meter-host", "h:x"], "expected whole numbers"),
            (["--answers", "/no/such/file"], "--answers: expected a TOML file"),
        ],
    )
    def test_what_is_wrong_is_said(self, words: list[str], expected: str) -> None:
        with pytest.raises(Ending, match=expected) as ending:
            answers(*words)
        assert ending.value.code == USAGE

    def test_a_word_in_the_file_that_is_no_answer(self, tmp_path: Path) -> None:
        file = tmp_path / "answers.toml"
        file.write_text('site = "depot"\n')
        with pytest.raises(Ending, match="site: expected one of site_id, name"):
            answers("--answers", str(file))


class TestTheFile:
    def test_a_whole_site(self, path: Path) -> None:
        given = Answers(
            "depot", "Depot", "Europe/Berlin", "network", (63, 63, 35), METER, (("CP-1", 16), ("CP-2", None)),
            free_charging=True,
        )  # fmt: skip
        written(path, given)
        made = load_configuration(path)
        assert (made.site.id, made.site.name, made.site.timezone) == ("depot", "Depot", "Europe/Berlin")
        assert (made.web.host, made.ocpp.unknown_tags) == ("0.0.0.0", "accept")
        assert [(one.name, tuple(one.limit_amps), one.meter) for one in made.circuits] == [
            ("main", (63, 63, 35), "grid")
        ]
        assert [(one.id, one.circuit, one.max_amps) for one in made.stations] == [
            ("CP-1", "main", 16), ("CP-2", "main", 32),
        ]  # fmt: skip
        assert made.meters[0].model == "eastron_sdm630"
        assert path.stat().st_mode & 0o777 == 0o640

    def test_what_a_person_wrote_stays(self, path: Path) -> None:
        path.write_text(BY_HAND)
        text = written(path, Answers(name="Depot", main_fuse=(50, 50, 50), stations=(("CP-1", 10), ("CP-2", None))))
        for words in ("# our depot", "# as on the plan", "# the main fuse", "# row A"):
            assert words in text
        made = load_configuration(path)
        assert made.site.id == "depot" and tuple(made.circuits[0].limit_amps) == (50, 50, 50)
        assert [(one.id, one.circuit, one.max_amps) for one in made.stations] == [
            ("CP-1", "house", 10), ("CP-2", "house", 32),
        ]  # fmt: skip
        assert path.with_name("gateway.toml.before-setup").read_text() == BY_HAND

    def test_the_main_circuit_of_the_page_is_taken_over(self, path: Path) -> None:
        """What stands in site.toml is left alone there; the site's file wins from now on."""
        path.write_text('[site]\nid = "depot"\n[data]\ndirectory = "."\n')
        path.with_name("site.toml").write_text('[[circuit]]\nname = "fuse"\nlimit_amps = [40, 40, 40]\n')
        assert "[[circuit]]" not in written(path, Answers(stations=(("CP-1", 10),)))
        assert load_configuration(path).stations[0].circuit == "fuse"
        written(path, Answers(meter=METER))
        assert [(one.limit_amps, one.meter) for one in load_configuration(path).circuits] == [((40, 40, 40), "grid")]
        written(path, Answers(main_fuse=(63, 63, 35)))
        assert [(one.limit_amps, one.meter) for one in load_configuration(path).circuits] == [((63, 63, 35), "grid")]

    def test_no_answers_change_nothing(self, path: Path) -> None:
        path.write_text(BY_HAND)
        assert written(path, Answers()) == BY_HAND

    def test_twice_is_as_once(self, path: Path) -> None:
        given = Answers("depot", main_fuse=(63, 63, 63), stations=(("CP-1", 16),))
        assert written(path, given) == written(path, given)

    def test_answers_that_make_no_good_site_change_nothing(self, path: Path) -> None:
        path.write_text(BY_HAND)
        known = load_configuration(path)
        text = setup_file.text_with(path, Answers(meter=replace(METER, model="no-such-meter")), known=known)
        with pytest.raises(Ending, match="no-such-meter") as ending:
            setup_file.checked(path, text, known=known)
        assert ending.value.code == CONFIGURATION
        assert str(path) in ending.value.sentence and ".setup" not in ending.value.sentence
        assert [file.name for file in path.parent.iterdir()] == ["gateway.toml"]

    def test_stations_and_circuits_of_other_files_are_known(self, path: Path) -> None:
        path.write_text('[site]\nid = "depot"\n')
        folder = path.parent / "conf.d"
        folder.mkdir()
        (folder / "10.toml").write_text(BY_HAND.replace('[site]\nid = "depot"', ""))
        with pytest.raises(Ending, match="circuit house stands in another file"):
            written(path, Answers(main_fuse=(40, 40, 40)))
        written(path, Answers(main_fuse=(63, 63, 63), stations=(("CP-1", 16), ("CP-2", None))))
        assert [one.id for one in load_configuration(path).stations] == ["CP-2", "CP-1"]

    def test_a_meter_that_talks_by_itself_has_no_address(self, path: Path) -> None:
        master, slave = os.openpty()
        line = os.ttyname(slave)
        written(path, Answers("depot", meter=MeterPlace("dsmr_p1", device=line)))
        os.close(master)
        os.close(slave)
        assert load_configuration(path).meters[0].transport == SerialTransport(device=Path(line), baudrate=115_200)

    def test_a_line_that_is_not_there_is_a_mistake_only_when_it_is_new(self, path: Path) -> None:
        gone = MeterPlace("eastron_sdm630", device="/dev/no-such-line")
        with pytest.raises(Ending, match="/dev/no-such-line"):
            written(path, Answers("depot", meter=gone))
        path.write_text(setup_file.text_with(path, Answers("depot", meter=gone), known=load_configuration(None)))
        written(path, Answers(name="Depot"))
        assert load_configuration(path).site.name == "Depot"

    def test_what_was_written_can_be_put_back(self, path: Path) -> None:
        kept = setup_file.replace_file(path, BY_HAND)
        setup_file.put_back(path, kept)
        assert not path.exists()
        path.write_text(BY_HAND)
        kept = setup_file.replace_file(path, "# other\n")
        setup_file.put_back(path, kept)
        assert path.read_text() == BY_HAND and kept is not None and kept.read_text() == BY_HAND


@pytest.mark.parametrize("code", [CONFIGURATION, NEGATIVE])
def test_what_the_gateway_does_not_take_is_put_back(code: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(gateway: Gateway) -> Document:
        raise Ending(code, "the port is taken")

    monkeypatch.setattr(commands_setup, "take_configuration", refuse)
    path.write_text(BY_HAND)
    with pytest.raises(Ending, match=r"the port is taken\n.*as it was before") as ending:
        commands_setup.setup(parse(["setup", "--yes", "--name=Depot", f"--config={path}"], ""))
    assert ending.value.code == code
    assert path.read_text() == BY_HAND


class TestOwnAddresses:
    TOLD = json.dumps([
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]},
        {"ifname": "eth0", "addr_info": [{"local": "192.168.1.2", "dynamic": True}]},
        {"ifname": "eth1", "addr_info": [{"local": "10.0.0.2"}]},
        {"ifname": "docker0", "addr_info": [{"local": "172.17.0.1"}]},
        {},
    ])  # fmt: skip

    def test_every_network_and_who_may_take_the_address_back(self) -> None:
        assert addresses_told(self.TOLD) == [
            OwnAddress("192.168.1.2", "eth0", lent=True), OwnAddress("10.0.0.2", "eth1", lent=False),
        ]  # fmt: skip

    @pytest.mark.parametrize("text", ["", "[]", "nonsense"])
    def test_nothing_is_told(self, text: str) -> None:
        assert addresses_told(text) == []

    def test_in_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(own_addresses, "own_addresses", lambda: addresses_told(self.TOLD))
        assert station_addresses(load_configuration(None)) == [
            "ws://192.168.1.2:9000/ocpp/<station id>  (eth0; by DHCP: give it a fixed one)",
            "ws://10.0.0.2:9000/ocpp/<station id>  (eth1)",
        ]

    def test_a_network_without_a_way_to_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reaching, "outward_address", lambda: None)
        monkeypatch.setattr(own_addresses, "own_addresses", lambda: addresses_told(self.TOLD))
        assert lan_address() == "192.168.1.2"
        monkeypatch.setattr(own_addresses, "own_addresses", list)
        assert lan_address() == "127.0.0.1"


class TestTheDialogue:
    def play(self, typed: list[str], *, known: str = "", knocks: Iterator[list[str]] | None = None,
             meters: list[tuple[str, MeterPlace]] | None = None, tmp_path: Path, given: Answers | None = None,
             ) -> tuple[Answers, str]:  # fmt: skip
        """What comes out when a person types this; and everything that was said."""
        path = tmp_path / "known.toml"
        path.write_text(known)
        lines, said = iter(typed), list[str]()

        def read(question: str) -> str:
            said.append(question)
            return next(lines)

        around = Surroundings(
            known=load_configuration(path if known else None),
            station_addresses=["ws://192.168.1.2:9000/ocpp/<station id>", "ws://10.0.0.2:9000/ocpp/<station id>"],
            knocks=lambda: next(knocks, []) if knocks is not None else [],
            find_meters=lambda place: meters or [],
            say=said.append,
            read=read,
        )
        answered = ask_for(given or Answers(), around)
        assert next(lines, None) is None, "every line was asked for"
        return answered, "\n".join(said)

    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(setup_dialogue, "machine_timezone", lambda: "Europe/Amsterdam")
        monkeypatch.setattr(setup_dialogue, "serial_devices", lambda: ["/dev/serial/by-id/usb-FTDI-if00"])

    def test_a_new_site(self, tmp_path: Path) -> None:
        found = MeterPlace("eastron_sdm630", device="/dev/serial/by-id/usb-FTDI-if00", unit=2)
        typed = ["Depot North", "", "", "", "1", "63", "y", "16", "", "n", "n", "04A2", "", "y", "y", "Ann"]
        answered, said = self.play(
            typed, knocks=iter([["CP-1"], []]), meters=[("Eastron SDM630, address 2", found)], tmp_path=tmp_path
        )
        assert answered == Answers(
            "depot-north", "Depot North", "Europe/Amsterdam", "network", (63, 63, 63), found, (("CP-1", 16),),
            cards=("04A2",), phone="Ann",
        )  # fmt: skip
        assert "ws://192.168.1.2:9000/ocpp/<station id>" in said

    def test_mistakes_are_said_and_asked_again(self, tmp_path: Path) -> None:
        typed = ["Depot", "de pot", "depot", "Mars", "UTC", "??", "none", "much", "0", "n", "maybe", "y", "n", "n"]
        answered, said = self.play(typed, tmp_path=tmp_path)
        assert (answered.site_id, answered.main_fuse, answered.free_charging) == ("depot", (), True)
        for words in ("expected 1 to 64 letters", "expected a time zone", "expected a device", "expected amperes",
                      "expected y or n"):  # fmt: skip
            assert words in said

    def test_enter_keeps_what_is_configured(self, tmp_path: Path) -> None:
        typed = ["", "", "", "none", "", "n", "", "", "", "n"]
        answered, _ = self.play(typed, known=BY_HAND, tmp_path=tmp_path)
        assert (answered.site_id, answered.main_fuse, answered.stations) == ("depot", (63, 63, 63), ())

    def test_a_station_that_is_not_wanted_is_not_asked_for_again(self, tmp_path: Path) -> None:
        typed = ["", "", "", "none", "", "n", "", "n", "y", "", "n"]
        knocks = iter([["STRANGER"], ["STRANGER"]])
        answered, _ = self.play(typed, knocks=knocks, tmp_path=tmp_path)
        assert answered.stations == ()

    def test_what_was_given_is_not_asked_for(self, tmp_path: Path) -> None:
        given = Answers(
            "depot", "D", "UTC", "local", (), METER, (("CP-1", None),), free_charging=True, phone="Ann",
        )  # fmt: skip
        answered, _ = self.play([], given=given, tmp_path=tmp_path)
        assert answered == given

    def test_nobody_answers_and_another_place_is_tried(self, tmp_path: Path) -> None:
        typed = ["", "", "", "192.168.1.9:502", "none", "", "n", "y", "", "n"]
        answered, said = self.play(typed, tmp_path=tmp_path)
        assert answered.meter is None
        assert "Nobody answers there" in said
