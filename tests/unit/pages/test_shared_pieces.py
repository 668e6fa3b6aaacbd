"""How old may be what another tab had made, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from gateway.pages.shared_pieces import Pace, Screen, SharedPieces
from tests.fakes.virtual_time import World, run_virtual

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


class Maker:
    """Makes a new text each time, in so many seconds; `made_at` is when it began."""

    def __init__(self, takes_seconds: float = 0.0) -> None:
        self.takes_seconds = takes_seconds
        self.made_at: list[float] = []
        self.fails = False

    async def make(self) -> Mapping[str, str]:
        self.made_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_seconds)
        if self.fails:
            raise LookupError
        return {"number": f"  {len(self.made_at)}\n"}

    async def seen_by(self, screen: Screen, generation: int = 0) -> str:
        return (await screen.look(self.make, lambda: generation)).texts["number"]


def test_what_was_made_a_moment_ago_is_shown_to_the_next_tab_as_well() -> None:
    async def looks(world: World) -> None:
        maker, screen = Maker(), Screen(Pace(shortest_seconds=0.5))
        assert await maker.seen_by(screen) == "1"
        await asyncio.sleep(0.4)
        assert await maker.seen_by(screen) == "1"
        await asyncio.sleep(0.1)
        assert await maker.seen_by(screen) == "2"

    run_virtual(looks, start=NOON)


def test_tabs_that_ask_at_once_wait_for_one_making() -> None:
    async def looks(world: World) -> None:
        maker, screen = Maker(takes_seconds=0.01), Screen(Pace())
        assert await asyncio.gather(*(maker.seen_by(screen) for _ in range(10))) == ["1"] * 10
        assert len(maker.made_at) == 1

    run_virtual(looks, start=NOON)


def test_the_generation_is_that_of_the_begin() -> None:
    async def looks(world: World) -> None:
        maker, screen, generations = Maker(takes_seconds=0.1), Screen(Pace()), iter((7, 8))
        assert (await screen.look(maker.make, lambda: next(generations))).generation == 7

    run_virtual(looks, start=NOON)


def test_another_tab_makes_what_failed_or_was_given_up() -> None:
    async def looks(world: World) -> None:
        maker, screen = Maker(takes_seconds=1.0), Screen(Pace())
        first = asyncio.ensure_future(maker.seen_by(screen))
        await asyncio.sleep(0.5)
        first.cancel()
        assert await maker.seen_by(screen) == "2"
        maker.fails = True
        await asyncio.sleep(10)
        with pytest.raises(LookupError):
            await maker.seen_by(screen)
        maker.fails = False
        assert await maker.seen_by(screen) == "4"

    run_virtual(looks, start=NOON)


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.5), (0.02, 0.5), (0.1, 0.9), (0.3, 2.7), (4.0, 5.0)])
def test_a_screen_that_takes_long_is_made_more_seldom(took: float, pause: float) -> None:
    async def looks(world: World) -> None:
        maker = Maker(takes_seconds=took)
        made = await Screen(Pace()).look(maker.make, lambda: 0)
        assert made.pause_seconds == pytest.approx(pause)

    run_virtual(looks, start=NOON)


def test_a_screen_is_kept_as_long_as_somebody_looks_at_it() -> None:
    async def looks(world: World) -> None:
        shared = SharedPieces(Pace())
        with shared.screen("/", "en") as one:
            with shared.screen("/", "en") as same, shared.screen("/", "de") as other:
                assert one is same and one is not other
            assert list(shared.screens) == [("/", "en")]
        assert not shared.screens

    run_virtual(looks, start=NOON)
