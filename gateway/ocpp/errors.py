"""The error codes of a CALLERROR: what we send, and what we understand (OCPP-J 1.6 section 4.2.3).

We send the ten codes of 1.6 in their historic spelling (`OccurenceConstraintViolation` with one r).
We understand the corrected spellings, other letter case and the codes of later editions as well.
This file does not know which fault deserves which code: the schema walk and the conversation decide that.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The ten codes of OCPP-J 1.6 table 7, exactly as they go over the wire."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


def known_code(text: str) -> ErrorCode | None:
    """The code a station meant by `text`: any letter case, separators ignored, later spellings too; None: unknown."""
    return _MEANINGS.get("".join(letter for letter in text.casefold() if letter.isalpha()))


def says_not_done(text: str | None) -> bool:
    """True for the codes by which a station says that it has no such request."""
    return text is not None and known_code(text) in (ErrorCode.NOT_IMPLEMENTED, ErrorCode.NOT_SUPPORTED)


_MEANINGS = {code.value.casefold(): code for code in ErrorCode} | {
    "occurrenceconstraintviolation": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    "formatviolation": ErrorCode.FORMATION_VIOLATION,
    "messagetypenotsupported": ErrorCode.NOT_SUPPORTED,
    "rpcframeworkerror": ErrorCode.FORMATION_VIOLATION,
}
