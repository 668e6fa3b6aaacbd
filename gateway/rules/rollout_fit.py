"""Does a firmware image fit a station, and why not? Judged by what the station told when it booted.

Whether now is the time to ask the station is `rollout_begin`. OCPP 1.6 stations do not tell their hardware revision:
where an image is for some only, a person confirms that by naming the station.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, cast

from gateway.rules.firmware_versions import compare, is_same

Misfit = Literal[
    "unknown_station", "not_told", "vendor", "model", "hw_revision", "up_to_date", "min_from", "max_from", "downgrade"
]


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is for, out of its manifest; `expected`: the version that a station reports when it runs it."""

    image_id: str
    vendor: str
    models: tuple[str, ...]
    version: str
    expected: str
    hw_revisions: tuple[str, ...] = ()
    version_scheme: str = "numbers"
    min_from: str | None = None
    max_from: str | None = None
    downgrade_allowed: bool = False
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Plate:
    """What a station told of itself when it booted; None: it never did."""

    vendor: str | None
    model: str | None
    firmware_version: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not, as a word and for people."""

    code: str
    text: str


def image_of(image_id: str, manifest: Mapping[str, object]) -> Image:
    """The image's facts out of a manifest that was read strictly when the image was imported."""
    told = cast(Mapping[str, Any], manifest)
    return Image(
        image_id,
        vendor=told.get("vendor") or "",
        models=tuple(told.get("models") or ()),
        version=told.get("version") or "",
        expected=told.get("expected_reported_version") or told.get("version") or "",
        hw_revisions=tuple(told.get("hw_revisions") or ()),
        version_scheme=told.get("version_scheme") or "numbers",
        min_from=told.get("min_from"),
        max_from=told.get("max_from"),
        downgrade_allowed=bool(told.get("downgrade_allowed")),
        is_signed=bool(told.get("signature") and told.get("signing_certificate")),
    )


def runs_it(image: Image, version: str | None) -> bool:
    """Does a station that reports this version run the image?"""
    return is_same(version, image.expected)


def request_for(image: Image, *, security_extension: bool | None, unsupported: Collection[str]) -> str | None:
    """The request that a station is sent; None: it takes none. With the security extension it is the signed one."""
    wished = (
        ["SignedUpdateFirmware", "UpdateFirmware"] if security_extension else ["UpdateFirmware", "SignedUpdateFirmware"]
    )
    possible = [action for action in wished if image.is_signed or action == "UpdateFirmware"]
    return next((action for action in possible if action not in unsupported), None)


def why_not(image: Image, plate: Plate | None, *, named: bool, force_downgrade: bool) -> Reason | None:
    """The first reason for which the image is not for this station; None: it is. `named`: by a person."""
    if plate is None:
        return _reason("unknown_station", "no such station is known")
    if plate.vendor is None or plate.firmware_version is None:
        return _reason("not_told", "it has not told its vendor, model and firmware version yet")
    if not _fits(image.vendor, plate.vendor):
        return _reason("vendor", f"its vendor is {plate.vendor}, the image is for {image.vendor}")
    if not any(_fits(model, plate.model) for model in image.models):
        return _reason("model", f"its model is {plate.model}, the image is for {', '.join(image.models)}")
    if runs_it(image, plate.firmware_version):
        return _reason("up_to_date", f"it runs {plate.firmware_version} already")
    if image.hw_revisions and not named:
        return _reason(
            "hw_revision",
            f"the image is for hardware {', '.join(image.hw_revisions)} only, which stations do not tell: name the"
            " station to confirm it",
        )
    return _wrong_version(image, plate.firmware_version, force_downgrade=force_downgrade)


def _wrong_version(image: Image, version: str, *, force_downgrade: bool) -> Reason | None:
    if image.min_from is not None and not _is_at_least(image, version, image.min_from):
        return _reason("min_from", f"it runs {version}, the image follows on {image.min_from} or newer")
    if image.max_from is not None and not _is_at_least(image, image.max_from, version):
        return _reason("max_from", f"it runs {version}, the image follows on {image.max_from} or older")
    older = compare(image.version, version, scheme=image.version_scheme)
    if older is None or older >= 0 or (force_downgrade and image.downgrade_allowed):
        return None
    allowed = "force_downgrade is needed" if image.downgrade_allowed else "its manifest allows no downgrade"
    return _reason("downgrade", f"it runs {version}, the image is older ({image.version}): {allowed}")


def _is_at_least(image: Image, version: str, least: str) -> bool:
    found = compare(version, least, scheme=image.version_scheme)
    return found is not None and found >= 0


def _fits(pattern: str, name: str | None) -> bool:
    return fnmatchcase((name or "").strip().casefold(), pattern.strip().casefold())


def _reason(code: Misfit, text: str) -> Reason:
    return Reason(code, text)
