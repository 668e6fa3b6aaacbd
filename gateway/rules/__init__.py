"""Questions: pure functions from facts to a decision, with the time as an argument."""
