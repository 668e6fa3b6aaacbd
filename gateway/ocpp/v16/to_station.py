"""A station's answers to our commands, typed where the gateway acts on them.

Read tolerantly: a station that did what we asked may still say so in a payload that breaks the schema (configuration
values as numbers, lists missing or not wrapped, `accepted` in small letters). None: nothing in it can be relied on.
Whether an answer obeys the letter is asked elsewhere (`schemas.violations`); what to do next is for the caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.ocpp.v16.actions import sent_to_station
from gateway.ocpp.v16.schemas import listed_values

# a whole number as text, or written with a fraction of zero
_WHOLE = re.compile(r"([+-]?[0-9]{1,18})(?:\.0+)?")


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """The status in an answer, in the spelling of the specification: one of the values listed for that action."""

    status: str


@dataclass(frozen=True, slots=True)
class ConfigurationKey:
    """One setting of a station as it reported it; `value` None: it has none or keeps it secret."""

    key: str
    readonly: bool
    value: str | None


@dataclass(frozen=True, slots=True)
class ConfigurationAnswer:
    """GetConfiguration.conf: the settings, and the keys that the station does not know, both in its spelling."""

    configuration_key: tuple[ConfigurationKey, ...]
    unknown_key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobAnswer:
    """The answer to UpdateFirmware, SignedUpdateFirmware, GetDiagnostics or GetLog: the station's word, if it says one
    (also where the specification has none), and the file that it will upload, None when there is nothing to upload.
    """

    status: str | None
    file_name: str | None


@dataclass(frozen=True, slots=True)
class ListVersionAnswer:
    """GetLocalListVersion.conf: 0 the list is empty, -1 the station has no lists, or has them switched off."""

    version: int


@dataclass(frozen=True, slots=True)
class CertificateHashData:
    """How a station names a certificate; its letters are kept, because it wants them back (whitepaper M04.FR.07)."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class InstalledCertificatesAnswer:
    """GetInstalledCertificateIds.conf: the certificates of the type that was asked for; none when NotFound."""

    certificates: tuple[CertificateHashData, ...]


Answer = StatusAnswer | ConfigurationAnswer | JobAnswer | ListVersionAnswer | InstalledCertificatesAnswer


def read_answer(action: str, payload: object) -> Answer | None:
    """The typed answer to `action` in a decoded JSON payload; None: unreadable, or an answer without a status."""
    if not sent_to_station(action) or not isinstance(payload, dict):
        return None
    if action == "GetConfiguration":
        return _configuration(payload)
    if action == "GetLocalListVersion":
        return _list_version(payload.get("listVersion"))
    status = _status(payload.get("status"), listed_values(action, "response", "status"))
    if action == "GetInstalledCertificateIds":
        return _installed_certificates(payload, status)
    if action == "DeleteCertificate" and status is None and _text(payload.get("status")) == "success":
        return StatusAnswer("Accepted")  # the whitepaper's own word in M04.FR.02
    return _job(payload, status) if action in _JOBS else status


def _status(status: object, listed: tuple[str, ...]) -> StatusAnswer | None:
    if not isinstance(status, str):
        return None
    folded = status.strip().casefold()
    return next((StatusAnswer(known) for known in listed if known.casefold() == folded), None)


_JOBS = frozenset({"GetDiagnostics", "GetLog", "SignedUpdateFirmware", "UpdateFirmware"})


def _job(payload: dict[str, object], listed: StatusAnswer | None) -> JobAnswer:
    """GetDiagnostics has `fileName`, GetLog `filename`, and stations have either in both."""
    words = payload.get("status")
    status = listed.status if listed is not None else words.strip() if isinstance(words, str) else None
    names = (payload.get(name) for name in ("fileName", "filename"))
    return JobAnswer(status or None, next((name for name in names if isinstance(name, str) and name.strip()), None))


def _configuration(payload: dict[str, object]) -> ConfigurationAnswer:
    entries = (_configuration_key(entry) for entry in _listed(payload.get("configurationKey")))
    return ConfigurationAnswer(
        configuration_key=tuple(entry for entry in entries if entry is not None),
        unknown_key=tuple(key for key in _listed(payload.get("unknownKey")) if isinstance(key, str)),
    )


def _list_version(version: object) -> ListVersionAnswer | None:
    text = _text(version)
    whole = _WHOLE.fullmatch(text) if text is not None else None
    return ListVersionAnswer(int(whole[1])) if whole is not None else None


def _configuration_key(entry: object) -> ConfigurationKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        return None
    return ConfigurationKey(
        key=entry["key"],
        readonly=_text(entry.get("readonly")) in ("true", "1"),
        value=_text(entry.get("value"), fold=False),
    )


def _installed_certificates(
    payload: dict[str, object], status: StatusAnswer | None
) -> InstalledCertificatesAnswer | None:
    entries = [_hash_data(entry) for entry in _listed(payload.get("certificateHashData"))]
    found = tuple(entry for entry in entries if entry is not None)
    if status is None and not found:
        return None
    return InstalledCertificatesAnswer(() if status == StatusAnswer("NotFound") else found)


def _hash_data(entry: object) -> CertificateHashData | None:
    if not isinstance(entry, dict):
        return None
    algorithm, name, key, serial = (
        _text(entry.get(member), fold=False)
        for member in ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber")
    )
    if algorithm is None or name is None or key is None or serial is None:
        return None
    return CertificateHashData(algorithm, name, key, serial)


def _listed(part: object) -> list[object]:
    if part is None:
        return []
    return part if isinstance(part, list) else [part]


def _text(part: object, *, fold: bool = True) -> str | None:
    """A JSON scalar as the text a station should have sent (OCPP 1.6 9: booleans are `true` or `false`); else None."""
    match part:
        case bool():
            return "true" if part else "false"
        case str():
            return part.strip().casefold() if fold else part
        case int() | float():
            return str(part)
        case _:
            return None
