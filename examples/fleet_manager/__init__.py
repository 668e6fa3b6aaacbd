"""The reference fleet manager: what the other side of docs/fleet.md has to do, in plain Python. It imports no gateway."""
