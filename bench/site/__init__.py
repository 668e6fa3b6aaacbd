"""How well load limits share a site: real sessions, a plant of seconds, other ways of doing it beside ours."""
