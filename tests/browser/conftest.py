"""Fixtures for tests of the page: one browser for all of them, a site of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.running_site import Site, running_site, short_directory


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser; whoever looks has a profile of his own (`watched`)."""
    with chromium() as started:
        yield started


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory with a short path; it is gone after the test."""
    with short_directory() as directory:
        yield directory


@pytest.fixture
def site(place: Path) -> Iterator[Site]:
    """Two stations below a main fuse with a meter."""
    with running_site(place) as running:
        yield running
