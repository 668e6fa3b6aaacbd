"""The web page for people: a client of the HTTP API that happens to run in the same process.

`application` lists every screen, `table` says what a page is, `guard` who may see it and what an error looks like,
`visit` is one person looking at one page, `live` keeps an open tab up to date, `shared_pieces` does so once for all
tabs that show the same. Each screen has a module of its own and templates of its own; `words` and `formats` say things
in the reader's language, `said` what the API says in English, `navigation` is the menu.

A page reaches no table and no verb: whatever it shows or does goes through `web.asking_within`, so that the command
line, a fleet manager's script and a person's thumb do the very same things.
"""
