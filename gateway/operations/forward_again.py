"""Lets an upload be forwarded once more, when somebody has seen to what was in the way."""

from __future__ import annotations

from gateway.operations.keep_uploads import forwarding_upstream
from gateway.operations.site import Site
from gateway.store import uploads
from gateway.store.writing import Writing


class CannotForward(Exception):
    """There is nobody to forward to; the text is for people."""


async def forward_again(site: Site, upload_id: int) -> None:
    """It waits for its next try, which comes at once. Raises CannotForward."""
    upstream = forwarding_upstream(site)
    if upstream is None:
        raise CannotForward("no [[upstream]] has an uploads_url")

    def unit(db: Writing) -> None:
        uploads.forward_again(db, upload_id, upstream=upstream.name, now=site.wall_clock())
        db.then.append(site.uploads_changed.announce)

    await site.database.write(unit)
