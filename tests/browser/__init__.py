"""The web page in a real Chromium, served by a real daemon, with stations on real sockets.

Only synchronous tests here: they have a run of their own (`browser_tests` in `dev`), as playwright's loop and that of
the asyncio tests must not meet in one process.
"""
