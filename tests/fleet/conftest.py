"""Says what was compared when a check outside of the test files fails."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.fleet.proof", "tests.fleet.mid_stream")
