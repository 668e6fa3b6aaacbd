"""What is to become of a desired-state document: is it new, is it ours to take, must it wait?

Versions only rise. What is applied already is never applied again, however often the broker sends it. What the
contents mean is decided per document elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.fleet_documents import Body, DocumentStatus, Manifest, Wrong
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import SECOND, Instant, text_of

MOST_VERSION = 2**53 - 1  # what every JSON reader keeps exactly
MOST_FILE_BYTES = 16 * 1024 * 1024
MOST_ERRORS = 100
_ABOUT = frozenset(
    {"doc", "version", "base_version", "sha256", "bytes", "inline", "url", "signature", "not_before", "expires"}
)
_SHA256 = re.compile("[0-9a-fA-F]{64}")
_LEAST_WAIT_SECONDS = 5.0
_MOST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far this upstream's document is. `heard_*`: the newest that came, whatever became of it.

    `owner`: another upstream that has this document, and whether it goes before us.
    """

    heard_version: int | None = None
    heard_digest: str | None = None
    status: DocumentStatus | None = None
    applied_version: int | None = None
    applied_digest: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """Nothing is to be done but to tell again how it stands."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It is not applied."""

    why: Wrong


@dataclass(frozen=True, slots=True)
class Due:
    """It is to be applied, at `at`."""

    at: Instant


Decision = Repeated | Rejected | Due


