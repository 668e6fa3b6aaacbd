"""What is known of an idTag at the moment of a decision."""

from __future__ import annotations

from gateway.model.identities import FoldedTag, fold_tag
from gateway.model.tags import KnownTag
from gateway.store.writing import Writing


def find_tag(db: Writing, folded_tag: FoldedTag) -> KnownTag | None:
    """The entry of the list with this tag, with what is known of its parent; None when it is not in the list."""
    row = db.execute(
        "SELECT id_tag, status, parent_id_tag, expiry_at FROM id_tags WHERE folded_tag = ?", (folded_tag,)
    ).fetchone()
    if row is None:
        return None
    id_tag, status, parent_id_tag, expiry_at = row
    parent = None
    if parent_id_tag is not None and fold_tag(parent_id_tag) != folded_tag:
        parent = db.execute(
            "SELECT status, expiry_at FROM id_tags WHERE folded_tag = ?", (fold_tag(parent_id_tag),)
        ).fetchone()
    parent_status, parent_expiry_at = parent if parent is not None else (None, None)
    return KnownTag(id_tag, status, parent_id_tag, expiry_at, parent_status, parent_expiry_at)
