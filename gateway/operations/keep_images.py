"""The store of firmware images of this gateway."""

from __future__ import annotations

from pathlib import Path

from gateway.operations.site import Site


class ImageStore:
    """Stands in until the store is there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, sha256: str) -> Path:
        """Where the bytes are."""
        return self._directory / "blobs" / "sha256" / sha256[:2] / sha256


def image_store(site: Site) -> ImageStore:
    """The bytes of the images."""
    return ImageStore(site.configuration.data.directory / "firmware")
