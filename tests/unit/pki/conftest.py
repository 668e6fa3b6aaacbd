"""The power goes while a file is about to get its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

CutPower = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def power_cut_at(monkeypatch: pytest.MonkeyPatch) -> CutPower:
    """A block that is left at the n-th file that gets its name, if there are so many."""

    @contextmanager
    def cut(number: int) -> Iterator[None]:
        true_replace, count = Path.replace, 0

        def replace(self: Path, target: Path) -> Path:
            nonlocal count
            count += 1
            if count == number:
                raise KeyboardInterrupt
            return true_replace(self, target)

        monkeypatch.setattr(Path, "replace", replace)
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            monkeypatch.undo()

    return cut
