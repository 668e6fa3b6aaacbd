"""The hash that nobody has."""

from __future__ import annotations

from gateway.store.passwords import NOBODYS_HASH, hash_password, is_password


def test_nobodys_hash_costs_what_every_other_costs_and_fits_nothing() -> None:
    cost = hash_password(b"a password").split("$")[:4]
    assert NOBODYS_HASH.split("$")[:4] == cost
    assert not is_password(NOBODYS_HASH, b"") and not is_password(NOBODYS_HASH, b"a password")
