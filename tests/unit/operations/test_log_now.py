"""The log in memory: newest first, errors longest, no secret, and nothing outside the block."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from gateway.operations.log_now import LogNow, level_word
from tests.conformance.site_under_test import bench

logger = logging.getLogger("gateway.test_log_now")


def test_lines_are_kept_newest_first_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = LogNow()
    logger.error("before")
    with log.listening():
        logger.info("password=hunter22 of %s", "CP-1", extra={"station": "CP-1", "nothing": None, "at": 5})
        try:
            raise ValueError("token: abcdef123456")
        except ValueError:
            logger.exception("failed")
    logger.error("behind")
    failed, first = log.newest(level=logging.DEBUG, before=None, limit=10)
    assert (first.text, first.details) == ("password=*** of CP-1", {"station": "CP-1", "at": "5"})
    assert failed.text.startswith("failed\nTraceback")
    assert "abcdef123456" not in failed.text
    assert [line.text for line in log.newest(level=logging.ERROR, before=None, limit=10)] == [failed.text]
    assert log.newest(level=logging.DEBUG, before=failed.number, limit=10) == [first]
    assert log.newest(level=logging.DEBUG, before=None, limit=1) == [failed]


def test_errors_outlive_a_flood(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = LogNow()
    with log.listening():
        logger.error("the cause")
        for number in range(600):
            logger.info("line %d", number)
    found = log.newest(level=logging.DEBUG, before=None, limit=1000)
    assert [found[0].text, found[-1].text, len(found)] == ["line 599", "the cause", 501]


@pytest.mark.parametrize(
    ("level", "word"),
    [(5, "debug"), (10, "debug"), (20, "info"), (25, "info"), (30, "warning"), (40, "error"), (50, "error")],
)
def test_words_of_levels(level: int, word: str) -> None:
    assert level_word(level) == word


async def test_a_running_gateway_keeps_its_lines(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway:
        log = gateway.site.log
        logger.error("while it runs")
    logger.error("afterwards")
    assert [line.text for line in log.newest(level=logging.ERROR, before=None, limit=9)] == ["while it runs"]


def test_a_line_that_cannot_be_written_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log = LogNow()
    log.handle(logging.makeLogRecord({"msg": "%d stations", "args": ("many",)}))
    assert log.newest(level=logging.DEBUG, before=None, limit=10) == []