def json_of(content: bytes) -> object:
    """The JSON value; ValueError with a reason when it is none that can be kept."""
    try:
        value = json.loads(content, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def read_manifest(doc: str, value: object) -> Manifest | tuple[Wrong, ...]:
    """The manifest that a JSON value is, or everything that is wrong with it."""
    if not isinstance(value, Mapping):
        return (_wrong("", "expected an object with `doc`, `version` and the contents"),)
    found: list[Wrong] = []
    if value.get("doc", doc) != doc:
        found.append(_wrong("doc", f"expected {doc}, the document of this topic"))
    version = _version(value.get("version"), "version", found)
    base = None if value.get("base_version") is None else _version(value["base_version"], "base_version", found)
    url, sha256, size = _source(value, found)
    not_before, expires = _time(value, "not_before", found), _time(value, "expires", found)
    body = None if value.get("url") is not None else _body(value, found)
    if found or version is None:
        return tuple(found)
    if base is not None and base >= version:
        return (_wrong("base_version", "expected a version before `version`"),)
    return Manifest(doc, version, base, body, url, sha256, size, not_before, expires)


def read_fetched(manifest: Manifest, value: object) -> Body | tuple[Wrong, ...]:
    """The contents of a fetched file: a document of its own, or only its body."""
    if not isinstance(value, Mapping):
        return (_wrong("", "expected an object in the file"),)
    found = [
        _wrong(name, f"the file says {json.dumps(value[name])[:50]}, the manifest {json.dumps(said)}")
        for name, said in (("doc", manifest.doc), ("version", manifest.version))
        if value.get(name, said) != said
    ]
    body = _body(value, found)
    return tuple(found) if found or body is None else body


def digest_of(manifest: Manifest, *, without: frozenset[str] = frozenset()) -> str:
    """Tells two contents of one version apart; members named in `without` do not count, however deep."""
    if manifest.body is None:
        return str(manifest.sha256)
    told = {"base_version": manifest.base_version, "body": _stripped(manifest.body, without)}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def decide(
    manifest: Manifest, digest: str, standing: Standing, *, takes_deltas: bool, now: Instant, clock_known: bool
) -> Decision:
    """What to do with a document that came. Without a clock that is known to be right nothing has expired."""
    if standing.owner is not None:
        return Rejected(
            Wrong("owned_by_another_upstream", "", f"{standing.owner} sent this document first and owns it")
        )
    applied = standing.applied_version
    if applied is not None and manifest.version <= applied:
        if manifest.version == applied and digest != standing.applied_digest:
            return Rejected(Wrong("version_reused", "version", f"version {applied} is applied with other contents"))
        return Repeated()
    if standing.status == "pending" and standing.heard_version is not None:
        same = (manifest.version, digest) == (standing.heard_version, standing.heard_digest)
        if same or manifest.version < standing.heard_version:
            return Repeated()
    why = why_not_now(manifest, applied, takes_deltas=takes_deltas, now=now, clock_known=clock_known)
    if why is not None:
        return Rejected(why)
    return Due(max(now, manifest.not_before or now))


def why_not_now(
    manifest: Manifest, applied: int | None, *, takes_deltas: bool, now: Instant, clock_known: bool
) -> Wrong | None:
    """Why a document that is due cannot be applied after all: it has expired, or changes something we have not."""
    if manifest.base_version is not None and not takes_deltas:
        return Wrong("full_needed", "base_version", "this document is only taken as a whole")
    if manifest.base_version is not None and manifest.base_version != applied:
        here = "none is" if applied is None else f"{applied} is"
        return Wrong("full_needed", "base_version", f"it changes version {manifest.base_version}, and {here} applied")
    if clock_known and manifest.expires is not None and manifest.expires <= now:
        return Wrong("expired", "expires", f"it ended at {text_of(manifest.expires)}")
    return None


def notes_on(manifest: Manifest, *, clock_known: bool) -> tuple[Wrong, ...]:
    """What a report should tell although nothing is wrong with the document."""
    if clock_known or manifest.expires is None:
        return ()
    return (Wrong("clock_unsynced", "expires", "nobody knows the time: it counts as not expired"),)


def again_at(now: Instant, tries: int) -> Instant:
    """When to fetch again after so many tries in vain: 5 seconds, doubled up to an hour."""
    wait = min(_MOST_WAIT_SECONDS, _LEAST_WAIT_SECONDS * 2.0 ** min(max(tries - 1, 0), 20))
    return Instant(now + round(wait * SECOND))


def status_of(errors: tuple[Wrong, ...], *, refused: bool) -> DocumentStatus:
    """The status after an attempt."""
    if refused:
        return "rejected"
    return "partial" if errors else "applied"


def takes_over(*, required: bool, other_required: bool) -> bool:
    """Does an upstream take a document that another one has? Only one that is required from one that is not."""
    return required and not other_required


def _body(value: Mapping[str, object], found: list[Wrong]) -> Body | None:
    flat = {name: member for name, member in value.items() if name not in _ABOUT}
    if value.get("inline") is None:
        if not flat:
            found.append(_wrong("", "expected the contents beside `version`, under `inline`, or `url`"))
        return flat
    inline = value["inline"]
    if flat:
        found.extend(_wrong(name, "unknown beside `inline`") for name in sorted(flat)[:MOST_ERRORS])
    if not isinstance(inline, Mapping):
        found.append(_wrong("inline", "expected an object"))
        return None
    return {name: member for name, member in inline.items() if name not in ("doc", "version", "base_version")}


def _source(value: Mapping[str, object], found: list[Wrong]) -> tuple[str | None, str | None, int | None]:
    url, sha256, size = value.get("url"), value.get("sha256"), value.get("bytes")
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        found.append(_wrong("sha256", "expected 64 hexadecimal digits"))
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= MOST_FILE_BYTES):
        found.append(_wrong("bytes", f"expected a number of 1 to {MOST_FILE_BYTES}"))
    if url is not None:
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or not url.isprintable():
            found.append(_wrong("url", "expected an address that begins with http:// or https://"))
        if sha256 is None:
            found.append(_wrong("sha256", "expected beside `url`: nothing is taken without it"))
        extra = sorted(name for name in value if name not in _ABOUT or (name == "inline" and value[name] is not None))
        found.extend(_wrong(name, "unknown beside `url`") for name in extra[:MOST_ERRORS])
    return (
        url if isinstance(url, str) else None,
        sha256.lower() if isinstance(sha256, str) else None,
        size if isinstance(size, int) else None,
    )


def _version(value: object, path: str, found: list[Wrong]) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_VERSION:
        found.append(_wrong(path, f"expected a whole number of 1 to {MOST_VERSION}"))
        return None
    return value


def _time(value: Mapping[str, object], name: str, found: list[Wrong]) -> Instant | None:
    text = value.get(name)
    if text is None:
        return None
    instant = instant_from_text(text) if isinstance(text, str) else None
    if instant is None:
        found.append(_wrong(name, "expected a time such as 2027-01-31T12:00:00Z"))
    return instant


def _stripped(value: object, without: frozenset[str]) -> object:
    if isinstance(value, Mapping):
        return {str(name): _stripped(member, without) for name, member in value.items() if name not in without}
    if isinstance(value, list | tuple):
        return [_stripped(item, without) for item in value]
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _wrong(path: str, detail: str) -> Wrong:
    return Wrong("invalid", path, detail)
