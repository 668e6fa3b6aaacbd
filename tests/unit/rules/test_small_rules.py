"""Registration, connector status, commands, passwords, retention, waiting: rules of a few lines each."""

from __future__ import annotations

import pytest

from gateway.model.connectors import ConnectorState
from gateway.model.instants import SECOND, Instant
from gateway.rules.commands import reason_to_refuse
from gateway.rules.connector_status import is_news, usable_time
from gateway.rules.registration import Admission, Registration, how_to_register
from gateway.rules.retention import Keep, limits_at
from gateway.rules.station_passwords import Form, key_bytes, looks_like_a_key, presented_forms
from gateway.rules.waiting_time import waiting_seconds

NOW = Instant(1_800_000_000 * SECOND)


@pytest.mark.parametrize(
    ("admission", "registration"),
    [
        ("accepted", Registration("Accepted", 300)),
        ("pending", Registration("Pending", 60)),
        ("removed", Registration("Rejected", 60)),
        (None, Registration("Rejected", 60)),
    ],
)
def test_registration_follows_admission(admission: Admission | None, registration: Registration) -> None:
    assert how_to_register(admission, heartbeat_seconds=300) == registration


def test_an_interval_of_zero_is_never_given() -> None:
    assert how_to_register("accepted", heartbeat_seconds=0).interval_seconds == 1


@pytest.mark.parametrize(
    ("told", "used"),
    [
        (None, NOW),
        (Instant(NOW - 3600 * SECOND), Instant(NOW - 3600 * SECOND)),
        (Instant(NOW + 1), NOW),
        (Instant(NOW + 60 * SECOND), NOW),
        (Instant(0), NOW),
    ],
)
def test_a_clock_that_cannot_be_right_is_not_ordered_by(told: Instant | None, used: Instant) -> None:
    assert usable_time(told, NOW) == used


def state(at: int) -> ConnectorState:
    return ConnectorState("Available", "NoError", Instant(at), NOW)


def test_what_is_older_by_the_stations_clock_is_history() -> None:
    assert is_news(state(5), None)
    assert is_news(state(5), state(4))
    assert is_news(state(5), state(5))
    assert not is_news(state(5), state(6))


@pytest.mark.parametrize("action", ["RemoteStartTransaction", "RemoteStopTransaction"])
def test_no_remote_start_or_stop_while_pending(action: str) -> None:
    assert reason_to_refuse(action, pending=True) is not None
    assert reason_to_refuse(action, pending=False) is None
    assert reason_to_refuse("ChangeConfiguration", pending=True) is None


@pytest.mark.parametrize(("pending", "quiet"), [(True, False), (False, True)])
def test_the_gateway_itself_asks_neither_pending_nor_quiet_stations(pending: bool, quiet: bool) -> None:
    assert reason_to_refuse("GetConfiguration", pending=pending, quiet=quiet, by_itself=True) is not None
    assert reason_to_refuse("GetConfiguration", pending=pending, quiet=quiet) is None
    assert reason_to_refuse("CertificateSigned", pending=pending, quiet=quiet, by_itself=True) is None
    assert reason_to_refuse("GetConfiguration", pending=False, by_itself=True) is None


HEX_TEXT = b"4F43415F4F4354545F61646D696E5F74657374"
HEX_BYTES = b"OCA_OCTT_admin_test"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (HEX_TEXT, HEX_BYTES),
        (HEX_TEXT.lower(), HEX_BYTES),
        (b"plain password", b"plain password"),
        (b"41424344", b"41424344"),  # too short to be a key
        (HEX_TEXT + b"A", HEX_TEXT + b"A"),  # an odd number of digits
        (HEX_TEXT[:-1] + b"G", HEX_TEXT[:-1] + b"G"),
        (b"\xff" * 32, b"\xff" * 32),
        (b"", b""),
    ],
)
def test_hex_of_sixteen_to_twenty_bytes_means_those_bytes(written: bytes, kept: bytes) -> None:
    assert key_bytes(written) == kept


def test_the_hex_text_may_be_presented_where_allowed() -> None:
    proper = Form(HEX_TEXT, as_hex_text=False)
    assert presented_forms(HEX_TEXT, hex_text_allowed=True) == (proper, Form(HEX_BYTES, as_hex_text=True))
    assert presented_forms(HEX_TEXT, hex_text_allowed=False) == (proper,)
    assert presented_forms(HEX_BYTES, hex_text_allowed=True) == (Form(HEX_BYTES, as_hex_text=False),)


def test_each_kind_of_record_has_a_limit_of_its_own() -> None:
    day = 86_400 * SECOND
    limits = limits_at(NOW, Keep(5, 4, 3, 2, 1, 6))
    assert [NOW - limits.transactions, NOW - limits.meter, NOW - limits.operations] == [5 * day, 4 * day, 3 * day]
    assert [NOW - limits.quarantine, NOW - limits.commands, NOW - limits.load] == [2 * day, day, 6 * day]


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1.0), (1, 1.0), (2, 2.0), (4, 8.0), (7, 60.0), (10_000, 60.0)])
def test_waiting_doubles_up_to_a_bound(failures: int, seconds: float) -> None:
    assert waiting_seconds(failures, least=1.0, most=60.0) == seconds


@pytest.mark.parametrize(
    ("written", "is_key"),
    [("0" * 32, True), ("aB" * 20, True), ("0" * 31, False), ("0" * 42, False), ("g" * 32, False), ("", False)],
)
def test_what_an_authorization_key_looks_like(written: str, is_key: bool) -> None:
    assert looks_like_a_key(written) is is_key
