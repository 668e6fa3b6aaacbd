"""Fixtures for tests of the page: one browser for all of them, a site of its own for each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.running_site import Site, running_site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser; whoever looks has a profile of his own (`watched`)."""
    with chromium() as started:
        yield started


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory with a short path, as a unix socket lives in it; it is gone after the test."""
    directory = Path(tempfile.mkdtemp(prefix="gw-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def site(place: Path) -> Iterator[Site]:
    """Two stations below a main fuse with a meter."""
    with running_site(place) as running:
        yield running
