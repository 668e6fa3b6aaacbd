"""Documents for those who help from afar: no secret, and the same card has the same name only within one bundle."""

from __future__ import annotations

from gateway.rules.bundle_masking import masked_document
from gateway.rules.secrecy import MASK


def test_secrets_by_member_and_by_key() -> None:
    document = {
        "password": "HUSH",
        "has_password": True,
        "token": None,
        "nested": [{"key": "AuthorizationKey", "value": "HUSH"}, {"key": "Interval", "value": "60"}, 5],
        "words": "password=HUSH",
    }
    assert masked_document(document, b"salt") == {
        "password": MASK,
        "has_password": True,
        "token": None,
        "nested": [{"key": "AuthorizationKey", "value": MASK}, {"key": "Interval", "value": "60"}, 5],
        "words": f"password={MASK}",
    }


def test_cards_have_names_that_hold_within_one_bundle() -> None:
    one, other = (masked_document({"idTag": "CARD", "id_tag": 5}, salt) for salt in (b"1", b"2"))
    assert one != other
    assert "CARD" not in str(one)
    assert masked_document({"idTag": "card", "id_tag": 5}, b"1") == one
