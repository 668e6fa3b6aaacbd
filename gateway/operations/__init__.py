"""Verbs: they ask the doors for facts and the rules for decisions, write, and tell."""
