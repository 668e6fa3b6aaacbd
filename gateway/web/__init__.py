"""The door to people and programs: the HTTP API, health and metrics."""
