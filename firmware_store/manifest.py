"""What an image is for: vendor, models, version, where it may follow on. Read strictly, with every mistake at once.

The bounds are those of what stations and OCPP 1.6 can take. Signature and certificate are the vendor's and are kept as
they are. Whether they fit to the bytes is the question of `signatures`, who may have the image that of the gateway.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, cast

# numbers: the numbers in a version count, one after another (1.10 is newer than 1.9); opaque: equal or different
VersionScheme = Literal["numbers", "opaque"]
VERSION_SCHEMES: tuple[VersionScheme, ...] = ("numbers", "opaque")
WishedState = Literal["approved", "staged"]

# OCPP 1.6: CiString20 and CiString50 in BootNotification, where some stations take more; the white paper's FirmwareType
LONGEST_NAME, LONGEST_FILE_NAME, LONGEST_NOTES = 50, 48, 10_000
LONGEST_SIGNATURE, LONGEST_CERTIFICATE = 800, 5500
MOST_NAMES = 100

TEXTS = ("vendor", "version", "min_from", "max_from", "expected_reported_version")
LISTS = ("models", "hw_revisions")
LONG_TEXTS: Mapping[str, int] = {
    "release_notes": LONGEST_NOTES, "signature": LONGEST_SIGNATURE, "signing_certificate": LONGEST_CERTIFICATE
}  # fmt: skip
# set by whoever keeps the image: a manifest that was copied from another store may have them
_IGNORED = ("id", "image_id", "source", "imported_by", "imported_at")
MEMBERS = (*TEXTS, *LISTS, *LONG_TEXTS, "version_scheme", "downgrade_allowed", "file_name", "sha256", "size", "state")


class Mistake(NamedTuple):
    """One thing that is wrong; `field` is the member's name."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of one image. None: not said. `min_from`, `max_from`: versions from which a station may be updated with it."""

    vendor: str
    models: tuple[str, ...]
    version: str
    file_name: str
    hw_revisions: tuple[str, ...] = ()
    version_scheme: VersionScheme = "numbers"
    min_from: str | None = None
    max_from: str | None = None
    expected_reported_version: str | None = None  # what a station tells when it runs it; None: `version`
    downgrade_allowed: bool = False
    release_notes: str | None = None
    signature: str | None = None
    signing_certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Announced:
    """A manifest, and what was said beside it of the bytes that will come; `state`: approved at once, or not yet."""

    manifest: Manifest
    sha256: str | None = None
    size: int | None = None
    state: WishedState = "approved"


def read_manifest(members: Mapping[str, object], *, file_name: str | None = None) -> Announced | tuple[Mistake, ...]:
    """Members as in JSON; `file_name` counts where they have none. Members that are null count as left out."""
    reading = _Reading({name: value for name, value in members.items() if value is not None})
    reading.only_known()
    manifest = Manifest(
        vendor=reading.text("vendor", required=True) or "",
        models=reading.names("models", required=True),
        version=reading.text("version", required=True) or "",
        file_name=safe_file_name(reading.free_text("file_name", 1000) or file_name or ""),
        hw_revisions=reading.names("hw_revisions"),
        version_scheme=cast(VersionScheme, reading.one_of("version_scheme", VERSION_SCHEMES)),
        min_from=reading.text("min_from"),
        max_from=reading.text("max_from"),
        expected_reported_version=reading.text("expected_reported_version"),
        downgrade_allowed=reading.flag("downgrade_allowed"),
        release_notes=reading.free_text("release_notes", LONGEST_NOTES),
        signature=reading.free_text("signature", LONGEST_SIGNATURE),
        signing_certificate=reading.free_text("signing_certificate", LONGEST_CERTIFICATE),
    )
    if (manifest.signature is None) != (manifest.signing_certificate is None):
        missing = "signature" if manifest.signature is None else "signing_certificate"
        reading.wrong(missing, "expected: signature and signing_certificate belong together")
    announced = Announced(
        manifest, reading.digest(), reading.size(), cast(WishedState, reading.one_of("state", ("approved", "staged")))
    )
    return tuple(reading.mistakes) if reading.mistakes else announced


