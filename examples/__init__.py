"""Programs to start from. They import nothing of the gateway."""
