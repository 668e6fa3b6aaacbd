"""Manifests: read strictly, with every mistake; names of files that lead nowhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_store.manifest import (
    LONGEST_FILE_NAME,
    Announced,
    Manifest,
    document_of,
    from_document,
    image_id_of,
    members_of_form,
    read_manifest,
    safe_file_name,
)
from tests.properties.examples import examples

LEAST: dict[str, Any] = {"vendor": "V", "models": ["M"], "version": "1"}
ALL: dict[str, Any] = {
    **LEAST, "file_name": "f.bin", "hw_revisions": ["A"], "version_scheme": "opaque", "min_from": "0", "max_from": "2",
    "expected_reported_version": "v1", "downgrade_allowed": True, "release_notes": "n", "signature": "AA==",
    "signing_certificate": "pem",
}  # fmt: skip


def mistakes(members: dict[str, Any]) -> dict[str, str]:
    read = read_manifest(members)
    return {} if isinstance(read, Announced) else dict(read)


def test_the_least_and_all_of_it() -> None:
    read = read_manifest(LEAST, file_name="x/y.bin")
    assert read == Announced(Manifest("V", ("M",), "1", "y.bin"))
    beside = {"sha256": "AB" * 32, "size": 7, "state": "staged"}
    full = read_manifest(ALL | beside)
    assert isinstance(full, Announced)
    assert (full.sha256, full.size, full.state) == ("ab" * 32, 7, "staged")
    assert document_of(full.manifest) == ALL
    assert from_document(json.loads(json.dumps(document_of(full.manifest)))) == full.manifest


def test_what_another_store_wrote_can_be_read() -> None:
    copied = {"id": "1", "image_id": "1", "source": "usb", "imported_by": "me", "imported_at": "2027"}
    assert read_manifest(ALL | copied) == read_manifest(ALL)
    assert read_manifest(ALL | {"min_from": None, "sha256": None}) == read_manifest(
        {name: value for name, value in ALL.items() if name != "min_from"}
    )


def test_names_are_taken_once_and_without_blanks_around() -> None:
    read = read_manifest(LEAST | {"models": ["M ", "N", "M"], "vendor": " V "})
    assert isinstance(read, Announced) and read.manifest.models == ("M", "N") and read.manifest.vendor == "V"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("vendor", 1), ("vendor", ""), ("vendor", "x" * 51), ("vendor", "a\nb"), ("vendor", "\ud800"),
        ("models", "M"), ("models", []), ("models", [1]), ("models", [""]), ("models", ["M"] * 101), ("models", None),
        ("version", True), ("version", None), ("file_name", 5), ("file_name", "x" * 1001), ("file_name", "a\0b"),
        ("hw_revisions", {}), ("version_scheme", "semver"), ("version_scheme", ["numbers"]), ("min_from", 1.0),
        ("downgrade_allowed", "true"), ("downgrade_allowed", 1), ("release_notes", "x" * 10_001),
        ("release_notes", "\udcff"), ("signature", "x" * 801), ("signing_certificate", "x" * 5501),
        ("signature", None), ("signing_certificate", None), ("signature", 1),
        ("sha256", "x" * 64), ("sha256", "a" * 63), ("sha256", 1), ("size", "1"), ("size", 0), ("size", -1),
        ("size", 1.0), ("size", True), ("size", 2**60), ("state", "withdrawn"), ("state", []), ("vendors", "V"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_member(member: str, value: object) -> None:
    assert member in mistakes(ALL | {member: value})


def test_all_mistakes_are_told_at_once() -> None:
    assert mistakes({"odd": 1, "size": 0, "state": "x"}).keys() == {
        "odd", "vendor", "models", "version", "size", "state",
    }  # fmt: skip


def test_a_form_says_everything_as_text() -> None:
    fields = {"models": "M, N,", "downgrade_allowed": "TRUE", "size": " 5", "vendor": "V", "notes": "", "state": "x"}
    assert members_of_form(fields) == {
        "models": ["M", "N"], "downgrade_allowed": True, "size": 5, "vendor": "V", "state": "x",
    }  # fmt: skip
    assert members_of_form({"downgrade_allowed": "maybe", "size": "-1"}) == {"downgrade_allowed": "maybe", "size": "-1"}


def test_the_same_image_has_the_same_id_everywhere() -> None:
    one, other = Manifest("V", ("M",), "1", "f"), Manifest("V", ("M",), "2", "f")
    assert image_id_of(one, "a" * 64) == image_id_of(one, "a" * 64)
    assert len({image_id_of(one, "a" * 64), image_id_of(other, "a" * 64), image_id_of(one, "b" * 64)}) == 3
    assert re.fullmatch("[0-9a-f]{16}", image_id_of(one, "a" * 64))


@settings(max_examples=examples(200), derandomize=True, deadline=None)
@given(st.text(max_size=200))
def test_no_name_leads_anywhere(name: str) -> None:
    safe = safe_file_name(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", safe) and len(safe) <= LONGEST_FILE_NAME
    assert safe_file_name(safe) == safe


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(ANYTHING)
def test_nothing_that_is_json_breaks_the_reading(value: object) -> None:
    for member in ALL:
        read_manifest(ALL | {member: value, "sha256": value, "size": value, "state": value, str(value): value})
