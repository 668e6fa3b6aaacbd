"""People who have an account at the site, and browsers that are logged in already: the way in is tested elsewhere."""

from __future__ import annotations

from typing import Literal

from tests.browser.chromium import Watched
from tests.browser.running_site import Site

PASSWORD = "four cars and a kettle"

Role = Literal["viewer", "operator", "installer"]


def account(site: Site, role: Role) -> str:
    """The name of a person with this role, who has PASSWORD; made when there is none yet."""
    name = f"Some {role}"
    answer = site.gateway.ask("POST", "/users", {"name": name, "role": role, "password": PASSWORD})
    assert answer.status in (201, 409), answer
    return name


def let_in(page: Watched, site: Site, role: Role = "installer") -> str:
    """Give the page's browser the cookie of a person with this role; the person's name."""
    name = account(site, role)
    answer = page.context.request.post(f"{site.address}/api/v1/session", data={"name": name, "password": PASSWORD})
    assert answer.status == 201, answer.text()
    return name
