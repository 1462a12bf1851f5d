"""tidegate and its peers from Python, side by side in one run. README.md says how to read it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import harness
import machine
import modes
import report

ROOT = Path(__file__).resolve().parents[3]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bindings/python/check bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="see that everything runs; the figures mean nothing"
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="modes whose name contains it")
    parser.add_argument("--rounds", metavar="N", type=int, help="rounds that count")
    parser.add_argument(
        "--record", action="store_true", help="write <date>-python.md and .svg to benches/record"
    )
    chosen = parser.parse_args()
    if chosen.record and (chosen.quick or chosen.only):
        parser.error("a record is of everything: leave --quick and --only out")
    return chosen


def main() -> None:
    chosen = options()
    about = machine.here()
    rounds = chosen.rounds or (1 if chosen.quick else 21)
    results = {}
    for name, (make, least_ms) in modes.ALL.items():
        if chosen.only in name:
            least = 0 if chosen.quick else least_ms * 1_000_000
            results[name] = harness.run(make(chosen.quick), rounds, least)
            print(report.times(results[name]).text(), flush=True)
    if not chosen.quick:
        print(report.verdicts(results).text())
    if chosen.record:
        record(about, results, rounds)


def record(about: machine.Machine, results: report.Results, rounds: int) -> None:
    page, chart = (ROOT / "benches/record" / f"{about.date}-python.{suffix}" for suffix in ("md", "svg"))
    draw = ["cargo", "run", "--quiet", "--release", "--locked", "-p", "tidegate-benches", "--bin", "chart"]
    bars = report.chart(about, results, rounds)
    drawn = subprocess.run(draw, cwd=ROOT, input=bars, stdout=subprocess.PIPE, text=True, check=True)
    chart.write_text(drawn.stdout)
    command = " ".join(["bindings/python/check", "bench", *sys.argv[1:]])
    page.write_text(report.page(about, results, rounds, command, chart.name))
    print(f"wrote {page.relative_to(ROOT)} and {chart.relative_to(ROOT)}")


main()
