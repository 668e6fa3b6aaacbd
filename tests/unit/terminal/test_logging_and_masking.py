"""Secrets never reach the log or a bundle, whatever was handed in; records look as documented."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway.rules.bundle_masking import masked_document
from gateway.rules.secrecy import MASK, masked_text
from gateway.terminal.logging_setup import JournalFormat, mask_secrets, set_up_logging
from gateway.terminal.progress import Progress
from gateway.terminal.tables import local_time, table


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"HUSH"}]',
        '{"value": "HUSH", "key": "AuthorizationKey"}',
        '{"key": "AuthorizationKey", "readonly": false, "value": "HUSH \\" HUSH"}',
        "{'key': 'authorizationkey', 'value': 'HUSH'}",
        '{"frame": "{\\"key\\": \\"AuthorizationKey\\", \\"value\\": \\"HUSH\\"}"}',
        '{"frame": "{\\"key\\": \\"AuthorizationKey\\", \\"value\\": \\"a\\\\\\"HUSH\\"}"}',
        "Authorization: Basic Q1AtMTpIVVNIHUSH",
        "authorization: Bearer ocppgw_HUSHHUSH-HUSH_1",
        "password=HUSH",
        'password = "HUSH with blanks"',
        '{"password": "HUSH"}',
        "{'password': b'HUSH'}",
        "AuthorizationKey=HUSH",
        "mqtt://site:HUSH@broker:1883/x",
    ],
)
def test_secrets_are_masked_in_text(text: str) -> None:
    assert "HUSH" not in masked_text(text) and MASK in masked_text(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "HeartbeatInterval", "value": "300"}',
        'password_file = "/etc/ocpp-gateway/secrets/fleet"',
        "station CP-1 connected from 10.0.0.9:5123",
        '{"configurationKey": [{"key": "MeterValueSampleInterval", "value": "60"}]}',
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert masked_text(text) == text


def test_only_the_secret_of_several_keys_is_masked() -> None:
    text = '[{"key": "A", "value": "1"}, {"key": "AuthorizationKey", "value": "HUSH"}, {"key": "B", "value": "2"}]'
    assert masked_text(text) == text.replace("HUSH", MASK)


def test_documents_are_masked_by_member() -> None:
    document = {"password": "HUSH", "has_password": True, "nested": [{"key": "authorizationKey", "value": "HUSH"}]}
    masked = masked_document(document, b"salt")
    assert masked == {"password": MASK, "has_password": True, "nested": [{"key": "authorizationKey", "value": MASK}]}
    one, other = (masked_document({"idTag": "CARD"}, salt) for salt in (b"1", b"2"))
    assert one != other and "CARD" not in str(one)
    assert masked_document({"idTag": "card"}, b"1") == one, "idTags compare case-insensitively"


def logged(as_json: bool) -> str:
    stream = io.StringIO()
    set_up_logging("info", as_json=as_json, stream=stream)
    logger = logging.getLogger("gateway.example")
    logger.debug("not shown")
    logger.info("sent %s", {"key": "AuthorizationKey", "value": "HUSH"}, extra={"station": "CP 1", "action": "Reset"})
    try:
        raise ValueError("password=HUSH")
    except ValueError:
        logger.exception("failed", extra={"frame": '{"password": "HUSH"}', "payload": {"password": "HUSH"}})
    return stream.getvalue()


def test_a_record_is_one_line_with_its_extras() -> None:
    text = logged(as_json=False)
    assert "HUSH" not in text and "not shown" not in text
    first, second = text.splitlines()[:2]
    assert first[10] == "T" and first[23] == "Z"
    assert first[25:].startswith("info gateway.example sent {'key': 'AuthorizationKey'")
    assert first.endswith('station="CP 1" action=Reset')
    assert " error gateway.example failed" in second and "ValueError" in text


def test_a_record_is_a_json_line_when_asked_for() -> None:
    text = logged(as_json=True)
    assert "HUSH" not in text
    first, second = (json.loads(line) for line in text.splitlines())
    assert first["station"] == "CP 1" and first["level"] == "info" and first["logger"] == "gateway.example"
    assert "ValueError" in second["traceback"]


def test_the_journal_gets_fields() -> None:
    record = logging.makeLogRecord(
        {"name": "gateway.x", "levelno": logging.ERROR, "levelname": "ERROR", "msg": "two\nlines é",
         "station": "CP-1", "action": "Reset", "transaction": 7}
    )  # fmt: skip
    assert mask_secrets(record)
    datagram = JournalFormat().format(record).encode("latin-1")
    message = "two\nlines é".encode()
    assert b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n" in datagram
    for line in (b"PRIORITY=3\n", b"STATION_ID=CP-1\n", b"OCPP_ACTION=Reset\n", b"TX_ID=7\n", b"LOGGER=gateway.x\n"):
        assert line in datagram


def test_columns_are_aligned() -> None:
    assert (
        table(["A", "KWH"], [["x", 1.25], ["long", None], ["y", 100]]) == "A     KWH\nx     1.2\nlong    -\ny     100"
    )
    assert table(["A"], []) == "A"
    assert local_time(None, None) == "-" and local_time("not a time", None) == "not a time"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_only_on_a_terminal() -> None:
    clock = iter([0.0, 0.05, 1.0])
    watched, unwatched = _Terminal(), io.StringIO()
    progress = Progress("backup", total=200, stream=watched, seconds=lambda: next(clock))
    for _ in range(3):
        progress.advance(50)
    progress.finish()
    assert watched.getvalue().count("\r") == 3 and watched.getvalue().rstrip().endswith("75% 0.0 MB")
    silent = Progress("backup", total=None, stream=unwatched)
    silent.advance(10)
    silent.finish()
    assert unwatched.getvalue() == ""
