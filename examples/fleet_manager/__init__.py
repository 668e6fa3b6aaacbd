"""The reference fleet manager: the other side of docs/fleet.md in plain Python. It imports nothing of the gateway."""
