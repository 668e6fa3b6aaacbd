"""Tables and plots of the site bench, and where they go in docs/load-limits.md (between marks that name them)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # tier 3 has no data sets, and none of their libraries
    from bench.site.played import Result

PAGE = Path(__file__).parents[2] / "docs" / "load-limits.md"
COLOURS = {"static": "#999999", "worst phase": "#c0504d", "slices": "#d59a2a", "ours": "#1f6f43"}


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure that a release must reach."""

    text: str
    value: float
    sign: str
    goal: float

    @property
    def met(self) -> bool:
        """Whether it does."""
        return self.value >= self.goal - 1e-9 if self.sign == ">=" else self.value <= self.goal + 1e-9


def tier_1_table(rows: Sequence[tuple[str, float, Mapping[str, tuple[float, float, float]], float]]) -> str:
    """Energy by rule, in percent of what was asked for; then Jain's index of three of them."""
    names = list(rows[0][2])
    lines = [
        "| garage, limit | " + " | ".join(names) + " | bound | Jain RR / ours / EDF |",
        "|---" * (len(names) + 3) + "|",
    ]
    for site, cap, found, bound in rows:
        energies = " | ".join(
            f"**{100 * found[n][0]:.1f}**" if n.startswith("ours") else f"{100 * found[n][0]:.1f}" for n in names
        )
        jains = " / ".join(f"{found[name][1]:.3f}" for name in ("RR", "ours", "EDF"))
        lines.append(f"| {site}, {cap:g} kW | {energies} | {100 * bound:.1f} | {jains} |")
    return "\n".join(lines)


def tier_2_table(results: Mapping[str, Sequence[tuple[Result, float]]]) -> str:
    """A line per day and controller, means over the seeds; overloads are the worst of them."""
    lines = [
        "| day | controller | energy % | % of bound | p5 % | Jain | main over: s a day / longest s / most A "
        "| above 1.13, longest s | boards over, s a day | commands per plugged h | pauses per session |",
        "|---" * 11 + "|",
    ]
    days = sorted({result.day for pairs in results.values() for result, _ in pairs})
    for day in [*days, "all"]:
        for controller, pairs in results.items():
            chosen = [(result, bound) for result, bound in pairs if day in (result.day, "all")]
            lines.append(f"| {day} | {controller} | {_cells(chosen)} |")
    return "\n".join(lines)


def _cells(chosen: Sequence[tuple[Result, float]]) -> str:
    results, count = [result for result, _ in chosen], len(chosen)

    def mean(values: Sequence[float]) -> float:
        return sum(values) / count

    main = [result.main for result in results]
    return " | ".join(
        (
            f"{100 * mean([r.energy for r in results]):.1f}",
            f"{100 * mean([r.energy / bound for r, bound in chosen]):.1f}",
            f"{100 * mean([r.p5 for r in results]):.0f}",
            f"{mean([r.fairness for r in results]):.3f}",
            f"{mean([m.seconds for m in main]):.0f} / {max(m.longest for m in main)}"
            f" / {max(m.most_amps for m in main):.0f}",
            f"{max(m.longest_trip for m in main)}",
            f"{mean([r.boards.seconds for r in results]):.0f}",
            f"{mean([r.sends_per_hour for r in results]):.1f}",
            f"{mean([r.pauses_per_session for r in results]):.1f}",
        )
    )


def fault_table(results: Sequence[Result]) -> str:
    """A line per fault."""
    lines = [
        "| fault | energy % | main over: s / longest s / most A | boards over: s / longest s / most A |",
        "|---|---|---|---|",
    ]
    for result in results:
        main, boards = result.main, result.boards
        lines.append(
            f"| {result.controller} | {100 * result.energy:.1f} "
            f"| {main.seconds} / {main.longest} / {main.most_amps:.0f} "
            f"| {boards.seconds} / {boards.longest} / {boards.most_amps:.1f} |"
        )
    return "\n".join(lines)


def gate_table(gates: Sequence[Gate]) -> str:
    """Every gate with its figure."""
    lines = ["| gate | figure | goal | |", "|---|---|---|---|"]
    for gate in gates:
        lines.append(
            f"| {gate.text} | {gate.value:.3g} | {gate.sign} {gate.goal:g} | {'met' if gate.met else '**missed**'} |"
        )
    return "\n".join(lines)


def plots(results: Mapping[str, Sequence[tuple[Result, float]]]) -> None:
    """Two pictures: a day's load by controller, and energy beside fairness."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.2))
    for controller, pairs in results.items():
        result = pairs[len(pairs) // 3][0]
        hours = [minute / 60 for minute in range(len(result.loads))]
        axes.plot(hours, result.loads, label=controller, color=COLOURS[controller], linewidth=0.8)
    axes.plot(hours, result.backgrounds, label="building alone", color="#4f81bd", linewidth=0.8, linestyle=":")
    axes.axhline(125, color="black", linewidth=0.8)
    axes.set(xlabel=f"hours since the first car, {result.day}", ylabel="A on main's fullest phase", ylim=(0, 160))
    axes.legend(fontsize=7, ncols=4)
    figure.tight_layout()
    figure.savefig(PAGE.parent / "load-limits-day.png", dpi=90)
    pyplot.close(figure)
    figure, axes = pyplot.subplots(figsize=(5, 3.2))
    for controller, pairs in results.items():
        x = [100 * result.energy / bound for result, bound in pairs]
        axes.scatter(x, [result.fairness for result, _ in pairs], s=14, label=controller, color=COLOURS[controller])
    axes.set(xlabel="energy, % of the bound", ylabel="Jain's index", xlim=(0, 100), ylim=(0, 1.02))
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(PAGE.parent / "load-limits-fairness.png", dpi=90)
    pyplot.close(figure)


def write_into(texts: Mapping[str, str]) -> None:
    """Put each table between its marks."""
    page = PAGE.read_text()
    for name, text in texts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = pattern.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)  # type: ignore[misc]
    PAGE.write_text(page)
