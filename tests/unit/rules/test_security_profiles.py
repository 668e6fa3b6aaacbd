"""Over which security profile a connection may be the station's, and what a request to change it leads to."""

from __future__ import annotations

import pytest

from gateway.model.instants import SECOND, Instant
from gateway.model.proofs import ClientCertificate
from gateway.rules import security_profiles as rules
from gateway.rules.security_profiles import Admitted, Expected, Password, Refused, Shown

NOW = Instant(1_800_000_000 * SECOND)
DAY = 86_400 * SECOND
NAMES = frozenset({"CP-1", "SN-1"})


def certificate(common_name: str = "CP-1", *, begin: int = -1, end: int = 1, o: str = "Fleet Ltd") -> ClientCertificate:
    return ClientCertificate(
        common_name=common_name,
        organizations=(o,) if o else (),
        serial_number="1",
        fingerprint="f",
        issuer="CA",
        not_before=Instant(NOW + begin * DAY),
        not_after=Instant(NOW + end * DAY),
    )


def admit(profile: int, shown: Shown, *coming: int, behind: bool = False, organization: str | None = None) -> object:
    expected = Expected(profile, frozenset(coming), NAMES, organization)
    decision = rules.how_to_admit(expected, shown, now=NOW, clock_is_behind=behind)
    return decision.profile if isinstance(decision, Admitted) else (decision.status, decision.reason)


RIGHT: Password = "right"
TWO = "security profile 2"
NO_TLS, NEEDS_TLS = "this station must connect without TLS", "this station must connect with TLS"


@pytest.mark.parametrize(
    ("profile", "shown", "outcome"),
    [
        (0, Shown(False), 0),
        (0, Shown(False, "wrong"), 0),
        (0, Shown(True), (403, NO_TLS)),
        (1, Shown(False, RIGHT), 1),
        (1, Shown(False, "none"), (401, "credentials are needed")),
        (1, Shown(False, "wrong"), (401, "wrong password")),
        (1, Shown(False, "wrong_user"), (401, "the user name must be the station's identity")),
        (1, Shown(False, "not_set"), (401, "no password is set for this station")),
        (1, Shown(True, RIGHT), (403, NO_TLS)),
        (2, Shown(False, RIGHT), (403, NEEDS_TLS)),
        (2, Shown(True, RIGHT), 2),
        (2, Shown(True, RIGHT, certificate("CP-2"), True), 2),
        (2, Shown(True, "none", certificate()), (401, "credentials are needed")),
        (3, Shown(False, RIGHT), (403, NEEDS_TLS)),
        (3, Shown(True, RIGHT), (403, "a client certificate is needed")),
        (3, Shown(True, "none", certificate()), 3),
        (3, Shown(True, "none", certificate("SN-1")), 3),
        (3, Shown(True, "none", certificate("SN-1"), True), (403, "the certificate belongs to 'SN-1'")),
        (3, Shown(True, "none", certificate("cp-1")), (403, "the certificate belongs to 'cp-1'")),
        (3, Shown(True, "none", certificate("")), (403, "the certificate belongs to ''")),
        (3, Shown(True, "none", certificate(end=-1)), (403, "the certificate has expired")),
        (3, Shown(True, "none", certificate(begin=1, end=2)), (403, "the certificate is not yet valid")),
        (3, Shown(True, "none", certificate(), revoked=True), (403, "the certificate was revoked")),
    ],
)
def test_one_profile_counts(profile: int, shown: Shown, outcome: object) -> None:
    assert admit(profile, shown) == outcome


@pytest.mark.parametrize(
    ("profile", "coming", "shown", "outcome"),
    [
        (1, 2, Shown(False, RIGHT), 1),
        (1, 2, Shown(True, RIGHT), 2),
        (1, 3, Shown(True, RIGHT), (403, "a client certificate is needed")),
        (0, 1, Shown(False, RIGHT), 1),
        (0, 1, Shown(False, "none"), 0),
        (2, 3, Shown(True, RIGHT), 2),
        (2, 3, Shown(True, RIGHT, certificate()), 3),
        (2, 3, Shown(True, RIGHT, certificate("CP-2")), 2),
        (2, 3, Shown(True, "wrong"), (401, "wrong password")),
        (2, 3, Shown(True, "wrong", certificate("CP-2")), (403, "the certificate belongs to 'CP-2'")),
        (1, 2, Shown(True, "wrong"), (401, "wrong password")),
    ],
)
def test_old_and_new_profile_count_until_the_new_one_was_used(
    profile: int, coming: int, shown: Shown, outcome: object
) -> None:
    assert admit(profile, shown, coming) == outcome


