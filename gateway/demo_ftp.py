"""FTP beside the demo: `ocpp-gateway-ftpd` as a child process, on the demo's configuration, ended with the demo.

It decides how the child is started and ended, and knows nothing of what it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PATIENCE_SECONDS = 10.0


@asynccontextmanager
async def ftp_beside(file: Path) -> AsyncIterator[None]:
    """FTP is served for the length of the block. Raises OSError when no process can be started."""
    # found where this module was found: no interpreter looks by itself into the folder of the package's modules
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.ftpd", "--config", str(file), stdin=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            child.terminate()
            try:
                await asyncio.wait_for(child.wait(), _PATIENCE_SECONDS)
            except TimeoutError:
                child.kill()
                await child.wait()
