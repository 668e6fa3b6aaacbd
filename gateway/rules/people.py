"""What a person may be called, which password is good enough, and how a one-time code is written and read.

A code is read as people type it: small letters, blanks or none, and the letters that are taken for digits.
It does not know who has which name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

LONGEST_NAME = 60
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
CODE_LETTERS = 12  # of 32 different ones: 60 bits

# Digits and capital letters without I, L, O and U: 32 that nobody takes for another, as Douglas Crockford chose them.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAKEN_FOR = str.maketrans("OIL", "011")
_FEWEST_DIFFERENT = 5
# Of at least ten characters, what people and programs that guess try first.
_WORST = frozenset(
    {
        "1234567890", "0123456789", "0987654321", "9876543210", "12345678910", "123456789a", "1q2w3e4r5t",
        "1qaz2wsx3edc", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl;", "qwerty1234", "qwerty12345",
        "qwerty123456", "abcdefghij", "abcd123456", "abc1234567", "password12", "password123", "password1234",
        "password12345", "password123456", "passw0rd12", "passw0rd123", "p@ssw0rd123", "passwort123", "passwort1234",
        "wachtwoord", "wachtwoord1", "wachtwoord123", "motdepasse", "motdepasse123", "contraseña", "contrasena123",
        "iloveyou123", "letmein123", "welcome123", "welcome1234", "welkom1234", "willkommen", "changeme123",
        "changemenow", "administrator", "administrator1", "admin12345", "admin123456", "admin1234567", "adminadmin",
        "operator123", "installer1", "installer123", "ocpp-gateway", "ocppgateway", "ocppgateway1", "charging123",
        "chargepoint", "chargingstation",
    }
)  # fmt: skip


def folded_name(name: str) -> str:
    """The form in which two names are one."""
    return unicodedata.normalize("NFKC", name).casefold()


def wrong_with_name(name: str) -> str | None:
    """Why nobody can be called this; None when it is a good name."""
    if not 1 <= len(name) <= LONGEST_NAME or len(folded_name(name)) > LONGEST_NAME * 4:
        return f"expected 1 to {LONGEST_NAME} characters"
    if not name.isprintable() or name != name.strip():
        return "expected printable text that does not begin or end with a blank"
    return None


def wrong_with_password(password: str, name: str) -> str | None:
    """Why this cannot be the password of the user `name`; None when it is good enough."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"expected {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    folded, called = folded_name(password), folded_name(name)
    if folded == called or (_letters(called) and _letters(folded) == _letters(called)):
        return "this is the name: choose another password"
    if folded in _WORST or len(set(folded)) < _FEWEST_DIFFERENT:
        return "this is one of the passwords that are guessed first: choose another"
    return None


def _letters(text: str) -> str:
    return re.sub(r"[\d\W_]", "", text)


def password_bytes(password: str) -> bytes:
    """What is hashed: the same for every keyboard that composes letters in its own way."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def code_text(choose: Callable[[str], str]) -> str:
    """A code as it is shown, such as 7K3M-X09D-TQ4W; `choose` draws one of the letters it is given at random."""
    letters = "".join(choose(_ALPHABET) for _ in range(CODE_LETTERS))
    return "-".join(letters[place : place + 4] for place in range(0, CODE_LETTERS, 4))


def code_as_compared(typed: str) -> str:
    """A code as somebody typed it, in the form that is compared."""
    return re.sub(r"[\s-]", "", typed.upper()).translate(_TAKEN_FOR)
