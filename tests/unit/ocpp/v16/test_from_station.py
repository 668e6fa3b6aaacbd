"""The typed requests and answers: names on the wire, absent properties, and that nobody can change them."""

from __future__ import annotations

import gc

import msgspec
import pytest

from gateway.ocpp.v16.from_station import (
    REQUEST_TYPES,
    AuthorizeAnswer,
    BootNotificationAnswer,
    DataTransferAnswer,
    EmptyAnswer,
    HeartbeatAnswer,
    IdTagInfo,
    MeterValues,
    SignCertificateAnswer,
    StartTransactionAnswer,
    StationAnswer,
    StopTransaction,
    StopTransactionAnswer,
)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (AuthorizeAnswer(id_tag_info=IdTagInfo(status="Invalid")), b'{"idTagInfo":{"status":"Invalid"}}'),
        (
            BootNotificationAnswer(status="Accepted", current_time="T", interval=300),
            b'{"status":"Accepted","currentTime":"T","interval":300}',
        ),
        (DataTransferAnswer(status="UnknownVendorId"), b'{"status":"UnknownVendorId"}'),
        (HeartbeatAnswer(current_time="T"), b'{"currentTime":"T"}'),
        (
            StartTransactionAnswer(
                transaction_id=7, id_tag_info=IdTagInfo(status="Accepted", expiry_date="T", parent_id_tag="P")
            ),
            b'{"transactionId":7,"idTagInfo":{"status":"Accepted","expiryDate":"T","parentIdTag":"P"}}',
        ),
        (StopTransactionAnswer(), b"{}"),
        (SignCertificateAnswer(status="Rejected"), b'{"status":"Rejected"}'),
        (EmptyAnswer(), b"{}"),
    ],
)
def test_answers_are_written_without_absent_properties(answer: StationAnswer, text: bytes) -> None:
    assert msgspec.json.encode(answer) == text


@pytest.mark.parametrize("raw", [b'{"meterStop":1,"timestamp":"T","transactionId":2,"idTag":null}', b"null", b"[]"])
def test_null_is_not_absent(raw: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=StopTransaction)


def test_hertz_is_a_unit_of_meter_values_but_not_of_stop_transaction() -> None:
    """The official schemas differ there."""
    values = b'[{"timestamp":"T","sampledValue":[{"value":"50","unit":"Hertz"}]}]'
    assert msgspec.json.decode(b'{"connectorId":1,"meterValue":' + values + b"}", type=MeterValues).meter_value
    with pytest.raises(msgspec.ValidationError, match="unit"):
        msgspec.json.decode(
            b'{"meterStop":1,"timestamp":"T","transactionId":2,"transactionData":' + values + b"}", type=StopTransaction
        )


@pytest.mark.parametrize("action", sorted(REQUEST_TYPES))
def test_requests_are_named_after_their_action_and_frozen(action: str) -> None:
    kind = REQUEST_TYPES[action]
    assert kind.__name__ == action
    assert kind.__struct_config__.frozen
    assert kind.__struct_config__.forbid_unknown_fields


def test_requests_cost_the_garbage_collector_nothing() -> None:
    stop = msgspec.json.decode(b'{"meterStop":1,"timestamp":"T","transactionId":2}', type=StopTransaction)
    assert not gc.is_tracked(stop)
