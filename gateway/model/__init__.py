"""Nouns: what there is on a site. Standard library only; nothing here knows anything else of the gateway."""
