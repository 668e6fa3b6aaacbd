"""Versions held beside each other, and which station an image is for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.rules.firmware_versions import compare, is_same
from gateway.rules.rollout_fit import Image, Plate, image_of, request_for, runs_it, why_not

IMAGE = image_of("i", {"vendor": "Maker", "models": ["Post", "Wall*"], "version": "2.0"})
PLATE = Plate("Maker", "Post", "1.0")


@pytest.mark.parametrize(
    ("one", "other", "scheme", "expected"),
    [
        ("1.9", "1.10", "numbers", -1),
        ("v2.0", "1.9.9", "numbers", 1),
        ("2", "2.0.0", "numbers", 0),
        ("2.0", "2.0.1", "numbers", -1),
        ("2.0 ", "2.0", "opaque", 0),
        ("A", "a", "numbers", 0),
        ("2.0", "1.0", "opaque", None),
        ("beta", "1.0", "numbers", None),
        ("1.0", "beta", "numbers", None),
        ("1.0-rc", "1.0", "numbers", 0),
    ],
)
def test_comparing(one: str, other: str, scheme: str, expected: int | None) -> None:
    assert compare(one, other, scheme=scheme) == expected


def test_what_is_not_known_is_the_same_as_nothing() -> None:
    assert not is_same(None, None)
    assert not is_same("1", None)
    assert not is_same(None, "1")


def test_an_image_out_of_its_manifest() -> None:
    told = {
        "vendor": "M", "models": ["P"], "version": "2", "expected_reported_version": "fw-2", "hw_revisions": ["B"],
        "version_scheme": "opaque", "min_from": "1", "max_from": "1", "downgrade_allowed": True, "signature": "s",
        "signing_certificate": "c",
    }  # fmt: skip
    assert image_of("i", told) == Image("i", "M", ("P",), "2", "fw-2", ("B",), "opaque", "1", "1", True, True)
    assert image_of("i", {}) == Image("i", "", (), "", "")
    assert runs_it(image_of("i", told), "FW-2")
    assert not runs_it(image_of("i", told), "2")


@pytest.mark.parametrize(
    ("plate", "image", "terms", "expected"),
    [
        (None, {}, {}, "unknown_station"),
        (Plate(None, None, None), {}, {}, "not_told"),
        (Plate("Maker", "Post", None), {}, {}, "not_told"),
        (PLATE, {}, {}, None),
        (Plate("MAKER ", "wallbox", "1.0"), {}, {}, None),
        (Plate("Other", "Post", "1.0"), {}, {}, "vendor"),
        (Plate("Maker", "Pole", "1.0"), {}, {}, "model"),
        (Plate("Maker", None, "1.0"), {}, {}, "model"),
        (Plate("Maker", "Post", "2.0"), {}, {}, "up_to_date"),
        (PLATE, {"hw_revisions": ("B",)}, {}, "hw_revision"),
        (PLATE, {"hw_revisions": ("B",)}, {"named": True}, None),
        (PLATE, {"min_from": "1.0"}, {}, None),
        (PLATE, {"min_from": "1.1"}, {}, "min_from"),
        (PLATE, {"max_from": "1.0"}, {}, None),
        (PLATE, {"max_from": "0.9"}, {}, "max_from"),
        (PLATE, {"max_from": "0.9", "version_scheme": "opaque"}, {}, "max_from"),
        (Plate("Maker", "Post", "3.0"), {}, {}, "downgrade"),
        (Plate("Maker", "Post", "3.0"), {"downgrade_allowed": True}, {}, "downgrade"),
        (Plate("Maker", "Post", "3.0"), {}, {"force_downgrade": True}, "downgrade"),
        (Plate("Maker", "Post", "3.0"), {"downgrade_allowed": True}, {"force_downgrade": True}, None),
        (Plate("Maker", "Post", "beta"), {}, {}, None),
    ],
)
def test_which_station_it_is_for(
    plate: Plate | None, image: dict[str, Any], terms: dict[str, bool], expected: str | None
) -> None:
    found = why_not(replace(IMAGE, **image), plate, **{"named": False, "force_downgrade": False, **terms})
    assert (None if found is None else found.code) == expected
    assert found is None or found.text


@pytest.mark.parametrize(
    ("signed", "extension", "unsupported", "expected"),
    [
        (False, False, (), "UpdateFirmware"),
        (True, None, (), "UpdateFirmware"),
        (True, True, (), "SignedUpdateFirmware"),
        (False, True, (), "UpdateFirmware"),
        (True, True, ("SignedUpdateFirmware",), "UpdateFirmware"),
        (True, False, ("UpdateFirmware",), "SignedUpdateFirmware"),
        (False, True, ("UpdateFirmware",), None),
    ],
)
def test_which_request_is_sent(
    signed: bool, extension: bool | None, unsupported: tuple[str, ...], expected: str | None
) -> None:
    image = replace(IMAGE, is_signed=signed)
    assert request_for(image, security_extension=extension, unsupported=unsupported) == expected
