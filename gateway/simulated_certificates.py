"""The roots that a simulated station has installed, and what it answers when it is asked about them.

It names them as OCPP 1.6's security extension wants: hashes of the issuer's name and key, and the serial number. It
makes no key of its own, so it never asks for a certificate, and refuses one that it did not ask for.
"""

from __future__ import annotations

import binascii
import hashlib
import ssl
from collections.abc import Mapping

Object = Mapping[str, object]

ACTIONS = ("CertificateSigned", "DeleteCertificate", "GetInstalledCertificateIds", "InstallCertificate")

_TYPES = ("CentralSystemRootCertificate", "ManufacturerRootCertificate")
_MOST = 10
_SEQUENCE, _INTEGER, _BIT_STRING, _VERSION = 0x30, 0x02, 0x03, 0xA0

_ACCEPTED: Object = {"status": "Accepted"}
_REJECTED: Object = {"status": "Rejected"}


class Certificates:
    """What is installed, by type, each as the station names it."""

    def __init__(self) -> None:
        self._installed: dict[str, list[dict[str, str]]] = {kind: [] for kind in _TYPES}

    def answer(self, action: str, payload: Object) -> Object:
        """The answer to one of `ACTIONS`; KeyError for a type that OCPP does not have."""
        match action:
            case "InstallCertificate":
                return self._install(payload)
            case "GetInstalledCertificateIds":
                return self._list(payload)
            case "DeleteCertificate":
                return self._delete(payload)
            case _:
                return _REJECTED  # CertificateSigned: it never asks for one

    def _install(self, payload: Object) -> Object:
        """InstallCertificate: Rejected what is no certificate, Failed when there is no room."""
        installed = self._installed[str(payload["certificateType"])]
        try:
            named = hash_data_of(str(payload["certificate"]))
        except (ValueError, IndexError, binascii.Error):
            return _REJECTED
        if named not in installed:
            if len(installed) == _MOST:
                return {"status": "Failed"}
            installed.append(named)
        return _ACCEPTED

    def _list(self, payload: Object) -> Object:
        """GetInstalledCertificateIds."""
        installed = self._installed[str(payload["certificateType"])]
        return {**_ACCEPTED, "certificateHashData": installed} if installed else {"status": "NotFound"}

    def _delete(self, payload: Object) -> Object:
        """DeleteCertificate: of whichever type it is."""
        wanted = payload["certificateHashData"]
        for installed in self._installed.values():
            if wanted in installed:
                installed[:] = [one for one in installed if one != wanted]
                return _ACCEPTED
        return {"status": "NotFound"}


def hash_data_of(pem: str) -> dict[str, str]:
    """CertificateHashData of a self-signed certificate; ValueError or IndexError when it is none."""
    der = ssl.PEM_cert_to_DER_cert(pem.strip())
    _, certificate = _element(der)
    _, fields = _element(_value(certificate))
    parts = list(_elements(_value(fields)))
    if parts[0][0] == _VERSION:
        del parts[0]
    (number_tag, number), (_, _), (name_tag, name), _, _, (_, key) = parts[:6]
    _, (bits_tag, bits) = list(_elements(_value(key)))[:2]
    if (number_tag, name_tag, bits_tag) != (_INTEGER, _SEQUENCE, _BIT_STRING):
        raise ValueError("not a certificate")
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": hashlib.sha256(name).hexdigest(),
        "issuerKeyHash": hashlib.sha256(_value(bits)[1:]).hexdigest(),
        "serialNumber": f"{int.from_bytes(_value(number), 'big'):x}",
    }


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """(tag, whole element) of each DER element in a row."""
    found = []
    while content:
        tag, whole = _element(content)
        found.append((tag, whole))
        content = content[len(whole) :]
    return found


def _element(content: bytes) -> tuple[int, bytes]:
    """The first DER element with its tag."""
    begin, length = _extent(content)
    if begin + length > len(content):
        raise ValueError("cut off")
    return content[0], content[: begin + length]


def _value(element: bytes) -> bytes:
    begin, length = _extent(element)
    return element[begin : begin + length]


def _extent(element: bytes) -> tuple[int, int]:
    """(where the value begins, how long it is)."""
    first = element[1]
    if first < 0x80:
        return 2, first
    more = first & 0x7F
    return 2 + more, int.from_bytes(element[2 : 2 + more], "big")
