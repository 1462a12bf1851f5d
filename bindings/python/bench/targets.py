"""What must be shown, against what was measured in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness import Result
from subjects import ALLOW, CHECK, CHECK_MANY, MOVING, RUST_PY
from web import BARE, OURS, SLOWAPI

Results = Mapping[str, Result]


@dataclass
class Target:
    what: str
    unit: str
    most: float
    modes: tuple[str, ...]
    figure: Callable[[Results], float]


def _ratio(what: str, mode: str, ours: str, theirs: str, most: float) -> Target:
    def figure(results: Results) -> float:
        return results[mode].of(ours).median / results[mode].of(theirs).median

    return Target(f"{what}, against {theirs}", "×", most, (mode,), figure)


def _nanoseconds(what: str, mode: str, most: float) -> Target:
    return Target(what, "ns", most, (mode,), lambda results: results[mode].of(CHECK_MANY).median)


def added(result: Result, name: str) -> float:
    """What limits add to a request, round by round."""
    pairs = zip(result.of(name).rounds, result.of(BARE).rounds, strict=True)
    return statistics.median(limited - bare for limited, bare in pairs)


TARGETS = [
    _ratio("hot key admitted, allow", "hot-allowed", ALLOW, RUST_PY, 0.6),
    _ratio("hot key admitted, allow", "hot-allowed", ALLOW, MOVING, 0.03),
    _ratio("hot key admitted, check", "hot-allowed", CHECK, RUST_PY, 1.0),
    _ratio("hot key denied, allow", "hot-denied", ALLOW, RUST_PY, 0.6),
    _ratio("hot key denied, allow", "hot-denied", ALLOW, MOVING, 0.03),
    _ratio("hot key denied, check", "hot-denied", CHECK, RUST_PY, 1.0),
    _ratio("100,000 keys, allow", "100k", ALLOW, RUST_PY, 0.7),
    _ratio("100,000 keys, check", "100k", CHECK, RUST_PY, 0.7),
    _nanoseconds("check_many, 1,024 keys, a key", "batches", 80),
    _nanoseconds("check_many, 100,000 keys, a key", "100k", 80),
    Target(
        "ASGI middleware, added time, against slowapi's decorator",
        "×",
        0.1,
        ("web",),
        lambda results: added(results["web"], OURS) / added(results["web"], SLOWAPI),
    ),
]
