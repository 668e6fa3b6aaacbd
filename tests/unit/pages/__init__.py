"""The page for people, read as a browser gets it: every screen on a real database, with stations played by fakes."""
