"""A gateway and a few chargers for one scene: the test says what happens, then looks into the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gateway.simulated_station import Habits
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.charger import HOUR, Charger, make_charger
from tests.simulation.ledger import Ledger, read_ledger
from tests.simulation.played_day import MORNING, OCPP, URL, cards, hand_out_cards, surroundings

QUIET = Habits(busy=False)
BUSY = Habits(mean_session_seconds=2 * HOUR, mean_pause_seconds=HOUR)
SEED = 20261025
TAGS_OF_STAGE = 40


@dataclass(slots=True)
class Stage:
    """`chargers` are those that the scene set up; they get power at once."""

    world: World
    running: Running
    chargers: list[Charger] = field(default_factory=list)

    def charger(
        self, habits: Habits = QUIET, *, sample_seconds: int = 300, wall_clock: Callable[[], datetime] | None = None
    ) -> Charger:
        """One more charger, switched on; by default its clock is right."""
        number = len(self.chargers) + 1
        made = make_charger(
            number,
            URL,
            wall_clock or self.world.clock.true_time,
            seed=SEED,
            habits=replace(habits, id_tags=cards(number)),
            sample_seconds=sample_seconds,
        )
        self.chargers.append(made)
        made.power_on()
        return made


def staged(directory: Path, scene: Callable[[Stage], Awaitable[None]]) -> tuple[Stage, Ledger]:
    """Play `scene` with a gateway of its own; the stage as it was left, and what is in the ledger."""
    stages: list[Stage] = []

    async def play(world: World) -> None:
        async with running_gateway(directory, ocpp=OCPP, surroundings=surroundings(world)) as running:
            await hand_out_cards(running, TAGS_OF_STAGE)
            stages.append(Stage(world, running))
            await scene(stages[0])
            for charger in stages[0].chargers:
                await charger.halt()

    run_virtual(play, start=MORNING, seed=SEED)
    return stages[0], read_ledger(directory)
