"""A configuration file for commands, with nothing in the environment that would lead them elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OCPP_GATEWAY_URL", "OCPP_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "gateway.toml"
    file.write_text(f'[site]\nid = "s"\ntimezone = "Europe/Amsterdam"\n[data]\ndirectory = "{tmp_path}"\n')
    return file