def members_of_form(fields: Mapping[str, str]) -> dict[str, object]:
    """The members as they would be in JSON, of a form in which everything is text and lists are parted by commas."""
    members: dict[str, object] = {}
    for name, text in fields.items():
        if text == "":
            continue
        if name in LISTS:
            members[name] = [one.strip() for one in text.split(",") if one.strip()]
        elif name == "downgrade_allowed":
            members[name] = {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)
        elif name == "size":
            members[name] = int(text) if re.fullmatch("[0-9]{1,18}", text.strip()) else text
        else:
            members[name] = text
    return members


def document_of(manifest: Manifest) -> dict[str, object]:
    """The members for JSON: all of them, null where nothing was said."""
    found = {name: getattr(manifest, name) for name in Manifest.__slots__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def from_document(members: Mapping[str, object]) -> Manifest:
    """The manifest of what `document_of` gave; it was read strictly before it was kept."""
    known = {name: value for name, value in members.items() if name in Manifest.__slots__}
    return Manifest(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})  # type: ignore[arg-type]


def image_id_of(manifest: Manifest, sha256: str) -> str:
    """The same bytes with the same manifest are the same image, in every store."""
    text = json.dumps({"sha256": sha256, **document_of(manifest)}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def safe_file_name(text: str) -> str:
    """The last part of a path, of letters, digits, dot, line and underscore; stations may rely on its extension."""
    last = re.split(r"[/\\]", text)[-1]
    safe = re.sub("_+", "_", re.sub("[^A-Za-z0-9._-]", "_", last)).lstrip("._-")
    stem, dot, extension = safe.rpartition(".")
    if dot and len(extension) <= 12:
        return f"{stem[: LONGEST_FILE_NAME - len(extension) - 1]}.{extension}" if stem else f"firmware.{extension}"
    return safe[:LONGEST_FILE_NAME] or "firmware.bin"


@dataclass(slots=True)
class _Reading:
    members: Mapping[str, object]
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, name: str, detail: str) -> None:
        self.mistakes.append(Mistake(name, detail))

    def only_known(self) -> None:
        for name in self.members:
            if name not in MEMBERS and name not in _IGNORED:
                self.wrong(str(name)[:100], f"unknown; known are {', '.join(MEMBERS)}")

    def text(self, name: str, *, required: bool = False) -> str | None:
        if name not in self.members:
            if required:
                self.wrong(name, "missing")
            return None
        value = self.members[name]
        if not isinstance(value, str) or not _is_name(value):
            self.wrong(name, f"expected text of 1 to {LONGEST_NAME} characters on one line")
            return None
        return value.strip()

    def names(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        value = self.members.get(name)
        if value is None and not required:
            return ()
        if value is None:
            self.wrong(name, "missing")
        elif not isinstance(value, list) or not (1 if required else 0) <= len(value) <= MOST_NAMES:
            self.wrong(name, f"expected a list of {1 if required else 0} to {MOST_NAMES} names")
        elif not all(isinstance(one, str) and _is_name(one) for one in value):
            self.wrong(name, f"expected texts of 1 to {LONGEST_NAME} characters on one line")
        else:
            return tuple(_once(one.strip() for one in value))
        return ()

    def free_text(self, name: str, longest: int) -> str | None:
        value = self.members.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > longest or "\0" in value or not _is_unicode(value):
            self.wrong(name, f"expected text of at most {longest} characters")
            return None
        return value

    def flag(self, name: str) -> bool:
        value = self.members.get(name, False)
        if not isinstance(value, bool):
            self.wrong(name, "expected true or false")
            return False
        return value

    def one_of(self, name: str, words: tuple[str, ...]) -> str:
        value = self.members.get(name, words[0])
        if value not in words:
            self.wrong(name, f"expected {' or '.join(words)}")
            return words[0]
        return str(value)

    def digest(self) -> str | None:
        value = self.members.get("sha256")
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value.strip().lower()):
            self.wrong("sha256", "expected 64 hexadecimal digits")
            return None
        return value.strip().lower()

    def size(self) -> int | None:
        value = self.members.get("size")
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
            self.wrong("size", "expected a number of bytes, 1 or more")
            return None
        return value


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= LONGEST_NAME and text.strip().isprintable()


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(character) < 0xE000 for character in text)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