@pytest.mark.parametrize(
    ("begin", "end", "outcome"),
    [(1, 2, 3), (-2, -1, (403, "the certificate has expired"))],
    ids=["not yet valid", "expired"],
)
def test_a_clock_that_is_behind_says_only_what_has_expired(begin: int, end: int, outcome: object) -> None:
    assert admit(3, Shown(True, "none", certificate(begin=begin, end=end)), behind=True) == outcome


@pytest.mark.parametrize(
    ("wanted", "o", "outcome"),
    [
        (None, "", 3),
        ("fleet", "Our Fleet Ltd", 3),
        ("Fleet", "Others", (403, "the certificate names another organization")),
        ("Fleet", "", (403, "the certificate names another organization")),
    ],
)
def test_rule_a00_fr_404_the_organization(wanted: str | None, o: str, outcome: object) -> None:
    assert admit(3, Shown(True, "none", certificate(o=o)), organization=wanted) == outcome


def test_a_refusal_has_its_security_event() -> None:
    expected = Expected(3, names=NAMES)
    events = [
        decision.event
        for shown in (Shown(False), Shown(True), Shown(True, certificate=certificate("X")))
        if isinstance(decision := rules.how_to_admit(expected, shown, now=NOW), Refused)
    ]
    assert events == ["WrongSecurityProfile", "InvalidChargePointCertificate", "InvalidChargePointCertificate"]
    refused = rules.how_to_admit(Expected(1), Shown(False), now=NOW)
    assert isinstance(refused, Refused) and refused.event == "FailedToAuthenticateAtCentralSystem"


@pytest.mark.parametrize(
    ("profile", "coming", "encrypted", "asks"),
    [(0, (), False, False), (0, (1,), False, True), (1, (), False, True), (1, (), True, False), (2, (), True, True),
     (3, (), True, False), (2, (3,), False, False)],
)  # fmt: skip
def test_when_the_password_matters(profile: int, coming: tuple[int, ...], encrypted: bool, asks: bool) -> None:
    assert rules.asks_for_password(Expected(profile, frozenset(coming)), encrypted=encrypted) is asks


@pytest.mark.parametrize(
    ("value", "in_force", "profile"),
    [("2", 1, 2), (" 3 ", 1, 3), ("1", 1, None), ("0", 1, None), ("4", 1, None), ("two", 0, None), (2, 1, None)],
)
def test_only_a_higher_profile_is_followed(value: object, in_force: int, profile: int | None) -> None:
    assert rules.higher_profile(value, in_force=in_force) == profile


@pytest.mark.parametrize(
    ("profile", "in_force", "password", "port", "warning"),
    [
        (1, 0, True, False, None),
        (2, 1, True, True, None),
        (3, 2, False, True, None),
        (1, 0, False, False, "security profile 1: the station has no password here"),
        (2, 1, False, False, f"{TWO}: the station has no password here and there is no TLS port ([ocpp.tls])"),
        (3, 2, True, False, "security profile 3: there is no TLS port ([ocpp.tls])"),
        (3, 1, True, True, "security profile 3: stations may go up one step at a time only"),
        (1, 2, True, True, "the station is expected with security profile 2: a request does not lower it"),
    ],
)  # fmt: skip
def test_what_a_profile_lacks(profile: int, in_force: int, password: bool, port: bool, warning: str | None) -> None:
    lacks = rules.what_a_profile_lacks(
        profile, in_force=in_force, has_password=password, has_certificate=True, has_tls_port=port
    )
    assert lacks == warning


def test_the_highest_profile_without_a_certificate_lacks_it() -> None:
    lacks = rules.what_a_profile_lacks(3, in_force=2, has_password=True, has_certificate=False, has_tls_port=True)
    assert lacks == "security profile 3: no certificate of the station is known here"
    assert not rules.what_a_profile_lacks(2, in_force=1, has_password=True, has_certificate=False, has_tls_port=True)


def test_when_the_clock_is_behind() -> None:
    in_1980 = Instant(315_532_800 * SECOND)
    assert rules.is_clock_behind(in_1980, latest_known=Instant(0))
    assert not rules.is_clock_behind(NOW, latest_known=Instant(0))
    assert not rules.is_clock_behind(NOW, latest_known=Instant(NOW + 60 * SECOND))
    assert rules.is_clock_behind(NOW, latest_known=Instant(NOW + DAY))
    assert rules.likely_now(NOW, latest_known=Instant(0)) == NOW
    assert rules.likely_now(NOW, latest_known=Instant(NOW + DAY)) == NOW + DAY - 3600 * SECOND
    assert rules.likely_now(in_1980, latest_known=Instant(0)) == 1_767_225_600 * SECOND
