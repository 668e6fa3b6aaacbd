"""The command line: asks the running daemon, words its answers, ends with a documented exit code."""
