"""What a server's answer to a forwarded upload means, and where it is sent."""

from __future__ import annotations

import pytest

from gateway.rules.forwarding import MOST_ASKED_SECONDS, address_of, header_text, meaning_of, seconds_to_next_try


@pytest.mark.parametrize("status", [200, 201, 204, 299, 409])
def test_it_is_there(status: int) -> None:
    assert meaning_of(status) == "done"


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 422])
def test_it_is_not_wanted(status: int) -> None:
    assert meaning_of(status) == "given_up"


@pytest.mark.parametrize("status", [100, 301, 307, 401, 408, 425, 429, 500, 502, 503, 507])
def test_it_is_sent_again(status: int) -> None:
    assert meaning_of(status) == "waiting"


def test_the_wait_grows_and_ends_and_the_server_is_heeded() -> None:
    assert [seconds_to_next_try(tries) for tries in (1, 2, 3, 100)] == [15.0, 30.0, 60.0, 900.0]
    assert seconds_to_next_try(1, asked=120) == 120
    assert seconds_to_next_try(100, asked=1) == 900.0
    assert seconds_to_next_try(1, asked=10**6) == MOST_ASKED_SECONDS


def test_parts_of_the_address_lead_nowhere_else() -> None:
    assert address_of("https://h/up/", "site", "CP/1 ä", "7", "a.zip") == "https://h/up/site/CP%2F1%20%C3%A4/7/a.zip"
    assert address_of("https://h", "..", ".", "?#") == "https://h/%2E%2E/%2E/%3F%23"


def test_headers_hold_no_line_ends() -> None:
    assert header_text("stops: 50 % (why?)") == "stops: 50 %25 (why?)"
    assert header_text("a\r\nb: ü") == "a%0D%0Ab: %C3%BC"
