"""Fixtures for tests with real daemons: a short directory for each, as a unix socket lives in it."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory with a short path; it is gone after the test."""
    directory = Path(tempfile.mkdtemp(prefix="gw-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Children hear Ctrl-C, also where whatever began these tests ignores it: what is ignored would be inherited."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
