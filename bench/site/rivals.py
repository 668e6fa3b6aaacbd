"""Other ways to limit load, played on the same plant: what the gateway is held beside.

`Static` is the installer's equal share without a meter. `WorstPhase` is the scheme of evcc's circuits as its users know
it, written anew from its description: one number per circuit (the worst phase), one charger each ten seconds moves by
what the circuit has left. `Slices` is the market of EVerest's energy manager, written anew from its description too:
half amperes in turn down a tree of fuses. None of them knows phases, and none but the last whether a car wants more.
"""

from __future__ import annotations

from bench.site.days import BOARD_AMPS, CONNECTORS, MAIN_AMPS, WORST_BACKGROUND, Day
from bench.site.plant import Plant

FOR_EVER = 1e9
STATIC_AMPS = 6.3
TURN_SECONDS = 10
LEAST_AMPS = 6.0
SLICE_AMPS, MARKET_ROUNDS = 0.5, 100


class Static:
    """As many connectors as the worst building leaves room for get a fixed limit, the others none."""

    def __init__(self, day: Day, plant: Plant) -> None:
        """The first connectors are the lucky ones."""
        self.plant = plant
        self.lucky = int((MAIN_AMPS - WORST_BACKGROUND) / STATIC_AMPS)
        self.told = [0] * CONNECTORS
        self.sends = self.pauses = 0

    def tick(self) -> None:
        """Tell each new session its limit."""
        for connector, station in enumerate(self.plant.stations):
            if station.told_session and station.told_session != self.told[connector]:
                self.told[connector] = station.told_session
                self.plant.send(connector, STATIC_AMPS if connector < self.lucky else 0.0, FOR_EVER)
                self.sends += 1


class WorstPhase:
    """One charger at a time asks for all it can use and gets what the worst phase of each circuit leaves."""

    def __init__(self, day: Day, plant: Plant) -> None:
        """Main is measured, boards are summed up from the chargers."""
        self.plant, self.day = plant, day
        self.caps = [0.0] * CONNECTORS
        self.told = [0] * CONNECTORS
        self.turn = 0
        self.sends = self.pauses = 0
        self.dead = False

    def tick(self) -> None:
        """Every ten seconds the next charger with a car has its turn."""
        if self.dead or self.plant.now % TURN_SECONDS:
            return
        active = [number for number, station in enumerate(self.plant.stations) if station.told_session]
        if not active:
            return
        self.turn += 1
        connector = active[self.turn % len(active)]
        station = self.plant.stations[connector]
        if self.told[connector] != station.told_session:
            self.told[connector], self.caps[connector] = station.told_session, 0.0
        drawn = max(station.measured or (0.0,))
        board = self.day.places[connector].circuits[1]
        left = min(MAIN_AMPS - max(self.plant.meter(0)), BOARD_AMPS - self._board(board))
        amps = min(self.day.outlets[connector].max_amps, drawn + left)
        amps = amps if amps >= LEAST_AMPS else 0.0
        if abs(amps - self.caps[connector]) > 0.1:
            self.pauses += amps == 0 and self.caps[connector] > 0
            self.caps[connector] = amps
            self.sends += 1
            self.plant.send(connector, amps, FOR_EVER)

    def _board(self, board: int) -> float:
        """The worst phase of the chargers on a board, in each charger's own phases: rotation is not known."""
        sums = [0.0, 0.0, 0.0]
        for connector, station in enumerate(self.plant.stations):
            if self.day.places[connector].circuits[1] == board:
                for line, amps in enumerate(station.measured or ()):
                    sums[line] += amps
        return max(sums)


class Slices:
    """Chargers buy half amperes in turn, first as much as a car needs; a fuse's amperes count alike on all phases.

    Fuses have fixed limits: main's is what the worst building leaves. A full car, as its station says, buys nothing.
    """

    def __init__(self, day: Day, plant: Plant) -> None:
        """Main is the first circuit, boards the others."""
        self.plant, self.day = plant, day
        self.caps = [0.0] * CONNECTORS
        self.told = [0] * CONNECTORS
        self.sends = self.pauses = 0

    def tick(self) -> None:
        """Each second the market is held anew; what changes is sent."""
        buyers = [
            number
            for number, station in enumerate(self.plant.stations)
            if station.told_session and station.told_status != "SuspendedEV"
        ]
        bought = self._market(buyers)
        for connector, station in enumerate(self.plant.stations):
            if self.told[connector] != station.told_session:
                self.told[connector], self.caps[connector] = station.told_session, 0.0
            amps = bought.get(connector, 0.0)
            if station.told_session and amps != self.caps[connector]:
                self.pauses += amps == 0
                self.sends += 1
                self.caps[connector] = amps
                self.plant.send(connector, amps, FOR_EVER)

    def _market(self, buyers: list[int]) -> dict[int, float]:
        left = [MAIN_AMPS - WORST_BACKGROUND, BOARD_AMPS, BOARD_AMPS]
        bought: dict[int, float] = {}
        for _ in range(MARKET_ROUNDS):
            traded = False
            for connector in buyers:
                has = bought.get(connector, 0.0)
                more = SLICE_AMPS if has else LEAST_AMPS
                circuits = self.day.places[connector].circuits
                if has + more > self.day.outlets[connector].max_amps or min(left[place] for place in circuits) < more:
                    continue
                bought[connector] = has + more
                for place in circuits:
                    left[place] -= more
                traded = True
            if not traded:
                break
        return bought
