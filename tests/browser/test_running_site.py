"""The site around the page: its stations charge, its meter shows it, and it comes back on the same ports."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.chromium import watched
from tests.browser.running_site import Site, running_site
from tests.end_to_end.running_gateway import wait_until


def meter_amps(site: Site) -> list[float]:
    """What the gateway read last."""
    items = site.gateway.get("/meters")["items"]
    assert isinstance(items, list)
    return [float(each or 0) for each in items[0]["amps"]]


def test_drivers_come_and_go_and_the_daemon_is_replaced(site: Site, browser: Browser) -> None:
    first, second = site.stations
    site.yard.plug_in(first, "CARD-1")
    wait_until(lambda: site.yard.is_charging(first), "the driver to charge")
    wait_until(lambda: len(site.gateway.transactions(first)) == 1, "the session to be known")
    flowing = sum(site.yard.amps(first)) + sum(site.yard.building)
    wait_until(lambda: abs(sum(meter_amps(site)) - flowing) < 0.1, "the meter to show the session")
    for gently in (True, False):
        site.restart(gently=gently)
        site.wait_for_stations()
    assert site.yard.leave(first) and not site.yard.is_charging(second)
    wait_until(lambda: site.gateway.transactions(first)[0]["stop_time"] is not None, "the session to end")
    with watched(browser, site.address) as page:
        page.go("/livez")
        page.foresee("favicon")


def test_a_station_that_nobody_knows_waits_outside(place: Path) -> None:
    with running_site(place, stations=1, meter=False, listed=False, unknown_stations="pending") as site:
        wait_until(lambda: site.gateway.is_connected("POST-1"), "the station to be heard of")
        assert not site.yard.is_accepted("POST-1")
