"""The baselines: each one process that takes a port and knows nothing of the benchmark."""
