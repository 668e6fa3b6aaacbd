"""The door to the SQLite file: one writer with group commit, readers beside it, one module per table."""
