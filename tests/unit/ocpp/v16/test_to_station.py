"""Answers of stations to our commands, as the schema wants them and as stations send them."""

from __future__ import annotations

import pytest

from gateway.ocpp.v16.to_station import (
    CertificateHashData,
    ConfigurationAnswer,
    ConfigurationKey,
    InstalledCertificatesAnswer,
    JobAnswer,
    StatusAnswer,
    read_answer,
)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("ChangeConfiguration", "RebootRequired"),
        ("RemoteStartTransaction", "Accepted"),
        ("RemoteStopTransaction", "Rejected"),
        ("Reset", "Accepted"),
        ("UnlockConnector", "UnlockFailed"),
        ("ChangeAvailability", "Scheduled"),
        ("ClearCache", "Rejected"),
        ("SendLocalList", "VersionMismatch"),
        ("InstallCertificate", "Failed"),
    ],
)
def test_a_listed_status_is_read(action: str, status: str) -> None:
    assert read_answer(action, {"status": status}) == StatusAnswer(status)


@pytest.mark.parametrize("text", ["accepted", " ACCEPTED "])
def test_a_status_in_other_letter_case_is_read_as_the_listed_one(text: str) -> None:
    assert read_answer("Reset", {"status": text, "extra": 1}) == StatusAnswer("Accepted")


@pytest.mark.parametrize(
    "payload", [{"status": "Scheduled"}, {"status": 1}, {"status": None}, {}, [], None, "Accepted"]
)
def test_an_answer_without_a_listed_status_is_none(payload: object) -> None:
    assert read_answer("Reset", payload) is None


@pytest.mark.parametrize(
    ("action", "payload", "status", "file_name"),
    [
        ("UpdateFirmware", {}, None, None),
        ("UpdateFirmware", {"status": " Rejected "}, "Rejected", None),
        ("GetDiagnostics", {}, None, None),
        ("GetDiagnostics", {"fileName": "d.zip"}, None, "d.zip"),
        ("GetDiagnostics", {"fileName": " ", "filename": "d.zip"}, None, "d.zip"),
        ("GetDiagnostics", {"fileName": 7}, None, None),
        ("GetLog", {"status": "Accepted", "filename": "l.txt"}, "Accepted", "l.txt"),
        ("GetLog", {"status": "acceptedcanceled", "fileName": "l.txt"}, "AcceptedCanceled", "l.txt"),
        ("GetLog", {"status": 5}, None, None),
        ("SignedUpdateFirmware", {"status": "RevokedCertificate"}, "RevokedCertificate", None),
        ("SignedUpdateFirmware", {"status": "Perhaps"}, "Perhaps", None),
        ("SignedUpdateFirmware", {"status": ""}, None, None),
    ],
)
def test_the_answer_to_a_job_is_read(action: str, payload: object, status: str | None, file_name: str | None) -> None:
    assert read_answer(action, payload) == JobAnswer(status, file_name)


@pytest.mark.parametrize("action", ["GetLocalListVersion", "Heartbeat", "MakeCoffee"])
def test_an_action_whose_answer_has_no_status_is_none(action: str) -> None:
    assert read_answer(action, {"status": "Accepted"}) is None


def test_a_regular_configuration_is_read() -> None:
    answer = read_answer(
        "GetConfiguration",
        {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
                {"key": "AuthorizationKey", "readonly": True},
            ],
            "unknownKey": ["Nonsense"],
        },
    )
    assert answer == ConfigurationAnswer(
        configuration_key=(
            ConfigurationKey("HeartbeatInterval", readonly=False, value="300"),
            ConfigurationKey("AuthorizationKey", readonly=True, value=None),
        ),
        unknown_key=("Nonsense",),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (300, "300"), (0.5, "0.5"), (" a ", " a "), (None, None), ([], None)],
)
def test_configuration_values_of_other_types_become_text(value: object, text: str | None) -> None:
    answer = read_answer("GetConfiguration", {"configurationKey": [{"key": "K", "readonly": False, "value": value}]})
    assert answer == ConfigurationAnswer((ConfigurationKey("K", readonly=False, value=text),), ())


@pytest.mark.parametrize(
    ("given", "readonly"), [("True", True), ("false", False), (1, True), (0, False), (None, False), (True, True)]
)
def test_readonly_is_read_in_any_form(given: object, readonly: bool) -> None:
    answer = read_answer("GetConfiguration", {"configurationKey": {"key": "K", "readonly": given}})
    assert answer == ConfigurationAnswer((ConfigurationKey("K", readonly=readonly, value=None),), ())


def test_missing_null_and_useless_entries_are_left_out() -> None:
    assert read_answer("GetConfiguration", {}) == ConfigurationAnswer((), ())
    answer = read_answer(
        "GetConfiguration",
        {"configurationKey": ["K", {"readonly": True}, {"key": 7}, None], "unknownKey": ["A", 1, None]},
    )
    assert answer == ConfigurationAnswer((), ("A",))
    assert read_answer("GetConfiguration", {"configurationKey": None, "unknownKey": "A"}) == answer


NAMED = {"hashAlgorithm": "SHA256", "issuerNameHash": "AbC", "issuerKeyHash": "0d", "serialNumber": "0F1"}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"status": "Accepted", "certificateHashData": [NAMED]}, 1),
        ({"status": "Accepted", "certificateHashData": NAMED}, 1),  # not wrapped
        ({"status": "accepted", "certificateHashData": [NAMED, {"hashAlgorithm": "SHA256"}, "nonsense"]}, 1),
        ({"certificateHashData": [NAMED]}, 1),  # without status
        ({"status": "NotFound"}, 0),
        ({"status": "NotFound", "certificateHashData": [NAMED]}, 0),
        ({"status": "Accepted", "certificateHashData": []}, 0),
        ({"status": "Accepted"}, 0),
    ],
)
def test_installed_certificates_keep_their_letters(payload: object, found: int) -> None:
    answer = read_answer("GetInstalledCertificateIds", payload)
    assert answer == InstalledCertificatesAnswer((CertificateHashData("SHA256", "AbC", "0d", "0F1"),) * found)


@pytest.mark.parametrize("payload", [{}, {"status": "Perhaps"}, {"certificateHashData": [{}]}, []])
def test_an_answer_about_certificates_that_says_nothing_is_none(payload: object) -> None:
    assert read_answer("GetInstalledCertificateIds", payload) is None


def test_a_serial_number_sent_as_a_number_is_text() -> None:
    payload = {"status": "Accepted", "certificateHashData": [{**NAMED, "serialNumber": 17}]}
    answer = read_answer("GetInstalledCertificateIds", payload)
    assert isinstance(answer, InstalledCertificatesAnswer)
    assert answer.certificates[0].serial_number == "17"


@pytest.mark.parametrize("text", ["Success", "success ", "Accepted"])
def test_success_is_what_the_whitepaper_calls_a_deletion(text: str) -> None:
    assert read_answer("DeleteCertificate", {"status": text}) == StatusAnswer("Accepted")
    assert read_answer("ClearCache", {"status": "Success"}) is None
