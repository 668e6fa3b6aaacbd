"""The image of the newest .deb, and a rig around a copy of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.built import built
from tests.system.power.crash_states import copy_sparse
from tests.system.power.image import Installed, bootable, installed
from tests.system.power.rounds import Rig
from tests.system.power.virtual_machine import plugged

MakeRig = Callable[..., Rig]


@pytest.fixture(scope="session")
def deb() -> Path:
    """The package of this checkout; OCPP_GATEWAY_DEB names another one."""
    named = os.environ.get("OCPP_GATEWAY_DEB")
    return Path(named) if named else built("amd64")["amd64"]


@pytest.fixture(scope="session")
def fresh(deb: Path) -> Installed:
    """The image with that package installed."""
    return installed(deb)


@pytest.fixture
def make_rig(fresh: Installed, tmp_path: Path) -> Iterator[MakeRig]:
    """Makes rigs, each around an image of its own; a log is kept where one is named."""
    with ExitStack() as stack:

        def make(*, log: Path | None = None, prepare: Callable[[Path], None] | None = None) -> Rig:
            image = tmp_path / f"disk-{len(list(tmp_path.iterdir()))}.img"
            copy_sparse(fresh.image, image)
            if prepare is not None:
                prepare(image)
            plug = stack.enter_context(plugged(image, tmp_path, log=log))
            return Rig(bootable(), plug, image, fresh.token, tmp_path)

        yield make
    for left in tmp_path.glob("*.img"):
        left.unlink()
