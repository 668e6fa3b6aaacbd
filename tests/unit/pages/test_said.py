"""The API's English sentences in the reader's language: every sentence that its source makes has a shape."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from gettext import NullTranslations
from itertools import product
from random import Random
from typing import cast, get_args

import pytest
from babel import Locale

from gateway.model.circuits import Circuit
from gateway.model.load_decision import Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import ConnectorFacts
from gateway.pages import said as module
from gateway.pages.formats import Formats
from gateway.pages.said import TEXTS, missed_of, said, shapes
from gateway.pages.said_shapes import PLACE, Shape, Shapes, Speaker, sample_of
from gateway.pages.visit import Visit
from gateway.rules.limit_reasons import connectors_of, reason_of_limit
from gateway.rules.load_alternatives import alternatives_of
from gateway.rules.load_records import changes_since, line_of
from gateway.rules.load_what_if import imagine
from gateway.rules.rollout_course import Campaign, CampaignState, Wish, after_wish
from gateway.rules.safe_assumptions import check_fallbacks
from tests.properties.load_sites import PlayedSite, random_site
from tests.unit.pages.api_sentences import sentences
from tests.unit.rules.load_pictures import charging, decided, picture

SHARED = "main, phase 1 is shared by 2: of 32.5 A (installer), 3.0 A are not managed"
_PART = "a part of a sentence that is put together there"
# what the source says that no page shows as a sentence of its own, and why
NOT_SAID = {
    "this machine has ": _PART,
    "the way to other networks is ": _PART,
    "7, and nothing needs one": _PART,
    "7 port 7": _PART,
    "7 took 7 s": _PART,
    "7 answers within 7 ms": _PART,
    "nearly full 7: 7": _PART,
    "nearly full 7: make room": _PART,
    "unknown; known are ": _PART,
    "expected one of ": _PART,
    "connector 7": _PART,
    "the station": _PART,
    "its manifest allows no downgrade": _PART,
    "force_downgrade is needed": _PART,
    "a campaign that is 7 cannot be 7": "what it cannot be is one of five words, each with a shape of its own",
    "its shape is right": "an assertion",
    "; 7": _PART,
    ", or three of them": _PART,
    "bytes 7-": "HTTP",
    "bytes */7": "HTTP",
    "RSA PKCS#1 v1.5": "a name",
    "the message id must be a string": "said to stations",
    "the station is not accepted yet": "said to stations",
    "one setting is": _PART,
    "7 settings are": _PART,
    "7 not as before": _PART,
    "; automatic_calls is off: nothing is put right": _PART,
    "the broker closed the connection instead of answering7": _PART,
    ": 7": _PART,
    " (is the clock of this machine right?)": _PART,
    "7 7": "a number of stations and their state, said as a list of them",
    "7 (7)": "a name or a code with what belongs to it",
    "Disconnect with will message": "what a library says, looked for and replaced",
    "failed to receive on socket: ": "what a library says, looked for and replaced",
}


@dataclass
class Read:
    """As much of a visit as is needed."""

    language: str
    formats: Formats


class Marked(NullTranslations):
    """A language in which everything is put in brackets."""

    def gettext(self, message: str) -> str:
        return f"[{message}]"


def visit_in(language: str) -> Visit:
    return cast(Visit, Read(language, Formats(Locale(language), UTC, datetime(2026, 11, 26, tzinfo=UTC))))


def in_brackets(sentence: str) -> str:
    return Speaker(shapes(), Marked(), visit_in("de").formats, []).say(sentence)


@pytest.mark.parametrize("text", [text for text in TEXTS if PLACE.search(text)])
def test_a_sample_of_each_shape_is_of_this_shape_alone(text: str) -> None:
    sentence = text % dict(sample_of(text))
    found = shapes().found(sentence)
    assert found is not None and found[0].text == text
    assert found[1].groupdict() == dict(sample_of(text))


def test_every_text_is_there_once() -> None:
    assert len(set(TEXTS)) == len(TEXTS)


@pytest.mark.parametrize(("where", "sentence"), sorted(set(sentences())))
def test_every_sentence_of_the_source_has_a_shape(where: str, sentence: str) -> None:
    """A new sentence of the API: add its shape to gateway/pages/said_of_*.py, or say above why no page shows it."""
    if sentence not in NOT_SAID:
        assert [part for part in missed_of(sentence.strip()) if part != "7"] == [], f"gateway/{where}"


def test_what_is_not_said_stands_in_the_source() -> None:
    assert set(NOT_SAID) <= {sentence for _, sentence in sentences()}


def told_in(site: PlayedSite) -> Iterator[str]:
    """All that is said of the site while it is played."""
    told: list[str] = []
    before: list[tuple[Decision | None, Memory]] = [(None, Memory())]

    def look(second: int, decision: Decision | None) -> None:
        last, memory = before[0]
        if decision is not None:
            told.extend(each.binding.text for each in decision.connectors)
            told.extend(alarm.text for alarm in decision.alarms)
            told.append(line_of(changes_since(last, decision)))
            if second % 40 == 0:
                for each in decision.connectors[:2]:
                    for seen in connectors_of(site.desk.picture, decision, each.station):
                        told.append(reason_of_limit(seen))
                        told.extend(other.text for other in alternatives_of(seen, memory))
        before[0] = decision, site.desk.memory

    site.play(121, look)
    checked = check_fallbacks([replace(each, limit_amps=(9.0, 9.0, 9.0)) for each in site.circuits], site.outlets)
    yield from (*dict.fromkeys(told), checked.text, *(row.text for row in checked.rows))


@pytest.mark.parametrize("seed", range(6))
def test_all_that_is_said_of_limits_has_a_shape(seed: int) -> None:
    told = list(told_in(random_site(Random(seed), faults=True, metered=seed % 2 == 0)))
    assert told
    assert {sentence: missed for sentence in told if (missed := missed_of(sentence))} == {}


def test_what_a_lower_limit_would_do_has_a_shape() -> None:
    busy = picture(*(charging(number, 16.0) for number in range(1, 10)), circuits=(Circuit("main", (180.0,) * 3),))
    idle = picture(ConnectorFacts("CP", 1, connected=True))
    for seen, amps in ((busy, 90.0), (busy, 3.0), (busy, 500.0), (idle, 10.0)):
        answer = imagine(seen, Memory(), decided(seen), "main", (amps, amps, amps / 2))
        assert missed_of(answer.text) == []
        assert [missed_of(each.reason) for each in answer.connectors] == [[]] * len(answer.connectors)


def test_what_a_campaign_cannot_be_has_a_shape() -> None:
    begun = Campaign("running", 1, 0.0)
    for wish, state in product(get_args(Wish), get_args(CampaignState)):
        refused = after_wish(wish, replace(begun, state=state), [])
        assert not isinstance(refused, str) or missed_of(refused) == []
    assert "[[running]" not in in_brackets("a campaign that is running cannot be approved")
    assert "[running]" in in_brackets("a campaign that is running cannot be approved")


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    assert "32,5 A" in said(visit_in("de"), SHARED)
    assert "3 A" in said(visit_in("de"), SHARED)
    assert said(visit_in("en"), SHARED) == SHARED


def test_what_is_in_a_place_is_said_too() -> None:
    text = "the limit of nobody"
    assert in_brackets(SHARED).startswith("[main, phase 1") and "([installer])" in in_brackets(SHARED)
    assert in_brackets(text) == f"[{text}]", "a text of the page that is no shape"
    expected = "[[CP connector 1 may draw 10 A.] [Why: [it has all that the outlet gives: 10 A].]"
    assert in_brackets("CP connector 1 may draw 10 A. Why: it has all that the outlet gives: 10 A.") == expected[1:]


def test_several_sentences_are_said_one_by_one() -> None:
    assert in_brackets("unknown; is needed") == "[unknown]; [is needed]"
    assert in_brackets("3 done, 1 failed") == "[3 done], [1 failed]"
    assert in_brackets("limit: expected true or false").endswith(": [expected true or false]")
    assert in_brackets("key: unknown; known are a, b").endswith(": [unknown; known are a, b]")


def test_what_nobody_knows_stays_as_it_is() -> None:
    for text in ("", "Zwölf; Boxkämpfer: jagen. ", "; ; ", ": : :", "%(x)s %d %", "a. b. c.", ". " * 50 + "."):
        assert said(visit_in("nl"), text) == text
    assert said(visit_in("de"), None) == ""
    deep = "Why: " * 5000 + "x" + "." * 5000
    assert said(visit_in("fr"), deep).count("x") == 1


def test_names_with_odd_letters_are_no_places() -> None:
    odd = "%(amps)s <b>"
    assert odd in said(visit_in("de"), f"{odd} carries more than its limit")


def test_numbers_take_no_other_text() -> None:
    assert Shape("%(count)s of %(port)s").pattern.fullmatch("1.5 of 80")
    assert not Shape("%(count)s of %(port)s").pattern.fullmatch("some of 80")
    assert not Shape("%(count)s of %(port)s").pattern.fullmatch("1 of 8.5")
    assert Shapes(["a %(time)s"]).found("a yesterday") is None


@pytest.mark.parametrize("number", ["1e999", "9" * 400, "1e99", "-1e+99", "0." + "3" * 14, "-0", "1e-30", "999999.96"])
def test_odd_numbers_break_nothing(number: str) -> None:
    told = said(visit_in("fr"), f"its car takes nothing; it keeps {number} A as long as nobody needs them")
    assert told.startswith(("sa voiture ne prend rien", "its car takes nothing")) and " A " in told and len(told) < 500


@pytest.mark.parametrize("number", [1e308, -1e308, float("inf"), float("nan"), 10**400])
def test_numbers_beyond_measure_are_written_short(number: float) -> None:
    formats = visit_in("de").formats
    assert len(formats.number(number)) < 12 and len(formats.exact(number, 2)) < 12


def test_a_site_of_400_reasons_is_said_fast() -> None:
    def all_said(first: int) -> float:
        begin = time.perf_counter()
        for number in range(first, first + 400):
            said(visit, SHARED.replace("2:", f"{number}:"))
        return time.perf_counter() - begin

    visit = visit_in("de")
    all_said(10_000)  # the texts and shapes are read once
    module._kept.cache_clear()
    cold = min(all_said(number * 400) for number in range(5))
    warm = min(all_said(1600) for _ in range(5))
    assert cold < 0.4 and warm < 0.04, "ten times what was measured, for busy machines"
