"""Results as tables for the terminal and the record, and as bars for the chart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import subjects
import web
from harness import Result
from machine import Machine
from targets import TARGETS, Results, added


@dataclass
class Table:
    """The first column is text, the others are numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        widths = [max(len(row[at]) for row in [self.columns, *self.rows]) for at in range(len(self.columns))]
        lines = [self.title.replace("`", "")]
        for row in [self.columns, *self.rows]:
            cells = zip(row[1:], widths[1:], strict=True)
            numbers = "  ".join(cell.rjust(width) for cell, width in cells)
            lines.append(f"  {row[0].ljust(widths[0])}  {numbers}".rstrip())
        return "\n".join(lines) + "\n"

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in [self.columns, rule, *self.rows]]
        return f"## {self.title}\n\n" + "\n".join(lines) + "\n"


def times(result: Result) -> Table:
    if result.mode.id == "web":
        return _requests(result)
    yardstick = result.of(result.mode.yardstick)
    rows = [
        [
            series.name,
            f"{series.median:.1f}",
            f"{min(series.rounds):.1f}",
            f"{max(series.rounds):.1f}",
            f"{series.median / yardstick.median:.2f}",
        ]
        for series in result.series
    ]
    return Table(_title(result), ["ns a check", "median", "min", "max", f"× {yardstick.name}"], rows)


def _requests(result: Result) -> Table:
    theirs = added(result, web.SLOWAPI)
    rows = [
        [
            series.name,
            *(f"{figure / 1000:.1f}" for figure in (series.median, min(series.rounds), max(series.rounds))),
            f"{added(result, series.name) / 1000:.1f}",
            f"{added(result, series.name) / theirs:.2f}",
        ]
        for series in result.series
    ]
    columns = ["µs a request", "median", "min", "max", "added", f"added, × {web.SLOWAPI}"]
    return Table(_title(result), columns, rows)


def _title(result: Result) -> str:
    return f"{result.mode.title} (`{result.mode.id}`)"


def verdicts(results: Results) -> Table:
    rows = []
    for target in TARGETS:
        if all(mode in results for mode in target.modes):
            figure = target.figure(results)
            met = "met" if figure <= target.most else "falls short"
            rows.append([target.what, _amount(figure, target.unit), _amount(target.most, target.unit), met])
    return Table("What must be shown", ["target", "measured", "at most", ""], rows)


def _amount(figure: float, unit: str) -> str:
    return f"{figure:.3f} ×" if unit == "×" else f"{figure:.0f} {unit}"


def page(machine: Machine, results: Results, rounds: int, command: str, chart: str) -> str:
    facts = {
        "Machine": machine.said,
        "Load in the minute before": machine.load,
        "Interpreter": machine.python,
        "Commit": machine.commit,
        "Packages": ", ".join(f"{name} {version}" for name, version in machine.packages.items()),
        "Rounds": f"{rounds}",
        "Command": f"`{command}`",
    }
    head = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    tables = [verdicts(results), *map(times, results.values())]
    return (
        f"# Python packages side by side, {machine.date}\n\n{head}\n"
        "How these were measured, and how to read them: [the bench's page]"
        "(../../bindings/python/bench/README.md).\n\n"
        f"![The medians as bars]({chart})\n\n" + "\n".join(table.markdown() for table in tables)
    )


_PANELS = [
    ("hot-allowed", "one hot key, admitted"),
    ("hot-denied", "one hot key, denied"),
    ("100k", "100,000 keys, admitted"),
    ("two-limits", "two limits at once"),
]
_DRAWN = {
    subjects.ALLOW: "tidegate allow",
    subjects.CHECK: "tidegate check",
    subjects.CHECK_MANY: "in batches of 64",
    subjects.RUST_PY: "rust-py-rate-limit",
    "token-bucket": "token-bucket",
    subjects.MOVING: "limits, moving",
    "throttled-py, GCRA": "throttled-py",
    "pyrate-limiter, log": "pyrate-limiter",
}
_SERVED = {
    web.OURS: "tidegate, ASGI",
    "tidegate, dependency of the route": "of the route",
    web.SLOWAPI: "slowapi, decorator",
    "slowapi, ASGI middleware": "slowapi, ASGI",
}


def chart(machine: Machine, results: Results, rounds: int) -> str:
    """What `cargo run -p tidegate-benches --bin chart` draws."""
    panels: list[Any] = [
        (title, [_bar(label, results[mode].of(name).median, name) for name, label in _drawn(results[mode])])
        for mode, title in _PANELS
    ]
    web_bars = [_bar(label, added(results["web"], name), name) for name, label in _SERVED.items()]
    panels.append(("added to a request of a FastAPI application", web_bars))
    notes = [
        "Two limits by tidegate; one by the others, except where two are asked for",
        f"{machine.cpu}, {machine.python}, {machine.date} · medians of {rounds} interleaved rounds",
    ]
    return json.dumps(
        {
            "title": "Nanoseconds a check from Python, less is better",
            "notes": notes,
            "panels": [{"title": title, "bars": bars} for title, bars in panels],
        }
    )


def _drawn(result: Result) -> list[tuple[str, str]]:
    there = {series.name for series in result.series}
    return [(name, label) for name, label in _DRAWN.items() if name in there]


def _bar(label: str, nanos: float, name: str) -> dict[str, Any]:
    return {"label": label, "nanos": nanos, "ours": name.startswith("tidegate")}
