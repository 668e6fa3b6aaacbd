"""Names, passwords and codes as people write them."""

from __future__ import annotations

import random

import pytest

from gateway.rules.people import (
    code_as_compared,
    code_text,
    folded_name,
    password_bytes,
    wrong_with_name,
    wrong_with_password,
)


@pytest.mark.parametrize("name", ["A", "Ann", "Jörg Müller", "ann@depot.example", "x" * 60, "李"])
def test_good_names(name: str) -> None:
    assert wrong_with_name(name) is None


@pytest.mark.parametrize("name", ["", " ", "Ann ", " Ann", "x" * 61, "A\nB", "A\0B", "A\u202eB", "\ufdfa" * 30])
def test_names_that_nobody_can_have(name: str) -> None:
    assert wrong_with_name(name)


def test_a_name_is_one_name_however_it_is_written() -> None:
    assert folded_name("ANN") == folded_name("ann")
    assert folded_name("Jo\u0308rg") == folded_name("jörg")
    assert folded_name("Strasse") == folded_name("Straße")


@pytest.mark.parametrize(
    "password", ["correct horse", "0123456788 ", "8837462910", "x7 k7 m7 q", "öabcdeöabc", "a1b2c" * 40]
)
def test_good_passwords(password: str) -> None:
    assert wrong_with_password(password, "007") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("x7kq-m2vb", "10 to 200"),
        ("a1b2c" * 40 + "d", "10 to 200"),
        ("Maintainer", "the name"),
        ("maintainer-2026!", "the name"),
        ("Password123", "guessed first"),
        ("QWERTYUIOP", "guessed first"),
        ("ocpp-gateway", "guessed first"),
        ("aaaaaaaaaaaa", "guessed first"),
        ("abababababab", "guessed first"),
    ],
)
def test_passwords_that_are_refused(password: str, why: str) -> None:
    assert why in (wrong_with_password(password, "Maintainer") or "")


def test_a_name_without_letters_can_be_the_password_neither() -> None:
    assert wrong_with_password("1029384756", "1029384756") is not None


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert password_bytes("scho\u0308n") == password_bytes("schön")
    assert password_bytes("\udc80") != password_bytes("")


def test_a_code_is_read_as_people_type_it() -> None:
    text = code_text(random.Random(5).choice)
    assert len(text) == 14 and text.count("-") == 2 and not set(text) & set("ILOU")
    compared = code_as_compared(text)
    assert len(compared) == 12
    assert code_as_compared(f" {text.lower().replace('-', ' ')}\n") == compared
    assert code_as_compared("oil1-0000") == "01110000"


def test_a_code_has_sixty_bits() -> None:
    asked: list[str] = []

    def choose(letters: str) -> str:
        asked.append(letters)
        return letters[0]

    code_text(choose)
    assert len(asked) == 12 and {len(set(letters)) for letters in asked} == {32}
