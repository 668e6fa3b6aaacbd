"""A gateway with the settings of the field, somebody at its web page, and short directories for real daemons."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench
from tests.field.stage import Operator, site


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[Bench, Operator]]:
    async with site(tmp_path) as both:
        yield both


@pytest.fixture
def gateway(running: tuple[Bench, Operator]) -> Bench:
    return running[0]


@pytest.fixture
def operator(running: tuple[Bench, Operator]) -> Operator:
    return running[1]


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory with a short path, because a unix socket lives in it; it is gone after the test."""
    directory = Path(tempfile.mkdtemp(prefix="gw-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(autouse=True)
def no_rest_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's own requests follow each other at once."""
    monkeypatch.setattr("gateway.operations.ask_by_itself._REST_SECONDS", 0.0)
