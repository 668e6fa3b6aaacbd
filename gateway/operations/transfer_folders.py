"""The folders that the daemon shares with the FTP process, which is another user of its group and sees nothing else.

They are made when the daemon starts, so that the other process finds them. What is put into them is not decided here.
"""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

UPLOADS = Path("uploads")
INCOMING = UPLOADS / "incoming"
_MODES = {Path("firmware"): 0o750, Path("transfers"): 0o750, UPLOADS: 0o750, INCOMING: 0o770}
_GROUP_STAYS = 0o2000


def make_transfer_folders(data: Path) -> None:
    """Make what is missing in the data directory, and set modes right. Raises OSError."""
    for folder, mode in _MODES.items():
        place = data / folder
        place.mkdir(exist_ok=True)
        if stat.S_IMODE(place.stat().st_mode) & 0o777 != mode:
            place.chmod(mode)
            if folder == INCOMING:
                # the unit forbids this, and gives both processes the group anyway
                with contextlib.suppress(PermissionError):
                    place.chmod(mode | _GROUP_STAYS)
